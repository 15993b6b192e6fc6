# SPDX-License-Identifier: Apache-2.0
"""Compares whole networks at full size with diffusers and transformers.

Makes InstructPix2Pix with seeded random weights as a diffusers folder (once,
8 GB with the checkpoint), converts it, runs every function through `burin
run` and through the framework on the same inputs, and prints
|out - reference| / |reference| for each output.

    python bench/reference/full_parity.py --burin build/bin/burin \\
        --folder /tmp/full [--functions unet1,unet3,vae_decoder] [--threads 2]
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

import torch
from safetensors.torch import load_file, save_file

from random_model import make_folder

LIMIT = 1e-5


def unet_inputs(batch):
    return {"sample": torch.randn(batch, 8, 64, 64),
            "timestep": torch.linspace(981, 21, batch),
            "encoder_hidden_states": torch.randn(batch, 77, 768)}


def token_inputs(batch):
    ids = torch.randint(0, 49406, (batch, 77))
    ids[:, 0] = 49406
    ids[:, 40:] = 49407
    return {"input_ids": ids}


# name: (component, function, seed, inputs, forward)
CASES = {
    "unet1": ("unet", "unet", 11, lambda: unet_inputs(1),
              lambda m, x: {"sample": m(**x).sample}),
    "unet3": ("unet", "unet", 12, lambda: unet_inputs(3),
              lambda m, x: {"sample": m(**x).sample}),
    "vae_encoder": ("vae", "vae_encoder", 13,
                    lambda: {"image": torch.rand(1, 3, 512, 512) * 2 - 1},
                    lambda m, x: {"moments": m.encode(
                        x["image"]).latent_dist.parameters}),
    "vae_decoder": ("vae", "vae_decoder", 14,
                    lambda: {"latent": torch.randn(1, 4, 64, 64)},
                    lambda m, x: {"image": m.decode(x["latent"]).sample}),
    "text_encoder": ("text_encoder", "text_encoder", 15,
                     lambda: token_inputs(3),
                     lambda m, x: {
                         "last_hidden_state": m(**x).last_hidden_state,
                         "pooled_output": m(**x).pooler_output}),
}


def load(folder, component):
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel
    kind = {"unet": UNet2DConditionModel, "vae": AutoencoderKL,
            "text_encoder": CLIPTextModel}[component]
    return kind.from_pretrained(folder / component).eval()


@torch.no_grad()
def make_case(folder, name, models):
    """Inputs and the framework's outputs, kept between runs."""
    component, _, seed, inputs, forward = CASES[name]
    known = folder / f"{name}.inputs.safetensors"
    wanted = folder / f"{name}.outputs.safetensors"
    if not wanted.exists():
        if component not in models:
            models.clear()
            models[component] = load(folder, component)
        torch.manual_seed(seed)
        x = inputs()
        begin = time.perf_counter()
        y = forward(models[component], x)
        print(f"{name}: reference in {time.perf_counter() - begin:.1f} s")
        save_file(x, known)
        save_file({k: v.contiguous() for k, v in y.items()}, wanted)
    return known, wanted


def call(command):
    begin = time.perf_counter()
    done = subprocess.run([str(word) for word in command])
    if done.returncode != 0:
        sys.exit(f"{' '.join(str(word) for word in command)} failed")
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--burin", default="build/bin/burin")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--functions", default=",".join(CASES))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    make_folder(options.folder)
    names, models = options.functions.split(","), {}
    files = {name: make_case(options.folder, name, models) for name in names}
    models.clear()
    checkpoint = options.folder / "model.burin"
    if not checkpoint.exists():
        seconds = call([options.burin, "convert", options.folder,
                        "-o", checkpoint])
        print(f"convert: {seconds:.1f} s")
    failed = False
    for name, (known, wanted) in files.items():
        made = options.folder / f"{name}.burin.safetensors"
        seconds = call([options.burin, "run", checkpoint, CASES[name][1],
                        "--inputs", known, "--outputs", made,
                        "--threads", options.threads])
        ours = load_file(made)
        for key, reference in load_file(wanted).items():
            reference = reference.double()
            error = (ours[key].double() - reference).norm().item()
            error /= reference.norm().item()
            good = error <= LIMIT
            failed |= not good
            print(f"{name} {key}: {error:.2e} of {LIMIT:.0e} "
                  f"{'ok' if good else 'FAILED'} ({seconds:.1f} s)")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
