# SPDX-License-Identifier: Apache-2.0
"""Reads the shards that `burin data` writes, with numpy alone."""
import json
from dataclasses import dataclass

import numpy as np

TYPES = {"U8": np.uint8, "I64": np.int64}


@dataclass
class Shard:
    source: np.ndarray  # [N, side, side, 3] uint8
    target: np.ndarray
    kind: np.ndarray  # [N] index into kinds
    texts: list
    kinds: list


def read(path):
    data = np.memmap(path, np.uint8, "r")
    start = 8 + int(data[:8].view(np.int64)[0])
    header = json.loads(data[8:start].tobytes())

    def tensor(name):
        entry = header[name]
        begin, end = entry["data_offsets"]
        flat = data[start + begin:start + end].view(TYPES[entry["dtype"]])
        return flat.reshape(entry["shape"])

    text = tensor("text").tobytes()
    ends = tensor("text_end").tolist()
    texts = [text[a:b].decode() for a, b in zip([0] + ends, ends)]
    return Shard(tensor("source"), tensor("target"), tensor("kind"), texts,
                 header["__metadata__"]["kinds"].split(","))
