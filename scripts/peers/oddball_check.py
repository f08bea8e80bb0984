"""oddball_check.py PROGRAM [SOUNDS]: an oddball run sent live over LSL shows its evoked response in MNE-Python.

Bursts of noise, one in five of another pitch, are made here and played by napot (built with the feature `lsl`) in real
time; pylsl receives the electrodes of the hearing sheet, MNE-Python cuts and averages. A permutation test (signs of
epochs, largest |t| over electrodes and times) must find a response to the sounds, and none at as many random times.

Sounds come at multiples of 1/12 s, and that is what makes the response visible: a burst sets a site's oscillators going
at a fixed phase of the sheet's own carriers, not of the sound's time. At those times the carriers of 12 to 96 Hz stand
alike; with as many sounds at any times the average cancels (largest |t| 3.9, where chance reaches 4.9 in one of a hundred).
Nothing is learnt yet: that deviants, which are other sounds, differ from standards is printed and no sign of surprise.
"""

import argparse
import json
import os
import tempfile
import time
import wave

import mne
import numpy as np

from common import Judge
from lsl_common import Napot, Receiver

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("program")
arguments.add_argument("sounds", nargs="?", type=int, default=250)
arguments = arguments.parse_args()
mne.set_log_level("ERROR")
random = np.random.default_rng(1)
napot = Napot(arguments.program, ["hearing.cochlea.channels=32", "hearing.cochlea.rates=8"])
NAME = f"NAPOT-oddball-{os.getpid()}"
RATE = 48000
BEFORE, AFTER, JUDGED = 0.1, 0.3, 0.2


def make_sounds(path):
    """Writes the WAV file; the times of the sounds and which are deviants."""
    times = 2 + np.concatenate([[0], np.cumsum(random.integers(6, 11, arguments.sounds - 1) / 12)])
    deviant = random.random(arguments.sounds) < 0.2
    length = int(0.05 * RATE)
    ramp = np.minimum(1, np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.002 * RATE))
    tokens = []
    for low, high in ((200, 3000), (3000, 12000)):
        spectrum = np.fft.rfft(random.normal(size=length))
        frequencies = np.fft.rfftfreq(length, 1 / RATE)
        spectrum[(frequencies < low) | (frequencies > high)] = 0
        token = np.fft.irfft(spectrum, length)
        tokens.append(0.2 * token / token.std() * ramp)
    sound = random.normal(0, 1e-4, int((times[-1] + 1) * RATE))
    for at, kind in zip(times, deviant):
        first = round(at * RATE)
        sound[first:first + length] += tokens[int(kind)]
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return times, deviant


def largest_t(sums, squares, count):
    """The largest |t| over electrodes and times, for each row of sums."""
    mean = sums / count
    return np.abs(mean / np.sqrt((squares - count * mean**2) / (count - 1) / count)).max(axis=-1)


def response(epochs, permutations=2000):
    """The largest |t| against zero, and its p by flipping the signs of whole epochs."""
    flat = epochs.reshape(len(epochs), -1)
    squares = (flat**2).sum(axis=0)
    found = largest_t(flat.sum(axis=0), squares, len(flat))
    signs = random.choice([-1.0, 1.0], (permutations, len(flat)))
    chance = np.concatenate([largest_t(part @ flat, squares, len(flat)) for part in np.array_split(signs, 20)])
    return found, (1 + (chance >= found).sum()) / (1 + permutations)


def difference(epochs, deviant, permutations=1000):
    """The same for deviants less standards, by shuffling which are which."""
    def largest(labels):
        one, other = epochs[labels], epochs[~labels]
        error = np.sqrt(one.var(axis=0, ddof=1) / len(one) + other.var(axis=0, ddof=1) / len(other))
        return np.abs((one.mean(axis=0) - other.mean(axis=0)) / error).max()
    found = largest(deviant)
    chance = np.array([largest(random.permutation(deviant)) for _ in range(permutations)])
    return found, (1 + (chance >= found).sum()) / (1 + permutations)


with tempfile.TemporaryDirectory() as folder:
    times, deviant = make_sounds(os.path.join(folder, "oddball.wav"))
    run = napot.start(folder, "replay", "oddball.wav", "--seed", "1", "--record", "odd.mcap", "--send", f"lsl:{NAME}")
    electrodes = Receiver(NAME)
    said, failures = run.communicate()
    time.sleep(0.5)
    electrodes.stop()
    if run.returncode:
        raise SystemExit(f"oddball_check.py: the run failed: {failures}")
    report = json.loads(said)
    # Where model time 0 lies on LSL's clock: the first sample that came, and its place in the session.
    kept, kept_times, _ = napot.session(folder, "odd")
    values = np.array(electrodes.values, dtype=np.float32)
    index = {row.tobytes(): n for n, row in enumerate(kept)}
    first = kept_times[index[values[0].tobytes()]]

judge = Judge(f"{len(times)} sounds, {deviant.sum()} of them deviants, received live by pylsl, averaged by MNE-Python")
info = electrodes.inlet.info()
rate = info.nominal_srate()
channel, labels = info.desc().child("channels").child("channel"), []
while not channel.empty():
    labels.append(channel.child_value("label"))
    channel = channel.next_sibling("channel")
raw = mne.io.RawArray(1e-6 * values.T.astype(float), mne.create_info(labels, rate, "eeg"))
heard = times[times > first + BEFORE + 0.1]
deviant = deviant[times > first + BEFORE + 0.1]


def cut(at):
    # Two random times may fall on one sample, which is one event.
    samples = np.unique(np.round((at - first) * rate).astype(int))
    events = np.column_stack([samples, np.zeros_like(samples), np.ones_like(samples)])
    return mne.Epochs(raw, events, tmin=-BEFORE, tmax=AFTER, baseline=(-BEFORE, 0), preload=True)


def judged(epochs):
    return 1e6 * epochs.get_data(tmin=0, tmax=JUDGED)


epochs = cut(heard)
evoked = epochs.average()
judge.row("electrode", "peak, uV", "at, ms", "|t| there")
data = judged(epochs)
t = data.mean(axis=0) / (data.std(axis=0, ddof=1) / np.sqrt(len(data)))
for number, name in enumerate(evoked.ch_names):
    _, at, peak = evoked.copy().pick([name]).get_peak(tmin=0, tmax=JUDGED, return_amplitude=True)
    judge.row(name, f"{1e6 * peak:+.2f}", f"{1e3 * at:.0f}", f"{abs(t[number, round(at * rate)]):.1f}")
found, p = response(data)
judge.check(p < 0.01, f"a response to {len(data)} sounds: largest |t| {found:.1f}, p = {p:.4f} (below 0.01)")
elsewhere = np.sort(random.uniform(first + BEFORE + 0.1, heard[-1], len(heard)))
found, p = response(judged(cut(elsewhere)))
judge.check(p >= 0.01, f"none at as many random times: largest |t| {found:.1f}, p = {p:.4f}")
found, p = difference(data, deviant)
print(f"     deviants less standards: largest |t| {found:.1f}, p = {p:.4f} (not judged: they reach other places)")
judge.row("engine", f"{report['realtime_factor']:.2f} x real", f"{report['deadline_misses']} missed")
judge.finish()
