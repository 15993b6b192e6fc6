# SPDX-License-Identifier: Apache-2.0
"""A training step in PyTorch that does what Burin's does: see
models/graph/train/train.h and models/schedule/optimizer.h.

The network computes under autocast where a narrow type is asked for, over
float32 parameters; AdamW is the fused one; gradients are clipped by their
norm; a moving average follows. Batches have the inputs of `train_step`,
images channels-last.
"""
import contextlib
import math

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

LORA_LAYERS = ("to_q", "to_k", "to_v", "to_out.0")


def make_unet(config, device, weights=None):
    """Channels-last, with random weights where none are given."""
    from diffusers import UNet2DConditionModel
    with torch.device(device):
        unet = UNet2DConditionModel(**{
            k: v for k, v in config.items() if not k.startswith("_")})
    if weights is not None:
        unet.load_state_dict(weights)
    return unet.to(memory_format=torch.channels_last).train()


class LowRank(torch.nn.Module):
    """y = W x + B A x, of which A and B learn."""

    def __init__(self, layer, rank):
        super().__init__()
        self.layer = layer
        self.down = torch.nn.Linear(layer.in_features, rank, bias=False)
        self.up = torch.nn.Linear(rank, layer.out_features, bias=False)
        torch.nn.init.normal_(self.down.weight, std=1 / rank)
        torch.nn.init.zeros_(self.up.weight)

    def forward(self, x, *args):
        return self.layer(x) + self.up(self.down(x))


def add_low_rank(unet, rank, frozen):
    """Adapters of the attentions' projections; the rest is frozen, in the
    type `frozen`: nothing of it is updated."""
    unet.requires_grad_(False).to(frozen)
    layers = [(name, layer) for name, layer in unet.named_modules()
              if name.endswith(LORA_LAYERS)]
    for name, layer in layers:
        parent, _, leaf = name.rpartition(".")
        setattr(unet.get_submodule(parent), leaf, LowRank(layer, rank))
    return unet


def loss_of(unet, batch, prediction, layout=torch.channels_last):
    def image(name):
        return batch[name].permute(0, 3, 1, 2)

    def each(name):
        return batch[name].reshape(-1, 1, 1, 1)

    target, noise = image("target"), image("noise")
    noisy = each("signal") * target + each("noise_level") * noise
    sample = torch.cat([noisy, image("source")], 1).contiguous(
        memory_format=layout)
    guess = unet(sample, batch["timestep"], batch["encoder_hidden_states"],
                 return_dict=False)[0].float()
    wanted = noise if prediction == "epsilon" else (
        each("signal") * noise - each("noise_level") * target)
    return (guess - wanted).square().mean()


def autocast(device, dtype):
    if dtype == torch.float32:
        return contextlib.nullcontext()
    # Every parameter is read once a step, so nothing could be cached.
    return torch.autocast(device.type, dtype, cache_enabled=False)


def make_optimizer(parameters, hyper, device, capturable=False):
    """Weights alone decay: tensors of more than one axis."""
    return torch.optim.AdamW(
        [{"params": [p for p in parameters if p.ndim > 1],
          "weight_decay": hyper["weight_decay"]},
         {"params": [p for p in parameters if p.ndim <= 1],
          "weight_decay": 0.0}],
        lr=hyper["learning_rate"], betas=(hyper["beta1"], hyper["beta2"]),
        eps=hyper["epsilon"], capturable=capturable,
        fused=device.type == "cuda")


class Trainer:
    """`loss` is loss_of or what a compiler made of it."""

    def __init__(self, unet, hyper, dtype, prediction, loss=loss_of,
                 layout=torch.channels_last, capturable=False):
        self.unet, self.hyper, self.dtype = unet, hyper, dtype
        self.prediction, self.loss, self.layout = prediction, loss, layout
        self.parameters = [p for p in unet.parameters() if p.requires_grad]
        self.device = self.parameters[0].device
        self.optimizer = make_optimizer(self.parameters, hyper, self.device,
                                        capturable)
        self.average = None
        if hyper["average_decay"] < 1:
            self.average = [p.detach().clone() for p in self.parameters]

    def set_rate(self, rate):
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def step(self, batch):
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device, self.dtype):
            loss = self.loss(self.unet, batch, self.prediction,
                             self.layout)
        loss.backward()
        if self.hyper["max_gradient_norm"] > 0:
            torch.nn.utils.clip_grad_norm_(
                self.parameters, self.hyper["max_gradient_norm"],
                foreach=True)
        self.optimizer.step()
        if self.average is not None:
            with torch.no_grad():
                torch._foreach_lerp_(self.average, self.parameters,
                                     1 - self.hyper["average_decay"])
        return loss.detach()


def gradients(unet, batch, prediction, dtype, rows):
    """(loss, {parameter: gradient}) of the batch, `rows` of it at a time."""
    count = len(batch["timestep"])
    device = batch["timestep"].device
    unet.zero_grad(set_to_none=True)
    total = 0.0
    for first in range(0, count, rows):
        part = {k: x[first:first + rows] for k, x in batch.items()}
        share = len(part["timestep"]) / count
        # Other kernels of attention may round float32.
        exact = sdpa_kernel(SDPBackend.MATH) if dtype == torch.float32 \
            else contextlib.nullcontext()
        with exact, autocast(device, dtype):
            loss = loss_of(unet, part, prediction) * share
        loss.backward()
        total += loss.item()
    found = {name: p.grad for name, p in unet.named_parameters()
             if p.grad is not None}
    unet.zero_grad(set_to_none=True)
    return total, found


class Comparison:
    """How far gradients are from a reference: |g - r| / |r| of all tensors
    together, and of each."""

    def __init__(self, found, reference):
        if set(found) != set(reference):
            raise ValueError("other parameters have gradients: " + ", ".join(
                sorted(set(found) ^ set(reference))[:5]))
        self.each, difference, norm = {}, 0.0, 0.0
        for name, r in reference.items():
            d = (found[name].to(r.device).double() - r).square().sum().item()
            square = r.double().square().sum().item()
            self.each[name] = math.sqrt(d / square) if square else (
                math.inf if d else 0.0)
            difference, norm = difference + d, norm + square
        self.whole = math.sqrt(difference / norm)

    def worst(self, count=1):
        return sorted(self.each.items(), key=lambda pair: -pair[1])[:count]
