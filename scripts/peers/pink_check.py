"""pink_check.py SOUND.wav: is the sound of silence pink, quiet and free of clicks?

Third-octave bands (IEC 61260, base ten) from 100 Hz to 6 kHz: the spectral density must fall by 3 dB per octave
within 0.5 (band levels must be level within 0.5 dB per octave). No sample may reach full scale; the largest step
between neighbouring samples must stay below 0.5; the level over seconds 1 to 6 (after the fade) must be -24 dBFS
within 2. `--skip SECONDS` leaves out the start for the slope (default 1).
"""

import argparse

import numpy as np
import soundfile
from scipy.signal import welch

from common import Judge

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("sound")
arguments.add_argument("--skip", type=float, default=1.0)
arguments = arguments.parse_args()

samples, rate = soundfile.read(arguments.sound, always_2d=True)
judge = Judge(f"pinkness of {arguments.sound}")
if len(samples) < (arguments.skip + 2) * rate:
    judge.check(False, f"the sound is too short to judge: {len(samples) / rate:.2f} s")
    judge.finish()
steady = samples[int(arguments.skip * rate):]
frequencies, density = welch(steady, rate, nperseg=1 << 14, axis=0)
density = density.mean(axis=1)
centres = 1000.0 * 10.0 ** (np.arange(-10, 8) / 10.0)
centres = centres[(centres >= 99) & (centres * 10 ** 0.05 < rate / 2)]
levels = []
for centre in centres:
    low, high = centre * 10 ** -0.05, centre * 10 ** 0.05
    inside = (frequencies >= low) & (frequencies < high)
    levels.append(10 * np.log10(density[inside].mean() * (high - low) + 1e-30))
levels = np.array(levels)
octaves = np.log2(centres / 1000.0)
tilt, height = np.polyfit(octaves, levels, 1)
slope = tilt - 10 * np.log10(2.0)
residual = levels - (tilt * octaves + height)
for centre, level, away in zip(centres, levels, residual):
    judge.row(f"{centre:7.0f} Hz", f"{level:.2f} dB", f"{away:+.2f} dB")
peak = np.abs(samples).max()
step = np.abs(np.diff(samples, axis=0)).max()
start = samples[rate: 6 * rate]
rms = 20 * np.log10(np.sqrt((start ** 2).mean()) + 1e-30)
first = np.abs(samples[0]).max()
judge.row("slope of the density", f"{slope:.3f} dB/oct")
judge.row("largest residual", f"{np.abs(residual).max():.2f} dB")
judge.row("peak, largest step, first sample", f"{peak:.4f}", f"{step:.4f}", f"{first:.5f}")
judge.row("rms of seconds 1 to 6", f"{rms:.2f} dBFS")
judge.check(abs(slope + 10 * np.log10(2.0)) <= 0.5, "the density falls by 3 dB per octave within 0.5")
judge.check(peak < 0.999, "no sample reaches full scale")
judge.check(step < 0.5, "no step between neighbouring samples is a click")
judge.check(abs(rms + 24) <= 2, "the level is -24 dBFS within 2")
judge.finish()
