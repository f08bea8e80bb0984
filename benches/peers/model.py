"""The numbers of the lattice's step, by the formulas of src/array/ and src/kernel/lattice/: no package needed."""

from collections import Counter
from dataclasses import dataclass
from math import exp, pi, sin, sqrt
from struct import pack, unpack

BANDS = 8
LOWEST_HZ = 0.75
Q = 1.5
CHI = 1.0
KAPPA = 2.0
SATURATION = 0.05
DIFFUSION = 0.3
STEP_SECONDS = 1e-3
# src/array/tonic.rs
LEAST_NOISE = 0.1


def single(value):
    """Rounded to float32, where the kernel's numbers are."""
    return unpack("f", pack("f", value))[0]


@dataclass
class Band:
    """One band's factors; the names are those of `Factors` in src/kernel/lattice/mod.rs."""

    centre: float
    spread: float
    ceiling: float
    pull0: float
    pull1: float
    pull2: float
    noise: float
    cascade: float
    variance: float

    def line(self):
        return " ".join(repr(value) for value in vars(self).values())


def bands(side):
    """The eight bands of a `side x side` torus, slowest first."""
    hertz = [LOWEST_HZ * 2.0**band for band in range(BANDS)]
    gamma = [2.0 * pi * f / (2.0 * Q) for f in hertz]
    beyond = max(CHI - 1.5, 0.0)
    x = 1.0 + (CHI - (1.05 - 0.012 * KAPPA)) / (0.85 - 0.058 * KAPPA) + 0.75 * beyond**2
    raw = [f ** (1.0 - x) for f in hertz]
    variances = [value * BANDS / sum(raw) for value in raw]
    share = [injection(g, side) for g in gamma]
    loss = [g * s / (1.0 - exp(-2.0 * g * STEP_SECONDS)) for g, s in zip(gamma, share)]
    flux = [KAPPA**2 * loss[b] * (variances[b + 1] - variances[b]) for b in range(BANDS - 1)] + [0.0]
    out = []
    for b in range(BANDS):
        gained = flux[b] - (flux[b - 1] if b else 0.0)
        needed = max(variances[b] - gained / (2.0 * loss[b]), LEAST_NOISE * variances[b])
        spread = single(DIFFUSION * gamma[b] * STEP_SECONDS)
        saturation = single(2.0 * SATURATION * gamma[b] / variances[b] * STEP_SECONDS)
        damping = single(exp(-gamma[b] * STEP_SECONDS))
        out.append(
            Band(
                centre=1.0 - 4.0 * spread,
                spread=spread,
                ceiling=1.0 / saturation,
                pull0=damping,
                pull1=-0.5 * saturation * damping,
                pull2=0.375 * saturation**2 * damping,
                noise=sqrt(share[b] * needed / 2.0),
                cascade=KAPPA * loss[b] * STEP_SECONDS / sqrt(variances[b]) if b + 1 < BANDS else 0.0,
                variance=variances[b],
            )
        )
    return out


def injection(gamma, side):
    """The noise per step, in units of the variance, that makes good what every mode of the torus loses."""
    decay = exp(-(gamma + 2.0 * SATURATION * gamma) * STEP_SECONDS)
    spread = DIFFUSION * gamma * STEP_SECONDS
    # Modes k and side - k are alike.
    waves = Counter(min(k, side - k) for k in range(side))
    waves = [(4.0 * sin(pi * k / side) ** 2, count) for k, count in waves.items()]
    mean = 0.0
    for down, rows in waves:
        for across, columns in waves:
            factor = decay * (1.0 - spread * (down + across))
            mean += rows * columns / (1.0 - factor * factor)
    return side * side / mean


def write(path, side, noisy=True):
    """Writes the side and a line per band, for the peers; without noise where the arithmetic is to be compared."""
    with open(path, "w", encoding="ascii") as file:
        file.write(f"{side} {BANDS}\n")
        for band in bands(side):
            if not noisy:
                band.noise = 0.0
            file.write(band.line() + "\n")
