# SPDX-License-Identifier: Apache-2.0
"""Makes the golden files of whole training steps: the UNet of
unet_small.safetensors trained by PyTorch in float32.

Four batches (`<batch>.<input of train_step>`, images channels-last) come again
and again. For each prediction type `<type>.losses` and `<type>.norms` of every
step, and `<type>.parameters.<tensor>` of a few tensors at the end. The
gradients of all tensors, before any step, for the first batch and "epsilon"
are in train_gradients.safetensors.

    python tests/models/golden/make_train.py
"""
import json
import pathlib

import torch
from diffusers import UNet2DConditionModel
from safetensors import safe_open
from safetensors.torch import load_file, save_file

FOLDER = pathlib.Path(__file__).parent
BATCHES = 4
STEPS = {"epsilon": 20, "v_prediction": 8}
HYPER = {"learning_rate": 2e-3, "weight_decay": 0.01, "beta1": 0.9,
         "beta2": 0.99, "epsilon": 1e-8, "max_norm": 1.0,
         "average_decay": 0.9}
KEPT = ["unet.conv_in.weight", "unet.conv_out.bias",
        "unet.time_embedding.linear_1.weight",
        "unet.mid_block.attentions.0.norm.weight",
        "unet.up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight"]


def read_model():
    path = FOLDER / "unet_small.safetensors"
    with safe_open(path, "pt") as file:
        request = json.loads(file.metadata()["request"])
    config = request["components"]["unet"]["config"]
    weights = {name.removeprefix("unet."): tensor
               for name, tensor in load_file(path).items()
               if name.startswith("unet.")}
    return request["functions"][0], config, weights


def make_batch(function, width):
    shape = (function["batch"], function["height"], function["width"], 4)
    alpha_bar = torch.rand(function["batch"], dtype=torch.float64)
    source = torch.randn(shape)
    source[0] = 0  # an example that goes without its picture
    return {
        "target": torch.randn(shape), "source": source,
        "encoder_hidden_states": torch.randn(
            function["batch"], function["tokens"], width),
        "noise": torch.randn(shape),
        "timestep": torch.randint(0, 1000, (function["batch"],)).float(),
        "signal": alpha_bar.sqrt().float(),
        "noise_level": (1 - alpha_bar).sqrt().float()}


def loss_of(unet, batch, prediction):
    def image(name):
        return batch[name].permute(0, 3, 1, 2)

    signal = batch["signal"].reshape(-1, 1, 1, 1)
    level = batch["noise_level"].reshape(-1, 1, 1, 1)
    target, noise = image("target"), image("noise")
    sample = torch.cat([signal * target + level * noise, image("source")], 1)
    guess = unet(sample, batch["timestep"],
                 batch["encoder_hidden_states"]).sample
    wanted = noise if prediction == "epsilon" else (
        signal * noise - level * target)
    return torch.nn.functional.mse_loss(guess, wanted)


def make_unet(config, weights):
    unet = UNet2DConditionModel(**{
        k: v for k, v in config.items() if not k.startswith("_")})
    unet.load_state_dict(weights)
    return unet.train()


def gradients(config, weights, batch):
    unet = make_unet(config, weights)
    loss_of(unet, batch, "epsilon").backward()
    return {f"unet.{name}": p.grad for name, p in unet.named_parameters()}


def train(config, weights, batches, prediction):
    unet = make_unet(config, weights)
    parameters = list(unet.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1],
         "weight_decay": HYPER["weight_decay"]},
        {"params": [p for p in parameters if p.ndim <= 1],
         "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(
        groups, lr=HYPER["learning_rate"],
        betas=(HYPER["beta1"], HYPER["beta2"]), eps=HYPER["epsilon"])
    losses, norms = [], []
    for step in range(STEPS[prediction]):
        optimizer.zero_grad()
        loss = loss_of(unet, batches[step % BATCHES], prediction)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, HYPER["max_norm"])
        optimizer.step()
        losses.append(loss.item())
        norms.append(norm.item())
    tensors = {f"{prediction}.losses": torch.tensor(losses),
               f"{prediction}.norms": torch.tensor(norms)}
    state = unet.state_dict()
    for name in KEPT:
        tensors[f"{prediction}.parameters.{name}"] = state[
            name.removeprefix("unet.")]
    print(prediction, losses[0], losses[-1], norms[0], norms[-1])
    return tensors


def save(name, tensors, metadata):
    path = FOLDER / f"{name}.safetensors"
    save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()},
              path, metadata=metadata)
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")


def main():
    torch.manual_seed(23)
    torch.set_num_threads(1)
    function, config, weights = read_model()
    batches = [make_batch(function, config["cross_attention_dim"])
               for _ in range(BATCHES)]
    tensors = {f"{i}.{name}": tensor for i, batch in enumerate(batches)
               for name, tensor in batch.items()}
    for prediction in STEPS:
        tensors |= train(config, weights, batches, prediction)
    save("train", tensors, {"hyper": json.dumps(HYPER)})
    save("train_gradients", gradients(config, weights, batches[0]), {})


if __name__ == "__main__":
    main()
