# SPDX-License-Identifier: Apache-2.0
"""Measures the default model on held-out edits, with PyTorch.

Usage: evaluate_default.py MODEL SHARDS [--count N] [--scales T,I ...]
           [--json FILE] [--sheet PNG]

PSNR is that of the edited picture to the true result, and of the unedited
picture to it; "closer" is the share of edits whose result is nearer to the
truth than to the source.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import torch

import default_model
import edit_shards


def load_examples(folder, count):
    source, target, kind, texts = [], [], [], []
    for path in sorted(Path(folder).glob("*.safetensors")):
        shard = edit_shards.read(path)
        source.append(shard.source)
        target.append(shard.target)
        kind.append(shard.kind)
        texts += shard.texts
        if len(texts) >= count:
            break
    source, target, kind = (np.concatenate(x)[:count]
                            for x in (source, target, kind))
    return source, target, kind, texts[:count], shard.kinds


def to_float(pictures, device):
    x = torch.from_numpy(np.ascontiguousarray(pictures)).to(device)
    return x.permute(0, 3, 1, 2).float() / 127.5 - 1


def to_bytes(x):
    x = ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return x.permute(0, 2, 3, 1).cpu().numpy()


def square_error(a, b):
    difference = a.astype(np.float64) - b.astype(np.float64)
    return np.square(difference).mean((1, 2, 3))


def psnr(error):
    return 10 * np.log10(255 ** 2 / np.maximum(error, 1e-4))


@torch.no_grad()
def run(parts, source, texts, scales, steps, batch, device):
    vae, unet, text_encoder, tokenizer = parts
    ids = default_model.tokenize(tokenizer, texts).to(device)
    null_ids = default_model.tokenize(tokenizer, [""]).to(device)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(len(source), default_model.LATENT_CHANNELS,
                        default_model.LATENT_SIDE, default_model.LATENT_SIDE,
                        generator=generator)
    results = []
    for i in range(0, len(source), batch):
        x = to_float(source[i:i + batch], device)
        latent = vae.encode(x).latent_dist.mode()
        z = default_model.edit(unet, text_encoder, latent, ids[i:i + batch],
                               null_ids, noise[i:i + batch].to(device), steps,
                               *scales)
        results.append(to_bytes(vae.decode(z).sample))
    return np.concatenate(results)


@torch.no_grad()
def reconstruct(vae, pictures, batch, device):
    return np.concatenate([
        to_bytes(vae.decode(vae.encode(to_float(
            pictures[i:i + batch], device)).latent_dist.mode()).sample)
        for i in range(0, len(pictures), batch)])


def table(results, source, target, kind, kinds):
    """Rows (kind, count, unedited PSNR, edited PSNR, share closer)."""
    before = psnr(square_error(source, target))
    after = psnr(square_error(results, target))
    closer = square_error(results, target) < square_error(results, source)
    rows = [(name, kind == i) for i, name in enumerate(kinds)]
    rows.append(("all", np.ones(len(kind), bool)))
    return [(name, int(chosen.sum()), before[chosen].mean(),
             after[chosen].mean(), closer[chosen].mean())
            for name, chosen in rows if chosen.any()]


def show(rows):
    print(f"{'kind':12}{'edits':>6}{'unedited':>10}{'edited':>8}{'gain':>7}"
          f"{'closer':>8}")
    for name, count, before, after, closer in rows:
        print(f"{name:12}{count:6}{before:10.2f}{after:8.2f}"
              f"{after - before:7.2f}{100 * closer:7.1f}%", flush=True)


def draw_sheet(path, source, target, results, texts, chosen):
    """Source, result and truth of each chosen edit under its sentence."""
    from PIL import Image, ImageDraw
    side, columns = source.shape[1], 4
    width, height = 3 * side + 12, side + 18
    rows = (len(chosen) + columns - 1) // columns
    sheet = Image.new("RGB", (columns * width, rows * height), "white")
    draw = ImageDraw.Draw(sheet)
    for place, i in enumerate(chosen):
        x, y = place % columns * width, place // columns * height
        draw.text((x + 2, y + 2), texts[i][:62], fill="black")
        for part, picture in enumerate([source[i], results[i], target[i]]):
            sheet.paste(Image.fromarray(picture),
                        (x + part * (side + 2), y + 15))
    sheet.save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("shards")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--scales", nargs="+", default=["1,1"],
                        help="text,image guidance")
    parser.add_argument("--json")
    parser.add_argument("--sheet", help="a picture of 32 edits, chosen by "
                        "a fixed seed")
    args = parser.parse_args()

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    parts = default_model.load(args.model, device)
    source, target, kind, texts, kinds = load_examples(args.shards,
                                                       args.count)
    rebuilt = reconstruct(parts[0], target, args.batch, device)
    print(f"autoencoder alone: "
          f"{psnr(square_error(rebuilt, target)).mean():.2f} dB")
    report = {}
    for scales in args.scales:
        pair = tuple(float(s) for s in scales.split(","))
        results = run(parts, source, texts, pair, args.steps, args.batch,
                      device)
        rows = table(results, source, target, kind, kinds)
        print(f"{args.steps} steps, text scale {pair[0]}, image scale "
              f"{pair[1]}, {len(texts)} edits")
        show(rows)
        report[scales] = rows
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=1,
                                              default=float))
    if args.sheet:
        chosen = np.random.default_rng(32).choice(len(texts), 32, False)
        draw_sheet(args.sheet, source, target, results, texts,
                   sorted(chosen.tolist()))


if __name__ == "__main__":
    main()
