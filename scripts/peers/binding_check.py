"""binding_check.py NAPOT [DATA_FOLDER] [--seeds N]: `napot bind` beside scikit-image, on data of another's projector.

The data are scikit-image's `radon` of the Shepp-Logan phantom and, with DATA_FOLDER, of a slice of `volume/stent.npz`, 64 x 64.
Eight arrays with a wedge of four views each, beside `napot` with all views by one weight, SIRT with all views on a projector of
this file's, SART, and the arrays apart. Then sixteen arrays of four views, some of which look at a second scene, at a shifted detector or at
noise: wholes by phases beside plain coupling, robust weights, the leading eigenvector, and an oracle that is given the groups.
Then noise on all. Seconds on one thread.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
from scipy.sparse import csr_matrix
from skimage.data import shepp_logan_phantom
from skimage.transform import iradon_sart, radon, resize
from sklearn.metrics import adjusted_rand_score

from common import Judge

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("napot")
arguments.add_argument("data", nargs="?")
arguments.add_argument("--seeds", type=int, default=5, help="seeds for each cell of the table of scenes")
arguments = arguments.parse_args()
program = pathlib.Path(arguments.napot).resolve()

SIDE = 64
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE] - SIDE // 2
INSIDE = ROWS**2 + COLUMNS**2 < (SIDE / 2 - 2) ** 2
WAYS = ("plain", "robust", "spectral", "phases")


def psnr(found, truth):
    return float(10 * np.log10(truth.max() ** 2 / ((found - truth) ** 2).mean()))


def scenes():
    found = {"Shepp-Logan": resize(shepp_logan_phantom(), (SIDE, SIDE), anti_aliasing=True) * INSIDE}
    file = pathlib.Path(arguments.data or ".") / "volume" / "stent.npz"
    if arguments.data and file.exists():
        kept = np.load(file)
        volume = kept[kept.files[0]]
        part = resize(volume[len(volume) // 2].astype(float), (SIDE, SIDE), anti_aliasing=True)
        found["stent"] = (part - part.min()) / np.ptp(part) * INSIDE
    else:
        print("SKIPPED: the stent and all that needs a second scene: there is no volume/stent.npz")
    return found


def sirt(sinogram, degrees, steps):
    """All views at once, on pixels that fall between two detector elements."""
    rows, columns, values = [], [], []
    for view, angle in enumerate(np.deg2rad(degrees)):
        place = COLUMNS * np.cos(angle) - ROWS * np.sin(angle) + SIDE // 2
        first = np.floor(place).astype(int)
        for further, weight in ((0, 1 - (place - first)), (1, place - first)):
            seen = (first + further >= 0) & (first + further < SIDE)
            rows.append((view * SIDE + first + further)[seen])
            columns.append(np.arange(SIDE * SIDE).reshape(SIDE, SIDE)[seen])
            values.append(weight[seen])
    places = np.concatenate(rows), np.concatenate(columns)
    matrix = csr_matrix((np.concatenate(values), places), shape=(len(degrees) * SIDE, SIDE * SIDE))
    row = 1 / np.maximum(np.asarray(matrix.sum(1)).ravel(), 1)
    column = 1 / np.maximum(np.asarray(matrix.sum(0)).ravel(), 1)
    picture, data = np.zeros(SIDE * SIDE), sinogram.ravel()
    for _ in range(steps):
        picture = np.clip(picture + column * (matrix.T @ (row * (data - matrix @ picture))), 0, 1)
    return picture.reshape(SIDE, SIDE)


class Bench:
    def __init__(self, folder):
        self.folder = folder

    def bind(self, sinogram, degrees, assign, *more):
        """What `napot bind` says, with the wholes' pictures."""
        np.save(self.folder / "s.npy", sinogram.astype(np.float32))
        np.savetxt(self.folder / "angles.txt", degrees)
        np.savetxt(self.folder / "assign.txt", assign, fmt="%d")
        call = [program, "bind", "s.npy", "--angles", "angles.txt", "--assign", "assign.txt", "--most", "1"]
        call += ["--threads", "1", "--out", "x.npy", "--json", *map(str, more)]
        ran = subprocess.run(call, cwd=self.folder, check=True, capture_output=True, text=True)
        told = json.loads(ran.stdout)
        for whole in told["wholes"]:
            whole["picture"] = np.load(self.folder / whole["file"]) if whole["file"] else None
        return told


def best(told, truth):
    return max(psnr(whole["picture"], truth) for whole in told["wholes"] if whole["picture"] is not None)


def wedges(judge, bench, pictures):
    degrees = np.arange(32) * 180 / 32
    assign = np.arange(32) // 4
    columns = ("apart", "bound", "one solver", "SIRT-300", "SART-10", "seconds", "steps to 0.5 dB", "seconds to it")
    judge.row("8 arrays x 4 views: PSNR, dB", *columns)
    for name, truth in pictures.items():
        sinogram = radon(truth, degrees, circle=True).T
        told = bench.bind(sinogram, degrees, assign)
        found = best(told, truth)
        apart = []
        for array in range(8):
            own = assign == array
            # An array of its own: two halves that are bound.
            apart.append(best(bench.bind(sinogram[own], degrees[own], [0, 0, 1, 1], "--way", "plain"), truth))
        central = best(bench.bind(sinogram, degrees, assign, "--way", "plain", "--coupling", 1), truth)
        slow = psnr(sirt(sinogram, degrees, 300), truth)
        picture = None
        for _ in range(10):
            picture = iradon_sart(sinogram.T, degrees, image=picture, clip=(0, 1))
        sart = psnr(picture, truth)
        for steps in range(20, 101, 5):
            near = bench.bind(sinogram, degrees, assign, "--iterations", steps)
            if best(near, truth) > found - 0.5:
                break
        figures = (np.mean(apart), found, central, slow, sart)
        judge.row(name, *(f"{x:.2f}" for x in figures), f"{told['seconds']:.3f}", steps, f"{near['seconds']:.3f}")
        judge.check(len(told["wholes"]) == 1, f"{name}: eight wedges are one whole")
        judge.check(found > max(central, slow) - 0.3, f"{name}: within 0.3 dB of one solver with all views, or ahead")
        judge.check(found > sart, f"{name}: ahead of SART with 10 rounds")
        judge.check(near["seconds"] <= 0.1, f"{name}: within 0.5 dB in at most 100 ms on one thread")


def spoilt(kind, line, draws):
    if kind == "shift":
        return np.roll(line, int(draws.integers(6, 14)) * int(draws.choice([-1, 1])), axis=1)
    return np.abs(draws.standard_normal(line.shape)) * line.mean() * 1.5


def crowds(judge, bench, first, second):
    degrees = np.arange(64) * 180 / 64
    assign = np.arange(64) % 16
    one, two = (radon(scene, degrees, circle=True).T for scene in (first, second))
    cells = [("no", 0)] + [(kind, count) for kind in ("scene", "shift", "noise") for count in (4, 6, 8)]
    judge.row("16 arrays x 4 views: PSNR, dB", *WAYS, "oracle", "ARI 1")
    for kind, count in cells:
        found, right = {way: [] for way in (*WAYS, "oracle")}, []
        for seed in range(arguments.seeds):
            draws = np.random.default_rng(seed)
            others = draws.choice(16, count, replace=False)
            sinogram = one.copy()
            for array in others:
                own = assign == array
                sinogram[own] = two[own] if kind == "scene" else spoilt(kind, sinogram[own], draws)
            groups = [np.setdiff1d(np.arange(16), others)] + ([others] if kind == "scene" else [])
            truths = [first, second][: len(groups)]
            for way in WAYS:
                told = bench.bind(sinogram, degrees, assign, "--way", way, "--seed", seed)
                found[way].append([best(told, truth) for truth in truths])
                if way == "phases":
                    labels = np.zeros(16, int)
                    for number, whole in enumerate(told["wholes"]):
                        labels[whole["arrays"]] = number
                    # Arrays that lie share nothing: each is a group of its own.
                    wanted = np.zeros(16, int)
                    wanted[others] = 1 if kind == "scene" else np.arange(1, count + 1)
                    right.append(adjusted_rand_score(wanted, labels) == 1)
            oracle = []
            for group, truth in zip(groups, truths):
                own = np.isin(assign, group)
                names = np.unique(assign[own], return_inverse=True)[1]
                oracle.append(best(bench.bind(sinogram[own], degrees[own], names, "--way", "plain"), truth))
            found["oracle"].append(oracle)
        means = {way: np.mean(rows, axis=0) for way, rows in found.items()}
        cells = ("/".join(f"{x:.1f}" for x in means[way]) for way in found)
        name = f"{count} of 16, {kind}"
        judge.row(name, *cells, f"{np.mean(right):.2f}")
        judge.check(np.mean(right) >= 0.95, f"{name}: the groups are right in 95 % of seeds")
        near = np.array(found["phases"]) > np.array(found["oracle"]) - 1
        judge.check(near.all(), f"{name}: within 1 dB of the oracle, every seed")
        rest = max(means[way].min() for way in WAYS if way != "phases")
        judge.check(means["phases"].min() > rest - 0.5, f"{name}: within 0.5 dB of the best of the rest")


def noisy(judge, bench, truth):
    degrees = np.arange(64) * 180 / 64
    assign = np.arange(64) % 16
    clean = radon(truth, degrees, circle=True).T
    judge.row("16 arrays, noise on all: PSNR, dB", "plain", "phases", "sigma known", "wholes")
    for part in (0.02, 0.05, 0.1):
        sigma = part * np.sqrt((clean**2).mean())
        sinogram = clean + sigma * np.random.default_rng(1).standard_normal(clean.shape)
        plain = best(bench.bind(sinogram, degrees, assign, "--way", "plain"), truth)
        told = [bench.bind(sinogram, degrees, assign, *more) for more in ((), ("--sigma", sigma))]
        figures = (plain, *(best(one, truth) for one in told))
        judge.row(f"{100 * part:.0f} % of the data", *(f"{x:.2f}" for x in figures), "/".join(str(len(one["wholes"])) for one in told))
        judge.check(figures[2] > plain - 0.5, f"noise of {100 * part:.0f} %, known: within 0.5 dB of plain coupling")


judge = Judge("binding")
with tempfile.TemporaryDirectory() as folder:
    bench = Bench(pathlib.Path(folder))
    pictures = scenes()
    wedges(judge, bench, pictures)
    if "stent" in pictures:
        crowds(judge, bench, pictures["Shepp-Logan"], pictures["stent"])
    noisy(judge, bench, pictures["Shepp-Logan"])
judge.finish()
