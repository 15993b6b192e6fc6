# SPDX-License-Identifier: Apache-2.0
"""Measures the default model on held-out edits, through `burin edit`.

Usage: evaluate_burin.py BURIN MODEL SHARDS [--count N] [--sheet PNG]

The table is evaluate_default.py's; the pictures come from the command, at
the model's own steps and scales, example i with seed i.
"""
import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import evaluate_default as evaluation


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("burin")
    parser.add_argument("model")
    parser.add_argument("shards")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--sheet", help="a picture of 32 edits, chosen by "
                        "a fixed seed")
    args = parser.parse_args()

    source, target, kind, texts, kinds = evaluation.load_examples(
        args.shards, args.count)
    results = np.empty_like(source)
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.png", Path(folder) / "after.png"
        for i, text in enumerate(texts):
            Image.fromarray(source[i]).save(before)
            subprocess.run(
                [args.burin, "edit", before, text, "-o", after, "--quiet",
                 "--model", args.model, "--seed", str(i)], check=True)
            results[i] = np.asarray(Image.open(after))
    evaluation.show(evaluation.table(results, source, target, kind, kinds))
    if args.sheet:
        chosen = np.random.default_rng(32).choice(len(texts), 32, False)
        evaluation.draw_sheet(args.sheet, source, target, results, texts,
                              sorted(chosen.tolist()))


if __name__ == "__main__":
    main()
