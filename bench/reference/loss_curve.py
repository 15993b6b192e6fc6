# SPDX-License-Identifier: Apache-2.0
"""Trains in PyTorch what `burin train` trained, in float32, and compares the
losses: from the same weights, with the same batches in the same order.

    burin train train.json          # "precision": "f32", "log_every": 1
    python bench/reference/loss_curve.py train.json [--steps 300]
        [--device cuda] [--output curve.json]

Each row of the log must be within 1 % of PyTorch's mean loss over the same
steps.
"""
import argparse
import json
import math
import pathlib
import sys

import torch
from diffusers import DDIMScheduler

import training
from batches import Batches, Examples
from checkpoint import Checkpoint

LIMIT = 0.01


def read_config(path):
    config = json.loads(path.read_text())
    for key in ("model", "output", "cache"):
        if key in config:
            config[key] = path.parent / config[key]
    config.setdefault("cache", config["output"] / "encoded")
    if config.get("precision", "f32") != "f32":
        sys.exit(f"{path} trains in {config['precision']}; compare f32")
    return config


def rate_at(config, step):
    """models/train/schedule.cpp"""
    rate = {"peak": 1e-4, "warmup": 0, "schedule": "constant",
            "last": 0} | config.get("learning_rate", {})
    if step < rate["warmup"]:
        return rate["peak"] * (step + 1) / (rate["warmup"] + 1)
    if rate["schedule"] == "constant":
        return rate["peak"]
    x = (step - rate["warmup"]) / (config["steps"] - rate["warmup"])
    share = 1 - x if rate["schedule"] == "linear" else (
        1 + math.cos(math.pi * x)) / 2
    return rate["last"] + (rate["peak"] - rate["last"]) * share


def hyper_of(config):
    adamw = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8,
             "weight_decay": 0.01} | config.get("adamw", {})
    return adamw | {
        "learning_rate": rate_at(config, 0), "average_decay": 1,
        "max_gradient_norm": config.get("max_gradient_norm", 1)}


def read_log(config, steps):
    """(steps done, mean loss since the row before) of each row."""
    rows = [json.loads(line) for line in
            (config["output"] / "log.jsonl").read_text().splitlines()]
    return [(row["step"], row["loss"]) for row in rows if row["step"] <= steps]


def losses_of(config, steps, device):
    model = Checkpoint(config["model"])
    schedule = model.config("scheduler")
    alphas = DDIMScheduler.from_config(schedule).alphas_cumprod
    batches = Batches(config, Examples(config["cache"]), alphas,
                      model.config("vae").get("scaling_factor", 0.18215))
    unet = training.make_unet(model.config("unet"), device,
                              model.tensors("unet."))
    trainer = training.Trainer(unet, hyper_of(config), torch.float32,
                               schedule.get("prediction_type", "epsilon"))
    for step in range(steps):
        trainer.set_rate(rate_at(config, step))
        yield trainer.step(batches.at(step, device)).item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--output", type=pathlib.Path)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    config = read_config(options.config)
    rows = read_log(config, options.steps)
    if not rows:
        sys.exit(f"{config['output']}/log.jsonl has no row up to step "
                 f"{options.steps}")
    losses = list(losses_of(config, rows[-1][0], options.device))
    result, first = [], 0
    for last, burin in rows:
        own = sum(losses[first:last]) / (last - first)
        result.append({"step": last, "burin": burin, "torch": own,
                       "difference": abs(burin - own) / own})
        first = last
    if options.output:
        options.output.write_text(json.dumps(result))
    for row in result[::max(1, len(result) // 10)]:
        print(f"step {row['step']:5d}  burin {row['burin']:.6f}  torch "
              f"{row['torch']:.6f}  {row['difference']:.1e}")
    worst = max(result, key=lambda row: row["difference"])
    good = worst["difference"] <= LIMIT
    print(f"{len(result)} losses of {rows[-1][0]} steps, at worst "
          f"{worst['difference']:.2e} of {LIMIT} at step {worst['step']} "
          f"{'ok' if good else 'FAILED'}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
