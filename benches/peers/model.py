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
WIDEST = 0.125
LONGEST_RING = 256
# What a long wave loses, in units of gamma.
LOSS = 1.0 + 2.0 * SATURATION


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
    below, beyond = max(1.0 - CHI, 0.0), max(CHI - 1.5, 0.0)
    x = 0.944 + 0.007 * KAPPA + (CHI - 1.0) / (0.85 - 0.052 * KAPPA)
    x += (0.75 + 0.25 * KAPPA) * beyond**2 - (0.065 + 0.405 * KAPPA) * KAPPA * below**2
    raw = [f ** (1.0 - x) for f in hertz]
    variances = [value * BANDS / sum(raw) for value in raw]
    waves = laplacian(side)
    spreads = [spread(g, waves) for g in gamma]
    share = [1.0 / mean(waves, decay(g), d) for g, d in zip(gamma, spreads)]
    compensation = 1.0 / average(waves, lambda wave: 1.0 / (LOSS + DIFFUSION * wave))
    loss = [g * compensation for g in gamma]
    rates = forgetting(loss, variances)
    flux = [(2.0 * KAPPA * loss[b]) ** 2 * (variances[b + 1] - variances[b]) / (2.0 * rates[b] + rates[b + 1])
            for b in range(BANDS - 1)] + [0.0]
    out = []
    for b in range(BANDS):
        gained = flux[b] - (flux[b - 1] if b else 0.0)
        needed = max(variances[b] - gained / (2.0 * loss[b]), LEAST_NOISE * variances[b])
        share_of_neighbour = single(spreads[b])
        saturation = single(2.0 * SATURATION * gamma[b] / variances[b] * STEP_SECONDS)
        damping = single(exp(-gamma[b] * STEP_SECONDS))
        out.append(
            Band(
                centre=1.0 - 4.0 * share_of_neighbour,
                spread=share_of_neighbour,
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


def forgetting(loss, variances):
    """The rate at which each band forgets its state: its loss and what the triads scramble."""
    rates = list(loss)
    for _ in range(64):
        target = []
        for b in range(BANDS):
            scrambled = 0.0
            if b + 1 < BANDS:
                ratio = variances[b + 1] / variances[b]
                scrambled += (KAPPA * loss[b]) ** 2 * (2.0 - ratio) / (rates[b] + rates[b + 1])
            if b:
                scrambled += (KAPPA * loss[b - 1]) ** 2 / rates[b - 1]
            target.append(loss[b] + max(scrambled, 0.0))
        rates = [0.5 * (rate + to) for rate, to in zip(rates, target)]
    return rates


def laplacian(side):
    """The eigenvalues of the torus, each with how many modes have it; k and side - k are alike."""
    side = min(side, LONGEST_RING)
    ring = Counter(min(k, side - k) for k in range(side))
    ring = [(4.0 * sin(pi * k / side) ** 2, count) for k, count in ring.items()]
    return [(down + across, rows * columns) for down, rows in ring for across, columns in ring]


def average(waves, of):
    return sum(count * of(wave) for wave, count in waves) / sum(count for _, count in waves)


def decay(gamma):
    return exp(-LOSS * gamma * STEP_SECONDS)


def mean(waves, left, spread):
    """The mean variance of the modes where every step adds noise of variance one."""
    return average(waves, lambda wave: 1.0 / (1.0 - (left * (1.0 - spread * wave)) ** 2))


def spread(gamma, waves):
    """The spread with which the longest wave has its share of endless steps."""
    left = decay(gamma)
    wanted = average(waves, lambda wave: LOSS / (LOSS + DIFFUSION * wave))
    low = plain = DIFFUSION * gamma * STEP_SECONDS
    high = WIDEST
    excess = lambda d: mean(waves, left, d) * (1.0 - left * left) - wanted
    if low >= high or excess(high) > 0.0 or excess(low) <= 0.0:
        return plain
    while high - low > 1e-12:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) > 0.0 else (low, middle)
    return 0.5 * (low + high)


def write(path, side, noisy=True):
    """Writes the side and a line per band, for the peers; without noise where the arithmetic is to be compared."""
    with open(path, "w", encoding="ascii") as file:
        file.write(f"{side} {BANDS}\n")
        for band in bands(side):
            if not noisy:
                band.noise = 0.0
            file.write(band.line() + "\n")
