"""The lattice's step in PyTorch: eager, or compiled (`--compile`).

Noise is `torch.randn`; with `--hash`, which pays only when compiled, a hash of the site that fuses with the rest.
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch

from peer import serve

COMPILE, HASH = "--compile" in sys.argv, "--hash" in sys.argv
torch.set_num_threads(1)
torch.set_grad_enabled(False)


def mix(x):
    # 32-bit integers have a sign here: what a shift to the right copies from it is masked away.
    x = (x ^ ((x >> 16) & 0xFFFF)) * 0x21F0AAAD
    x = (x ^ ((x >> 15) & 0x1FFFF)) * 0x735A2D97
    return x ^ ((x >> 15) & 0x1FFFF)


def normal(word):
    pairs = (word & 0xFF00FF) + ((word >> 8) & 0xFF00FF)
    s = ((pairs & 0xFFFF) + ((pairs >> 16) & 0xFFFF) - 510).to(torch.float32)
    u = s * s
    return s * (6.46848e-3 + u * (6.35269e-9 + u * (-4.5321e-14 + u * 2.6615e-19)))


def around(a):
    return torch.roll(a, 1, -1) + torch.roll(a, -1, -1) + torch.roll(a, 1, -2) + torch.roll(a, -1, -2)


class Lattice:
    """State: groups of bands, both parts of each of shape (band, row, column).

    Compiled, one group of all bands needs the fewest passes; eager, one band's temporaries stay in the cache.
    """

    def __init__(self, model, state):
        size = model.bands if COMPILE else 1
        self.model, self.key = model, torch.zeros((), dtype=torch.int32)
        self.groups = [tuple(torch.tensor(state[b : b + size, part]) for part in (0, 1))
                       for b in range(0, model.bands, size)]
        numbers = np.arange(model.bands, dtype=np.int32) + 0x1E3779B9
        factors = (model.spread, model.centre, model.ceiling, *model.pull, model.noise, numbers)
        self.factors = [tuple(torch.tensor(factor[b : b + size])[:, None, None] for factor in factors)
                        for b in range(0, model.bands, size)]
        self.site = torch.arange(model.side**2, dtype=torch.int32).reshape(model.side, model.side) * -0x61C8864F
        # What was compiled for another size is forgotten: with it in mind the code is general, and two times slower.
        torch.compiler.reset()
        self.step = torch.compile(self.bands) if COMPILE else self.bands

    def state(self):
        return np.concatenate([np.stack([part.numpy() for part in group], 1) for group in self.groups])

    def run(self, steps):
        for _ in range(steps):
            self.groups = self.step(self.groups, self.key)
            self.key = self.key + self.model.bands

    def bands(self, groups, key):
        alone = [self.alone(factors, re, im, key) for factors, (re, im) in zip(self.factors, groups)]
        re = [band for part, _ in alone for band in part.unbind()]
        im = [band for _, part in alone for band in part.unbind()]
        for b in reversed(range(self.model.bands - 1)):
            slow, fast = turn(float(self.model.cascade[b]), re[b], im[b], re[b + 1], im[b + 1])
            (re[b], im[b]), (re[b + 1], im[b + 1]) = slow, fast
        if len(groups) == 1:
            return [(torch.stack(re), torch.stack(im))]
        return [(p[None], q[None]) for p, q in zip(re, im)]

    def alone(self, factors, re, im, key):
        spread, centre, ceiling, p0, p1, p2, amplitude, number = factors
        re, im = spread * around(re) + centre * re, spread * around(im) + centre * im
        held = torch.minimum(re * re + im * im, ceiling)
        pull = (held * p2 + p1) * held + p0
        if HASH:
            word = mix(self.site + mix(key + number))
            noise = normal(word), normal(mix(word - 0x7A143595))
        else:
            noise = torch.randn(2, *re.shape)
        return pull * re + amplitude * noise[0], pull * im + amplitude * noise[1]


def turn(k, re, im, fr, fi):
    less = 1 - 0.125 * k * k * (re * re + im * im)
    mr = less * re + 0.5 * k * (fr * re + fi * im)
    mi = less * im + 0.5 * k * (fi * re - fr * im)
    wide = 0.25 * k * k * (mr * mr + mi * mi)
    inverse = 1 / (1 + wide)
    stay, rate = (1 - wide) * inverse, k * inverse
    return (
        (stay * re + rate * (fr * mr + fi * mi), stay * im + rate * (fi * mr - fr * mi)),
        (stay * fr - rate * (mr * re - mi * im), stay * fi - rate * (mr * im + mi * re)),
    )


if COMPILE:
    import torch._inductor.config as inductor

    # Its own fused generator is scalar and an order slower than the library's.
    inductor.fallback_random = True

serve(Lattice)
