# SPDX-License-Identifier: Apache-2.0
"""Writes torch_cpu_normals.safetensors: what torch.randn draws on a CPU.

Tensor "<seed>.<i>" is the i-th of the successive draws that CALLS lists.
Usage: python make_normals.py
"""
import pathlib

import torch
from safetensors.torch import save_file

CALLS = [1, 3, 16, 15, 17, 1000, 7, 4 * 16 * 16, 2, 31]
SEEDS = [0, 42, 2**32 + 5, 2**63 + 11]


def main():
    tensors = {}
    for seed in SEEDS:
        generator = torch.Generator("cpu").manual_seed(seed)
        for i, count in enumerate(CALLS):
            tensors[f"{seed}.{i}"] = torch.randn(count, generator=generator)
    out = pathlib.Path(__file__).with_name("torch_cpu_normals.safetensors")
    save_file(tensors, out, metadata={"torch": torch.__version__})


if __name__ == "__main__":
    main()
