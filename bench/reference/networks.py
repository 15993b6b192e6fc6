# SPDX-License-Identifier: Apache-2.0
"""The networks of InstructPix2Pix at full size with seeded random weights.

Nothing is downloaded: diffusers and transformers build them from the public
configurations, and a seed fills them.
"""
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

UNET = dict(
    sample_size=64, in_channels=8, out_channels=4, cross_attention_dim=768,
    attention_head_dim=8, block_out_channels=(320, 640, 1280, 1280))
VAE = dict(
    sample_size=512, block_out_channels=(128, 256, 512, 512),
    layers_per_block=2, latent_channels=4, norm_num_groups=32,
    down_block_types=("DownEncoderBlock2D",) * 4,
    up_block_types=("UpDecoderBlock2D",) * 4)
CLIP = dict(
    vocab_size=49408, hidden_size=768, intermediate_size=3072,
    num_hidden_layers=12, num_attention_heads=12, max_position_embeddings=77,
    hidden_act="quick_gelu", projection_dim=768, bos_token_id=0,
    eos_token_id=2, pad_token_id=1)
SCHEDULER = dict(
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
    clip_sample=False, set_alpha_to_one=False, steps_offset=1)


@torch.no_grad()
def fill(module, seed):
    """Matrices keep the scale of their inputs, so that every layer matters
    and nothing grows with depth; norms and biases are not trivial."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim == 1:
            parameter.add_(noise * 0.1)
        else:
            parameter.copy_(noise / parameter[0].numel() ** 0.5)
    return module.eval()


def unet(seed=1):
    return fill(UNet2DConditionModel(**UNET), seed)


def vae(seed=2):
    return fill(AutoencoderKL(**VAE), seed)


def text_encoder(seed=3):
    return fill(CLIPTextModel(CLIPTextConfig(**CLIP)), seed)


def scheduler():
    return DDIMScheduler(**SCHEDULER)
