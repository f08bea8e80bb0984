"""xdf_check.py PROGRAM: our reader and our writer of XDF against pyxdf; PROGRAM is the example `xdf`, built.

Reading: a file is made here byte by byte, with six streams of numbers in six formats and one of markers, drifting and
once resetting clocks, late clock measurements, jitter and a break. What the program says of it must be what
`pyxdf.load_xdf` makes of it with its defaults: values exact in float32, times within 1 ms (the largest difference is
printed). Writing: noise goes through our writer, and pyxdf must give it back exact, with its times, labels and units.
"""

import argparse
import json
import logging
import os
import struct
import subprocess
import tempfile

import numpy as np
import pyxdf

from common import Judge

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("program")
arguments = arguments.parse_args()
random = np.random.default_rng(1)
# It warns of every stream whose breaks are not those of its clock, and ours have such on purpose.
logging.getLogger("pyxdf").setLevel(logging.ERROR)

FORMATS = {"float32": "f", "double64": "d", "int8": "b", "int16": "h", "int32": "i", "int64": "q"}


def length(value):
    return struct.pack("<BB", 1, value) if value < 256 else struct.pack("<BI", 4, value)


def chunk(tag, stream, content):
    owner = b"" if stream is None else struct.pack("<I", stream)
    content = struct.pack("<H", tag) + owner + content
    return length(len(content)) + content


class Stream:
    """A stream with its true times, the clock that stamps them, and what a recorder measured of that clock."""

    def __init__(self, number, name, kind, rate, channels, times, clock, late=()):
        self.number, self.name, self.kind, self.rate, self.times = number, name, kind, rate, times
        whole = {"int8": 100, "int16": 30000, "int32": 2**31 - 1, "int64": 2**40}
        if kind in whole:
            self.values = random.integers(-whole[kind], whole[kind], (len(times), channels))
        else:
            self.values = random.normal(0, 50, (len(times), channels))
        self.local = times - clock(times)
        measured = np.arange(times[0] - 1, times[-1] + 5, 5.0)
        self.offsets = [(time - clock(time), clock(time) + random.normal(0, 2e-5) + (0.02 if n in late else 0))
                        for n, time in enumerate(measured)]

    def header(self):
        channels = "".join(f"<channel><label>c{n}</label><unit>u{n}</unit></channel>"
                           for n in range(self.values.shape[1]))
        return (f'<?xml version="1.0"?><info><name>{self.name}</name><type>EEG</type>'
                f"<channel_count>{self.values.shape[1]}</channel_count><nominal_srate>{self.rate}</nominal_srate>"
                f"<channel_format>{self.kind}</channel_format><desc><channels>{channels}</channels></desc></info>")

    def chunks(self):
        """Each with the time at which it was written."""
        yield -1e9, chunk(2, self.number, self.header().encode())
        for time, value in self.offsets:
            yield time + value, chunk(4, self.number, struct.pack("<dd", time, value))
        for first in range(0, len(self.times), 37):
            rows = range(first, min(first + 37, len(self.times)))
            body = length(len(rows))
            for row in rows:
                # Every third sample of a stream with a rate goes without a stamp, unless a break comes before it.
                bare = self.rate and row % 3 == 1 and self.times[row] - self.times[row - 1] < 0.5
                body += b"\0" if bare else struct.pack("<Bd", 8, self.local[row])
                body += struct.pack(f"<{self.values.shape[1]}{FORMATS[self.kind]}", *self.values[row])
            yield self.times[rows[-1]], chunk(3, self.number, body)


def regular(rate, seconds, start, jitter=0.0):
    times = start + np.arange(int(rate * seconds)) / rate
    return np.sort(times + random.normal(0, jitter, len(times)))


def recording():
    steady = lambda time: 0 * time
    drift = lambda time: 5000.0 + 4e-5 * (time - 100)
    reset = lambda time: np.where(time < 140, -700.0, 300.0)
    broken = np.concatenate([regular(250, 30, 100, 1e-3), regular(250, 30, 145, 1e-3)])
    streams = [
        Stream(1, "amp", "float32", 500, 4, regular(500, 80, 100, 1e-3), drift, late=(3, 9)),
        Stream(2, "broken", "int16", 250, 2, broken, steady),
        Stream(3, "reset", "int32", 50, 1, regular(50, 80, 100.003, 1e-4), reset),
        Stream(4, "eyes", "double64", 0, 2, np.sort(100 + 80 * random.random(3000)), drift),
        Stream(5, "byte", "int8", 10, 1, regular(10, 60, 110), steady),
        Stream(0x02C0FFEE, "long", "int64", 1, 1, regular(1, 70, 101), drift),
    ]
    pieces = [piece for stream in streams for piece in stream.chunks()]
    keys = "<info><name>keys</name><type>Markers</type><channel_count>1</channel_count>" \
           "<nominal_srate>0</nominal_srate><channel_format>string</channel_format></info>"
    pieces.append((-1e9, chunk(2, 99, keys.encode())))
    pieces.append((120, chunk(3, 99, b"\1\1" + struct.pack("<Bd", 8, 120.0) + b"\1\5hello")))
    pieces.append((130, chunk(5, None, bytes.fromhex("43a546dccbf5410fb30ed5467383cbe4"))))
    pieces.append((150, chunk(77, None, b"of a later version")))
    pieces.sort(key=lambda piece: piece[0])
    begin = chunk(1, None, b'<?xml version="1.0"?><info><version>1.0</version></info>')
    return b"XDF:" + begin + b"".join(piece for _, piece in pieces)


def compare(judge, path):
    text = subprocess.run([arguments.program, "read", path], capture_output=True, text=True, check=True).stdout
    head, *rows = text.splitlines()
    head = json.loads(head)
    print(f"   {head['format']}")
    rows = np.array([row.split(" ") for row in rows], dtype=float)
    ours_times, ours = rows[:, 0] * 1e-9, rows[:, 1:].astype(np.float32)
    theirs = [s for s in pyxdf.load_xdf(path)[0] if s["info"]["channel_format"][0] != "string"]
    # The order of streams within the file is that of their headers in both.
    origin = min(stream["time_stamps"][0] for stream in theirs)
    judge.row("", "samples", "largest dt, us", "values")
    names, units, channel, all_times = [], [], 0, []
    for stream in theirs:
        count = int(stream["info"]["channel_count"][0])
        name = stream["info"]["name"][0]
        names += [f"{name}/c{n}" for n in range(count)]
        units += [f"u{n}" for n in range(count)]
        times = stream["time_stamps"] - origin
        all_times.append(times)
        values = stream["time_series"].astype(np.float32)
        # A channel repeats its last value between samples, and stands at its first until it begins: so what can be
        # compared is when values change, and to what.
        mine = ours[:, channel:channel + count]
        changes = 1 + np.flatnonzero((mine[1:] != mine[:-1]).any(axis=1))
        expected = 1 + np.flatnonzero((values[1:] != values[:-1]).any(axis=1))
        same = len(changes) == len(expected) and np.array_equal(mine[changes], values[expected])
        same = same and np.array_equal(mine[0], values[0])
        apart = np.abs(ours_times[changes] - times[expected]).max() if same else np.inf
        judge.row(name, len(times), f"{1e6 * apart:.3f}", "exact" if same else "DIFFER")
        judge.check(apart < 1e-3, f"{name}: {len(times)} samples are those of pyxdf, within 1 ms")
        channel += count
    judge.check(channel == ours.shape[1], f"{channel} channels")
    judge.check(head["names"] == names and head["units"] == units, "names and units are those of the headers")
    merged = len(np.unique(np.round(np.concatenate(all_times) * 1e9)))
    judge.check(abs(len(ours) - merged) <= 0.001 * merged, f"{len(ours)} rows, at {merged} different times")
    span = max(times[-1] for times in all_times)
    judge.check(abs(ours_times[-1] - span) < 1e-3, f"the last of them at {ours_times[-1]:.6f} s")


def write_and_compare(judge, path):
    labels = ["Fp1", "Cz", "a<b & c"]
    values = random.normal(0, 30, (2345, 3)).astype(np.float32)
    marks = [(0.25, "onset 1"), (1.5, "Käse"), (9.000001, "last")]
    lines = [" ".join(repr(float(value)) for value in row) for row in values]
    for seconds, text in reversed(marks):
        lines.insert(int(seconds * 250), f"! {round(seconds * 1e9)} {text}")
    program = [arguments.program, "write", path, "250", *labels]
    subprocess.run(program, input="\n".join(lines) + "\n", text=True, encoding="utf-8", check=True)
    streams, _ = pyxdf.load_xdf(path)
    electrodes, markers = streams
    theirs = np.array(electrodes["time_series"])
    judge.check(theirs.dtype == np.float32 and np.array_equal(theirs, values), f"{theirs.shape} values are exact")
    worst = np.abs(electrodes["time_stamps"] - np.arange(len(values)) / 250).max()
    judge.check(worst < 1e-3, f"times within 1 ms (largest difference {1e6 * worst:.3f} us)")
    channels = electrodes["info"]["desc"][0]["channels"][0]["channel"]
    judge.check([c["label"][0] for c in channels] == labels, f"labels {labels}")
    kinds = {(c["unit"][0], c["type"][0]) for c in channels}
    judge.check(kinds == {("microvolts", "EEG")}, "units microvolts, type EEG")
    judge.check(electrodes["info"]["nominal_srate"][0] == "250", "the rate is 250 Hz")
    footer = electrodes["footer"]["info"]
    judge.check(int(footer["sample_count"][0]) == len(values), "the footer counts them")
    found = [(float(time), row[0]) for time, row in zip(markers["time_stamps"], markers["time_series"])]
    judge.check(found == marks, f"markers {found}")
    try:
        import mne
    except ImportError:
        return
    info = mne.create_info([c["label"][0] for c in channels], electrodes["info"]["effective_srate"], "eeg")
    raw = mne.io.RawArray(1e-6 * theirs.T.astype(float), info, verbose="error")
    judge.check(abs(raw.info["sfreq"] - 250) < 1e-6 and raw.n_times == len(values), f"MNE: {raw}")


with tempfile.TemporaryDirectory() as folder:
    judge = Judge("XDF made by hand, read by us and by pyxdf")
    made = os.path.join(folder, "made.xdf")
    with open(made, "wb") as file:
        file.write(recording())
    compare(judge, made)
    print("== XDF written by us, read by pyxdf")
    write_and_compare(judge, os.path.join(folder, "written.xdf"))
    judge.finish()
