"""inpainting_check.py NAPOT PICTURES [FILM] [--pictures FILE]: holes, lost edges, lost colour, JPEG and a film, beside OpenCV and scikit-image.

PICTURES holds photographs, and Set5 in `set5`; squares of 128 x 128 of the photographs are judged. A memory of the other
photographs and Set5 fills a quarter of each that free-form strokes took, and a quarter that lay at its edges, beside OpenCV's
Telea and Navier-Stokes and scikit-image's biharmonic inpainting; lends it colour; JPEG of quality 10 is repaired. Of FILM a
part that was shrunk to half its size is enlarged, picture by picture and by the memory of the last ones. PSNR on Y, of
colour on red, green and blue. `--pictures FILE` draws the photographs side by side.
"""

import argparse
import pathlib
import subprocess
import tempfile

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.restoration import inpaint_biharmonic

from common import Judge

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("napot")
arguments.add_argument("pictures")
arguments.add_argument("film", nargs="?")
arguments.add_argument("--pictures", dest="drawn")
arguments.add_argument("--steps", action="store_true", help="also measure 1, 2, 5, 10, 20 and 50 steps")
arguments = arguments.parse_args()

SIDE = 128
MARGIN = 9
STEPS = (1, 2, 5, 10, 20, 50)


def luma(picture):
    return 16 + picture @ np.array([65.481, 128.553, 24.966]) / 255


def psnr(found, truth):
    return float(10 * np.log10(255**2 / max(((found - truth) ** 2).mean(), 1e-9)))


def on_luma(found, truth):
    return psnr(luma(found), luma(truth))


def square(file):
    picture = Image.open(file).convert("RGB")
    side = min(picture.size)
    left, top = ((length - side) // 2 for length in picture.size)
    small = picture.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.BICUBIC)
    return np.asarray(small, dtype=float)


def strokes(seed):
    """A free-form hole: strokes that wander, until a quarter is gone."""
    draws = np.random.default_rng(seed)
    hole = np.zeros((SIDE, SIDE), np.uint8)
    while hole.mean() < 0.25:
        x, y, way = draws.uniform(0, SIDE), draws.uniform(0, SIDE), draws.uniform(0, 2 * np.pi)
        thick = int(draws.integers(SIDE // 24, SIDE // 10))
        for _ in range(int(draws.integers(4, 12))):
            way += draws.uniform(-0.8, 0.8)
            length = draws.uniform(SIDE / 20, SIDE / 8)
            then = x + length * np.cos(way), y + length * np.sin(way)
            cv2.line(hole, (int(x), int(y)), (int(then[0]), int(then[1])), 1, thick)
            x, y = then
            if hole.mean() >= 0.25:
                break
    return hole > 0


def edges():
    hole = np.ones((SIDE, SIDE), bool)
    hole[MARGIN:-MARGIN, MARGIN:-MARGIN] = False
    return hole


def save(path, picture):
    Image.fromarray(np.clip(np.round(picture), 0, 255).astype(np.uint8)).save(path)


def render(folder, task, seen, *more):
    out = folder / "out.png"
    call = [arguments.napot, "render", task, seen, *map(str, more), "--out", out, "--quiet"]
    subprocess.run(call, check=True)
    return np.asarray(Image.open(out).convert("RGB"), dtype=float)


def filled(folder, holed, hole, *more):
    save(folder / "holed.png", holed)
    save(folder / "mask.png", 255.0 * hole)
    return render(folder, "inpaint", folder / "holed.png", "--mask", folder / "mask.png", *more)


def uncropped(folder, holed, *more):
    save(folder / "inner.png", holed[MARGIN:-MARGIN, MARGIN:-MARGIN])
    return render(folder, "uncrop", folder / "inner.png", "--margin", MARGIN, *more)


def peers(holed, hole):
    bytes_, mask = holed.astype(np.uint8), hole.astype(np.uint8)
    return {
        "Telea": cv2.inpaint(bytes_, mask, 3, cv2.INPAINT_TELEA).astype(float),
        "Navier-Stokes": cv2.inpaint(bytes_, mask, 3, cv2.INPAINT_NS).astype(float),
        "biharmonic": np.clip(255 * inpaint_biharmonic(holed / 255, hole, channel_axis=-1), 0, 255),
    }


def memories(folder, squares):
    """A memory for each photograph, of all others that have colour."""
    others = folder / "others"
    others.mkdir()
    for file in sorted((pathlib.Path(arguments.pictures) / "set5").glob("*.png")):
        save(others / f"set5-{file.name}", square(file))
    for name, picture in squares.items():
        if np.ptp(picture, axis=2).max() > 0:
            save(others / f"{name}.png", picture)
    made = {}
    for name in squares:
        made[name] = folder / f"{name}.safetensors"
        known = [file for file in sorted(others.glob("*.png")) if file.stem != name]
        subprocess.run([arguments.napot, "memory", "learn", *known, "--memory", made[name], "--quiet"], check=True)
    return made


def holes(judge, folder, squares, made, drawn):
    for title, hole_of in (("a quarter, free-form", strokes), ("a quarter at the edges", lambda _: edges())):
        judge.row(f"{title}: PSNR on Y, dB", "Telea", "Navier-Stokes", "biharmonic", "networks", "memory", "both")
        all_found = []
        for seed, (name, truth) in enumerate(squares.items()):
            hole = hole_of(seed)
            holed = np.where(hole[..., None], 0, truth)
            found = peers(holed, hole)
            ways = {"networks": [], "memory": ["--memory", made[name]], "both": ["--memory", made[name], "--with", "both"]}
            for way, more in ways.items():
                inner = hole_of is not strokes
                found[way] = uncropped(folder, holed, *more) if inner else filled(folder, holed, hole, *more)
            all_found.append([on_luma(picture, truth) for picture in found.values()])
            judge.row(name, *(f"{x:.2f}" for x in all_found[-1]))
            drawn.setdefault(title, []).append([truth, np.where(hole[..., None], 255, truth), found["Telea"], found["biharmonic"], found["both"]])
        means = np.mean(all_found, axis=0)
        judge.row("mean", *(f"{x:.2f}" for x in means))
        judge.check(means[5] > max(means[:3]), f"{title}: memory and networks are ahead of Telea, Navier-Stokes and biharmonic")
        judge.check(means[3] > max(means[:3]), f"{title}: networks alone are ahead of them, too")


def colours(judge, folder, squares, made, drawn):
    judge.row("colour: PSNR on RGB, dB", "grey", "memory")
    all_found = []
    for name, truth in squares.items():
        if np.ptp(truth, axis=2).max() == 0:
            continue
        grey = np.round(truth.mean(axis=2, keepdims=True).repeat(3, 2))
        save(folder / "grey.png", grey)
        found = render(folder, "colour", folder / "grey.png", "--memory", made[name])
        all_found.append([psnr(grey, truth), psnr(found, truth)])
        judge.row(name, *(f"{x:.2f}" for x in all_found[-1]))
        drawn.setdefault("colour", []).append([truth, grey, grey, grey, found])
    means = np.mean(all_found, axis=0)
    judge.row("mean", *(f"{x:.2f}" for x in means))
    judge.check(means[1] > means[0], "colour: the memory's is nearer to the truth than grey")


def jpegs(judge, folder, squares, drawn):
    judge.row("JPEG quality 10: PSNR on Y, dB", "JPEG", "repaired")
    groups = {"photographs": [], "Set5": []}
    pictures = [("photographs", name, truth) for name, truth in squares.items()]
    for file in sorted((pathlib.Path(arguments.pictures) / "set5").glob("*.png")):
        pictures.append(("Set5", file.stem, np.asarray(Image.open(file).convert("RGB"), dtype=float)))
    for group, name, truth in pictures:
        poor = folder / "poor.jpg"
        Image.fromarray(truth.astype(np.uint8)).save(poor, quality=10)
        seen = np.asarray(Image.open(poor).convert("RGB"), dtype=float)
        found = render(folder, "repair-jpeg", poor)
        groups[group].append([on_luma(seen, truth), on_luma(found, truth)])
        judge.row(name, *(f"{x:.2f}" for x in groups[group][-1]))
        if group == "photographs":
            drawn.setdefault("JPEG, quality 10", []).append([truth, seen, seen, seen, found])
    for group, found in groups.items():
        before, after = np.mean(found, axis=0)
        judge.row(f"mean of {group}", f"{before:.2f}", f"{after:.2f}")
        judge.check(all(after > before for before, after in found), f"JPEG: every picture of {group} is ahead of the JPEG itself")


def films(judge, folder, path):
    """Pictures 60 to 71 of the film, 384 x 384 of each where the bird is, at half the size."""
    film = cv2.VideoCapture(path)
    small, whole = folder / "small", folder / "whole"
    small.mkdir()
    whole.mkdir()
    for number in range(72):
        picture = film.read()[1]
        if number >= 60:
            part = picture[40:424, 880:1264, ::-1].astype(float)
            save(whole / f"{number}.png", part)
            Image.fromarray(part.astype(np.uint8)).resize((192, 192), Image.BICUBIC).save(small / f"{number}.png")
    call = [arguments.napot, "render", "super-resolve", small, "--scale", "2", "--truth", whole, "--out", folder / "large", "--quiet"]
    subprocess.run(call, check=True)
    found = []
    for file in sorted(small.glob("*.png")):
        truth = np.asarray(Image.open(whole / file.name), dtype=float)
        alone = render(folder, "super-resolve", file, "--scale", "2")
        large = np.asarray(Image.open(folder / "large" / file.name).convert("RGB"), dtype=float)
        grown = np.asarray(Image.open(file).resize((384, 384), Image.BICUBIC), dtype=float)
        inner = slice(2, -2)
        found.append([on_luma(x[inner, inner], truth[inner, inner]) for x in (grown, alone, large)])
    judge.row("a film x2: PSNR on Y, dB", "bicubic", "one by one", "by memory")
    for number, row in enumerate(found):
        judge.row(f"picture {60 + number}", *(f"{x:.2f}" for x in row))
    # The first picture has none before it.
    grown, alone, large = np.mean(found[1:], axis=0)
    judge.row("mean without the first", *(f"{x:.2f}" for x in (grown, alone, large)))
    judge.check(large > alone, "a film: the last pictures' memory is ahead of the same model picture by picture")


def steps(judge, folder, squares, made):
    judge.row("PSNR on Y, dB; mean of photographs", *STEPS)

    def row(title, one):
        means = []
        for count in STEPS:
            found = [on_luma(one(seed, name, truth, ["--steps", count]), truth) for seed, (name, truth) in enumerate(squares.items())]
            means.append(np.mean(found))
        judge.row(title, *(f"{x:.2f}" for x in means))

    def noisy(seed, name, truth, more):
        draws = np.random.default_rng(seed)
        save(folder / "noisy.png", truth + 255 * 0.1 * draws.standard_normal(truth.shape))
        return render(folder, "denoise", folder / "noisy.png", "--sigma", "0.1", *more)

    def small(seed, name, truth, more):
        Image.fromarray(truth.astype(np.uint8)).resize((SIDE // 2, SIDE // 2), Image.BICUBIC).save(folder / "small.png")
        return render(folder, "super-resolve", folder / "small.png", "--scale", "2", *more)

    def poor(seed, name, truth, more):
        Image.fromarray(truth.astype(np.uint8)).save(folder / "poor.jpg", quality=10)
        return render(folder, "repair-jpeg", folder / "poor.jpg", *more)

    def holed(who):
        def one(seed, name, truth, more):
            hole = strokes(seed)
            return filled(folder, np.where(hole[..., None], 0, truth), hole, *who(name), *more)

        return one

    row("denoise, sigma 0.1, networks", noisy)
    row("super-resolve x2, networks", small)
    row("JPEG quality 10, networks", poor)
    row("free-form hole, networks", holed(lambda name: []))
    row("free-form hole, memory", holed(lambda name: ["--memory", made[name], "--stride", "3"]))


def draw(path, drawn):
    """One photograph a row, as it was and as each made it."""
    columns = ["as it was", "what was left", "Telea", "biharmonic", "napot"]
    places = {"a quarter, free-form": (1, 2), "a quarter at the edges": (2,), "colour": (0,), "JPEG, quality 10": (1,)}
    rows = [(title, drawn[title][place]) for title, which in places.items() for place in which]
    zoom, gap, left, top = 160, 8, 150, 30
    sheet = Image.new("RGB", (left + len(columns) * (zoom + gap), top + len(rows) * (zoom + gap)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for column, title in enumerate(columns):
        pen.text((left + column * (zoom + gap) + zoom / 2, top / 2), title, fill="black", font=font, anchor="mm")
    for row, (title, pictures) in enumerate(rows):
        y = top + row * (zoom + gap)
        pen.text((left / 2, y + zoom / 2), title.replace(", ", ",\n"), fill="black", font=font, anchor="mm", align="center")
        for column, picture in enumerate(pictures):
            if column in (2, 3) and title in ("colour", "JPEG, quality 10"):
                continue
            shown = Image.fromarray(np.clip(np.round(picture), 0, 255).astype(np.uint8)).resize((zoom, zoom), Image.BICUBIC)
            sheet.paste(shown, (left + column * (zoom + gap), y))
    sheet.save(path, quality=88)


judge = Judge("holes, edges, colour, JPEG, films")
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    drawn = {}
    squares = {file.stem: square(file) for file in sorted(pathlib.Path(arguments.pictures).glob("*.png"))}
    made = memories(folder, squares)
    holes(judge, folder, squares, made, drawn)
    colours(judge, folder, squares, made, drawn)
    jpegs(judge, folder, squares, drawn)
    if arguments.film:
        films(judge, folder, arguments.film)
    if arguments.steps:
        steps(judge, folder, squares, made)
    if arguments.drawn:
        draw(arguments.drawn, drawn)
judge.finish()
