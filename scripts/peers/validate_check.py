"""validate_check.py ROWS.json: the lattice's closed forms recomputed by SciPy, from matrices instead of sums.

ROWS.json is what `napot validate --json` printed. For the linear default array on a torus of 16 x 16 the step of one
band is the matrix A = e^(-γ h) (I - d L), L the Laplacian of the graph and d, a little above D h, such that the longest
wave has the share of the variance that it has in endless steps. The covariance of its steady state solves
the discrete Lyapunov equation C = A C A' + I. From both follow, without a Fourier transform, the correlation of
neighbours, and what is left and grown of a mode after some steps. Every such row's `expected` must agree to 1e-9, and
its `measured` must lie in the interval.
"""

import argparse
import json
import re

import numpy as np
from scipy.linalg import solve_discrete_lyapunov
from scipy.optimize import brentq

from common import Judge

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("rows")
arguments = arguments.parse_args()
with open(arguments.rows, encoding="utf-8") as file:
    rows = json.load(file)

SIDE, Q, DIFFUSION, STEPS_PER_CYCLE = 16, 1.5, 0.3, 32.0


def band(hz):
    """The matrix of a band's step, its covariance with unit noise, and the steps of half a relaxation time."""
    ticks = max(1, 2 ** int(np.floor(np.log2(1000.0 / (hz * STEPS_PER_CYCLE)))))
    gamma_h = 2.0 * np.pi * hz / (2.0 * Q) * ticks / 1000.0
    ring = 2.0 * np.eye(SIDE) - np.roll(np.eye(SIDE), 1, axis=0) - np.roll(np.eye(SIDE), -1, axis=0)
    laplacian = np.kron(ring, np.eye(SIDE)) + np.kron(np.eye(SIDE), ring)
    waves = np.linalg.eigvalsh(laplacian)
    wanted = np.mean(1.0 / (1.0 + DIFFUSION * waves))

    def excess(spread):
        """Of the mean variance of all waves over the longest one's, above that of endless steps."""
        factors = np.exp(-gamma_h) * (1.0 - spread * waves)
        return np.mean((1.0 - np.exp(-2.0 * gamma_h)) / (1.0 - factors**2)) - wanted

    spread = brentq(excess, DIFFUSION * gamma_h, 0.125, xtol=1e-14)
    step = np.exp(-gamma_h) * (np.eye(SIDE**2) - spread * laplacian)
    return step, solve_discrete_lyapunov(step, np.eye(SIDE**2)), round(0.5 / gamma_h)


def wave(down, across):
    y, x = np.divmod(np.arange(SIDE**2), SIDE)
    return np.exp(2j * np.pi * (down * y + across * x) / SIDE) / SIDE


judge = Judge(f"closed forms of {arguments.rows}")
judge.row("", "ours", "SciPy")
bands, worst, count, inside = {}, 0.0, 0, True
for row in rows:
    space = re.fullmatch(r"space: correlation at \((\d+), (\d+)\), linear, ([\d.]+) Hz", row["name"])
    mode = re.fullmatch(r"mode: (mean left|variance grown), \((\d+), (\d+)\), ([\d.]+) Hz, \d+ ms", row["name"])
    if not space and not mode:
        continue
    hz = float((space or mode).groups()[-1])
    step, covariance, steps = bands.setdefault(hz, band(hz))
    if space:
        down, across = int(space[1]), int(space[2])
        theirs = covariance[0, down * SIDE + across] / covariance[0, 0]
    else:
        vector = wave(int(mode[2]), int(mode[3]))
        power = np.linalg.matrix_power(step, steps)
        left = np.vdot(vector, power @ vector).real
        # What noise adds in those steps is the stationary variance less what is left of it.
        grown = covariance - power @ covariance @ power.T
        share = np.vdot(vector, grown @ vector).real / np.vdot(vector, covariance @ vector).real
        theirs = left if mode[1] == "mean left" else share
    worst, count = max(worst, abs(row["expected"] - theirs)), count + 1
    inside &= row["interval"][0] <= row["measured"] <= row["interval"][1]
    judge.row(row["name"], f"{row['expected']:.8f}", f"{theirs:.8f}", f"{row['measured']:.5f}")
judge.check(count >= 22 and worst < 1e-9, f"{count} closed forms agree to 1e-9 (worst {worst:.1e})")
judge.check(inside, "every figure that was measured lies in its interval")
judge.finish()
