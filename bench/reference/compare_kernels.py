# SPDX-License-Identifier: Apache-2.0
"""Burin's kernels on a card beside PyTorch's, shape by shape.

Reads the JSON lines of both and prints the microseconds of each operation
with what follows it in the network, their ratio, and Burin's share of what
the card can do; '<' marks shapes below 60 % of it. The sums weight shapes by
how often a forward has them and count only those that both have.

    burin bench --kernels --json \\
        --shapes bench/shapes/cuda/unet_64.txt@3 > burin.jsonl
    python bench/reference/torch_kernels_cuda.py --batch 3 \\
        --shapes bench/shapes/cuda/unet_64.txt > torch.jsonl
    python bench/reference/compare_kernels.py burin.jsonl torch.jsonl
"""
import argparse
import json
import sys

LEAST_PERCENT = 60


def read_lines(path):
    """({shape: line}, the ceilings or None)."""
    shapes, ceilings = {}, None
    with open(path) as file:
        for text in file:
            if not text.startswith("{"):
                continue
            line = json.loads(text)
            ceilings = line.get("ceilings", ceilings)
            if "shape" in line:
                shapes[line["shape"]] = line
    return shapes, ceilings


def row_of(shape, ours, theirs):
    if "failed" in ours:
        return f"{shape:44} failed: {ours['failed']}"
    text = (f"{shape:44} {ours['count']:5} {ours['us']:9.1f} "
            f"{ours['us_with_epilogue']:9.1f}")
    if theirs is None or "failed" in theirs:
        text += f" {'-':>9} {'-':>9} {'-':>6}"
    else:
        ratio = ours["us_with_epilogue"] / theirs["us_with_epilogue"]
        text += (f" {theirs['us']:9.1f} {theirs['us_with_epilogue']:9.1f} "
                 f"{ratio:6.2f}")
    mark = "<" if ours["percent"] < LEAST_PERCENT else " "
    return f"{text} {ours['percent']:4.0f} % {mark}"


def sums_of(ours, theirs):
    """Kind to microseconds of a forward, Burin's and PyTorch's."""
    sums = {}
    for shape, line in ours.items():
        peer = theirs.get(shape)
        if peer is None or "failed" in line or "failed" in peer:
            continue
        for kind in (shape.split()[0], "all"):
            total = sums.setdefault(kind, [0.0, 0.0])
            total[0] += line["count"] * line["us_with_epilogue"]
            total[1] += line["count"] * peer["us_with_epilogue"]
    return sums


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("burin", help="burin bench --kernels --json")
    parser.add_argument("torch", help="torch_kernels_cuda.py")
    options = parser.parse_args()
    ours, ceilings = read_lines(options.burin)
    theirs, _ = read_lines(options.torch)
    if not ours:
        sys.exit(f"{options.burin} has no lines of shapes")
    if ceilings:
        print(f"ceilings: {ceilings['tflops']:.0f} TFLOP/s, "
              f"{ceilings['gb_per_second']:.0f} GB/s")
    print(f"{'shape':44} {'count':>5} {'burin':>9} {'whole':>9} "
          f"{'torch':>9} {'whole':>9} {'ratio':>6} {'ceiling':>6}")
    for shape, line in ours.items():
        print(row_of(shape, line, theirs.get(shape)))
    for shape in theirs.keys() - ours.keys():
        print(f"{shape:44} only in {options.torch}")
    for kind, (burin, torch) in sums_of(ours, theirs).items():
        print(f"{'sum, ' + kind:44} {'':5} {'':9} {burin:9.0f} {'':9} "
              f"{torch:9.0f} {burin / torch:6.2f}")


if __name__ == "__main__":
    main()
