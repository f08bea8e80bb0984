"""mcap_check.py PROGRAM: MCAP files by the libraries of Foxglove and ROS, read by us; PROGRAM is the example `topics`.

Each file holds pictures and sound with jittering times; every picture that the program gives must have the time and
the pixels that were put in, and every frame of sound its samples, to the bit.
"""

import argparse
import base64
import io
import json
import os
import subprocess
import tempfile

import numpy as np
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.RawAudio_pb2 import RawAudio
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from mcap.writer import CompressionType, Writer
from mcap_protobuf.writer import Writer as ProtobufWriter
from mcap_ros1.writer import Writer as Ros1Writer
from mcap_ros2.writer import Writer as Ros2Writer
from PIL import Image

from common import Judge

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("program")
arguments = arguments.parse_args()
random = np.random.default_rng(7)

START = 1_700_000_000_123_456_789
WIDTH, HEIGHT, PICTURES, BLOCKS, BLOCK = 31, 17, 40, 60, 480
pictures = [random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8) for _ in range(PICTURES)]
picture_times = [START + 40_000_000 * n + int(random.integers(0, 5_000_000)) for n in range(PICTURES)]
sound = random.integers(-32768, 32768, (BLOCKS * BLOCK, 2)).astype("<i2")
# Each block arrives late by up to 5 ms, which is not to be heard.
sound_times = [START + 100_000_000 + 10_000_000 * n + int(random.integers(0, 5_000_000)) for n in range(BLOCKS)]
blocks = [sound[BLOCK * n:BLOCK * (n + 1)].tobytes() for n in range(BLOCKS)]


def png(pixels):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "png")
    return out.getvalue()


def raw(pixels, encoding):
    """Rows with three bytes of padding, and the bytes from row to row."""
    order = {"rgb8": [0, 1, 2], "bgr8": [2, 1, 0], "8UC3": [2, 1, 0]}
    rows = pixels[:, :, order[encoding]].reshape(HEIGHT, -1) if encoding in order else pixels[:, :, 0]
    padded = np.concatenate([rows, np.zeros((HEIGHT, 3), np.uint8)], axis=1)
    return padded.tobytes(), padded.shape[1]


def in_order(write_picture, write_sound):
    """Writes all messages in the order of their times."""
    events = [(time, write_picture, n) for n, time in enumerate(picture_times)]
    events += [(time, write_sound, n) for n, time in enumerate(sound_times)]
    for time, write, n in sorted(events, key=lambda event: event[0]):
        write(time, n)


def protobuf(path, compressed):
    with open(path, "wb") as file, ProtobufWriter(file) as writer:
        def picture(time, n):
            if compressed:
                message = CompressedImage(data=png(pictures[n]), format="png", frame_id="cam")
            else:
                data, step = raw(pictures[n], "rgb8")
                message = RawImage(width=WIDTH, height=HEIGHT, encoding="rgb8", step=step, data=data)
            writer.write_message("/cam", message, log_time=time, publish_time=time)

        def audio(time, n):
            message = RawAudio(data=blocks[n], format="pcm-s16", sample_rate=48000, number_of_channels=2)
            writer.write_message("/mic", message, log_time=time, publish_time=time)
        in_order(picture, audio)


def as_json(path, compression):
    with open(path, "wb") as file:
        writer = Writer(file, compression=compression, chunk_size=20_000)
        writer.start()
        channels = {}
        for topic, name in (("/cam", "foxglove.RawImage"), ("/mic", "foxglove.RawAudio")):
            schema = writer.register_schema(name, "jsonschema", b"{}")
            channels[topic] = writer.register_channel(topic, "json", schema)

        def message(topic, time, content):
            content["timestamp"] = {"sec": time // 10**9, "nsec": time % 10**9}
            writer.add_message(channels[topic], time, json.dumps(content).encode(), time)

        def picture(time, n):
            data, step = raw(pictures[n], "bgr8")
            message("/cam", time, {"frame_id": "c", "width": WIDTH, "height": HEIGHT, "encoding": "bgr8",
                                   "step": step, "data": base64.b64encode(data).decode()})

        def audio(time, n):
            message("/mic", time, {"format": "pcm-s16", "sample_rate": 48000, "number_of_channels": 2,
                                   "data": base64.b64encode(blocks[n]).decode()})
        in_order(picture, audio)
        writer.finish()


HEADER = {1: "Header header\n", 2: "std_msgs/Header header\n"}
IMAGE = "uint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\nuint32 step\nuint8[] data\n"
COMPRESSED = "string format\nuint8[] data\n"
LINE = "=" * 80 + "\n"
STD = {1: LINE + "MSG: std_msgs/Header\nuint32 seq\ntime stamp\nstring frame_id\n",
       2: LINE + "MSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n"
          + LINE + "MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"}
INFO = "uint8 channels\nuint32 sample_rate\nstring sample_format\nuint32 bitrate\nstring coding_format\n"


def ros2(path, encoding):
    with open(path, "wb") as file, Ros2Writer(file) as writer:
        text = HEADER[2] + (COMPRESSED if encoding == "png" else IMAGE) + STD[2]
        name = "CompressedImage" if encoding == "png" else "Image"
        image = writer.register_msgdef(f"sensor_msgs/msg/{name}", text)
        audio_data = writer.register_msgdef("audio_common_msgs/msg/AudioData", "uint8[] data\n")
        about = writer.register_msgdef("audio_common_msgs/msg/AudioInfo", INFO)
        header = {"stamp": {"sec": 1, "nanosec": 2}, "frame_id": "camera"}

        def picture(time, n):
            if encoding == "png":
                message = {"header": header, "format": "png", "data": png(pictures[n])}
            else:
                data, step = raw(pictures[n], encoding)
                message = {"header": header, "height": HEIGHT, "width": WIDTH, "encoding": encoding,
                           "is_bigendian": 0, "step": step, "data": data}
            writer.write_message("/cam", image, message, log_time=time, publish_time=time)

        def audio(time, n):
            writer.write_message("/mic", audio_data, {"data": blocks[n]}, log_time=time, publish_time=time)
        writer.write_message("/mic_info", about, {"channels": 2, "sample_rate": 48000, "sample_format": "S16LE",
                                                  "bitrate": 0, "coding_format": "wave"}, log_time=START)
        in_order(picture, audio)


def ros1(path):
    """The library of ROS 1 wants classes of an installed ROS: these write themselves."""
    import struct

    def text(value):
        return struct.pack("<I", len(value)) + value

    class Message:
        def __init__(self, body):
            self.body = body

        def serialize(self, buff):
            buff.write(self.body)

    class Picture(Message):
        _type, _full_text = "sensor_msgs/Image", HEADER[1] + IMAGE + STD[1]

    class Audio(Message):
        _type, _full_text = "audio_common_msgs/AudioData", "uint8[] data\n"

    class About(Message):
        _type, _full_text = "audio_common_msgs/AudioInfo", INFO

    with open(path, "wb") as file, Ros1Writer(file) as writer:
        def picture(time, n):
            data, step = raw(pictures[n], "8UC3")
            body = struct.pack("<III", n, 1, 2) + text(b"cam") + struct.pack("<II", HEIGHT, WIDTH) + text(b"8UC3")
            body += b"\0" + struct.pack("<I", step) + text(data)
            writer.write_message("/cam", Picture(body), time, time)

        def audio(time, n):
            writer.write_message("/mic", Audio(text(blocks[n])), time, time)
        body = struct.pack("<BI", 2, 48000) + text(b"S16LE") + struct.pack("<I", 0) + text(b"wave")
        writer.write_message("/mic_info", About(body), START, START)
        in_order(picture, audio)


def compare(judge, name, path, grey=False):
    done = subprocess.run([arguments.program, path], capture_output=True, text=True)
    lines = [line.split(" ") for line in done.stdout.splitlines()]
    seen = [line for line in lines if line[0] == "picture"]
    heard = np.array([line[1:] for line in lines if line[0] == "sound"], dtype=np.float32)
    zero = min(picture_times[0], sound_times[0])
    times = [int(line[1]) for line in seen]
    exact = times == [time - zero for time in picture_times]
    wanted = [np.repeat(p[:, :, :1], 3, axis=2) if grey else p for p in pictures]
    pixels = len(seen) == PICTURES and all(bytes.fromhex(line[5]) == p.tobytes() for line, p in zip(seen, wanted))
    first = round((sound_times[0] - zero) * 48000 / 1e9)
    played = heard[first:] * np.float32(32768) if len(heard) > first else heard
    samples = np.array_equal(played, sound) and not heard[:first].any()
    judge.row(name, len(seen), len(heard), lines[-1][-1] if lines else "-")
    said = f": {done.stderr.strip()}" if done.returncode else ""
    judge.check(done.returncode == 0 and lines[-1] == ["faults", "0"], f"{name}: read without faults{said}")
    judge.check(exact and pixels, f"{name}: {len(seen)} pictures with their times, to the nanosecond and the bit")
    judge.check(samples, f"{name}: {len(played)} frames of sound after {first} of silence, to the bit")


with tempfile.TemporaryDirectory() as folder:
    judge = Judge("MCAP files by Foxglove's and ROS's libraries, read by us")
    judge.row("", "pictures", "frames", "faults")
    path = os.path.join(folder, "a.mcap")
    for compressed in (False, True):
        protobuf(path, compressed)
        compare(judge, "Protocol Buffers, " + ("CompressedImage" if compressed else "RawImage"), path)
    for compression in (CompressionType.NONE, CompressionType.LZ4, CompressionType.ZSTD):
        as_json(path, compression)
        compare(judge, f"JSON, chunks {compression.name.lower()}", path)
    for encoding in ("rgb8", "bgr8", "8UC3", "mono8", "png"):
        ros2(path, encoding)
        compare(judge, f"ROS 2, {encoding}", path, grey=encoding == "mono8")
    ros1(path)
    compare(judge, "ROS 1, 8UC3", path)
    judge.finish()
