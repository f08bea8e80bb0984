"""The lattice's step in JAX: one jitted scan, bands unrolled, noise by a hash of the site that fuses with the rest.

`--library` draws the noise with `jax.random.normal` instead.
"""

import os
import sys

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from peer import serve

LIBRARY = "--library" in sys.argv
U = jnp.uint32


def mix(x):
    x = (x ^ (x >> 16)) * U(0x21F0AAAD)
    x = (x ^ (x >> 15)) * U(0x735A2D97)
    return x ^ (x >> 15)


def normal(word):
    pairs = (word & U(0xFF00FF)) + ((word >> 8) & U(0xFF00FF))
    s = ((pairs & U(0xFFFF)) + (pairs >> 16)).astype(jnp.int32).astype(jnp.float32) - 510
    u = s * s
    return s * (6.46848e-3 + u * (6.35269e-9 + u * (-4.5321e-14 + u * 2.6615e-19)))


def draw(tick, band, side):
    if LIBRARY:
        pair = jax.random.normal(jax.random.fold_in(jax.random.key(band), tick), (2, side, side), jnp.float32)
        return pair[0], pair[1]
    site = lax.broadcasted_iota(U, (side, side), 0) * U(side) + lax.broadcasted_iota(U, (side, side), 1)
    word = mix(site * U(0x9E3779B1) + mix(tick * U(8) + U(band) + U(0x9E3779B9)))
    return normal(word), normal(mix(word + U(0x85EBCA6B)))


def around(a):
    """The sum of the four neighbours. Slices of a halo fuse with what follows, rolls do not; the barrier keeps XLA
    from making the halo again for each of its readers."""
    halo = lax.optimization_barrier(jnp.pad(a, 1, mode="wrap"))
    return halo[:-2, 1:-1] + halo[2:, 1:-1] + halo[1:-1, :-2] + halo[1:-1, 2:]


def alone(model, band, tick, re, im):
    spread, centre = float(model.spread[band]), float(model.centre[band])
    re, im = spread * around(re) + centre * re, spread * around(im) + centre * im
    held = jnp.minimum(re * re + im * im, float(model.ceiling[band]))
    p0, p1, p2 = (float(p) for p in model.pull[:, band])
    pull = (held * p2 + p1) * held + p0
    noise_re, noise_im = draw(tick, band, model.side)
    amplitude = float(model.noise[band])
    return pull * re + amplitude * noise_re, pull * im + amplitude * noise_im


def turn(k, re, im, fr, fi):
    less = 1 - 0.125 * k * k * (re * re + im * im)
    mr = less * re + 0.5 * k * (fr * re + fi * im)
    mi = less * im + 0.5 * k * (fi * re - fr * im)
    wide = 0.25 * k * k * (mr * mr + mi * mi)
    inverse = 1 / (1 + wide)
    stay, rate = (1 - wide) * inverse, k * inverse
    return (
        stay * re + rate * (fr * mr + fi * mi),
        stay * im + rate * (fi * mr - fr * mi),
        stay * fr - rate * (mr * re - mi * im),
        stay * fi - rate * (mr * im + mi * re),
    )


class Lattice:
    def __init__(self, model, state):
        self.model, self.tick = model, jnp.uint32(0)
        # A tuple of planes: XLA would copy a band out of an array of bands, and back.
        self.u = tuple((jnp.asarray(re), jnp.asarray(im)) for re, im in state)
        self.loops = {}

    def step(self, carry, _):
        u, tick = carry
        u = list(u)
        for band in reversed(range(self.model.bands)):
            re, im = alone(self.model, band, tick, *u[band])
            if band + 1 < self.model.bands:
                re, im, *u[band + 1] = turn(float(self.model.cascade[band]), re, im, *u[band + 1])
            u[band] = (re, im)
        return (tuple(map(tuple, u)), tick + U(1)), None

    def run(self, steps):
        if steps not in self.loops:
            loop = lambda carry: lax.scan(self.step, carry, None, length=steps)[0]
            self.loops[steps] = jax.jit(loop, donate_argnums=0)
        self.u, self.tick = jax.block_until_ready(self.loops[steps]((self.u, self.tick)))

    def state(self):
        return np.array([[np.asarray(part) for part in band] for band in self.u])


serve(Lattice)
