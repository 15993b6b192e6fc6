#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes samplers.safetensors: trajectories of diffusers' schedulers.

Usage: make_samplers.py   (needs diffusers, torch, safetensors)

The network is replaced by tanh(0.8 x + shift_j + timestep / 1000), which is
not linear, depends on everything and is the same in C++. Each case is its
scheduler configuration, the samples after every step and the timesteps.
"""
import json
from pathlib import Path

import torch
from diffusers import (DDIMScheduler, DPMSolverMultistepScheduler,
                       EulerAncestralDiscreteScheduler,
                       EulerDiscreteScheduler, PNDMScheduler)
from safetensors.torch import save_file

ELEMENTS = 48
STEPS = 20
CLASSES = [DDIMScheduler, EulerDiscreteScheduler,
           EulerAncestralDiscreteScheduler, DPMSolverMultistepScheduler,
           PNDMScheduler]
STABLE_DIFFUSION = {
    "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012,
    "beta_schedule": "scaled_linear", "steps_offset": 1,
    "set_alpha_to_one": False, "skip_prk_steps": True, "clip_sample": False,
}


def cases():
    for cls in CLASSES:
        for spacing in ("leading", "linspace", "trailing"):
            for prediction in ("epsilon", "v_prediction"):
                yield cls, {**STABLE_DIFFUSION, "timestep_spacing": spacing,
                            "prediction_type": prediction}, STEPS, 0.0
    base = STABLE_DIFFUSION
    for spacing in ("leading", "trailing"):
        yield DDIMScheduler, {**base, "timestep_spacing": spacing}, STEPS, 0.7
    yield DDIMScheduler, {**base, "clip_sample": True,
                          "clip_sample_range": 1.5}, STEPS, 1.0
    yield DDIMScheduler, {**base, "set_alpha_to_one": True}, STEPS, 0.5
    for cls in (EulerDiscreteScheduler, DPMSolverMultistepScheduler):
        yield cls, {**base, "use_karras_sigmas": True}, STEPS, 0.0
        yield cls, {**base, "final_sigmas_type": "sigma_min"}, STEPS, 0.0
        yield cls, {**base, "use_karras_sigmas": True, "beta_schedule":
                    "squaredcos_cap_v2"}, STEPS, 0.0
    yield DPMSolverMultistepScheduler, {**base, "lambda_min_clipped": -5.1,
          "beta_schedule": "squaredcos_cap_v2"}, STEPS, 0.0
    yield DPMSolverMultistepScheduler, {**base, "euler_at_final": True,
          "final_sigmas_type": "sigma_min"}, STEPS, 0.0
    yield DPMSolverMultistepScheduler, {**base, "lower_order_final": False,
          "final_sigmas_type": "sigma_min"}, 9, 0.0
    for cls in CLASSES:
        # What the class itself takes for what is not given.
        yield cls, {"skip_prk_steps": True}, STEPS, 0.0
        yield cls, {**base, "beta_schedule": "squaredcos_cap_v2"}, STEPS, 0.0
        for steps in (1, 2, 7, 37):
            yield cls, base, steps, 0.0


def network(x, timestep, shift):
    return torch.tanh(0.8 * x + shift + float(timestep) / 1000)


def run(cls, config, steps, eta, noise, shift):
    known = cls().config
    scheduler = cls(**{k: v for k, v in config.items() if k in known})
    scheduler.set_timesteps(steps)
    if hasattr(scheduler, "set_begin_index"):
        # Else equal first timesteps would make the first step be skipped.
        scheduler.set_begin_index(0)
    sample = noise[0] * scheduler.init_noise_sigma
    trajectory = [sample]
    for i, timestep in enumerate(scheduler.timesteps):
        output = network(scheduler.scale_model_input(sample, timestep),
                         timestep, shift)
        extra = {}
        if cls is DDIMScheduler and eta > 0:
            extra = {"eta": eta, "variance_noise": noise[i + 1]}
        if cls is EulerAncestralDiscreteScheduler:
            extra = {"generator": Noise(noise[i + 1])}
        sample = scheduler.step(output, timestep, sample, **extra).prev_sample
        trajectory.append(sample)
    return torch.stack(trajectory), scheduler.timesteps.float()


class Noise:
    """Stands in for a generator: hands out the noise that was chosen."""

    def __init__(self, values):
        self.values = values


def main():
    import diffusers.schedulers.scheduling_euler_ancestral_discrete as ancestral
    ancestral.randn_tensor = lambda *a, generator=None, **k: generator.values

    random = torch.Generator().manual_seed(7)
    noise = torch.randn(64, ELEMENTS, generator=random)
    shift = torch.linspace(-0.5, 0.5, ELEMENTS)
    tensors, described = {"noise": noise, "shift": shift}, []
    for i, (cls, config, steps, eta) in enumerate(cases()):
        trajectory, timesteps = run(cls, config, steps, eta, noise, shift)
        tensors[f"{i}.trajectory"] = trajectory
        tensors[f"{i}.timesteps"] = timesteps
        described.append({"config": {"_class_name": cls.__name__, **config},
                          "steps": steps, "eta": eta})
    save_file(tensors, Path(__file__).parent / "samplers.safetensors",
              {"cases": json.dumps(described)})
    print(len(described), "cases")


if __name__ == "__main__":
    main()
