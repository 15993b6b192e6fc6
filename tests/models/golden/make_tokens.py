#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tokens.safetensors: 10,000 strings and what transformers makes of them.

Usage: make_tokens.py   (needs transformers, numpy, safetensors)

The vocabulary is CLIP's, rebuilt from data/clip_merges.txt. Characters are
drawn from those that Python's Unicode tables assign, since the libraries that
are compared know different versions of Unicode.
"""
import random
import unicodedata
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import AddedToken
from transformers import CLIPTokenizer

HERE = Path(__file__).parent
COUNT = 10_000
MAX_LENGTH = 77

VERBS = """replace remove add make turn change move paint swap erase put draw
enlarge shrink rotate brighten darken blur sharpen colour""".split()
NOUNS = """cat dog red panda rocket teapot snowman lighthouse bicycle violin
penguin strawberry waterfall skyscraper butterfly lantern sunflower astronaut
kangaroo hippopotamus rhododendron antidisestablishmentarianism""".split()
GLUE = """with by to into the a an of on in left right behind next and very
bright blue green golden at sunset's don't it's we're they've I'm you'll he'd
photo-realistic 3d 4k 1920x1080 50% #1 $5 c++ e.g. U.S.A. @home x=y""".split()
BLOCKS = [
    (0x20, 0x7E), (0xA0, 0x17F), (0x180, 0x24F), (0x250, 0x2FF),
    (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x590, 0x5FF),
    (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F), (0x1100, 0x11FF),
    (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x218F), (0x2190, 0x2BFF),
    (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF),
    (0xFB00, 0xFFFD), (0x10000, 0x105FF), (0x1D400, 0x1D7FF),
    (0x1F100, 0x1FAFF), (0x20000, 0x2A6DF), (0xE0020, 0xE007F),
]
EMOJI = ["😀", "👩‍🚀", "🏳️‍🌈", "👍🏽", "🇩🇪", "❤️", "1️⃣", "👨‍👩‍👧‍👦", "🐈‍⬛", "☕", "🫠", "🧑🏿‍🎤"]
FIXED = [
    "", " ", "\t\n\r", "\u3000\u2003", "\x00", "a\x00b", "a", "A", "!", "'", "''",
    "'s", "'S'S", "it's", "IT'LL", "''re", "<|startoftext|>", "<|endoftext|>",
    "<|ENDOFTEXT|>!", "!<|EndOfText|>", "a<|endoftext|>b<|startoftext|>",
    "<|startoftext", "|>", "</w>", "a</w>b", "İstanbul", "ΣΊΣΥΦΟΣ", "STRAẞE",
    "e\u0301", "é", "\u0344", "\u1100\u1161\u11a8", "각", "\u212b", "ﬁ", "①②", "½",
    "٣", "𝟘", "\u200b", "\u200d", "\ufeffbom", "\u0085", "a\u0085b", "\u00ad",
    "x\u0327\u0301\u0323", "\U000e0001", "\uffff", "don’t", "“quoted”", "—",
    "replace the cat with a dog", "Replace The CAT   with a Dog!!!",
    "a" * 76, "a " * 74, "a " * 75, "a " * 76, "a " * 77, "1" * 75, "1" * 76,
    "na" * 1000, "!" * 3000, "🙂" * 80, "\u0301" * 500, "antidis" * 40,
]


def sentence(r, words):
    return " ".join(r.choice(r.choice((VERBS, NOUNS, GLUE))) for _ in range(words))


def assigned(r):
    while True:
        low, high = r.choice(BLOCKS)
        character = chr(r.randint(low, high))
        if unicodedata.category(character) not in ("Cn", "Cs", "Co"):
            return character


def soup(r, length):
    return "".join(assigned(r) for _ in range(length))


def mixed(r):
    parts = []
    for _ in range(r.randint(1, 5)):
        kind = r.randrange(5)
        parts.append(
            sentence(r, r.randint(1, 3)) if kind == 0 else
            soup(r, r.randint(1, 4)) if kind == 1 else
            r.choice(EMOJI) if kind == 2 else
            str(r.randint(0, 10 ** r.randint(1, 9))) if kind == 3 else
            r.choice("!?.,;:-'\"()[]<>|/\\@#$%^&*_+=~`") * r.randint(1, 3))
    return r.choice(("", " ")).join(parts)


def styled(r, text):
    return r.choice((str.upper, str.title, str.swapcase, lambda t: t))(text)


def strings():
    r = random.Random(20)
    yield from FIXED
    for i in range(COUNT - len(FIXED)):
        kind = i % 10
        if kind < 4:
            yield styled(r, sentence(r, r.randint(1, 12)))
        elif kind < 7:
            yield mixed(r)
        elif kind < 9:
            yield soup(r, r.randint(1, 10))
        elif i % 100 == 9:
            yield styled(r, sentence(r, r.randint(60, 120)))
        else:
            yield r.choice("\t\n  \u00a0").join(mixed(r) for _ in range(2))


def vocabulary():
    """CLIP's tokens in the order of their ids, and its merges."""
    lines = (HERE / "../data/clip_merges.txt").read_text("utf-8").splitlines()
    merges = [tuple(line.split()) for line in lines[1:]]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols = [chr(b) for b in printable]
    symbols += [chr(256 + i) for i in range(256 - len(printable))]
    tokens = symbols + [s + "</w>" for s in symbols]
    tokens += ["".join(m) for m in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    return {token: i for i, token in enumerate(tokens)}, merges


def ragged(rows, dtype):
    ends = np.cumsum([len(row) for row in rows]).astype(np.int32)
    return np.concatenate([np.asarray(row, dtype) for row in rows]), ends


def main():
    vocab, merges = vocabulary()
    plain = CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=MAX_LENGTH)
    mark = AddedToken("<|startoftext|>", normalized=True, special=True)
    lowered = CLIPTokenizer(vocab=vocab, merges=merges, bos_token=mark,
                            pad_token="!", model_max_length=MAX_LENGTH)
    texts = list(strings())
    ids = [plain(text).input_ids for text in texts]
    text_bytes, text_ends = ragged(
        [np.frombuffer(t.encode("utf-8"), np.uint8) for t in texts], np.uint8)
    id_halves, id_ends = ragged(ids, "<u2")
    # A second configuration, whole and padded, for the fixed strings.
    padded = [lowered(text + " <|StartOfText|>", padding="max_length",
                      truncation=True, max_length=MAX_LENGTH).input_ids
              for text in FIXED]
    save_file({
        "text": text_bytes, "text_ends": text_ends,
        "ids": id_halves.astype("<u2").view(np.uint8), "id_ends": id_ends,
        "padded": np.asarray(padded, np.int32),
    }, HERE / "tokens.safetensors")
    over = sum(len(row) > MAX_LENGTH for row in ids)
    print(f"{len(texts)} strings, {len(id_halves)} ids, {over} over-long")


if __name__ == "__main__":
    main()
