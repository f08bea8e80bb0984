"""lsl_check.py PROGRAM [SECONDS]: live exchange over LSL against pylsl; PROGRAM is napot built with the feature `lsl`.

Out: a run sends its electrodes and is recorded; pylsl receives. From the first sample that it got on, none may be
lost, every value must be the session's float32, every stamp after clock correction must lie within 1 ms of the session's
sample time plus one constant, and the markers must be the session's marks. In: pylsl sends pulses in noise; each must raise a burst
in the scalar sheet, later than it happened by the delay of the configuration, within 5 ms, and the recorded run must
replay to the bit.
"""

import argparse
import json
import os
import tempfile
import threading
import time

import numpy as np
import pylsl

from common import Judge
from lsl_common import Napot, Receiver

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("program")
arguments.add_argument("seconds", nargs="?", type=float, default=20)
arguments.add_argument("--set", action="append", default=[], help="settings of the run")
arguments = arguments.parse_args()
random = np.random.default_rng(1)
napot = Napot(arguments.program, arguments.set)
NAME = f"NAPOT-check-{os.getpid()}"
DELAY = 0.02


def check_out(judge, folder):
    run = napot.start(folder, "demo", "--seed", "1", "--for", str(arguments.seconds), "--record", "out.mcap",
                "--send", f"lsl:{NAME}")
    marks = Receiver(f"{NAME}-markers")
    electrodes = Receiver(NAME)
    said, failures = run.communicate()
    time.sleep(0.5)
    electrodes.stop()
    marks.stop()
    if run.returncode:
        raise SystemExit(f"lsl_check.py: the run failed: {failures}")
    report = json.loads(said)
    info = electrodes.inlet.info()
    kept, times, mark_times = napot.session(folder, "out")

    index = {row.tobytes(): n for n, row in enumerate(kept)}
    received = np.array(electrodes.values, dtype=np.float32)
    at = np.array([index.get(row.tobytes(), -1) for row in received])
    lost = len(kept) - at[0] - len(np.unique(at))
    judge.row("received", f"{len(at)} samples", f"from {times[at[0]]:.3f} s on", f"{len(index)} differ in the session")
    judge.check((at >= 0).all() and (np.diff(at) == 1).all(), "they are the session's float32, in order")
    judge.check(lost == 0, f"{lost} of {len(kept) - at[0]} samples lost in {times[-1] - times[at[0]]:.1f} s")

    apart = electrodes.corrected() - times[at]
    begun = np.median(apart)
    corrections = np.array(electrodes.corrections)[:, 1]
    judge.row("clock corrections, us", f"{1e6 * corrections.min():.1f}", f"{1e6 * corrections.max():.1f}")
    worst = np.abs(apart - begun).max()
    judge.check(worst < 1e-3, f"stamps less one constant are the session's times within {1e6 * worst:.1f} us (1 ms)")
    latency = np.array(electrodes.came) - electrodes.corrected()
    judge.row("from stamp to pylsl, ms", *(f"{1e3 * np.percentile(latency, p):.2f}" for p in (0, 50, 99, 100)))

    expected = mark_times[mark_times >= times[at[0]] + 0.5]
    found = marks.corrected() - begun if marks.stamps else np.array([])
    found = found[found >= times[at[0]] + 0.5 - 1e-3]
    same = len(found) == len(expected) and (len(found) == 0 or np.abs(found - expected).max() < 1e-3)
    judge.check(same and len(found) > 0, f"{len(found)} markers are the session's {len(expected)} marks, within 1 ms")

    channels = info.desc().child("channels").child("channel")
    labels, units = [], set()
    while not channels.empty():
        labels.append(channels.child_value("label"))
        units.add(channels.child_value("unit"))
        channels = channels.next_sibling("channel")
    judge.check(len(set(labels)) == kept.shape[1] and units == {"microvolts"},
                f"{len(labels)} labels, the first {labels[:3]}, in {units}; {info.nominal_srate()} Hz, {info.type()}")
    judge.check(report["exchange"][0]["dropped"] == 0, f"the account: {report['exchange'][0]}")
    judge.row("engine", f"{report['realtime_factor']:.2f} x real", f"{report['deadline_misses']} missed")


def check_in(judge, folder):
    """Pulses in the noise of a channel, at known times of LSL's clock."""
    rate, name = 250, f"{NAME}-in"
    info = pylsl.StreamInfo(name, "EEG", 2, rate, "double64", name)
    channels = info.desc().append_child("channels")
    for label in ("Cz", "Pz"):
        channels.append_child("channel").append_child_value("label", label).append_child_value("unit", "microvolts")
    outlet = pylsl.StreamOutlet(info, chunk_size=1)
    done, pulses = threading.Event(), []

    def send():
        begun, n = pylsl.local_clock(), 0
        while not done.is_set():
            due = begun + n / rate
            time.sleep(max(0, due - pylsl.local_clock()))
            pulse = n % 250 == 249
            if pulse:
                pulses.append(due)
            outlet.push_sample([500.0 * pulse + random.normal(), random.normal()], due)
            n += 1

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    run = napot.start(folder, "demo", "--set", "room.enabled=false", "--for", "12", "--record", "in.mcap",
                "--receive", f"lsl:{name}", "--send", f"lsl:{NAME}")
    electrodes = Receiver(NAME)
    said, failures = run.communicate()
    electrodes.stop()
    done.set()
    sender.join()
    if run.returncode:
        raise SystemExit(f"lsl_check.py: the run failed: {failures}")
    report = json.loads(said)
    account = next(one for one in report["exchange"] if one["direction"] == "receive")
    source = report["sources"][0]
    judge.row("received", f"{account['received']} samples", f"{account['late']} late", source["format"])
    judge.check(abs(account["received"] - 12 * rate) < 0.2 * rate, "as many samples as were sent while it ran")
    judge.check(source["name"] == f"lsl:{name}" and source["origin"] == "device", "the source is named in the report")

    # Where model time 0 lies on LSL's clock: the first sample that came, and its place in the session.
    kept, times, _ = napot.session(folder, "in")
    index = {row.tobytes(): n for n, row in enumerate(kept)}
    first = index[np.array(electrodes.values[0], dtype=np.float32).tobytes()]
    begun = electrodes.corrected()[0] - times[first]
    napot.call(folder, "export", "in.mcap", "--to", "bursts", "--out", ".")
    with open(os.path.join(folder, "in.bursts.csv"), encoding="utf-8") as file:
        head, *rows = [line.strip().split(",") for line in file]
    tick, sheet, magnitude = (head.index(name) for name in ("tick", "array", "magnitude"))
    big = np.array([float(row[tick]) * 1e-3 for row in rows if row[sheet] == "scalar" and float(row[magnitude]) > 20])
    delays = []
    for pulse in pulses:
        model = pulse - begun
        if 3 < model < 11.5:
            after = big[(big >= model - 0.1) & (big < model + 0.3)]
            delays.append(after[0] - model if len(after) else np.inf)
    delays = np.array(delays)
    judge.row("from pulse to burst, ms", *(f"{1e3 * delay:.2f}" for delay in np.sort(delays)))
    judge.check(len(delays) >= 7 and np.abs(delays - DELAY).max() < 5e-3,
                f"{len(delays)} pulses raise bursts {1e3 * DELAY:.0f} ms later, within 5 ms")
    verified = json.loads(napot.call(folder, "replay", "in.mcap", "--verify", "--speed", "max", "--no-view", "--json"))
    verified = verified["session"]["verified"]
    judge.check(verified["equal_lines"] == 12 and verified["difference"] is None, f"the session replays: {verified}")

    missing = napot.start(folder, "demo", "--receive", "lsl:nobody")
    message = missing.communicate()[1]
    judge.check(missing.returncode == 3 and "lsl:nobody" in message, f"a stream that is not there: {message.strip()}")


with tempfile.TemporaryDirectory() as folder:
    judge = Judge(f"electrodes sent by LSL for {arguments.seconds:g} s, received by pylsl {pylsl.__version__}")
    check_out(judge, folder)
    print("== channels sent by pylsl, received by napot")
    check_in(judge, folder)
    judge.finish()
