# SPDX-License-Identifier: Apache-2.0
"""A tiny InstructPix2Pix pipeline in the two layouts that `burin convert` reads.

Run from anywhere: python tests/formats/golden/make_tiny.py
Needs torch, diffusers, transformers and safetensors. Writes tiny_diffusers/
(what save_pretrained makes) and tiny_single.safetensors (the names of the
original training code, checked with diffusers' own converters).
"""
import json
import pathlib
import re
import shutil

import torch
from diffusers import (AutoencoderKL, EulerAncestralDiscreteScheduler,
                       StableDiffusionInstructPix2PixPipeline,
                       UNet2DConditionModel)
from diffusers.loaders import single_file_utils
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

OUT = pathlib.Path(__file__).parent
LEVELS, LAYERS = 4, 2


def vocabulary():
    """CLIP's 256 byte letters, alone and at a word's end, and two merges."""
    letters = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in letters]
    chars = [chr(b) for b in letters]
    chars += [chr(256 + i) for i in range(len(others))]
    tokens = chars + [c + "</w>" for c in chars] + ["ca", "cat</w>"]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    return {token: i for i, token in enumerate(tokens)}


def pipeline():
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8, in_channels=8, out_channels=4,
        block_out_channels=(4, 4, 4, 8), layers_per_block=LAYERS,
        cross_attention_dim=8, attention_head_dim=2, norm_num_groups=2)
    vae = AutoencoderKL(
        block_out_channels=(4, 4, 4, 8), layers_per_block=LAYERS,
        down_block_types=("DownEncoderBlock2D",) * LEVELS,
        up_block_types=("UpDecoderBlock2D",) * LEVELS,
        latent_channels=4, norm_num_groups=2)
    vocab = vocabulary()
    text_encoder = CLIPTextModel(CLIPTextConfig(
        vocab_size=len(vocab), hidden_size=8, intermediate_size=16,
        num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=77, bos_token_id=vocab["<|startoftext|>"],
        eos_token_id=vocab["<|endoftext|>"],
        pad_token_id=vocab["<|endoftext|>"]))
    tokenizer = CLIPTokenizer(vocab=vocab,
                              merges=[("c", "a"), ("ca", "t</w>")])
    return StableDiffusionInstructPix2PixPipeline(
        vae=vae, text_encoder=text_encoder, tokenizer=tokenizer, unet=unet,
        scheduler=EulerAncestralDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"),
        safety_checker=None, feature_extractor=None,
        requires_safety_checker=False).to(torch.float16)


RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2",
          "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
          "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}


def unet_name(name):
    """diffusers -> original, by counting blocks."""
    def resnet(text):
        for new, old in RESNET.items():
            text = re.sub(rf"^{new}\.", old + ".", text)
        return text

    if m := re.match(r"down_blocks\.(\d)\.(\w+)\.(\d)\.(.*)", name):
        level, kind, layer, rest = int(m[1]), m[2], int(m[3]), m[4]
        index = 1 + level * (LAYERS + 1) + layer
        if kind == "downsamplers":
            return f"input_blocks.{index + LAYERS}.0." + \
                rest.replace("conv", "op")
        return f"input_blocks.{index}." + \
            (f"0.{resnet(rest)}" if kind == "resnets" else f"1.{rest}")
    if m := re.match(r"up_blocks\.(\d)\.(\w+)\.(\d)\.(.*)", name):
        level, kind, layer, rest = int(m[1]), m[2], int(m[3]), m[4]
        index = level * (LAYERS + 1) + layer
        if kind == "upsamplers":
            return f"output_blocks.{index + LAYERS}.{1 if level == 0 else 2}." \
                + rest
        return f"output_blocks.{index}." + \
            (f"0.{resnet(rest)}" if kind == "resnets" else f"1.{rest}")
    if m := re.match(r"mid_block\.(\w+)\.(\d)\.(.*)", name):
        if m[1] == "attentions":
            return f"middle_block.1.{m[3]}"
        return f"middle_block.{2 * int(m[2])}.{resnet(m[3])}"
    for new, old in {"conv_in": "input_blocks.0.0", "conv_norm_out": "out.0",
                     "conv_out": "out.2",
                     "time_embedding.linear_": "time_embed."}.items():
        if name.startswith(new):
            rest = name[len(new):]
            if new.startswith("time"):
                rest = str(2 * (int(rest[0]) - 1)) + rest[1:]
            return old + rest
    raise KeyError(name)


def vae_name(name):
    name = name.replace("conv_norm_out", "norm_out")
    name = name.replace("conv_shortcut", "nin_shortcut")
    name = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample",
                  name)
    name = re.sub(r"up_blocks\.(\d)\.resnets",
                  lambda m: f"up.{LEVELS - 1 - int(m[1])}.block", name)
    name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0",
                  lambda m: f"up.{LEVELS - 1 - int(m[1])}.upsample", name)
    name = name.replace("mid_block.resnets.0", "mid.block_1")
    name = name.replace("mid_block.resnets.1", "mid.block_2")
    for new, old in {"group_norm": "norm", "to_q": "q", "to_k": "k",
                     "to_v": "v", "to_out.0": "proj_out"}.items():
        name = name.replace(f"mid_block.attentions.0.{new}",
                            f"mid.attn_1.{old}")
    return name


def single_file(pipe):
    tensors = {}
    for name, value in pipe.unet.state_dict().items():
        tensors["model.diffusion_model." + unet_name(name)] = value
    for name, value in pipe.vae.state_dict().items():
        old = vae_name(name)
        if ".attn_1." in old and value.dim() == 2:
            value = value[:, :, None, None]
        tensors["first_stage_model." + old] = value
    for name, value in pipe.text_encoder.state_dict().items():
        name = name.removeprefix("text_model.")
        tensors["cond_stage_model.transformer.text_model." + name] = value
    tensors["cond_stage_model.transformer.text_model.embeddings."
            "position_ids"] = torch.arange(77)[None]
    tensors["betas"] = torch.linspace(0, 1, 4)
    tensors["model_ema.diffusion_modelinput_blocks00weight"] = torch.zeros(2)
    tensors["model_ema.num_updates"] = torch.tensor(7, dtype=torch.int32)
    return {k: v.contiguous() for k, v in tensors.items()}


def check(single, pipe):
    """diffusers' converters must lead back to the pipeline's own tensors."""
    unet = single_file_utils.convert_ldm_unet_checkpoint(
        dict(single), dict(pipe.unet.config))
    vae = single_file_utils.convert_ldm_vae_checkpoint(
        dict(single), dict(pipe.vae.config))
    for got, model in ((unet, pipe.unet), (vae, pipe.vae)):
        want = model.state_dict()
        assert got.keys() == want.keys(), got.keys() ^ want.keys()
        assert all(torch.equal(got[k].reshape(want[k].shape), want[k])
                   for k in want)


pipe = pipeline()
shutil.rmtree(OUT / "tiny_diffusers", ignore_errors=True)
pipe.save_pretrained(OUT / "tiny_diffusers")
single = single_file(pipe)
check(single, pipe)
save_file(single, OUT / "tiny_single.safetensors")
index = OUT / "tiny_diffusers" / "model_index.json"
assert "InstructPix2Pix" in json.loads(index.read_text())["_class_name"]
