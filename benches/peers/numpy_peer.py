"""The lattice's step in NumPy: whole bands at a time, no temporaries, the library's fastest normals.

A band with its temporaries fits the second-level cache, so bands are worked off one after the other.
"""

import numpy as np

from peer import serve


class Lattice:
    """State of shape (band, part, row, column)."""

    def __init__(self, model, state):
        self.model, self.u = model, state.copy()
        self.random = np.random.Generator(np.random.SFC64(1))
        pair, one = state.shape[1:], state.shape[2:]
        self.a, self.product = np.empty(pair, "f4"), np.empty(pair, "f4")
        self.x, self.y, self.z = (np.empty(one, "f4") for _ in range(3))

    def state(self):
        return self.u

    def run(self, steps):
        for _ in range(steps):
            for band in reversed(range(self.model.bands)):
                self.alone(band)
                if band + 1 < self.model.bands:
                    self.turn(self.model.cascade[band], self.u[band], self.u[band + 1])

    def alone(self, band):
        model, u, a = self.model, self.u[band], self.a
        np.add(u[:, :-2], u[:, 2:], out=a[:, 1:-1])
        np.add(u[:, -1], u[:, 1], out=a[:, 0])
        np.add(u[:, -2], u[:, 0], out=a[:, -1])
        a[:, :, 1:] += u[:, :, :-1]
        a[:, :, 0] += u[:, :, -1]
        a[:, :, :-1] += u[:, :, 1:]
        a[:, :, -1] += u[:, :, 0]
        a *= model.spread[band]
        u *= model.centre[band]
        u += a
        size, square = self.x, self.y
        np.multiply(u[0], u[0], out=size)
        np.multiply(u[1], u[1], out=square)
        size += square
        np.minimum(size, model.ceiling[band], out=size)
        pull = np.multiply(size, model.pull[2, band], out=self.y)
        pull += model.pull[1, band]
        pull *= size
        pull += model.pull[0, band]
        u *= pull
        self.random.standard_normal(dtype=np.float32, out=a)
        a *= model.noise[band]
        u += a

    def turn(self, k, a, c):
        less, m, product, square = self.x, self.a, self.product, self.z
        # m = (1 - k^2/8 |a|^2) a + k/2 (c times the conjugate of a)
        self.square(a, less, square)
        less *= -0.125 * k * k
        less += 1
        times_conjugate(c, a, product, square)
        product *= 0.5 * k
        np.multiply(a, less, out=m)
        m += product
        stay, rate = self.x, self.y
        self.square(m, stay, square)
        stay *= 0.25 * k * k
        np.add(stay, 1, out=rate)
        np.subtract(1, stay, out=stay)
        stay /= rate
        np.divide(k, rate, out=rate)
        # up and down: c times the conjugate of m, and m a
        times_conjugate(c, m, product, square)
        c *= stay
        m *= rate
        np.multiply(m[0], a[0], out=square)
        c[0] -= square
        np.multiply(m[1], a[1], out=square)
        c[0] += square
        np.multiply(m[0], a[1], out=square)
        c[1] -= square
        np.multiply(m[1], a[0], out=square)
        c[1] -= square
        a *= stay
        product *= rate
        a += product

    @staticmethod
    def square(a, out, scratch):
        np.multiply(a[0], a[0], out=out)
        np.multiply(a[1], a[1], out=scratch)
        out += scratch


def times_conjugate(c, a, out, scratch):
    np.multiply(c[0], a[0], out=out[0])
    np.multiply(c[1], a[1], out=scratch)
    out[0] += scratch
    np.multiply(c[1], a[0], out=out[1])
    np.multiply(c[0], a[1], out=scratch)
    out[1] -= scratch


serve(Lattice)
