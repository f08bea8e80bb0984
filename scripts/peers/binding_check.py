"""binding_check.py NAPOT [DATA_FOLDER] [--seeds N] [--few FILE.png]: `napot bind` beside scikit-image, on data of another's projector.

The data are scikit-image's `radon` of the Shepp-Logan phantom and, with DATA_FOLDER, of a slice of `volume/stent.npz`, 64 x 64.
Eight arrays with a wedge of four views each, beside `napot` with all views by one weight, SIRT with all views on a projector of
this file's, SART, and the arrays apart. Then few views, with a memory of other pictures of that kind and networks as prior, and four by a reconstruction that learned
other pictures of that kind (some ten minutes on two cores), beside SART; what it costs with more arrays and views; detectors
that lie beside their place, found by `--align` and by the first moments of the lines; views that are turned, by
`--align=rotation` and by the second moments. Then sixteen arrays of four views, some of which look at a second scene, at a
shifted detector or at noise: wholes by phases beside plain coupling, robust weights, the leading eigenvector, and an oracle that
is given the groups. Then noise on all. Seconds on one thread, the least of five calls.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import numpy as np
from scipy.ndimage import shift
from scipy.sparse import csr_matrix
from skimage.data import shepp_logan_phantom
from skimage.io import imsave
from skimage.transform import iradon_sart, radon, resize
from sklearn.metrics import adjusted_rand_score

from common import Judge

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("napot")
arguments.add_argument("data", nargs="?")
arguments.add_argument("--seeds", type=int, default=5, help="seeds for each cell of the table of scenes")
arguments.add_argument("--few", metavar="FILE.png", help="judge few views alone, and show those of four side by side")
arguments = arguments.parse_args()
program = pathlib.Path(arguments.napot).resolve()

SIDE = 64
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE] - SIDE // 2
INSIDE = ROWS**2 + COLUMNS**2 < (SIDE / 2 - 2) ** 2
# With a projector that was the data's own, as published.
SHARED = {"Shepp-Logan": 34.95, "stent": 34.36}
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


    def quickest(self, *call):
        """The least seconds of some calls: a machine that others use only adds to them."""
        return min(self.bind(*call)["seconds"] for _ in range(5))


def quickest(work):
    """The same of a function."""
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def sart_of(sinogram, degrees, rounds=10):
    picture = None
    for _ in range(rounds):
        picture = iradon_sart(sinogram.T, degrees, image=picture, clip=(0, 1))
    return picture


def best(told, truth):
    return max(psnr(whole["picture"], truth) for whole in told["wholes"] if whole["picture"] is not None)


def wedges(judge, bench, pictures):
    degrees = np.arange(32) * 180 / 32
    assign = np.arange(32) // 4
    columns = ("apart", "bound", "one solver", "SIRT-300", "SART-10", "steps to 0.5 dB", "seconds", "SART-1, s", "SIRT-300, s")
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
        sart = psnr(sart_of(sinogram, degrees), truth)
        for steps in range(20, 101, 5):
            near = bench.bind(sinogram, degrees, assign, "--iterations", steps)
            if best(near, truth) > found - 0.5:
                break
        figures = (np.mean(apart), found, central, slow, sart)
        call = (sinogram, degrees, assign, "--iterations", steps)
        seconds = (bench.quickest(*call), quickest(lambda: sart_of(sinogram, degrees, 1)), quickest(lambda: sirt(sinogram, degrees, 300)))
        judge.row(name, *(f"{x:.2f}" for x in figures), steps, *(f"{x:.3f}" for x in seconds))
        judge.check(len(told["wholes"]) == 1, f"{name}: eight wedges are one whole")
        judge.check(found > max(central, slow) - 0.3, f"{name}: within 0.3 dB of one solver with all views, or ahead")
        judge.check(found > sart, f"{name}: ahead of SART with 10 rounds")
        judge.check(seconds[0] <= 0.1, f"{name}: within 0.5 dB in at most 100 ms on one thread")


def slices(aways):
    """Slices of the stent's volume so many away from the middle one."""
    kept = np.load(pathlib.Path(arguments.data) / "volume" / "stent.npz")
    volume = kept[kept.files[0]]
    for away in aways:
        if 0 <= len(volume) // 2 + away < len(volume):
            part = resize(volume[len(volume) // 2 + away].astype(float), (SIDE, SIDE), anti_aliasing=True)
            yield (part - part.min()) / np.ptp(part) * INSIDE


def bodies(count):
    """Bodies of ellipses, drawn at random."""
    draws = np.random.default_rng(5)
    rows, columns = np.mgrid[:256, :256] - 128

    def ellipse(a, b, x, y, turn):
        u = (columns - x) * np.cos(turn) + (rows - y) * np.sin(turn)
        v = (rows - y) * np.cos(turn) - (columns - x) * np.sin(turn)
        return (u / a) ** 2 + (v / b) ** 2 < 1

    for _ in range(count):
        body = 1.0 * ellipse(draws.uniform(70, 100), draws.uniform(85, 112), 0, 0, draws.uniform(-0.3, 0.3))
        inner = ellipse(draws.uniform(60, 90), draws.uniform(70, 100), 0, 0, draws.uniform(-0.3, 0.3)) & (body > 0)
        body -= draws.uniform(0.6, 0.9) * inner
        for _ in range(8):
            place = (draws.uniform(5, 30), draws.uniform(5, 40), *draws.uniform((-50, -60, 0), (50, 60, 3)))
            body += draws.uniform(-0.2, 0.3) * (ellipse(*place) & (body > 0))
        yield np.clip(resize(body, (SIDE, SIDE), anti_aliasing=True), 0, 1)


def written(folder, pictures):
    folder.mkdir()
    for number, picture in enumerate(pictures):
        grey = (255 * np.dstack([picture] * 3)).round().astype(np.uint8)
        imsave(folder / f"{number:04}.png", grey, check_contrast=False)
    return folder


def remembered(kind, bench):
    """A memory of 24 other pictures of that kind."""
    aways = [(15 + 2 * (number // 2)) * (1 if number % 2 else -1) for number in range(24)]
    folder = written(bench.folder / f"{kind} remembered", slices(aways) if kind == "stent" else bodies(24))
    memory = bench.folder / f"{kind}.safetensors"
    call = [program, "memory", "learn", "--grey", "--quiet", "--memory", memory, folder]
    subprocess.run(call, check=True, capture_output=True)
    return memory


def learned(kind, views, bench):
    """A reconstruction that learned other pictures of that kind under so many views: bodies, or all slices 15 or more away."""
    aways = [away for away in range(-128, 128) if abs(away) >= 15]
    folder = written(bench.folder / f"{kind} learned", slices(aways) if kind == "stent" else bodies(1000))
    model = bench.folder / f"{kind} {views}.safetensors"
    call = [program, "learn", "views", folder, "--angles", "0:180", "--views", str(views), "--out", model]
    subprocess.run([*call, "--steps", "600", "--quiet"], check=True, capture_output=True)
    return model


def few(judge, bench, pictures):
    judge.row("few views: PSNR, dB", "SART-10", "bound", "networks", "memory", "both", "learned", "seconds of both")
    shown = []
    for name, truth in pictures.items():
        memory = remembered(name, bench)
        for arrays, views in ((8, 32), (8, 8), (4, 4)):
            degrees = np.arange(views) * 180 / views
            sinogram = radon(truth, degrees, circle=True).T
            assign = np.arange(views) * arrays // views
            found, sight = [], [truth, sart_of(sinogram, degrees)]
            sart = psnr(sight[1], truth)
            for prior in ((), ("--with", "trained"), ("--memory", memory), ("--with", "both", "--memory", memory)):
                told = bench.bind(sinogram, degrees, assign, *prior)
                found.append(best(told, truth))
                sight.append(told["wholes"][0]["picture"])
            seconds = told["seconds"]
            if views == 4:
                told = bench.bind(sinogram, degrees, assign, "--learned", learned(name, views, bench))
                found.append(best(told, truth))
                # The stent is dark but for its ring: by the root of its light, as eyes see it.
                light = 0.5 if name == "stent" else 1
                sight = [*sight[:3], sight[5], told["wholes"][0]["picture"]]
                shown.append(np.hstack([np.clip(picture, 0, 1) ** light for picture in sight]))
                judge.check(found[-1] > sart + 3, f"{name}, {views} views: learned 3 dB ahead of SART")
            numbers = [f"{x:.2f}" for x in (sart, *found)] + ["-"] * (5 - len(found))
            judge.row(f"{name}, {views} views", *numbers, f"{seconds:.2f}")
            if views == 32:
                judge.check(max(found[1:]) > sart, f"{name}: with a prior ahead of SART with 10 rounds")
                if name in SHARED:
                    judge.check(max(found[1:]) > SHARED[name], f"{name}: with a prior ahead of {SHARED[name]} dB")
            elif views != 4:
                judge.check(max(found[1:]) > sart + 3, f"{name}, {views} views: with a prior 3 dB ahead of SART")
    if arguments.few:
        large = np.kron(np.vstack(shown), np.ones((3, 3)))
        imsave(arguments.few, (255 * large).round().astype(np.uint8), check_contrast=False)


def growth(judge, bench, truth):
    judge.row("cost: seconds", "in all", "a view, ms")
    for arrays, views in ((8, 4), (16, 4), (32, 4), (64, 4), (8, 8), (8, 16)):
        degrees = np.arange(arrays * views) * 180 / (arrays * views)
        sinogram = radon(truth, degrees, circle=True).T
        seconds = bench.quickest(sinogram, degrees, np.arange(arrays * views) % arrays)
        judge.row(f"{arrays} arrays x {views} views", f"{seconds:.3f}", f"{1e3 * seconds / arrays / views:.2f}")


def beside(judge, bench, pictures):
    degrees = np.arange(64) * 180 / 64
    assign = np.arange(64) % 16
    judge.row("detectors beside: PSNR, dB", "as it is", "--align", "arrays", "error", "worst", "by moments", "worst")
    for name, truth in pictures.items():
        clean = radon(truth, degrees, circle=True).T
        for noise in (0, 0.05):
            for count in (4, 8):
                rows = []
                for seed in range(min(arguments.seeds, 5)):
                    draws = np.random.default_rng(seed)
                    shifts = np.zeros(16)
                    others = draws.choice(16, count, replace=False)
                    shifts[others] = draws.uniform(3, 13, count) * draws.choice([-1, 1], count)
                    lines = np.array([shift(line, shifts[array], order=3) for line, array in zip(clean, assign)])
                    lines += noise * np.sqrt((clean**2).mean()) * draws.standard_normal(lines.shape)
                    plain, told = bench.bind(lines, degrees, assign), bench.bind(lines, degrees, assign, "--align")
                    middle = lambda found: found - np.median(found)
                    error = np.abs(middle(np.array(told["shifts"], float)) - middle(shifts))
                    # The mean of a line turns with the angle (Helgason and Ludwig), but for its detector's place.
                    moment = (lines * np.arange(SIDE)).sum(1) / lines.sum(1) - SIDE // 2
                    angle = np.deg2rad(degrees)
                    turn = np.column_stack([np.cos(angle), np.sin(angle), assign[:, None] == np.arange(16)])
                    moments = np.abs(middle(np.linalg.lstsq(turn, moment, rcond=None)[0][2:]) - middle(shifts))
                    arrays = len(told["wholes"][0]["arrays"])
                    errors = (np.median(error), error.max(), np.median(moments), moments.max())
                    rows.append((best(plain, truth), best(told, truth), arrays, *errors))
                means = np.mean(rows, axis=0)
                judge.row(f"{name}, {count} of 16, noise {noise}", *(f"{x:.2f}" for x in means))
                judge.check(means[3] < 0.2, f"{name}, {count} beside, noise {noise}: found to 0.2 elements, as the median")


def turned(judge, bench, pictures):
    degrees = np.arange(64) * 180 / 64
    assign = np.arange(64) % 16
    judge.row("turned views: PSNR, dB", "as it is", "--align=rotation", "oracle", "arrays", "error", "worst", "by moments", "worst")
    for name, truth in pictures.items():
        for noise in (0, 0.05):
            for count in (4, 8):
                rows = []
                for seed in range(min(arguments.seeds, 5)):
                    draws = np.random.default_rng(seed)
                    turns = np.zeros(16)
                    others = draws.choice(16, count, replace=False)
                    turns[others] = draws.uniform(2, 10, count) * draws.choice([-1, 1], count)
                    really = degrees + turns[assign]
                    lines = radon(truth, really, circle=True).T
                    lines += noise * np.sqrt((lines**2).mean()) * draws.standard_normal(lines.shape)
                    plain = bench.bind(lines, degrees, assign)
                    told = bench.bind(lines, degrees, assign, "--align=rotation")
                    oracle = bench.bind(lines, really, assign)
                    middle = lambda found: found - np.median(found)
                    error = np.abs(middle(np.array(told["rotations"], float)) - middle(turns))
                    # The spread of a line turns with twice the angle (Helgason and Ludwig): an array's own way to its ellipse.
                    place = np.arange(SIDE)
                    mean = (lines * place).sum(1) / lines.sum(1)
                    spread = (lines * (place - mean[:, None]) ** 2).sum(1) / lines.sum(1)
                    own = []
                    for array in range(16):
                        angle = 2 * np.deg2rad(degrees[assign == array])
                        waves = np.column_stack([np.ones(4), np.cos(angle), np.sin(angle)])
                        _, cosine, sine = np.linalg.lstsq(waves, spread[assign == array], rcond=None)[0]
                        own.append(np.rad2deg(np.arctan2(sine, cosine)) / 2)
                    away = np.array(own) - np.rad2deg(np.angle(np.exp(2j * np.deg2rad(own)).sum())) / 2
                    # Turned further, an array meets its ellipse at smaller angles.
                    moments = np.abs(middle(-((away + 90) % 180 - 90)) - middle(turns))
                    arrays = len(told["wholes"][0]["arrays"])
                    errors = (np.median(error), error.max(), np.median(moments), moments.max())
                    rows.append((best(plain, truth), best(told, truth), best(oracle, truth), arrays, *errors))
                means = np.mean(rows, axis=0)
                judge.row(f"{name}, {count} of 16, noise {noise}", *(f"{x:.2f}" for x in means))
                judge.check(means[1] > means[2] - 1, f"{name}, {count} turned, noise {noise}: within 1 dB of the right angles")
                if noise == 0:
                    worst = max(row[5] for row in rows)
                    judge.check(worst < 0.25, f"{name}, {count} turned: all within a quarter of a degree, every seed")


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
        # Plain coupling draws the noise; who knows it stops there.
        judge.check(figures[2] > plain, f"noise of {100 * part:.0f} %, known: ahead of plain coupling")


judge = Judge("binding")
with tempfile.TemporaryDirectory() as folder:
    bench = Bench(pathlib.Path(folder))
    pictures = scenes()
    if arguments.few:
        few(judge, bench, pictures)
        judge.finish()
    wedges(judge, bench, pictures)
    few(judge, bench, pictures)
    growth(judge, bench, pictures["Shepp-Logan"])
    beside(judge, bench, pictures)
    turned(judge, bench, pictures)
    if "stent" in pictures:
        crowds(judge, bench, pictures["Shepp-Logan"], pictures["stent"])
    noisy(judge, bench, pictures["Shepp-Logan"])
judge.finish()
