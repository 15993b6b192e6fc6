# SPDX-License-Identifier: Apache-2.0
"""Compares the gradients of a whole network with PyTorch's.

Makes InstructPix2Pix at full size with seeded random weights (once; a small
one with --tiny), lets `burin bench MODEL train_step` compute the loss and
every parameter's gradient from random inputs in float32 and in bf16, and
PyTorch the same. Each float32 gradient may be off by 1e-3 of its norm; bf16's
error against float32, of all gradients together, may be 1.3 times PyTorch's
under autocast. With --model a checkpoint of float32 tensors is taken instead.

    python bench/reference/train_parity.py --folder /tmp/full32 \\
        [--device cuda] [--batch 2] [--modules FOLDER] [--tiny]

Where there is no compiler, FOLDER/f32 and FOLDER/bf16 hold what `burin train
--compile` made of a configuration with that batch and precision.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import torch
from safetensors.torch import load_file

import training
from checkpoint import Checkpoint

EACH_LIMIT = 1e-3  # of a float32 gradient
RATIO_LIMIT = 1.3  # of bf16's error to PyTorch's
ROWS = 2  # of the batch at once in PyTorch
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def call(command):
    words = [str(word) for word in command]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)} failed")
    return done.stdout


def make_model(options):
    if options.model:
        return options.model
    from random_model import make_folder
    make_folder(options.folder, options.device, tiny=options.tiny)
    model = options.folder / "model.burin"
    if not model.exists():
        call([options.burin, "convert", options.folder, "-o", model])
    return model


def run_burin(options, model, precision):
    """Inputs, loss and gradients."""
    dump = options.folder / f"dump_{precision}"
    command = [options.burin, "bench", model, "train_step", "--batch",
               options.batch, "--device", options.device, "--precision",
               precision, "--repeat", 1, "--threads", options.threads,
               "--dump", dump, "--json"]
    if options.modules:
        command += ["--module", options.modules / precision]
    loss = json.loads(call(command))["burin"]["loss"]
    gradients = load_file(dump / "burin.safetensors")
    return load_file(dump / "inputs.safetensors"), loss, {
        name.removeprefix("unet."): x for name, x in gradients.items()}


def verdict(good):
    return "ok" if good else "FAILED"


def check_loss(precision, loss, reference, limit):
    error = abs(loss - reference) / reference
    good = error <= limit
    print(f"{precision} loss {loss:.7g}, PyTorch's {reference:.7g}: "
          f"{error:.1e} of {limit:.0e} {verdict(good)}")
    return good


def check_f32(loss, gradients, reference_loss, reference):
    found = training.Comparison(gradients, reference)
    for name, error in found.worst(5):
        print(f"  {error:.2e}  {name}")
    good = found.worst()[0][1] <= EACH_LIMIT
    print(f"f32 gradients of {len(reference)} tensors: {found.whole:.2e} "
          f"together, {found.worst()[0][1]:.2e} at worst of {EACH_LIMIT:.0e} "
          f"{verdict(good)}")
    return check_loss("f32", loss, reference_loss, 1e-5) and good


def check_bf16(loss, gradients, own_loss, own, reference):
    burin = training.Comparison(gradients, reference).whole
    torch_error = training.Comparison(own, reference).whole
    good = burin <= RATIO_LIMIT * torch_error
    print(f"bf16 gradients to float32: {burin:.3e}, PyTorch's "
          f"{torch_error:.3e}: ratio {burin / torch_error:.2f} of "
          f"{RATIO_LIMIT} {verdict(good)}")
    return check_loss("bf16", loss, own_loss, 1e-2) and good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--burin", default="build/bin/burin")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path)
    parser.add_argument("--modules", type=pathlib.Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--precisions", default="f32,bf16")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    options.folder.mkdir(parents=True, exist_ok=True)
    path = make_model(options)
    model = Checkpoint(path)
    prediction = json.loads(model.metadata["scheduler.config"]).get(
        "prediction_type", "epsilon")
    good, reference = True, None
    for precision in options.precisions.split(","):
        inputs, loss, found = run_burin(options, path, precision)
        batch = {k: x.to(options.device) for k, x in inputs.items()}
        if reference is None:
            unet = training.make_unet(model.config("unet"), options.device,
                                      model.tensors("unet."))
            reference_loss, reference = training.gradients(
                unet, batch, prediction, torch.float32, ROWS)
        if precision == "f32":
            good &= check_f32(loss, found, reference_loss, reference)
            continue
        own_loss, own = training.gradients(unet, batch, prediction,
                                           DTYPES[precision], ROWS)
        good &= check_bf16(loss, found, own_loss, own, reference)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
