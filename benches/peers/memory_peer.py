"""memory_peer.py numpy|torch: a read of the memory of pictures, single precision, one thread, as the library is best used.

Commands on standard input as `examples/attention.rs` has them, but for `approximate`. `points` is softmax attention over
rows as points; `step` is a whole denoising step: patches cut, read by the mixture of Gaussians of `src/memory/reader.rs`,
laid over each other. Queries go in blocks whose products stay in a cache; which block size, and in PyTorch which way, is
tried out in `open`, so that a peer is timed at its best.
"""

import os
import sys
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402

SIDE, AREA = 7, 49
# The reader's constants: how far a patch lies from its row in a pixel, and how far contrasts differ.
SPREAD, CONTRAST = np.float32(0.03), np.float32(1.0)
BLOCKS = (64, 128, 256, 512, 1024)


def laws(rows, noise):
    """Directions, and of each row `square`, `line`, `fixed`, `slope`, `level`; see `ridge` in `src/memory/reader.rs`."""
    rows = rows - rows.mean(1, keepdims=True)
    contrast = np.sqrt((rows * rows).sum(1))
    keys = rows / np.maximum(contrast, 1e-6)[:, None]
    across = noise + SPREAD**2
    along = across + CONTRAST**2 * contrast**2
    square = 0.5 * (1 / across - 1 / along)
    fixed = -0.5 * (contrast**2 / along + np.log(along / across))
    slope = 1 - noise / along - SPREAD**2 / across
    return keys, square, contrast / along, fixed, slope, contrast * noise / along


class NumPy:
    """Products by OpenBLAS into room that is used again, everything else in place."""

    ways = ("",)

    def __init__(self, rows, queries, picture, sigma):
        self.rows, self.queries, self.picture, self.noise = rows, queries, picture, np.float32(sigma * sigma)
        self.room = np.empty((BLOCKS[-1], len(rows)), "f4"), np.empty((BLOCKS[-1], len(rows)), "f4")
        # As points: the logit is `(q k - |k|² / 2) / σ²`, up to what is the same for all rows.
        self.keys = np.ascontiguousarray((rows / self.noise).T)
        self.fixed = (-0.5 / self.noise) * (rows * rows).sum(1)

    def points(self, block, _):
        out = np.empty_like(self.queries)
        for first in range(0, len(self.queries), block):
            asked = self.queries[first : first + block]
            logits = np.matmul(asked, self.keys, out=self.room[0][: len(asked)])
            logits += self.fixed
            logits -= logits.max(1, keepdims=True)
            np.exp(logits, out=logits)
            norm = logits.sum(1, keepdims=True)
            np.matmul(logits, self.rows, out=out[first : first + block])
            out[first : first + block] /= norm
        return out

    def step(self, block, _):
        keys, square, line, fixed, slope, level = laws(self.rows, self.noise)
        turned = np.ascontiguousarray(keys.T)
        patches, means = cut(self.picture)
        read = np.empty_like(patches)
        for first in range(0, len(patches), block):
            asked = patches[first : first + block]
            s, logits = (room[: len(asked)] for room in self.room)
            np.matmul(asked, turned, out=s)
            np.multiply(s, square, out=logits)
            logits += line
            logits *= s
            logits += fixed
            logits -= logits.max(1, keepdims=True)
            np.exp(logits, out=logits)
            norm = logits.sum(1, keepdims=True)
            s *= slope
            s += level
            logits *= s
            np.matmul(logits, keys, out=read[first : first + block])
            read[first : first + block] /= norm
        read += SPREAD**2 / (self.noise + SPREAD**2) * patches
        return laid(read + means, self.picture.shape)


def cut(picture):
    """Every patch of a picture that is mirrored at its edges, less its mean, and the means."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(picture, SIDE // 2, mode="symmetric"), (SIDE, SIDE))
    patches = windows.reshape(-1, AREA)
    means = patches.mean(1, keepdims=True)
    return patches - means, means


def laid(patches, shape):
    """The mean of all that patches say of a pixel."""
    patches = patches.reshape(*shape, SIDE, SIDE)
    reach = SIDE // 2
    sums = np.zeros((shape[0] + 2 * reach, shape[1] + 2 * reach), "f4")
    counts = np.zeros_like(sums)
    for y in range(SIDE):
        for x in range(SIDE):
            sums[y : y + shape[0], x : x + shape[1]] += patches[:, :, y, x]
            counts[y : y + shape[0], x : x + shape[1]] += 1
    return (sums / counts)[reach:-reach, reach:-reach]


class Torch(NumPy):
    """Eager products and a fused softmax, its attention on a processor, or what its compiler makes of the blocks."""

    ways = ("eager", "attention", "compiled")

    def __init__(self, rows, queries, picture, sigma):
        super().__init__(rows, queries, picture, sigma)
        import torch

        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        self.torch = torch
        self.t = {name: torch.from_numpy(getattr(self, name)) for name in ("rows", "queries", "keys", "fixed")}
        # A row's fixed logit as one more number of its key, so that attention needs no mask.
        scaled = torch.cat([self.t["rows"] / self.noise, self.t["fixed"][:, None]], 1)
        self.extended = scaled[None, None]
        self.asked = torch.cat([self.t["queries"], torch.ones(len(queries), 1)], 1)[None, None]
        self.compiled = {"points": torch.compile(self.point_block), "step": torch.compile(self.step_block)}

    def point_block(self, asked, keys, fixed, rows):
        return self.torch.softmax(self.torch.addmm(fixed, asked, keys), 1) @ rows

    def step_block(self, asked, keys, turned, law):
        square, line, fixed, slope, level = law
        s = asked @ turned
        return (self.torch.softmax((square * s + line) * s + fixed, 1) * (slope * s + level)) @ keys

    def eager_block(self, asked, keys, turned, law):
        square, line, fixed, slope, level = law
        s = asked @ turned
        logits = self.torch.addcmul(line, s, square).mul_(s).add_(fixed)
        return self.torch.softmax(logits, 1).mul_(self.torch.addcmul(level, s, slope)) @ keys

    def points(self, block, way):
        t = self.t
        if way == "attention":
            attend = self.torch.nn.functional.scaled_dot_product_attention
            return attend(self.asked, self.extended, t["rows"][None, None], scale=1.0)[0, 0].numpy()
        work = self.compiled["points"] if way == "compiled" else self.point_block
        parts = [work(asked, t["keys"], t["fixed"], t["rows"]) for asked in t["queries"].split(block)]
        return self.torch.cat(parts).numpy()

    def step(self, block, way):
        if way == "attention":
            raise NotImplementedError("attention knows no such law")
        work = self.compiled["step"] if way == "compiled" else self.eager_block
        keys, *law = (self.torch.from_numpy(part) for part in laws(self.rows, self.noise))
        turned = keys.T.contiguous()
        patches, means = cut(self.picture)
        parts = [work(asked, keys, turned, law) for asked in self.torch.from_numpy(patches).split(block)]
        read = self.torch.cat(parts).numpy()
        read += SPREAD**2 / (self.noise + SPREAD**2) * patches
        return laid(read + means, self.picture.shape)


class Peer:
    """A library at its best block and way, for each kind of work."""

    def __init__(self, make, folder):
        load = lambda name: np.fromfile(folder / name, "<f4")
        rows, queries = load("rows.f32").reshape(-1, AREA), load("queries.f32").reshape(-1, AREA)
        side = round(len(queries) ** 0.5)
        picture = load("picture.f32").reshape(side, side)
        self.library = make(rows, queries, picture, float((folder / "noise.txt").read_text()))
        self.best = {work: self.quickest(getattr(self.library, work)) for work in ("points", "step")}
        self.found = None

    def quickest(self, work):
        best = None
        for way in self.library.ways:
            for block in BLOCKS[-1:] if way == "attention" else BLOCKS:
                try:
                    work(block, way)
                    took = min(timed(lambda: work(block, way))[0] for _ in range(2))
                except Exception as why:  # A way that this machine has no compiler for, or no law, is none.
                    print(f"{way} with blocks of {block} is left out: {str(why)[:80]}", file=sys.stderr)
                    break
                if best is None or took < best[0]:
                    best = took, block, way
        print(f"{type(self.library).__name__}: {best[2]} blocks of {best[1]}", file=sys.stderr, flush=True)
        return best[1:]

    def run(self, work):
        took, self.found = timed(lambda: getattr(self.library, work)(*self.best[work]))
        return took


def timed(work):
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def main():
    peer = None
    print("ready", flush=True)
    for line in sys.stdin:
        command, _, rest = line.strip().partition(" ")
        if command == "open":
            peer = Peer({"numpy": NumPy, "torch": Torch}[sys.argv[1]], Path(rest))
            print("opened", flush=True)
        elif command == "write":
            np.ascontiguousarray(peer.found, dtype="<f4").tofile(rest)
            print("written", flush=True)
        else:
            print(f"{peer.run(command):.9f}", flush=True)


main()
