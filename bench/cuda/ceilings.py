# SPDX-License-Identifier: Apache-2.0
"""What a card does at most: bytes copied a second, bf16 products a second."""
import argparse
import statistics

import torch


def seconds(call, repeats=10):
    for _ in range(3):
        call()
    times = []
    for _ in range(repeats):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in "be")
        begin.record()
        call()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) / 1e3)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    device = parser.parse_args().device
    properties = torch.cuda.get_device_properties(device)
    print(f"{properties.name}, {properties.multi_processor_count} "
          f"multiprocessors, torch {torch.__version__}")
    source = torch.randn(1 << 30, device=device)  # 4 GiB
    target = torch.empty_like(source)
    rate = 2 * source.nbytes / seconds(lambda: target.copy_(source))
    print(f"copy, read and written  {rate / 1e12:8.2f} TB/s")
    del source, target
    n = 8192
    a, b = (torch.randn(n, n, device=device, dtype=torch.bfloat16)
            for _ in "ab")
    rate = 2 * n**3 / seconds(lambda: a @ b)
    print(f"bf16 product, {n}^3     {rate / 1e12:8.0f} TFLOP/s")


if __name__ == "__main__":
    main()
