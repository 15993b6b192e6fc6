# SPDX-License-Identifier: Apache-2.0
"""Reads Burin's checkpoints (formats/checkpoint/checkpoint.fbs).

    model = Checkpoint("model.burin")
    model.config("unet"), model.tensors("unet.")
"""
import json
import mmap
import struct
from pathlib import Path

import torch

# By their numbers in runtime/base/dtype.h.
DTYPES = {4: torch.float16, 5: torch.bfloat16, 6: torch.float32}


class Table:
    """A table of a FlatBuffer; fields by their number in the schema."""

    def __init__(self, data, start):
        self.data, self.start = data, start
        self.fields = start - struct.unpack_from("<i", data, start)[0]

    def place(self, field):
        size = struct.unpack_from("<H", self.data, self.fields)[0]
        entry = 4 + 2 * field
        if entry >= size:
            return 0
        offset = struct.unpack_from("<H", self.data, self.fields + entry)[0]
        return offset and self.start + offset

    def number(self, field, kind):
        place = self.place(field)
        return struct.unpack_from("<" + kind, self.data, place)[0] if place \
            else 0

    def vector(self, field):
        """(number of elements, where the first is)."""
        place = self.place(field)
        if not place:
            return 0, 0
        place += struct.unpack_from("<I", self.data, place)[0]
        return struct.unpack_from("<I", self.data, place)[0], place + 4

    def text(self, field):
        count, place = self.vector(field)
        return bytes(self.data[place:place + count]).decode()

    def tables(self, field):
        count, place = self.vector(field)
        for i in range(place, place + 4 * count, 4):
            yield Table(self.data,
                        i + struct.unpack_from("<I", self.data, i)[0])


class Checkpoint:
    def __init__(self, path):
        with open(path, "rb") as file:
            magic, size = struct.unpack("<8sQ", file.read(16))
            if magic != b"BURINCKP":
                raise ValueError(f"{path} is not a checkpoint")
            index = file.read(size)
        root = Table(index, struct.unpack_from("<I", index)[0])
        self.metadata = {entry.text(0): entry.text(1)
                         for entry in root.tables(2)}
        files = [Path(path)] + [Path(path).parent / shard.text(0)
                                for shard in root.tables(3)]
        self.maps = []
        for name in files:
            with open(name, "rb") as file:
                self.maps.append(mmap.mmap(file.fileno(), 0,
                                           access=mmap.ACCESS_COPY))
        self.places = {entry.text(0): entry for entry in root.tables(1)}

    def config(self, component):
        return json.loads(self.metadata[component + ".config"])

    def tensor(self, name):
        """A view of the file."""
        entry = self.places[name]
        rank, place = entry.vector(2)
        shape = struct.unpack_from(f"<{rank}q", entry.data, place)
        dtype = DTYPES[entry.number(1, "B")]
        flat = torch.frombuffer(
            self.maps[entry.number(3, "I")], dtype=dtype,
            count=entry.number(5, "Q") // dtype.itemsize,
            offset=entry.number(4, "Q"))
        return flat.reshape(shape)

    def tensors(self, prefix):
        """{name without prefix: float32 tensor}."""
        return {name.removeprefix(prefix): self.tensor(name).float()
                for name in self.places if name.startswith(prefix)}
