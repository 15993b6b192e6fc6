# SPDX-License-Identifier: Apache-2.0
"""Makes InstructPix2Pix with seeded random weights as a diffusers folder.

    python bench/reference/random_model.py --folder /tmp/full \\
        [--device cuda] [--dtype bf16] [--tiny]
"""
import argparse
import json
import pathlib

import torch

import networks

WORDS = ["<|startoftext|>", "<|endoftext|>"]
INDEX = {
    "_class_name": "StableDiffusionInstructPix2PixPipeline",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "safety_checker": [None, None],
    "feature_extractor": [None, None]}


def make_tokenizer(folder):
    """The smallest that CLIP's rules allow: its words are numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {f"{i}</w>": i for i in range(49406)}
    vocabulary |= {word: 49406 + i for i, word in enumerate(WORDS)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"model_max_length": 77, "bos_token": WORDS[0],
         "eos_token": WORDS[1], "pad_token": WORDS[1],
         "unk_token": WORDS[1]}))


def make_folder(folder, device="cpu", dtype=torch.float32, tiny=False):
    """Does nothing where the folder is complete."""
    folder = pathlib.Path(folder)
    if (folder / "model_index.json").exists():
        return
    for name in ("unet", "vae", "text_encoder"):
        print(f"making {name}", flush=True)
        module = getattr(networks, name)(device=device, tiny=tiny)
        module.to(dtype).save_pretrained(folder / name)
    networks.scheduler().save_pretrained(folder / "scheduler")
    make_tokenizer(folder / "tokenizer")
    (folder / "model_index.json").write_text(json.dumps(INDEX))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    dtype = torch.bfloat16 if options.dtype == "bf16" else torch.float32
    make_folder(options.folder, options.device, dtype, options.tiny)


if __name__ == "__main__":
    main()
