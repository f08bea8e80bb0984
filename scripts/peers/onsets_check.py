"""onsets_check.py SOUND ONSETS [--need F]: onsets that our bursts gave against those of librosa.

ONSETS holds times in seconds, one per line, or a JSON list of them (or an object with a list `onsets`). librosa's
onset detector with its defaults is the reference; mir_eval counts matches within 50 ms. F must reach 0.8.
"""

import argparse
import json

import librosa
import mir_eval
import numpy as np

from common import Judge

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("sound")
arguments.add_argument("onsets")
arguments.add_argument("--need", type=float, default=0.8)
arguments = arguments.parse_args()

with open(arguments.onsets, encoding="utf-8") as file:
    text = file.read()
try:
    ours = json.loads(text)
    ours = ours["onsets"] if isinstance(ours, dict) else ours
    ours = [ours] if isinstance(ours, (int, float)) else ours
except json.JSONDecodeError:
    ours = [float(line) for line in text.split()]
ours = np.sort(np.array(ours, dtype=float))

samples, rate = librosa.load(arguments.sound, sr=22050, mono=True)
theirs = librosa.onset.onset_detect(y=samples, sr=rate, units="time")
f, precision, recall = mir_eval.onset.f_measure(theirs, ours, window=0.05)

judge = Judge(f"onsets of {arguments.sound}")
judge.row("", "ours", "librosa")
judge.row("onsets", len(ours), len(theirs))
judge.row("P, R, F at 50 ms", f"{precision:.3f}", f"{recall:.3f}", f"{f:.3f}")
if len(ours) and len(theirs):
    nearest = np.array([ours[np.abs(ours - time).argmin()] - time for time in theirs])
    matched = nearest[np.abs(nearest) <= 0.05]
    if len(matched):
        judge.row("ours minus theirs, median ms", f"{1000 * np.median(matched):+.1f}")
judge.check(f >= arguments.need, f"F is {f:.3f} (at least {arguments.need})")
judge.finish()
