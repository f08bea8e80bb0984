"""The definition of src/kernel/lattice/reference.rs and src/kernel/noise.rs in NumPy, to the bit: a judge, not a peer.

A fused multiply-add of float32 is made exactly: the product fits float64, the sum is rounded to odd, and what is
rounded to odd with that many bits to spare rounds to float32 as the exact sum does.

`--tonic MODEL STATE` writes the state that an array of seed 1 starts from.
"""

import sys

import numpy as np

from peer import serve

F = np.float32
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
SEED, PURPOSE = 1, 0x4C4154546E6F6973
TERMS = (1.6361132330759944, 0.242057314337257, -0.3095578935792879, 0.2208130495940005, -0.0674317787662012,
         0.008044049208300484)


def fma(a, b, c):
    p, c = np.multiply(a, b, dtype=np.float64), np.asarray(c, dtype=np.float64)
    s = p + c
    t = s - p
    lost = (p - (s - t)) + (c - t)
    even = np.atleast_1d(s).view(np.int64).reshape(s.shape) & 1 == 0
    return np.where((lost != 0) & even, np.nextafter(s, np.copysign(np.inf, lost)), s).astype(F)


def substitutions():
    box, p, q = np.full(256, 0x63, np.uint8), 1, 1
    turned = lambda x, n: (x << n | x >> 8 - n) & 0xFF
    while True:
        p ^= (p << 1 ^ 0x1B * (p >> 7)) & 0xFF
        for shift in (1, 2, 4):
            q ^= q << shift & 0xFF
        q ^= 0x09 * (q >> 7)
        box[p] = q ^ turned(q, 1) ^ turned(q, 2) ^ turned(q, 3) ^ turned(q, 4) ^ 0x63
        if p == 1:
            return box


SBOX = substitutions()


def words(counters):
    """ARS with five rounds: four words for each counter of four words."""
    keys, halves = [], [SEED, PURPOSE]
    for _ in range(6):
        keys.append(np.frombuffer(b"".join(half.to_bytes(8, "little") for half in halves), np.uint8).reshape(4, 4))
        halves = [(half + weyl) % 2**64 for half, weyl in zip(halves, WEYL)]
    state = counters.astype("<u4").view(np.uint8).reshape(-1, 4, 4) ^ keys[0]
    columns = (np.arange(4)[:, None] + np.arange(4)) % 4
    for number, key in enumerate(keys[1:], 1):
        state = SBOX[state[:, columns, np.arange(4)]]
        if number < 5:
            after = np.roll(state, -1, axis=2)
            double = lambda x: (x << 1) ^ 0x1B * (x >> 7)
            whole = np.bitwise_xor.reduce(state, axis=2, keepdims=True)
            state = state ^ whole ^ double(state ^ after)
        state = state ^ key
    return np.ascontiguousarray(state).reshape(-1, 16).view("<u4")


def noise(side, tick, band, amplitude):
    """Both parts of every site's noise."""
    y, x = np.mgrid[:side, :side].astype(np.uint32)
    block = y * np.uint32(-(-side // 16) * 8) + x // 16 * 8 + x % 16 // 4
    pair = []
    for first in (block, block + 4):
        counters = np.zeros((side * side, 4), np.uint32)
        counters[:] = [0, band, tick & 0xFFFFFFFF, tick >> 32]
        counters[:, 0] = first.ravel()
        pair.append(words(counters)[np.arange(side * side), (x % 4).ravel()])
    shape = [F(term * np.float64(amplitude)) for term in TERMS]
    parts = []
    for part, weight in enumerate((64, -64)):
        total = weight * pair[part].view(np.uint8).reshape(-1, 4).sum(axis=1, dtype=np.int64)
        number = (((pair[1 - part] & 0x3E) | 0x4B400001) + total).astype(np.uint32).view(F)
        s = fma(number, F(1 / 16384), F(-(12582912.0 + (32640.0 if part == 0 else -32640.0) + 32.0) / 16384))
        u, p = s * s, shape[5]
        for term in shape[4::-1]:
            p = fma(p, u, term)
        parts.append((s * p).reshape(side, side))
    return parts


class Reference:
    """State of shape (band, part, row, column)."""

    def __init__(self, model, state):
        self.model, self.u, self.tick = model, state.copy(), 0

    def state(self):
        return self.u

    def run(self, steps):
        for _ in range(steps):
            for band in reversed(range(self.model.bands)):
                self.step(band)
            self.tick += 1

    def step(self, band):
        model, u = self.model, self.u[band]
        spread = model.spread[band]
        centre = fma(F(-4), spread, F(1))
        roll = lambda shift, axis: np.roll(u, shift, axis)
        a = fma(spread, (roll(1, 2) + roll(-1, 2)) + (roll(1, 1) + roll(-1, 1)), centre * u)
        size = fma(a[0], a[0], a[1] * a[1])
        held = np.minimum(size, model.ceiling[band])
        pull = fma(fma(held, model.pull[2, band], model.pull[1, band]), held, model.pull[0, band])
        drawn = noise(model.side, self.tick, band, model.noise[band])
        re, im = (fma(pull, a[part], drawn[part]) for part in (0, 1))
        if band + 1 < model.bands:
            c = self.u[band + 1]
            re, im, c[0], c[1] = turn(model.cascade[band], re, im, c[0], c[1])
        self.u[band] = re, im


def turn(k, re, im, fr, fi):
    half, quarter, eighth = F(0.5) * k, F(0.25) * k * k, F(0.125) * k * k
    less = fma(-eighth, fma(re, re, im * im), F(1))
    mr = fma(half, fma(fr, re, fi * im), less * re)
    mi = fma(half, fma(fi, re, -(fr * im)), less * im)
    size = fma(mr, mr, mi * mi)
    inverse = F(1) / fma(quarter, size, F(1))
    stay, rate = fma(-quarter, size, F(1)) * inverse, k * inverse
    return (
        fma(rate, fma(fr, mr, fi * mi), stay * re),
        fma(rate, fma(fi, mr, -(fr * mi)), stay * im),
        fma(-rate, fma(mr, re, -(mi * im)), stay * fr),
        fma(-rate, fma(mr, im, mi * re), stay * fi),
    )


def tonic(model_path, state_path):
    with open(model_path, encoding="ascii") as file:
        side = int(file.readline().split()[0])
        variances = [float(line.split()[-1]) for line in file]
    # The tick of this draw is the last there is: no run reaches it.
    planes = [noise(side, 2**64 - 1, band, F(np.sqrt(e / 2))) for band, e in enumerate(variances)]
    np.array(planes, dtype="<f4").tofile(state_path)


if sys.argv[1:2] == ["--tonic"]:
    tonic(*sys.argv[2:4])
else:
    serve(Reference)
