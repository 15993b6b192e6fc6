# SPDX-License-Identifier: Apache-2.0
"""Makes events.tfevents, an event file written by TensorBoard 2.21 itself.

Usage: make_events.py OUT
"""
import sys

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

PNG = bytes(range(200))  # nothing reads it


def image(tag):
    return Summary.Value(tag=tag, image=Summary.Image(
        height=2, width=300, colorspace=3, encoded_image_string=PNG))


def events():
    yield Event(wall_time=1000.5, file_version="brain.Event:2")
    yield Event(wall_time=1000.5, step=7,
                session_log=SessionLog(status=SessionLog.START))
    yield Event(wall_time=1001.25, summary=Summary(value=[
        Summary.Value(tag="loss", simple_value=0.75),
        Summary.Value(tag="train/rate", simple_value=0)]))
    yield Event(wall_time=1002, step=123456789012, summary=Summary(
        value=[Summary.Value(tag="loss", simple_value=-1e-7)]))
    yield Event(wall_time=1003, step=300, summary=Summary(
        value=[image("samples")]))


with open(sys.argv[1], "wb") as file:
    writer = RecordWriter(file)
    for event in events():
        writer.write(event.SerializeToString())
    writer.flush()
