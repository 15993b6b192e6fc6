#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes edit.safetensors: a tiny InstructPix2Pix model and edits by diffusers.

Usage: make_edit.py   (needs diffusers, transformers, torch, safetensors)

Tensors: the model's under their checkpoint names; `image` [h, w, 3] u8;
`noise` [1 + steps, channels, h, w]; `<case>.image` [h, w, 3] u8, what diffusers
makes of it with that noise, or with a case's `seed`. Metadata: what a
checkpoint carries, and `cases`.
"""
import json
from pathlib import Path

import diffusers.schedulers.scheduling_euler_ancestral_discrete as ancestral
import numpy as np
import torch
from diffusers import (AutoencoderKL, DDIMScheduler,
                       DPMSolverMultistepScheduler,
                       EulerAncestralDiscreteScheduler,
                       EulerDiscreteScheduler, PNDMScheduler,
                       StableDiffusionInstructPix2PixPipeline,
                       UNet2DConditionModel)
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

HERE = Path(__file__).parent
STEPS = 20
randn_tensor = ancestral.randn_tensor
WIDTH, HEIGHT = 48, 32
PROMPT = "make the red cat's house 2 times larger"
SAMPLERS = {
    "ddim": DDIMScheduler, "euler": EulerDiscreteScheduler,
    "euler-ancestral": EulerAncestralDiscreteScheduler,
    "dpm++2m": DPMSolverMultistepScheduler, "pndm": PNDMScheduler,
}
SCHEDULER = {
    "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012,
    "beta_schedule": "scaled_linear", "steps_offset": 1,
    "set_alpha_to_one": False, "skip_prk_steps": True, "clip_sample": False,
    "timestep_spacing": "leading", "prediction_type": "epsilon",
}


def tokenizer():
    """Bytes, the first merges of CLIP's list, and the marks."""
    lines = (HERE / "../data/clip_merges.txt").read_text("utf-8").splitlines()
    merges = [tuple(line.split()) for line in lines[1:101]]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols = [chr(b) for b in printable]
    symbols += [chr(256 + i) for i in range(256 - len(printable))]
    tokens = symbols + [s + "</w>" for s in symbols]
    tokens += ["".join(m) for m in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {token: i for i, token in enumerate(tokens)}
    texts = {"tokenizer.vocab": json.dumps(vocab, ensure_ascii=False),
             "tokenizer.merges": "#version: 0.2\n" + "\n".join(
                 " ".join(m) for m in merges) + "\n",
             "tokenizer.config": json.dumps({"model_max_length": 77})}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=77), texts


def models(vocabulary):
    torch.manual_seed(3)
    unet = UNet2DConditionModel(
        sample_size=24, in_channels=8, out_channels=4, layers_per_block=1,
        block_out_channels=(16, 24), norm_num_groups=4, attention_head_dim=2,
        cross_attention_dim=24,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"))
    vae = AutoencoderKL(
        block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=4,
        sample_size=48)
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=vocabulary, hidden_size=24, intermediate_size=48,
        num_hidden_layers=2, num_attention_heads=2, hidden_act="quick_gelu",
        max_position_embeddings=77, bos_token_id=vocabulary - 2,
        eos_token_id=vocabulary - 1, pad_token_id=vocabulary - 1))
    with torch.no_grad():
        # Untrained outputs are faint: make errors show in 8 bits.
        text.final_layer_norm.weight.mul_(2)
        unet.conv_out.weight.mul_(4)
        vae.decoder.conv_out.weight.mul_(0.8)
    return unet.eval(), vae.eval(), text.eval()


def picture():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / 16.0
    channels = [np.sin(3 * x + y), np.cos(2 * y - x), np.sin(x * y)]
    return np.round(np.stack(channels, -1) * 100 + 127).astype(np.uint8)


def cases():
    for name in SAMPLERS:
        yield {"sampler": name, "text_scale": 7.5, "image_scale": 1.5}
    yield {"sampler": "ddim", "text_scale": 3.0, "image_scale": 1.0}
    yield {"sampler": "euler", "text_scale": 2.0, "image_scale": 2.0}
    yield {"sampler": "pndm", "text_scale": 1.0, "image_scale": 1.0}
    for name in ("euler-ancestral", "dpm++2m"):
        yield {"sampler": name, "text_scale": 4.0, "image_scale": 1.5,
               "seed": 5}


def edit(parts, case, image, noise, prompt):
    unet, vae, text, words = parts
    cls = SAMPLERS[case["sampler"]]
    known = cls().config
    scheduler = cls(**{k: v for k, v in SCHEDULER.items() if k in known})
    pipe = StableDiffusionInstructPix2PixPipeline(
        vae=vae, text_encoder=text, tokenizer=words, unet=unet,
        scheduler=scheduler, safety_checker=None, feature_extractor=None,
        requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    if "seed" in case:
        ancestral.randn_tensor = randn_tensor
        start = {"generator": torch.Generator().manual_seed(case["seed"])}
    else:
        rows = iter(noise[1:, None])
        ancestral.randn_tensor = lambda *a, **k: next(rows)
        start = {"latents": noise[:1].clone()}
    return pipe(prompt, image=Image.fromarray(image),
                num_inference_steps=STEPS, guidance_scale=case["text_scale"],
                image_guidance_scale=case["image_scale"],
                output_type="pil", **start).images[0]


def main():
    words, metadata = tokenizer()
    unet, vae, text = models(len(words))
    image = picture()
    random = torch.Generator().manual_seed(11)
    noise = torch.randn(1 + STEPS, 4, HEIGHT // 2, WIDTH // 2,
                        generator=random)
    tensors = {"image": torch.from_numpy(image), "noise": noise}
    for prefix, model in (("unet", unet), ("vae", vae),
                          ("text_encoder.text_model", text)):
        for name, value in model.state_dict().items():
            tensors[f"{prefix}.{name}"] = value.contiguous()
    parts = unet, vae, text, words
    for i, case in enumerate(cases()):
        result = np.asarray(edit(parts, case, image, noise, PROMPT))
        other = np.asarray(edit(parts, case, image, noise, "blue"))
        difference = np.abs(result.astype(int) - other).mean()
        clipped = np.mean((result == 0) | (result == 255))
        print(case, f"std {result.std():.1f} clipped {clipped:.3f} "
              f"text {difference:.1f}")
        assert result.std() > 20 and clipped < 0.1 and difference > 2
        tensors[f"{i}.image"] = torch.from_numpy(result.copy())
    metadata |= {
        "architecture": "instruct_pix2pix",
        "unet.config": unet.to_json_string(),
        "vae.config": vae.to_json_string(),
        "text_encoder.config": text.config.to_json_string(use_diff=False),
        "scheduler.config": json.dumps(
            {"_class_name": "PNDMScheduler", **SCHEDULER}),
        "prompt": PROMPT, "steps": str(STEPS),
        "cases": json.dumps(list(cases())),
    }
    save_file(tensors, HERE / "edit.safetensors", metadata)
    (HERE / "edit.safetensors").chmod(0o644)


if __name__ == "__main__":
    main()
