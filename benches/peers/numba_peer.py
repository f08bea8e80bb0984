"""The lattice's step in Numba: the C peer's loops, compiled with fast mathematics; the same cheap hash and normals."""

import numba
import numpy as np

from peer import serve

U, F, I = np.uint32, np.float32, np.int32
ONE, HALF, QUARTER, EIGHTH = F(1), F(0.5), F(0.25), F(0.125)
# Numba widens 32-bit integers; every result is cut back, or a vector would hold half as many.
fast = numba.njit(fastmath=True, error_model="numpy", boundscheck=False)
jit = numba.njit(inline="always", fastmath=True, error_model="numpy")


@jit
def mix(x):
    x = U(x ^ (x >> U(16)))
    x = U(x * U(0x21F0AAAD))
    x = U(x ^ (x >> U(15)))
    x = U(x * U(0x735A2D97))
    return U(x ^ (x >> U(15)))


@jit
def normal(word, amplitude):
    pairs = U(U(word & U(0xFF00FF)) + U(U(word >> U(8)) & U(0xFF00FF)))
    s = F(I(U(U(pairs & U(0xFFFF)) + U(pairs >> U(16)))) - I(510))
    u = s * s
    return amplitude * s * (F(6.46848e-3) + u * (F(6.35269e-9) + u * (F(-4.5321e-14) + u * F(2.6615e-19))))


@fast
def alone(a, h, n, s, key, spread, centre, ceiling, p0, p1, p2, amplitude):
    """Diffusion, saturation with damping, noise; `h` and `n` begin with one column of halo."""
    for x in range(a.shape[1]):
        re = spread * (h[0, x] + h[0, x + 2] + n[0, x + 1] + s[0, x]) + centre * h[0, x + 1]
        im = spread * (h[1, x] + h[1, x + 2] + n[1, x + 1] + s[1, x]) + centre * h[1, x + 1]
        size = re * re + im * im
        held = size if size < ceiling else ceiling
        pull = (held * p2 + p1) * held + p0
        word = mix(U(U(U(x) * U(0x9E3779B1)) + key))
        other = mix(U(word + U(0x85EBCA6B)))
        a[0, x] = pull * re + normal(word, amplitude)
        a[1, x] = pull * im + normal(other, amplitude)


@fast
def turn(a, c, k):
    """The cascade. Joined to the loop above it would touch too many rows to be proved free of overlaps."""
    half, quarter, eighth = HALF * k, QUARTER * k * k, EIGHTH * k * k
    for x in range(a.shape[1]):
        re, im, fr, fi = a[0, x], a[1, x], c[0, x], c[1, x]
        less = ONE - eighth * (re * re + im * im)
        mr = less * re + half * (fr * re + fi * im)
        mi = less * im + half * (fi * re - fr * im)
        size = quarter * (mr * mr + mi * mi)
        inverse = ONE / (ONE + size)
        stay, rate = (ONE - size) * inverse, k * inverse
        a[0, x] = stay * re + rate * (fr * mr + fi * mi)
        a[1, x] = stay * im + rate * (fi * mr - fr * mi)
        c[0, x] = stay * fr - rate * (mr * re - mi * im)
        c[1, x] = stay * fi - rate * (mr * im + mi * re)


@fast
def keep(to, line):
    width = line.shape[1]
    for part in range(2):
        for x in range(width):
            to[part, x + 1] = line[part, x]
        to[part, 0] = line[part, width - 1]
        to[part, width + 1] = line[part, 0]


@fast
def run(steps, tick, u, old, first, spread, centre, ceiling, pull, amplitude, cascade):
    """`u` is (row, band, part, column): stepped in place, what a row was before is kept with a halo in `old`."""
    side, bands = u.shape[0], u.shape[1]
    for step in range(steps):
        now = mix(U(U(tick + step) + U(0x9E3779B9)))
        first[:] = u[0]
        for b in range(bands):
            keep(old[1, b], u[side - 1, b])
        for y in range(side):
            slot = y & 1
            for b in range(bands - 1, -1, -1):
                keep(old[slot, b], u[y, b])
                h, n = old[slot, b], old[1 - slot, b]
                s = u[y + 1, b] if y + 1 < side else first[b]
                key = mix(U(U(U(y * bands + b) * U(0x9E3779B1)) + now))
                p0, p1, p2 = pull[0, b], pull[1, b], pull[2, b]
                alone(u[y, b], h, n, s, key, spread[b], centre[b], ceiling[b], p0, p1, p2, amplitude[b])
                if b + 1 < bands:
                    turn(u[y, b], u[y, b + 1], cascade[b])


class Lattice:
    def __init__(self, model, state):
        self.model, self.tick = model, 0
        self.u = np.ascontiguousarray(state.transpose(2, 0, 1, 3))
        self.first = np.empty(self.u.shape[1:], "f4")
        self.old = np.empty((2, model.bands, 2, model.side + 2), "f4")
        self.run(0)

    def state(self):
        return self.u.transpose(1, 2, 0, 3)

    def run(self, steps):
        m = self.model
        run(steps, self.tick, self.u, self.old, self.first, m.spread, m.centre, m.ceiling, m.pull, m.noise, m.cascade)
        self.tick += steps


serve(Lattice)
