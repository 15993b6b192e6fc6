#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes adapters of the tiny UNet as diffusers and PEFT publish them.

Usage: make_lora.py   (needs diffusers, peft, torch, safetensors)

    lora_diffusers.safetensors   StableDiffusion...Pipeline.save_lora_weights
    lora_kohya.safetensors       diffusers' conversion of the same
    lora_peft/                   PeftModel.save_pretrained
    lora_merged.safetensors      the UNet's weights after PEFT merged them
"""
import tempfile
from pathlib import Path

import torch
from diffusers import (StableDiffusionInstructPix2PixPipeline,
                       UNet2DConditionModel)
from diffusers.utils import convert_state_dict_to_kohya
from peft import LoraConfig, get_peft_model
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
PREFIX = "unet."
CONFIG = dict(r=2, lora_alpha=3,
              target_modules=["to_q", "to_k", "to_v", "to_out.0", "conv_in",
                              "proj_in"])


def tiny_unet():
    unet = UNet2DConditionModel(
        sample_size=24, in_channels=8, out_channels=4, layers_per_block=1,
        block_out_channels=(16, 24), norm_num_groups=4, attention_head_dim=2,
        cross_attention_dim=24,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"))
    weights = load_file(HERE / "edit.safetensors")
    unet.load_state_dict({name[len(PREFIX):]: value
                          for name, value in weights.items()
                          if name.startswith(PREFIX)})
    return unet


def randomize(unet):
    torch.manual_seed(11)
    with torch.no_grad():
        for name, parameter in unet.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn_like(parameter) * 0.2)


def main():
    unet = tiny_unet()
    unet.add_adapter(LoraConfig(**CONFIG))
    randomize(unet)
    layers = get_peft_model_state_dict(unet)
    with tempfile.TemporaryDirectory() as folder:
        StableDiffusionInstructPix2PixPipeline.save_lora_weights(
            folder, unet_lora_layers=layers,
            unet_lora_adapter_metadata=unet.peft_config["default"].to_dict())
        saved = Path(folder) / "pytorch_lora_weights.safetensors"
        (HERE / "lora_diffusers.safetensors").write_bytes(saved.read_bytes())
    kohya = convert_state_dict_to_kohya(
        {PREFIX + name: value for name, value in layers.items()})
    for name in [n for n in kohya if n.endswith("lora_down.weight")]:
        kohya[name.replace("lora_down.weight", "alpha")] = torch.tensor(
            float(CONFIG["lora_alpha"]))
    save_file(kohya, HERE / "lora_kohya.safetensors")

    wrapped = get_peft_model(tiny_unet(), LoraConfig(**CONFIG))
    randomize(wrapped)
    wrapped.save_pretrained(HERE / "lora_peft")
    (HERE / "lora_peft/README.md").unlink(missing_ok=True)
    merged = wrapped.merge_and_unload().state_dict()
    own = tiny_unet().state_dict()
    save_file({PREFIX + name: value.contiguous()
               for name, value in merged.items()
               if not torch.equal(value, own[name])},
              HERE / "lora_merged.safetensors")


if __name__ == "__main__":
    main()
