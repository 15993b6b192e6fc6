#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch's side of bench/kernels: the same shapes, the same clocks.

    cpu_kernels.py --shapes bench/shapes/unet_64.txt --threads 2 \\
        --against build/bench/kernels/kernels_bench

Needs PyPI's torch (built with MKL and oneDNN). With --against, the two programs
take turns, --rounds times each, and the table shows both and their ratio. `wall`
is the fastest call on the clock; `busy` its processor time, which other programs
on the machine hardly change: with one thread it is the fair figure on a machine
that is not idle.
"""
import argparse
import json
import subprocess
import time

import torch
import torch.nn.functional as F


def read_shapes(path):
    rows = []
    for line in open(path):
        if line.strip() and not line.startswith("#"):
            count, kind, *sizes = line.split()
            rows.append((int(count), kind, [int(s) for s in sizes]))
    return rows


def make_call(kind, s, dtype):
    """A function that does the work once, on operands in their best layout."""
    if kind == "conv":
        b, h, w, ci, co, k, stride, pad, up = s
        x = torch.randn(b, ci, h, w, dtype=dtype)
        weight = torch.randn(co, ci, k, k, dtype=dtype)
        x = x.to(memory_format=torch.channels_last)
        weight = weight.to(memory_format=torch.channels_last)
        bias = torch.randn(co, dtype=dtype)
        if pad == 0 and k > 1:  # padded below and right only
            def call():
                return F.conv2d(F.pad(x, (0, 1, 0, 1)), weight, bias, stride)
        elif up > 1:
            def call():
                y = F.interpolate(x, scale_factor=up, mode="nearest")
                return F.conv2d(y, weight, bias, stride, pad)
        else:
            def call():
                return F.conv2d(x, weight, bias, stride, pad)
        return call
    if kind == "linear":
        m, ci, co = s
        x, weight = torch.randn(m, ci, dtype=dtype), torch.randn(co, ci, dtype=dtype)
        bias = torch.randn(co, dtype=dtype)
        return lambda: F.linear(x, weight, bias)
    if kind == "attention":
        b, lq, lk, heads, width, causal = s

        def operand(length):
            flat = torch.randn(b, length, heads, width, dtype=dtype)
            return flat.transpose(1, 2)
        q, k, v = operand(lq), operand(lk), operand(lk)
        return lambda: F.scaled_dot_product_attention(
            q, k, v, is_causal=bool(causal))
    if kind == "group_affine":
        b, pixels, channels, groups = s
        x = torch.randn(b, channels, pixels, 1, dtype=dtype)
        x = x.to(memory_format=torch.channels_last)
        gamma, beta = torch.randn(channels), torch.randn(channels)
        return lambda: F.group_norm(x, groups, gamma.to(dtype), beta.to(dtype))
    raise ValueError(f"'{kind}' is no known kind of work")


def time_call(call, seconds):
    """Milliseconds of the fastest call: on the clock, and of the processor."""
    call()
    wall = busy = float("inf")
    until = time.perf_counter() + seconds
    done = 0
    while done < 3 or time.perf_counter() < until:
        t, c = time.perf_counter(), time.process_time()
        call()
        wall = min(wall, time.perf_counter() - t)
        busy = min(busy, time.process_time() - c)
        done += 1
    return wall * 1e3, busy * 1e3 / torch.get_num_threads()


def time_torch(rows, dtype, seconds):
    with torch.inference_mode():
        return [time_call(make_call(kind, sizes, dtype), seconds)
                for _, kind, sizes in rows]


def time_burin(program, args):
    out = subprocess.run(
        [program, f"--shapes={args.shapes}", f"--threads={args.threads}",
         f"--type={args.type}", "--benchmark_format=json",
         f"--benchmark_min_time={args.seconds}"],
        check=True, capture_output=True, text=True)
    return [(b["best_ms"], b["busy_ms"], b.get("peak"))
            for b in json.loads(out.stdout)["benchmarks"]]


def least(old, new):
    """The better of two rounds, clock by clock."""
    if old is None:
        return new
    return [tuple([min(a[0], b[0]), min(a[1], b[1])] +
                  [max(x, y) if x else x for x, y in zip(a[2:], b[2:])])
            for a, b in zip(old, new)]


def show(rows, torch_times, burin_times):
    print(f"{'count shape':48s} {'torch wall':>11s} {'busy':>9s}"
          f" {'burin wall':>11s} {'busy':>9s} {'peak':>6s} {'ratio':>6s}")
    sums = {}
    for i, (count, kind, sizes) in enumerate(rows):
        t = torch_times[i]
        name = f"{count:3d} {kind} " + " ".join(map(str, sizes))
        line = f"{name:48s} {t[0]:11.3f} {t[1]:9.3f}"
        mine = burin_times[i] if burin_times else (0, 0, None)
        if burin_times:
            peak = f"{mine[2]:6.1%}" if mine[2] else "      "
            line += f" {mine[0]:11.3f} {mine[1]:9.3f} {peak} {mine[1] / t[1]:6.2f}"
        print(line)
        total = sums.setdefault(kind, [0.0] * 4)
        for j, value in enumerate((t[0], t[1], mine[0], mine[1])):
            total[j] += count * value
    sums["all"] = [sum(column) for column in zip(*sums.values())]
    for kind, (tw, tb, bw, bb) in sums.items():
        line = f"{'sum of ' + kind + ', ms':48s} {tw:11.1f} {tb:9.1f}"
        if burin_times:
            line += f" {bw:11.1f} {bb:9.1f} {'':6s} {bb / tb:6.2f}"
        print(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", default="bench/shapes/unet_64.txt")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--type", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--seconds", type=float, default=0.05)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--against", metavar="KERNELS_BENCH")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    dtype = torch.bfloat16 if args.type == "bf16" else torch.float32
    rows = read_shapes(args.shapes)
    torch_times = burin_times = None
    for _ in range(args.rounds):
        torch_times = least(torch_times, time_torch(rows, dtype, args.seconds))
        if args.against:
            burin_times = least(burin_times, time_burin(args.against, args))
    show(rows, torch_times, burin_times)


if __name__ == "__main__":
    main()
