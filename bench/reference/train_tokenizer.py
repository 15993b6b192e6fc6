# SPDX-License-Identifier: Apache-2.0
"""Learns the default model's vocabulary from the instructions in shards.

Usage: train_tokenizer.py OUT SHARD...
Writes CLIP's format: vocab.json (bytes, bytes that end a word, merges, two
markers) and merges.txt, learnt by byte-pair encoding over whole words.
"""
import collections
import json
import sys
from pathlib import Path

import regex

import edit_shards

MERGES = 2000
WORDS = regex.compile(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|"
                      r"'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")


def byte_symbols():
    """GPT-2's printable character for each byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols, extra = {}, 0
    for byte in printable:
        symbols[byte] = chr(byte)
    for byte in range(256):
        if byte not in symbols:
            symbols[byte] = chr(256 + extra)
            extra += 1
    return [symbols[b] for b in printable] + [
        symbols[b] for b in range(256) if b not in printable], symbols


def learn(words, count):
    """The most frequent neighbours, merged one after another."""
    merges = []
    while len(merges) < count:
        pairs = collections.Counter()
        for word, weight in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += weight
        if not pairs:
            break
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        merged = {}
        for word, weight in words.items():
            out, i = [], 0
            while i < len(word):
                if word[i:i + 2] == best:
                    out.append(word[i] + word[i + 1])
                    i += 2
                else:
                    out.append(word[i])
                    i += 1
            merged[tuple(out)] = merged.get(tuple(out), 0) + weight
        words = merged
    return merges


def main():
    out = Path(sys.argv[1])
    order, symbols = byte_symbols()
    words = collections.Counter()
    for path in sys.argv[2:]:
        for text in edit_shards.read(path).texts:
            for word in WORDS.findall(text.lower()):
                letters = [symbols[b] for b in word.encode()]
                letters[-1] += "</w>"
                words[tuple(letters)] += 1
    # Rare names matter as much as frequent ones.
    words = {word: weight ** 0.25 for word, weight in words.items()}
    merges = learn(words, MERGES)
    tokens = order + [s + "</w>" for s in order]
    tokens += ["".join(pair) for pair in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    out.mkdir(parents=True, exist_ok=True)
    (out / "vocab.json").write_text(
        json.dumps({t: i for i, t in enumerate(tokens)}, ensure_ascii=False))
    (out / "merges.txt").write_text(
        "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    (out / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "CLIPTokenizer", "model_max_length": 32,
        "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
        "do_lower_case": True}, indent=2))
    (out / "special_tokens_map.json").write_text(json.dumps({
        "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}, indent=2))
    print(f"{len(words)} words, {len(merges)} merges, {len(tokens)} tokens")


main()
