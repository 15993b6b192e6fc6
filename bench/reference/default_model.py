# SPDX-License-Identifier: Apache-2.0
"""The default model: its configuration, its parts, and its folder on disk.

All parts together stay below 16 million parameters, 32 MB in bf16.
"""
import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

SIDE = 128
LATENT_SIDE = 32
LATENT_CHANNELS = 8
TOKENS = 32

VAE = dict(
    in_channels=3, out_channels=3, sample_size=SIDE,
    block_out_channels=(64, 96, 96), layers_per_block=1,
    down_block_types=("DownEncoderBlock2D",) * 3,
    up_block_types=("UpDecoderBlock2D",) * 3,
    latent_channels=LATENT_CHANNELS, norm_num_groups=16,
    # Training ends by folding each channel's mean and deviation into the
    # 1x1 convolutions around the latent, so there is nothing left to scale.
    scaling_factor=1.0)

UNET = dict(
    sample_size=LATENT_SIDE, in_channels=2 * LATENT_CHANNELS,
    out_channels=LATENT_CHANNELS, block_out_channels=(96, 160, 160),
    layers_per_block=1,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D",
                      "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    cross_attention_dim=192, attention_head_dim=4, norm_num_groups=32)

TEXT = dict(
    hidden_size=192, intermediate_size=768, num_hidden_layers=4,
    num_attention_heads=4, max_position_embeddings=TOKENS,
    hidden_act="quick_gelu")

SCHEDULER = dict(
    num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012,
    beta_schedule="scaled_linear", prediction_type="v_prediction",
    clip_sample=False, set_alpha_to_one=True, steps_offset=0,
    timestep_spacing="trailing")


def load_tokenizer(folder):
    return CLIPTokenizer.from_pretrained(str(folder), model_max_length=TOKENS)


def make_vae():
    return AutoencoderKL(**VAE)


def make_unet():
    return UNet2DConditionModel(**UNET)


def make_text_encoder(tokenizer):
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=len(tokenizer), bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, **TEXT))


def tokenize(tokenizer, texts):
    return tokenizer(texts, padding="max_length", truncation=True,
                     max_length=TOKENS, return_tensors="pt").input_ids


def parameters(*modules):
    return sum(p.numel() for m in modules for p in m.parameters())


def save(folder, vae, unet, text_encoder, tokenizer_folder, guidance):
    """Writes the diffusers layout of StableDiffusionInstructPix2PixPipeline.

    `guidance` is (text, image): the scales the model is released with.
    """
    folder = Path(folder)
    for name, module in [("vae", vae), ("unet", unet),
                         ("text_encoder", text_encoder)]:
        module.to(torch.bfloat16).save_pretrained(folder / name)
    # Byte for byte: transformers rewrites them into a format of its own.
    (folder / "tokenizer").mkdir(parents=True, exist_ok=True)
    for file in ("vocab.json", "merges.txt", "tokenizer_config.json",
                 "special_tokens_map.json"):
        shutil.copy(Path(tokenizer_folder) / file, folder / "tokenizer" / file)
    DDIMScheduler(**SCHEDULER).save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "StableDiffusionInstructPix2PixPipeline",
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        # Not a part of the pipeline: what a sampler should use by default.
        "burin": {"guidance_scale": guidance[0],
                  "image_guidance_scale": guidance[1],
                  "num_inference_steps": 20},
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=2))


def load(folder, device="cpu"):
    """(vae, unet, text_encoder, tokenizer), in float32, for inference."""
    folder = Path(folder)
    parts = [cls.from_pretrained(folder / name, torch_dtype=torch.float32)
             for cls, name in [(AutoencoderKL, "vae"),
                               (UNet2DConditionModel, "unet"),
                               (CLIPTextModel, "text_encoder")]]
    return *[p.to(device).eval() for p in parts], load_tokenizer(
        folder / "tokenizer")


def alphas_cumprod(device="cpu"):
    return DDIMScheduler(**SCHEDULER).alphas_cumprod.to(device)


@torch.no_grad()
def edit(unet, text_encoder, source_latent, ids, null_ids, noise, steps,
         text_scale, image_scale):
    """DDIM with trailing steps and dual guidance; returns the latent.

    A branch that its scale multiplies by zero is left out.
    """
    device = source_latent.device
    alphas = alphas_cumprod(device)
    times = torch.arange(1000, 0, -1000 / steps).round().long() - 1
    states = text_encoder(ids)[0]
    zero = torch.zeros_like(source_latent)
    rows = [(states, source_latent)]
    if text_scale != 1 or image_scale != 1:
        null = text_encoder(null_ids.expand(len(ids), -1))[0]
        if text_scale != image_scale:
            rows.append((null, source_latent))
        if image_scale != 1:
            rows.append((null, zero))
    context = torch.cat([r[0] for r in rows])
    condition = torch.cat([r[1] for r in rows])
    x = noise
    for i, t in enumerate(times):
        inputs = torch.cat([torch.cat([x] * len(rows)), condition], 1)
        v = unet(inputs, t.to(device), context).sample.float()
        parts = v.chunk(len(rows))
        v = text_scale * parts[0]
        if text_scale != image_scale:
            v = v + (image_scale - text_scale) * parts[1]
        if image_scale != 1:
            v = v + (1 - image_scale) * parts[-1]
        alpha = alphas[t]
        after = alphas[times[i + 1]] if i + 1 < steps else torch.ones_like(
            alpha)
        clean = alpha.sqrt() * x - (1 - alpha).sqrt() * v
        noise_part = (1 - alpha).sqrt() * x + alpha.sqrt() * v
        x = after.sqrt() * clean + (1 - after).sqrt() * noise_part
    return x
