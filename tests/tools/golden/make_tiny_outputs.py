# SPDX-License-Identifier: Apache-2.0
"""Inputs and outputs of every function of tests/formats/golden/tiny_diffusers.

Run from anywhere: python tests/tools/golden/make_tiny_outputs.py
Needs torch, diffusers, transformers and safetensors. Writes
<function>.inputs.safetensors and <function>.outputs.safetensors.
"""
import pathlib

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextModel

OUT = pathlib.Path(__file__).parent
MODEL = OUT.parents[1] / "formats" / "golden" / "tiny_diffusers"


def save(name, inputs, outputs):
    save_file(inputs, OUT / f"{name}.inputs.safetensors")
    save_file({k: v.contiguous() for k, v in outputs.items()},
              OUT / f"{name}.outputs.safetensors")


@torch.no_grad()
def main():
    def load(kind, name):
        return kind.from_pretrained(MODEL / name).eval().float()

    torch.manual_seed(0)
    unet = load(UNet2DConditionModel, "unet")
    x = {"sample": torch.randn(2, 8, 16, 8), "timestep": torch.tensor([5.0, 900.0]),
         "encoder_hidden_states": torch.randn(2, 7, 8)}
    save("unet", x, {"sample": unet(**x).sample})

    vae = load(AutoencoderKL, "vae")
    x = {"image": torch.randn(1, 3, 16, 32)}
    save("vae_encoder", x,
         {"moments": vae.encode(x["image"]).latent_dist.parameters})
    x = {"latent": torch.randn(1, 4, 2, 3)}
    save("vae_decoder", x, {"image": vae.decode(x["latent"]).sample})

    text = load(CLIPTextModel, "text_encoder")
    ids = torch.randint(0, 500, (3, 20))
    ids[:, 12:] = text.config.eos_token_id
    y = text(input_ids=ids)
    save("text_encoder", {"input_ids": ids},
         {"last_hidden_state": y.last_hidden_state,
          "pooled_output": y.pooler_output})


if __name__ == "__main__":
    main()
