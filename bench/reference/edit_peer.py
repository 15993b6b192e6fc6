# SPDX-License-Identifier: Apache-2.0
"""Times a whole edit in diffusers: the peer of `burin edit`.

Picture in to picture out, warm: the pipeline is loaded and, unless --mode is
eager, its UNet and autoencoder are compiled with CUDA graphs. Prints one JSON
line a mode.

    python bench/reference/edit_peer.py --folder /tmp/full [--mode eager]
"""
import argparse
import json
import statistics
import time
import warnings

import numpy as np
import torch
from diffusers import StableDiffusionInstructPix2PixPipeline
from PIL import Image

warnings.filterwarnings("ignore")


def load(options):
    pipeline = StableDiffusionInstructPix2PixPipeline.from_pretrained(
        options.folder, torch_dtype=torch.bfloat16, safety_checker=None,
        requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.to(options.device)
    pipeline.unet.to(memory_format=torch.channels_last)
    pipeline.vae.to(memory_format=torch.channels_last)
    return pipeline


def compile_parts(pipeline, backend_options):
    """Encoder and decoder by themselves: what the pipeline does between them
    and around them is no part of a graph."""
    parts = [(pipeline, "unet"), (pipeline.vae, "encoder"),
             (pipeline.vae, "decoder")]
    for owner, name in parts:
        getattr(owner, name).compile(dynamic=False, **backend_options)


def picture(side):
    noise = np.random.default_rng(1).integers(0, 256, (side, side, 3))
    return Image.fromarray(noise.astype(np.uint8))


def edit(pipeline, source, options):
    generator = torch.Generator("cpu").manual_seed(7)
    return pipeline(
        "12 345 678", image=source, num_inference_steps=options.steps,
        guidance_scale=7.5, image_guidance_scale=1.5, generator=generator,
        output_type="pil").images[0]


def synchronize(options):
    if options.device != "cpu":
        torch.cuda.synchronize()


def measure(mode, options):
    begin = time.perf_counter()
    pipeline = load(options)
    loaded = time.perf_counter() - begin
    if options.device != "cpu":
        torch.cuda.reset_peak_memory_stats()
    if mode == "compile":
        backend = ({"backend": "eager"} if options.device == "cpu" else
                   {"mode": "reduce-overhead"})
        compile_parts(pipeline, backend)
    source = picture(options.side)
    begin = time.perf_counter()
    edit(pipeline, source, options)
    first = time.perf_counter() - begin
    for _ in range(2):  # graphs are recorded in the second and third run
        edit(pipeline, source, options)
    seconds = []
    for _ in range(options.repeats):
        synchronize(options)
        begin = time.perf_counter()
        result = edit(pipeline, source, options)
        synchronize(options)
        seconds.append(time.perf_counter() - begin)
    peak = reserved = 0
    if options.device != "cpu":
        peak = torch.cuda.max_memory_allocated()
        reserved = torch.cuda.max_memory_reserved()
    return {"mode": mode, "torch": torch.__version__,
            "load_seconds": loaded, "first_seconds": first,
            "median_seconds": statistics.median(seconds),
            "best_seconds": min(seconds), "size": result.size,
            "peak_bytes": peak, "reserved_bytes": reserved}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--mode", choices=("eager", "compile", "both"),
                        default="both")
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    modes = (["eager", "compile"] if options.mode == "both" else
             [options.mode])
    for mode in modes:
        try:
            result = measure(mode, options)
        except Exception as error:  # the other mode still counts
            result = {"mode": mode, "failed": f"{type(error).__name__}: "
                                              f"{error}"[:2000]}
        print(json.dumps(result), flush=True)
        torch._dynamo.reset()


if __name__ == "__main__":
    main()
