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


# The same networks small, to try programs on.
TINY_UNET = UNET | dict(
    sample_size=16, cross_attention_dim=64, attention_head_dim=4,
    block_out_channels=(32, 64, 64, 64), norm_num_groups=8)
TINY_VAE = VAE | dict(
    sample_size=128, block_out_channels=(32, 32, 32, 32), layers_per_block=1)
TINY_CLIP = CLIP | dict(
    hidden_size=64, intermediate_size=128, num_hidden_layers=2,
    num_attention_heads=4, projection_dim=64)


@torch.no_grad()
def fill(module, seed):
    """Matrices keep the scale of their inputs, so that every layer matters
    and nothing grows with depth; norms and biases are not trivial. A seed
    gives other numbers on another kind of device."""
    device = next(module.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    for parameter in module.parameters():
        noise = torch.randn(parameter.shape, generator=generator,
                            device=device)
        if parameter.ndim == 1:
            parameter.add_(noise * 0.1)
        else:
            parameter.copy_(noise / parameter[0].numel() ** 0.5)
    return module.eval()


def unet(seed=1, device="cpu", tiny=False):
    with torch.device(device):
        return fill(UNet2DConditionModel(**(TINY_UNET if tiny else UNET)),
                    seed)


def vae(seed=2, device="cpu", tiny=False):
    with torch.device(device):
        return fill(AutoencoderKL(**(TINY_VAE if tiny else VAE)), seed)


def text_encoder(seed=3, device="cpu", tiny=False):
    config = CLIPTextConfig(**(TINY_CLIP if tiny else CLIP))
    with torch.device(device):
        return fill(CLIPTextModel(config), seed)


def scheduler():
    return DDIMScheduler(**SCHEDULER)
