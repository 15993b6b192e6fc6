# SPDX-License-Identifier: Apache-2.0
"""Writes torch_cuda_normals.safetensors: what torch.randn draws on an H100.

For each seed and count two successive draws of a "cuda" generator, of which
a few places are kept: "<seed>.<count>.index", ".first" and ".second". The
stream depends on the number of multiprocessors, 132 here.
Usage: python make_cuda_normals.py
"""
import pathlib

import torch
from safetensors.torch import save_file

COUNTS = [7, 1000, 16384, 49152, 1 << 20, (1 << 21) + 13]
SEEDS = [0, 42]
PLACES = [0, 1, 2, 3, 4, 5, 6, 255, 256, 1023, 65535, 262143, 262144, 270335,
          270336, 540671, 540672, 1081343, 1081344, 1081345]


def main():
    tensors = {}
    for seed in SEEDS:
        for count in COUNTS:
            generator = torch.Generator("cuda").manual_seed(seed)
            first = torch.randn(count, device="cuda", generator=generator)
            second = torch.randn(count, device="cuda", generator=generator)
            index = torch.tensor(sorted(
                {i for i in PLACES if i < count} |
                {count // 3, count // 2, count - 1, count - 2}))
            name = f"{seed}.{count}"
            tensors[name + ".index"] = index
            tensors[name + ".first"] = first.cpu()[index]
            tensors[name + ".second"] = second.cpu()[index]
    out = pathlib.Path(__file__).with_name("torch_cuda_normals.safetensors")
    save_file(tensors, out, metadata={"torch": torch.__version__})


if __name__ == "__main__":
    main()
