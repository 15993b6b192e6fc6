# SPDX-License-Identifier: Apache-2.0
"""How PyTorch's networks are timed: a request's device, layouts and types,
the clock on both kinds of device, and the fields of an answer."""
import resource
import statistics
import sys
import time

import torch

RUNS = 20  # timed as one batch on CUDA

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
LAYOUTS = {"contiguous": torch.contiguous_format,
           "channels_last": torch.channels_last}


def device_of(request):
    return torch.device(request.get("device") or "cpu")


def time_cpu(call, repeats):
    call()
    seconds, processor = [], time.process_time()
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    processor = (time.process_time() - processor) / repeats
    return {"best": min(seconds), "median": statistics.median(seconds),
            "processor": processor}


def time_cuda(call, repeats, runs):
    """Seconds of a call: batches of `runs` between two events."""
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    seconds, processor = [], time.process_time()
    for _ in range(repeats):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in "be")
        begin.record()
        for _ in range(runs):
            call()
        end.record()
        end.synchronize()
        seconds.append(begin.elapsed_time(end) / 1e3 / runs)
    processor = (time.process_time() - processor) / (repeats * runs)
    return {"best": min(seconds), "median": statistics.median(seconds),
            "processor": processor}


def refresh(inputs):
    """New numbers in the same places."""
    for x in inputs.values():
        x.copy_(x.flip(-1).roll(1, 0))


def captured(function):
    """The function in a CUDA graph; its outputs stay where they are."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            function()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = function()

    def call():
        graph.replay()
        return outputs
    return call


def measure_cuda(prepare, inputs, repeats, runs=RUNS):
    """`prepare` returns what is timed."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    begin = time.perf_counter()
    call = prepare()
    torch.cuda.synchronize()
    ready = time.perf_counter() - begin
    refresh(inputs)
    return {**time_cuda(call, repeats, runs), "ready_seconds": ready,
            "peak_bytes": torch.cuda.max_memory_allocated(),
            "reserved_bytes": torch.cuda.max_memory_reserved()}


def wanted(request, names):
    prefixes = tuple(request.get("modes") or [""])
    return [name for name in names if name.startswith(prefixes)]


def measure_ways(request, names, measure):
    """(timings by name, why others failed)."""
    done, failed = {}, {}
    for name in wanted(request, names):
        try:
            done[name] = measure(name)
        except Exception as error:  # the other ways still count
            failed[name] = f"{type(error).__name__}: {error}"[:2000]
            print(f"torch_peer: {name}: {failed[name]}", file=sys.stderr)
    return done, failed


def read_inputs(request, inputs):
    if request.get("inputs"):
        from safetensors.torch import load_file
        given = load_file(request["inputs"])
        inputs = {name: given[name] for name in inputs}
    return {k: x.to(device_of(request)) for k, x in inputs.items()}


def on_cuda(done, failed):
    best = min(done.values(), key=lambda m: m["best"], default={})
    return {"layouts": done, "failed": failed,
            "card": torch.cuda.get_device_name(),
            "peak_bytes": best.get("peak_bytes", 0)}


def on_cpu(layouts):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"layouts": layouts, "peak_bytes": peak}
