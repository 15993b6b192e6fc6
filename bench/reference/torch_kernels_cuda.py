# SPDX-License-Identifier: Apache-2.0
"""PyTorch's kernels on a card, one by one, on the files of bench/shapes.

Prints one JSON line a shape: the microseconds of the plain operation (with
its bias) and of the operation with what follows it in the network:

    conv          bias, time embedding, residual
    linear        bias, residual; GEGLU where it widens eightfold, nothing
                  where it widens less: queries, keys and values
    attention     nothing; the fastest of PyTorch's ways counts
    group_affine  SiLU
    layer_norm    nothing (kept in no file: --layer-norms adds the UNet's)

Operands rotate among sets that exceed the cache; a CUDA graph holds the calls
and replays are timed. The last line sums count times microseconds by kind.

    python bench/reference/torch_kernels_cuda.py \\
        --shapes bench/shapes/cuda/unet_64.txt --batch 3 --layer-norms
"""
import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from cpu_kernels import read_shapes

SETS = 10
REPLAYS = 20
# Of the UNet: three a transformer block, at 64, 32, 16 and 8 pixels a side.
LAYER_NORMS = [(15, 4096, 320), (15, 1024, 640), (15, 256, 1280),
               (3, 64, 1280)]


class Work:
    """Makes operands and calls of one kind, all on one device."""

    def __init__(self, device, dtype):
        self.device, self.dtype = device, dtype

    def random(self, *shape):
        return torch.randn(shape, device=self.device, dtype=self.dtype)

    def picture(self, *shape):
        return self.random(*shape).contiguous(
            memory_format=torch.channels_last)

    def conv(self, b, h, w, ci, co, k, stride, pad, up):
        x, weight = self.picture(b, ci, h, w), self.picture(co, ci, k, k)
        bias, time_row = self.random(co), self.random(b, co, 1, 1)

        def plain():
            y = x
            if up > 1:
                y = F.interpolate(y, scale_factor=up, mode="nearest")
            if pad == 0 and k > 1:  # padded below and right only
                y = F.pad(y, (0, 1, 0, 1))
            return F.conv2d(y, weight, bias, stride, pad)
        residual = torch.randn_like(plain())
        return plain, lambda: plain() + time_row + residual

    def linear(self, m, ci, co):
        x, weight = self.random(m, ci), self.random(co, ci)
        bias = self.random(co)

        def plain():
            return F.linear(x, weight, bias)
        if co == 8 * ci:
            def gated():
                value, gate = plain().chunk(2, -1)
                return value * F.gelu(gate)
            return plain, gated
        if co > ci:
            return plain, None
        residual = self.random(m, co)
        return plain, lambda: plain() + residual

    def attention(self, b, lq, lk, heads, width, causal):
        def operand(length):
            return self.random(b, length, heads, width).transpose(1, 2)
        q, k, v = operand(lq), operand(lk), operand(lk)

        def plain():
            return F.scaled_dot_product_attention(q, k, v,
                                                  is_causal=bool(causal))
        return plain, None

    def group_affine(self, b, pixels, channels, groups):
        x = self.picture(b, channels, pixels, 1)
        gamma, beta = self.random(channels), self.random(channels)

        def plain():
            return F.group_norm(x, groups, gamma, beta)
        return plain, lambda: F.silu(plain())

    def layer_norm(self, rows, channels):
        x, gamma = self.random(rows, channels), self.random(channels)
        beta = self.random(channels)
        return lambda: F.layer_norm(x, (channels,), gamma, beta), None


def with_batch(sizes, batch):
    """Every kind's first size counts samples or their rows."""
    return [sizes[0] * batch, *sizes[1:]]


def time_on_card(calls):
    """Microseconds of a call, by replays of a graph with all of them."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):  # the search for the best algorithm as well
            for call in calls:
                call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for call in calls:
            call()
    for _ in range(3):
        graph.replay()
    times = []
    for _ in range(REPLAYS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in "be")
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1e3 / len(calls))
    return statistics.median(times)


def time_on_processor(calls):
    begin = time.perf_counter()
    for call in calls:
        call()
    return (time.perf_counter() - begin) * 1e6 / len(calls)


def best_attention(calls, clock):
    """(microseconds, backend) of the fastest way that takes the shape."""
    times = {"default": clock(calls)}
    for name in ("FLASH_ATTENTION", "CUDNN_ATTENTION", "EFFICIENT_ATTENTION"):
        try:
            with sdpa_kernel(getattr(SDPBackend, name)):
                times[name] = clock(calls)
        except RuntimeError:
            pass  # this one does not take it
    backend = min(times, key=times.get)
    return times[backend], backend


def measure(work, kind, sizes, clock):
    plain, whole = zip(*(getattr(work, kind)(*sizes) for _ in range(SETS)))
    if kind == "attention":
        microseconds, backend = best_attention(plain, clock)
        return {"us": microseconds, "us_with_epilogue": microseconds,
                "backend": backend}
    result = {"us": clock(plain)}
    result["us_with_epilogue"] = clock(whole) if whole[0] else result["us"]
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", required=True)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--layer-norms", action="store_true")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--type", choices=("bf16", "f32"), default="bf16")
    options = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    dtype = torch.bfloat16 if options.type == "bf16" else torch.float32
    work = Work(options.device, dtype)
    clock = time_on_processor if options.device == "cpu" else time_on_card
    rows = read_shapes(options.shapes)
    if options.layer_norms:
        rows += [(n, "layer_norm", list(s)) for n, *s in LAYER_NORMS]
    sums = {}
    for count, kind, sizes in rows:
        sizes = with_batch(sizes, options.batch)
        line = {"shape": f"{kind} " + " ".join(map(str, sizes)),
                "count": count}
        try:
            with torch.no_grad():
                line |= measure(work, kind, sizes, clock)
            total = sums.setdefault(kind, [0.0, 0.0])
            total[0] += count * line["us"]
            total[1] += count * line["us_with_epilogue"]
        except Exception as error:  # the other shapes still count
            line["failed"] = f"{type(error).__name__}: {error}"[:500]
        print(json.dumps(line), flush=True)
    print(json.dumps({"sums_us": sums}))


if __name__ == "__main__":
    main()
