"""memory_check.py NAPOT DIGITS PICTURES: the memory against baselines computed in the same run.

DIGITS is the example `digits`. scikit-learn's 8 x 8 digits, 1400 to learn and 397 to restore: a one-shot memory beside the
linear optimum (LMMSE) and a multilayer perceptron; the memory's temperature is chosen on the training pictures. PICTURES
is a folder of photographs: each of them, 64 x 64 pixels of it, is denoised by a memory of all the others, beside
non-local means and total variation at its best weight. Noise goes in as numbers, for eight bits hold no noise of 0.4.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
from PIL import Image
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPRegressor

from common import Judge

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("napot")
arguments.add_argument("digits")
arguments.add_argument("pictures")
arguments = arguments.parse_args()


# The noise at which the memory alone must be 1 dB ahead of non-local means and ahead of total variation.
AHEAD = (0.2, 0.4)


def psnr(found, truth):
    return float(10 * np.log10(1 / ((np.clip(found, 0, 1) - truth) ** 2).mean()))


def digits():
    judge = Judge("digits 8 x 8, PSNR in dB on what was lost")
    pictures = load_digits().data / 16.0
    draws = np.random.RandomState(0)
    order = draws.permutation(len(pictures))
    train, test = pictures[order[:1400]], pictures[order[1400:]]
    place = np.arange(64).reshape(8, 8)
    whole = np.eye(64)
    small = np.zeros((16, 64))
    for at, block in enumerate(place.reshape(4, 2, 4, 2).swapaxes(1, 2).reshape(16, 4)):
        small[at, block] = 0.25
    tasks = {
        "inpaint the right half": (np.delete(whole, place[:, 4:].ravel(), 0), place[:, 4:].ravel(), 14.3),
        "inpaint the centre": (np.delete(whole, place[2:6, 2:6].ravel(), 0), place[2:6, 2:6].ravel(), 12.9),
        "super-resolve 4 x 4": (small, np.arange(64), 17.6),
        "16 random projections": (draws.randn(16, 64) / 8, np.arange(64), 17.7),
    }
    asked = [
        {"matrix": matrix.tolist(), "judged": lost.tolist(), "seen": (test @ matrix.T).tolist()}
        for matrix, lost, _ in tasks.values()
    ]
    text = json.dumps({"train": train.tolist(), "tasks": asked})
    answers = json.loads(subprocess.run([arguments.digits], input=text, capture_output=True, text=True, check=True).stdout)
    judge.row("", "memory", "h", "LMMSE", "MLP", "bar")
    for (name, (matrix, lost, bar)), answer in zip(tasks.items(), answers):
        mean, covariance = train.mean(0), np.cov(train.T) + 1e-4 * np.eye(64)
        gain = covariance @ matrix.T @ np.linalg.inv(matrix @ covariance @ matrix.T + 1e-4 * np.eye(len(matrix)))
        linear = mean + (test @ matrix.T - mean @ matrix.T) @ gain.T
        network = MLPRegressor(hidden_layer_sizes=(256, 256), max_iter=150, random_state=0).fit(train @ matrix.T, train)
        found = [np.array(answer["pictures"]), linear, network.predict(test @ matrix.T)]
        ours, lmmse, mlp = (psnr(picture[:, lost], test[:, lost]) for picture in found)
        judge.row(name, f"{ours:.2f}", f"{answer['temperature']:.2f}", f"{lmmse:.2f}", f"{mlp:.2f}", bar)
        judge.check(ours >= bar and ours > lmmse, f"{name}: the memory reaches {bar} dB, ahead of LMMSE")
    return judge


def photographs(judge, folder):
    files = sorted(pathlib.Path(arguments.pictures).rglob("*.png"))
    for file in files:
        picture = Image.open(file).convert("L")
        size = [round(128 * side / min(picture.size)) for side in picture.size]
        picture.resize(size, Image.BICUBIC).save(folder / f"{file.parent.name}-{file.name}")
    small = sorted(folder.glob("*.png"))
    judge.row("photographs 64 x 64, unseen", "sigma", "memory", "--own", "--approximate", "NLM", "TV")
    # The reader's constants were chosen on the four, nothing on Set5.
    for name, of_five in (("four photographs", False), ("Set5", True)):
        gains = {sigma: [] for sigma in (0.1, 0.2, 0.4)}
        for file in [file for file in small if file.name.startswith("set5") == of_five]:
            memory = folder / f"{file.stem}.safetensors"
            others = [str(other) for other in small if other != file]
            subprocess.run([arguments.napot, "memory", "learn", *others, "--memory", memory, "--grey", "--quiet"], check=True)
            picture = np.asarray(Image.open(file), dtype=float) / 255
            left = picture.shape[1] // 2 - 32
            truth = picture[32:96, left : left + 64]
            draws = np.random.default_rng(7)
            for sigma, found in gains.items():
                found.append(denoised(folder, memory, truth, sigma, draws))
                judge.row(file.stem, sigma, *(f"{x:.2f}" for x in found[-1]))
        for sigma, found in gains.items():
            mean = np.mean(found, axis=0)
            judge.row(f"{name}, mean", sigma, *(f"{x:.2f}" for x in mean))
            if sigma in AHEAD:
                ahead = mean[0] >= mean[3] + 1 and mean[0] > mean[4]
                judge.check(ahead, f"{name}, sigma {sigma}: the memory is 1 dB ahead of non-local means, and ahead of total variation")
            lost = mean[0] - mean[2]
            judge.check(lost <= 0.1, f"{name}, sigma {sigma}: read approximately, {lost:+.3f} dB are lost (at most 0.1)")


def denoised(folder, memory, truth, sigma, draws):
    """PSNR by the memory in its three ways, by non-local means and by total variation."""
    noisy = truth + sigma * draws.standard_normal(truth.shape)
    np.save(folder / "noisy.npy", noisy.astype("<f4"))
    found = []
    for way in ([], ["--own"], ["--approximate"]):
        call = [arguments.napot, "render", "denoise", folder / "noisy.npy", "--memory", memory, "--sigma", f"{sigma}", *way]
        subprocess.run([*call, "--out", folder / "clean.npy", "--quiet"], check=True)
        found.append(np.load(folder / "clean.npy"))
    found.append(denoise_nl_means(noisy, h=0.8 * sigma, sigma=sigma, fast_mode=False))
    variation = [denoise_tv_chambolle(noisy, weight=weight) for weight in (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6)]
    return [*(psnr(x, truth) for x in found), max(psnr(x, truth) for x in variation)]


judge = digits()
with tempfile.TemporaryDirectory() as folder:
    photographs(judge, pathlib.Path(folder))
judge.finish()
