"""sync_check.py NAPOT DATA_FOLDER [--seeds N]: `napot sync` on recordings that were cut apart at known times.

Six overlapping pieces each of `av/cockatoo.mp4` (its pictures: it is silent), `audio/drum-bass.ogg` and `audio/trumpet.ogg`, encoded
differently by ffmpeg, at other rates, with noise, and a foreign recording among them: errors in milliseconds, of Kuramoto's flow, the
leading eigenvector, and of what pairs with the first file alone tell. A false tie fails; what is not sure may stay alone.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np

from common import Judge

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("napot")
arguments.add_argument("data")
arguments.add_argument("--seeds", type=int, default=5)
arguments = arguments.parse_args()
program = pathlib.Path(arguments.napot).resolve()
data = pathlib.Path(arguments.data).resolve()

RATE = 48_000
WAYS = ("flow", "eigenvector", "first")
SOUNDS = [["-c:a", "libmp3lame", "-b:a", "64k"], ["-c:a", "libvorbis", "-ar", "22050"], ["-c:a", "aac", "-b:a", "48k"], ["-c:a", "flac"], ["-ar", "8000"], []]
SOUND_NAMES = ["mp3", "ogg", "m4a", "flac", "wav", "wav"]


def ffmpeg(*words, **more):
    return subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, words)], check=True, capture_output=True, **more).stdout


def sound(file):
    return np.frombuffer(ffmpeg("-i", file, "-ac", 1, "-ar", RATE, "-f", "f32le", "-"), np.float32)


def write_sound(folder, number, samples):
    file = folder / f"{number}.{SOUND_NAMES[number % 6]}"
    ffmpeg("-f", "f32le", "-ar", RATE, "-ac", 1, "-i", "-", *SOUNDS[number % 6], file, input=samples.astype(np.float32).tobytes())
    return file


def sound_pieces(folder, whole, decibels, draws, length=0.55):
    """Pieces of one sound at random times, their noise so many decibels below it; their starts in milliseconds."""
    starts = draws.uniform(0, (0.98 - length) * len(whole), 6).astype(int)
    rms = np.sqrt((whole**2).mean())
    files = []
    for number, (start, down) in enumerate(zip(starts, decibels)):
        piece = whole[start : start + int(length * len(whole))]
        noise = rms * 10 ** (-down / 20) * draws.standard_normal(len(piece))
        loud = draws.uniform(0.3, 1)
        files.append(write_sound(folder, number, np.clip(loud * (piece + noise), -1, 1)))
    return files, starts * 1000 / RATE


def film_pieces(folder, film, grain, draws, rates=(20, 15, 10, 20, 12, 20)):
    starts = draws.integers(0, 6_000, 6) / 1000
    codecs = [["-c:v", "libx264", "-crf", "32"], ["-c:v", "mjpeg", "-q:v", "8"], ["-c:v", "mpeg4", "-q:v", "9"]] * 2
    files = []
    for number, start in enumerate(starts):
        file = folder / f"{number}.{['mp4', 'avi', 'mkv'][number % 3]}"
        filters = f"trim=start={start},setpts=PTS-STARTPTS,scale=320:180,fps={rates[number]},noise=alls={grain}:allf=t:all_seed={draws.integers(1 << 20)}"
        ffmpeg("-i", film, "-vf", filters, "-an", "-t", 7.5, *codecs[number], file)
        files.append(file)
    return files, starts * 1000


def sync(files, way, seed):
    call = [program, "sync", *files, "--way", way, "--seed", str(seed), "--json"]
    ran = subprocess.run(call, capture_output=True, text=True)
    # All alone is no document, but an answer.
    return json.loads(ran.stdout) if ran.stdout else None


def errors(told, starts):
    """Errors in milliseconds of the recordings that were laid, against the middle of those that they are tied to; how many are not with
    the most."""
    groups = {}
    for number, start in enumerate(starts):
        recording = {"late_ms": None} if told is None else told["recordings"][number]
        if recording["late_ms"] is not None:
            groups.setdefault(recording["against"], []).append(recording["late_ms"] - start)
    off = [np.abs(np.array(group) - np.median(group)) for group in groups.values()]
    return np.concatenate(off or [[]]), len(starts) - max(map(len, off), default=0)


def pairs(told, starts, beyond):
    """The part of all pairs whose own lag is wrong, sure or not."""
    own = [pair for pair in told["pairs"] if pair["other"] < len(starts)]
    return np.mean([abs(pair["late_ms"] - (starts[pair["one"]] - starts[pair["other"]])) > beyond for pair in own])


def row(judge, name, make, limit, most_alone):
    cells = {way: [] for way in WAYS}
    alone, wrong, foreign = {way: 0 for way in WAYS}, [], 0
    for seed in range(arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            files, starts, other = make(pathlib.Path(folder), np.random.default_rng(seed))
            for way in WAYS:
                told = sync([*files, other], way, seed)
                found, lone = errors(told, starts)
                cells[way].append(max(found, default=0))
                alone[way] += lone
                if told is not None and way == "flow":
                    wrong.append(pairs(told, starts, limit))
                    foreign += told["recordings"][len(starts)]["late_ms"] is not None
    text = [f"{np.median(cells[way]):.1f}/{max(cells[way]):.1f}" for way in WAYS]
    judge.row(name, *text, *(alone[way] for way in WAYS), f"{np.mean(wrong) if wrong else 1:.2f}", foreign)
    judge.check(max(cells["flow"]) < limit, f"{name}: what is laid is within {limit} ms, every seed")
    judge.check(foreign == 0, f"{name}: the foreign one stays alone")
    judge.check(alone["flow"] <= most_alone * 6 * arguments.seeds, f"{name}: at most {most_alone:.0%} stay alone")


judge = Judge("sync")
drums, trumpet = (sound(data / "audio" / name) for name in ("drum-bass.ogg", "trumpet.ogg"))
film, foreign_film = data / "av" / "cockatoo.mp4", data / "av" / "newtonscradle.gif"
judge.row("worst error, ms, median/most seeds", *WAYS, *(f"alone, {way}" for way in WAYS), "wrong pairs", "foreign laid")


def sounds(whole, foreign, decibels):
    def make(folder, draws):
        files, starts = sound_pieces(folder, whole, decibels, draws)
        return files, starts, write_sound(folder, 6, foreign[: 8 * RATE])

    return make


def films(grain):
    def make(folder, draws):
        files, starts = film_pieces(folder, film, grain, draws)
        # It lasts less than a second.
        slow = folder / "slow.mp4"
        ffmpeg("-i", foreign_film, "-vf", "setpts=9*PTS,fps=20", "-c:v", "libx264", "-pix_fmt", "yuv420p", slow)
        return files, starts, slow

    return make


row(judge, "drums, noise 20 dB below", sounds(drums, trumpet, [20] * 6), 30, 0)
row(judge, "drums, noise 12 dB louder", sounds(drums, trumpet, [-12] * 6), 30, 0.1)
row(judge, "trumpet, noise 20 dB below", sounds(trumpet, drums, [20] * 6), 30, 0.5)
row(judge, "trumpet, noise as loud", sounds(trumpet, drums, [0] * 6), 30, 0.6)
row(judge, "trumpet, first two 6 dB louder", sounds(trumpet, drums, [-6, -6, 10, 10, 10, 10]), 30, 0.7)
row(judge, "cockatoo, pictures, 10 to 20 a s", films(2), 60, 0.5)
row(judge, "cockatoo, grain 20", films(20), 60, 0.5)
judge.finish()
