"""specparam_check.py ELECTRODES.edf REPORT.json: does `specparam` find our exponent in our EDF+ file?

MNE-Python reads the file, scipy makes the Welch spectrum, specparam fits 1 to 80 Hz, fixed, without peaks: the
settings of the report. The report's exponent must lie within 0.05. `--channels PREFIX` keeps electrodes whose names
begin with it; `--chi X` also holds both exponents to X within 0.05.
"""

import argparse
import json

import mne
import numpy as np
from scipy.signal import welch
from scipy.stats import kurtosis
from specparam import SpectralModel

from common import Judge

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("edf")
arguments.add_argument("report")
arguments.add_argument("--channels", default="")
arguments.add_argument("--chi", type=float)
arguments = arguments.parse_args()

raw = mne.io.read_raw_edf(arguments.edf, preload=True, verbose="error")
ends = [a["onset"] for a in raw.annotations if a["description"] == "Recording ends"]
rate = raw.info["sfreq"]
microvolts = raw.get_data(units="uV")[:, : int(round(ends[0] * rate)) if ends else None]
names = [name.removeprefix("EEG ") for name in raw.ch_names]
keep = [i for i, name in enumerate(names) if name.startswith(arguments.channels)]
microvolts = microvolts[keep]

frequencies, power = welch(microvolts, rate, nperseg=int(4096 * rate / 1000))
model = SpectralModel(aperiodic_mode="fixed", max_n_peaks=0, verbose=False)
model.fit(frequencies, power.mean(axis=0), [1, 80])
theirs = float(model.get_params("aperiodic", "exponent"))
with open(arguments.report, encoding="utf-8") as file:
    tonic = json.load(file)["tonic"]
ours = tonic["exponent"]

judge = Judge(f"aperiodic exponent of {arguments.edf}")
judge.row("", "ours", "specparam")
judge.row("exponent", "null" if ours is None else f"{ours:.4f}", f"{theirs:.4f}")
judge.row("95 % interval", str(tonic.get("exponent_ci")), "-")
judge.row("r squared", "-", f"{model.get_metrics('gof'):.4f}")
judge.row("electrodes, seconds", str(len(keep)), f"{microvolts.shape[1] / rate:.2f}")
judge.row("excess kurtosis", str(tonic.get("excess_kurtosis")), f"{np.mean(kurtosis(microvolts, axis=1)):.4f}")
judge.row("rms (uV)", "-", f"{np.sqrt((microvolts ** 2).mean()):.2f}")
judge.check(all(raw.info["chs"][i]["unit"] == 107 for i in keep), "MNE-Python reads the channels as volts")
judge.check(ours is not None and abs(ours - theirs) <= 0.05, "the two exponents agree within 0.05")
if arguments.chi is not None:
    judge.check(abs(theirs - arguments.chi) <= 0.05, f"specparam's exponent is {arguments.chi} within 0.05")
    judge.check(ours is not None and abs(ours - arguments.chi) <= 0.05, f"ours is {arguments.chi} within 0.05")
judge.finish()
