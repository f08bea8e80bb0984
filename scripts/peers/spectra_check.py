"""spectra_check.py DATA_FOLDER FITTER: our aperiodic fitter against specparam on recorded spectra.

DATA_FOLDER holds `freqs_2.npy`, `spectrum_2.npy` (MEG), `freqs_lfp.npy`, `spectrum_lfp.npy`; FITTER is the built
example `aperiodic`. Exponents must agree within 0.05 for every mode, range and number of peaks.
"""

import json
import os
import subprocess
import sys

import numpy as np
from specparam import SpectralModel

from common import Judge

folder, fitter = sys.argv[1:3]
judge = Judge("our fitter against specparam")
judge.row("spectrum", "ours", "specparam", "difference", "peaks")
worst, count = 0.0, 0
for name, kind in (("2", "MEG"), ("lfp", "LFP")):
    frequencies = np.load(os.path.join(folder, f"freqs_{name}.npy"))
    power = np.load(os.path.join(folder, f"spectrum_{name}.npy"))
    text = "\n".join(f"{hz!r} {value!r}" for hz, value in zip(frequencies.tolist(), power.tolist()))
    least = 1.0 if kind == "MEG" else 2.0
    for low, high in ((3, 40), (1, 100), (2, 60)):
        for mode in ("fixed", "knee"):
            for peaks in (0, 6):
                model = SpectralModel(
                    aperiodic_mode=mode, max_n_peaks=peaks, peak_width_limits=(least, 12), verbose=False
                )
                model.fit(frequencies, power, [low, high])
                theirs = float(model.get_params("aperiodic", "exponent"))
                call = [fitter, str(low), str(high), mode, str(peaks), str(least)]
                done = subprocess.run(call, input=text, capture_output=True, text=True, check=True)
                found = json.loads(done.stdout)
                away = found["exponent"] - theirs
                worst, count = max(worst, abs(away)), count + 1
                judge.row(
                    f"{kind} {low}-{high} Hz {mode}, {peaks} peaks",
                    f"{found['exponent']:.5f}", f"{theirs:.5f}", f"{away:+.5f}", len(found["peaks"]),
                )
judge.check(count == 24 and worst <= 0.05, f"{count} exponents agree within 0.05 (worst {worst:.5f})")
judge.finish()
