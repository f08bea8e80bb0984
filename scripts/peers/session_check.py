"""session_check.py NAPOT: a session and its exports in other tools; NAPOT is the program, built.

Records half a minute of the room and of quieter strikes, and exports it. The reader of `mcap` must find every topic with
the counts that `napot session info` tells, and decode pictures and JSON. MNE-Python must read the EDF+ and pyxdf the XDF:
values within the format's resolution of the session's own float32, times within 1 ms, and annotations and markers at
the session's onsets. NumPy must read the array.
"""

import argparse
import io
import json
import logging
import subprocess
import tempfile
from pathlib import Path

import mne
import numpy as np
import pyxdf
from mcap.reader import make_reader
from mcap_ros1.decoder import DecoderFactory
from PIL import Image

from common import Judge

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("napot")
arguments = arguments.parse_args()
napot = Path(arguments.napot).resolve()
logging.getLogger("pyxdf").setLevel(logging.ERROR)
judge = Judge("a session in other tools")

with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)

    def run(*call):
        return subprocess.run([napot, *call], cwd=folder, check=True, capture_output=True, text=True).stdout

    run("demo", "--for", "30", "--seed", "4", "--speed", "max", "--no-view", "--quiet", "--record", "s.mcap")
    info = json.loads(run("session", "info", "s.mcap", "--json"))
    for form in ("edf", "xdf", "npy", "csv"):
        run("export", "s.mcap", "--to", form, "--quiet")

    counts, marks, pictures = {}, [], []
    with open(folder / "s.mcap", "rb") as file:
        for schema, channel, message in make_reader(file).iter_messages():
            counts[channel.topic] = counts.get(channel.topic, 0) + 1
            if channel.topic == "/marks":
                log = json.loads(message.data)
                marks.append(log["timestamp"]["sec"] + log["timestamp"]["nsec"] * 1e-9)
    with open(folder / "s.mcap", "rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        for _, _, message, picture in reader.iter_decoded_messages(topics=["/pictures"]):
            pictures.append((message.log_time, Image.open(io.BytesIO(picture.data)).size))
    marks = np.array(sorted(marks))
    told = {"/marks": info["marks"], "/pictures": info["pictures"], "/ledger": info["ledger_lines"],
            "/state": len(info["states"])}
    found = {topic: counts.get(topic, 0) for topic in told}
    judge.check(found == told, f"mcap: {found} messages, as told; entered, electrodes and latency: "
                f"{[counts.get(topic) for topic in ('/entered', '/electrodes', '/latency')]}")
    judge.check(len(pictures) == info["pictures"] and {size for _, size in pictures} == {(256, 256)},
                f"ROS 1: {len(pictures)} pictures of 256 x 256, decoded")
    judge.check(len(marks) >= 20, f"{len(marks)} onsets")

    array = np.load(folder / "s.npy")
    judge.check(array.shape == (info["electrode_samples"], len(info["facts"]["electrodes"])),
                f"NumPy: {array.shape} of {array.dtype}")
    table = np.loadtxt(folder / "s.csv", delimiter=",", skiprows=1, max_rows=2_000)
    judge.check(np.array_equal(table[:, 1:].astype(np.float32), array[:2_000]), "the table holds the same float32")

    raw = mne.io.read_raw_edf(folder / "s.edf", preload=True, verbose="error")
    values = raw.get_data().T * 1e6
    rate = info["facts"]["rate_hz"]
    # 16 bits over the range that the header names.
    limits = [tuple(map(float, (raw._raw_extras[0]["physical_min"][0], raw._raw_extras[0]["physical_max"][0])))]
    step = (limits[0][1] - limits[0][0]) / 65_535
    worst = np.abs(values[: len(array)] - array).max()
    judge.check(raw.info["sfreq"] == rate and worst <= 0.51 * step,
                f"MNE: {raw.info['sfreq']:.0f} Hz, off by {worst:.5f} µV at most; a step is {step:.5f} µV")
    # EDF+ says before each what it is.
    names = [name.removeprefix("EEG ") for name in raw.ch_names]
    judge.check(names == info["facts"]["electrodes"], f"MNE: the channels' names: {', '.join(names[:3])} ...")
    onsets = raw.annotations.onset
    judge.check(len(onsets) == len(marks) and np.abs(np.sort(onsets) - marks).max() < 1e-3,
                f"MNE: {len(onsets)} annotations, off by {1e3 * np.abs(np.sort(onsets) - marks).max():.4f} ms at most")

    streams, _ = pyxdf.load_xdf(str(folder / "s.xdf"))
    eeg = next(stream for stream in streams if stream["info"]["type"][0] != "Markers")
    markers = next(stream for stream in streams if stream["info"]["type"][0] == "Markers")
    judge.check(np.array_equal(eeg["time_series"], array), "pyxdf: the same float32")
    times = np.arange(len(array)) / rate
    off = np.abs(eeg["time_stamps"] - eeg["time_stamps"][0] - times).max()
    judge.check(off < 1e-3, f"pyxdf: times off by {1e3 * off:.4f} ms at most")
    off = np.abs(np.sort(markers["time_stamps"]) - eeg["time_stamps"][0] - marks).max()
    judge.check(len(markers["time_stamps"]) == len(marks) and off < 1e-3,
                f"pyxdf: {len(markers['time_stamps'])} markers, off by {1e3 * off:.4f} ms at most")

judge.finish()
