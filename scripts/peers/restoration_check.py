"""restoration_check.py NAPOT PICTURES [--model FILE]: the trained renderer against bicubic and BM3D, in the same run.

PICTURES holds photographs, and Set5 in `set5`. Set5 is shrunk 2, 3 and 4 times by MATLAB's antialiased bicubic kernel to
8 bits, and enlarged again; PSNR on Y, as many pixels as the scale left out at every edge. Photographs, 64 x 64 pixels of each,
are denoised at three levels. Nothing is tuned on either.
"""

import argparse
import pathlib
import subprocess
import tempfile

import bm3d
import numpy as np
from PIL import Image

from common import Judge

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("napot")
arguments.add_argument("pictures")
arguments.add_argument("--model")
arguments = arguments.parse_args()

PUBLISHED = {2: 33.67, 3: 30.40, 4: 28.43}
WANTED = {2: 36.6, 3: 32.6, 4: 30.3}


def kernel(x):
    """Keys' cubic, a = -1/2."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def along(length, wanted):
    """The matrix that resizes `length` numbers to `wanted` as `imresize` does."""
    scale = length / wanted
    stretch = max(scale, 1)
    matrix = np.zeros((wanted, length))
    for to in range(wanted):
        centre = (to + 0.5) * scale - 0.5
        places = np.arange(np.floor(centre - 2 * stretch), np.ceil(centre + 2 * stretch) + 1).astype(int)
        weights = kernel((places - centre) / stretch)
        around = np.mod(places, 2 * length)
        np.add.at(matrix[to], np.minimum(around, 2 * length - 1 - around), weights / weights.sum())
    return matrix


def resized(picture, height, width):
    rows, columns = along(picture.shape[0], height), along(picture.shape[1], width)
    planes = [rows @ picture[..., part] @ columns.T for part in range(picture.shape[2])]
    return np.clip(np.round(np.stack(planes, -1)), 0, 255)


def luma(picture):
    return 16 + picture @ np.array([65.481, 128.553, 24.966]) / 255


def psnr(found, truth, peak):
    return float(10 * np.log10(peak**2 / ((found - truth) ** 2).mean()))


def called(task, seen, clean, *more):
    model = ["--model", arguments.model] if arguments.model else []
    call = [arguments.napot, "render", task, seen, "--with", "trained", *model, *more, "--out", clean, "--quiet"]
    subprocess.run(call, check=True)


def rendered(folder, task, picture, *more):
    seen, clean = folder / "seen.picture", folder / "clean.png"
    Image.fromarray(picture.astype(np.uint8)).save(seen, format="PNG")
    called(task, seen, clean, *more)
    return np.asarray(Image.open(clean).convert("RGB"), dtype=float)


def numbers(folder, task, *more):
    """What is rendered of `seen.npy`: eight bits hold no noise of 0.4."""
    called(task, folder / "seen.npy", folder / "clean.npy", *more)
    return np.load(folder / "clean.npy")


def enlarged(judge, folder):
    files = sorted((pathlib.Path(arguments.pictures) / "set5").glob("*.png"))
    judge.row("Set5, PSNR on Y in dB", "scale", "bicubic", "trained", "all ways round", "published bicubic", "bar")
    for scale, published in PUBLISHED.items():
        found = []
        for file in files:
            truth = np.asarray(Image.open(file).convert("RGB"), dtype=float)
            height, width = (side - side % scale for side in truth.shape[:2])
            truth = truth[:height, :width]
            small = resized(truth, height // scale, width // scale)
            answers = [resized(small, height, width)]
            for more in ([], ["--turned"]):
                answers.append(rendered(folder, "super-resolve", small, "--scale", str(scale), *more))
            inner = slice(scale, -scale)
            found.append([psnr(luma(x)[inner, inner], luma(truth)[inner, inner], 255) for x in answers])
            judge.row(file.stem, scale, *(f"{x:.2f}" for x in found[-1]))
        bicubic, once, turned = np.mean(found, axis=0)
        judge.row("mean", scale, f"{bicubic:.2f}", f"{once:.2f}", f"{turned:.2f}", published, WANTED[scale])
        judge.check(abs(bicubic - published) <= 0.1, f"x{scale}: bicubic is the literature's {published} dB within 0.1")
        judge.check(max(once, turned) >= WANTED[scale], f"x{scale}: trained reaches {WANTED[scale]} dB")


def cleaned(judge, folder):
    judge.row("photographs 64 x 64", "sigma", "noisy", "trained", "all ways round", "BM3D")
    gains = {sigma: [] for sigma in (0.1, 0.2, 0.4)}
    for file in sorted(pathlib.Path(arguments.pictures).glob("*.png")):
        picture = Image.open(file).convert("L")
        size = [round(128 * side / min(picture.size)) for side in picture.size]
        picture = np.asarray(picture.resize(size, Image.BICUBIC), dtype=float) / 255
        left = picture.shape[1] // 2 - 32
        truth = picture[32:96, left : left + 64]
        draws = np.random.default_rng(7)
        for sigma, found in gains.items():
            noisy = truth + sigma * draws.standard_normal(truth.shape)
            np.save(folder / "seen.npy", noisy.astype("<f4"))
            answers = [noisy]
            for more in ([], ["--turned"]):
                answers.append(numbers(folder, "denoise", "--sigma", f"{sigma}", *more))
            answers.append(bm3d.bm3d(noisy, sigma))
            found.append([psnr(np.clip(x, 0, 1), truth, 1) for x in answers])
            judge.row(file.stem, sigma, *(f"{x:.2f}" for x in found[-1]))
    for sigma, found in gains.items():
        noisy, once, turned, blocks = np.mean(found, axis=0)
        judge.row("mean", sigma, *(f"{x:.2f}" for x in (noisy, once, turned, blocks)))
        judge.check(max(once, turned) > blocks, f"sigma {sigma}: trained is ahead of BM3D")


judge = Judge("trained renderer")
with tempfile.TemporaryDirectory() as folder:
    enlarged(judge, pathlib.Path(folder))
    cleaned(judge, pathlib.Path(folder))
judge.finish()
