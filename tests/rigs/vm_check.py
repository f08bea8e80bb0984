"""Judges what vm_guest.sh left: vm_check.py FOLDER, with the steady run's sound in FOLDER/steady.wav."""

import json
import pathlib
import sys
import wave

folder = pathlib.Path(sys.argv[1])
failures = []


def check(holds, what):
    print(("ok    " if holds else "FAILS ") + what)
    if not holds:
        failures.append(what)


def report(name):
    found = json.loads((folder / name / "report.json").read_text())
    return found, {device["kind"]: device for device in found["devices"]}


def tone_hz(path):
    """The frequency by rising zero crossings, and the share of seconds that sound, past the first three."""
    with wave.open(str(path)) as sound:
        rate, channels = sound.getframerate(), sound.getnchannels()
        wide, data = sound.getsampwidth(), sound.readframes(sound.getnframes())
    frame = wide * channels
    starts = range(3 * rate * frame, len(data), frame)
    samples = [int.from_bytes(data[start : start + wide], "little", signed=True) for start in starts]
    crossings = [i for i in range(1, len(samples)) if samples[i - 1] < 0 <= samples[i]]
    seconds = [samples[i : i + rate] for i in range(0, len(samples) - rate + 1, rate)]
    loud = sum(max(second) > 0.05 * 2 ** (8 * wide - 1) for second in seconds)
    # A gap would stretch the mean: the median distance is the tone's.
    gaps = sorted(later - earlier for earlier, later in zip(crossings[:-100], crossings[100:]))
    return (100 * rate / gaps[len(gaps) // 2] if gaps else 0.0), loud / max(len(seconds), 1)


listed = json.loads((folder / "devices.json").read_text())
vivid = [entry for entry in listed if entry["kind"] == "camera" and entry["name"] == "vivid"]
check(any("YUYV 640x360" in line for entry in vivid for line in entry["formats"]), "devices: vivid with YUYV 640x360")
loopback = [entry for entry in listed if entry["kind"] == "microphone" and "Loopback" in entry["name"]]
check(any(entry["formats"] for entry in loopback), "devices: the loopback card with formats")

steady, devices = report("steady")
camera, microphone, wall = devices["camera"], devices["microphone"], steady["wall_seconds"]
fps, hz = camera["delivered"] / wall, microphone["delivered"] / wall
check(abs(fps / 30 - 1) <= 0.01, f"camera: {camera['delivered']} pictures in {wall:.2f} s: {fps:.2f} a second")
damaged = steady["sources"][0]["damaged"]
check(camera["missed"] == damaged == 0, f"camera: {camera['missed']} missed, {damaged} damaged")
check(abs(hz / 48000 - 1) <= 0.005, f"microphone: {microphone['delivered']} frames: {hz:.0f} a second")
check(steady["deadline_misses"] == 0, f"engine: {steady['deadline_misses']} of {steady['ticks']} ticks late")
frequency, sounding = tone_hz(folder / "steady.wav")
check(abs(frequency - 1000) <= 5, f"tone: {frequency:.1f} Hz in the session")
check(sounding == 1, f"tone: in {100 * sounding:.0f} % of the seconds after the third")

_, devices = report("blocks")
block, used = devices["microphone"]["block"], devices["microphone"]["used"]
check(block >= 512 and used >= 5 * 48000, f"microphone: finds blocks of {block} by itself; {used} frames are heard")

moments = []
for line in (folder / "rig.log").read_text().splitlines():
    moment, _, kind, _ = line.split()
    moments.append((kind, float(moment)))
log = []
for line in (folder / "faults.log").read_text().splitlines():
    moment, _, text = line.partition(" ")
    log.append((float(moment), text))
faults, devices = report("faults")
for (kind, gone), (_, back) in zip(moments[::2], moments[1::2]):
    told = [moment - gone for moment, text in log if moment >= gone and f" {kind} " in text]
    check(bool(told) and told[0] <= 2, f"{kind}: its loss is told after {told[0] if told else float('nan'):.2f} s")
    again = [moment - back for moment, text in log if moment >= back and f" {kind} " in text and "is back" in text]
    check(bool(again) and again[0] <= 2, f"{kind}: back after {again[0] if again else float('nan'):.2f} s")
check(len(moments) == 6, f"the rig took devices away and gave them back {len(moments) / 2:g} times")
for kind, opened in (("camera", 3), ("microphone", 2)):
    device = devices[kind]
    check(device["state"] == "running", f"{kind}: {device['state']} at the end")
    check(device["opened"] == opened, f"{kind}: opened {device['opened']} times")
check(faults["ticks"] == 24000, f"the run with faults went on: {faults['ticks']} ticks")
sys.exit(1 if failures else 0)
