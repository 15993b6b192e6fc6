# SPDX-License-Identifier: Apache-2.0
"""The batches of `burin train`, made again from what it cached: which example
comes when, with which noise, timestep and dropout (models/train/batch.h,
models/train/order.h, runtime/base/philox.h)."""
import pathlib

import numpy
import torch
from safetensors import safe_open

ORDER, ROW = 1, 2  # streams under a training's seed
DROPOUT = {"text": 0.05, "picture": 0.05, "both": 0.05}


def philox(seed, counter, stream=0):
    """Philox4x32-10: four words for each counter, uint64 [4, counters]."""
    low = numpy.uint64(0xFFFFFFFF)
    half = numpy.uint64(32)
    counter = numpy.atleast_1d(numpy.asarray(counter, numpy.uint64))
    stream = numpy.full_like(counter, stream)
    c = [counter & low, counter >> half, stream & low, stream >> half]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        p0 = numpy.uint64(0xD2511F53) * c[0]
        p1 = numpy.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> half) ^ c[1] ^ numpy.uint64(key[0]), p1 & low,
             (p0 >> half) ^ c[3] ^ numpy.uint64(key[1]), p0 & low]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF,
               (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return numpy.stack(c)


def normals(seed, count):
    words = philox(seed, numpy.arange((count + 3) // 4))
    u = (words + 0.5) * 2.0 ** -32
    radius = numpy.sqrt(-2 * numpy.log(u[0::2]))
    angle = 2 * numpy.pi * u[1::2]
    pairs = numpy.stack([radius * numpy.cos(angle),
                         radius * numpy.sin(angle)], 1)
    return pairs.reshape(4, -1).T.reshape(-1)[:count].astype(numpy.float32)


def stream_of(kind, number):
    return kind << 56 | number


class Order:
    """Example by position: a fresh permutation each epoch."""

    def __init__(self, seed, count):
        self.seed, self.count, self.epoch = seed, count, None

    def at(self, position):
        epoch, place = divmod(position, self.count)
        if epoch != self.epoch:
            self.epoch, self.permutation = epoch, self.shuffle(epoch)
        return self.permutation[place]

    def shuffle(self, epoch):
        steps = numpy.arange(self.count, 1, -1)
        bits = philox(self.seed, steps, stream_of(ORDER, epoch))[0]
        permutation = list(range(self.count))
        for i, word in zip(steps.tolist(), bits.tolist()):
            j = word * i >> 32
            permutation[i - 1], permutation[j] = (permutation[j],
                                                  permutation[i - 1])
        return permutation


class Examples:
    """Encoded shards in the order of their names, without what is left
    out."""

    def __init__(self, cache):
        self.shards, self.places = [], []
        for path in sorted(pathlib.Path(cache).glob("*.safetensors")):
            with safe_open(path, "pt") as file:
                shard = {name: file.get_tensor(name) for name in file.keys()}
            self.places += [(len(self.shards), i)
                            for i in range(len(shard["fault"]))
                            if shard["fault"][i] == 0]
            self.shards.append(shard)
        if not self.places:
            raise ValueError(f"{cache} holds no encoded examples")
        self.empty_text = self.shards[0]["states"][0]

    def __len__(self):
        return len(self.places)

    def at(self, i):
        """Target, source, and the text's states."""
        number, place = self.places[i]
        shard = self.shards[number]
        return (shard["target"][place].float(), shard["source"][place].float(),
                shard["states"][shard["text"][place]])


class Batches:
    """`config` is a training's, `alphas` the schedule's products of alpha,
    `scaling` the autoencoder's."""

    def __init__(self, config, examples, alphas, scaling):
        self.examples, self.alphas = examples, alphas.double()
        self.scaling = scaling
        self.seed, self.rows = config.get("seed", 0), config.get("batch", 16)
        self.dropout = DROPOUT | config.get("dropout", {})
        self.order = Order(self.seed, len(examples))

    def row(self, step, row):
        words = philox(self.seed, step, stream_of(ROW, row))[:, 0].tolist()
        chance = words[3] * 2.0 ** -32
        text, both = self.dropout["text"], self.dropout["both"]
        without_text = chance < text + both
        without_picture = text <= chance < text + both + self.dropout["picture"]
        target, source, states = self.examples.at(
            self.order.at(step * self.rows + row))
        timestep = words[2] * len(self.alphas) >> 32
        noise = torch.from_numpy(normals(words[0] << 32 | words[1],
                                         target.numel()))
        alpha = self.alphas[timestep]
        return {
            "target": self.scaling * target,
            "source": source * (not without_picture),
            "encoder_hidden_states": (self.examples.empty_text if without_text
                                      else states).float(),
            "noise": noise.reshape(target.shape),
            "timestep": torch.tensor(float(timestep)),
            "signal": alpha.sqrt().float(),
            "noise_level": (1 - alpha).sqrt().float()}

    def at(self, step, device="cpu"):
        rows = [self.row(step, row) for row in range(self.rows)]
        return {name: torch.stack([row[name] for row in rows]).to(device)
                for name in rows[0]}
