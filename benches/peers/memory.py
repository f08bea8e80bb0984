#!/usr/bin/env python3
"""memory.py: a read of the memory of pictures by us, by NumPy and by PyTorch, interleaved in one run, on one core.

8,192 patches of 7 x 7 and a picture of 64 x 64 with noise of 0.1, so 4,096 queries, single precision, one thread each. `points` is softmax
attention over rows as points; `step` is a whole denoising step by the mixture of Gaussians that the memory is, patches cut and laid included: the bars are its. Before
a peer is timed, it must give our numbers. Fails where a bar is missed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# The largest difference of what is read, of a range of 1: sums in any order, our exponential within 1e-5.
WITHIN = 1e-3
# How much slower than ours, exact, each must be at a whole step.
BARS = {"NumPy": 2.2, "PyTorch": 1.15}
# How much quicker the approximate step must be than the exact one.
APPROXIMATE = 5.0


class Program:
    """Whoever reads: a process that is told what to do."""

    def __init__(self, name, command, folder):
        self.name, self.folder = name, folder
        settings = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONDONTWRITEBYTECODE")}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=os.environ | settings, cwd=folder)
        self.answer("ready")
        self.tell(f"open {folder}", "opened")

    def answer(self, wanted=None):
        for line in self.process.stdout:
            if line.strip() == wanted:
                return wanted
            if wanted is None:
                return float(line)
        sys.exit(f"memory.py: {self.name} failed")

    def tell(self, command, wanted=None):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.answer(wanted)

    def found(self, work):
        file = self.folder / "found.f32"
        self.tell(work)
        self.tell(f"write {file}", "written")
        values = memoryview(file.read_bytes()).cast("f")
        return list(values)


def pin():
    """One core for all: the last one, which has least to do with interrupts."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def has(python, module):
    return subprocess.run([python, "-c", f"import {module}"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=11)
    arguments.add_argument("--ours", type=Path, default=ROOT / "target/release/examples/attention", metavar="FILE")
    arguments.add_argument("--python", default=str(ROOT / ".peers/bench/bin/python"), metavar="FILE")
    arguments.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
    arguments = arguments.parse_args()
    if not arguments.ours.exists():
        sys.exit(f"memory.py: {arguments.ours} is not there: cargo build --release --example attention")
    if not Path(arguments.python).exists() or not has(arguments.python, "numpy"):
        sys.exit(f"memory.py: {arguments.python} has no NumPy: scripts/bench_peers.sh makes the environment")
    pin()
    with tempfile.TemporaryDirectory() as name:
        failed = measure(arguments, Path(name))
    sys.exit(1 if failed else 0)


def measure(arguments, folder):
    subprocess.run([arguments.ours.absolute(), "make", folder], check=True)
    ours = Program("ours", [str(arguments.ours.absolute())], folder)
    peers = []
    for name, module in (("NumPy", "numpy"), ("PyTorch", "torch")):
        if has(arguments.python, module):
            peers.append(Program(name, [arguments.python, str(HERE / "memory_peer.py"), module], folder))
        else:
            print(f"LEFT OUT: {name} is not installed in {arguments.python}", file=sys.stderr)
    failed = False
    rows = []
    for work in ("points", "step"):
        truth = ours.found(work)
        for peer in peers:
            off = max(abs(a - b) for a, b in zip(peer.found(work), truth))
            if not off <= WITHIN:
                sys.exit(f"memory.py: {peer.name} reads other numbers than ours: {off:.2g} apart (allowed: {WITHIN})")
        everyone = [(ours, work), *((peer, work) for peer in peers)]
        if work == "step":
            everyone.append((ours, "approximate"))
        rounds = [[who.tell(command) for who, command in everyone] for _ in range(arguments.rounds)]
        for at, (who, command) in enumerate(everyone):
            # Of each round the ratio to ours, so that what slows the machine down for a while slows both.
            ratio = statistics.median(times[at] / times[0] for times in rounds)
            bar = BARS.get(who.name) if work == "step" else None
            if command == "approximate":
                ratio, bar = 1 / ratio, APPROXIMATE
            passed = bar is None or ratio >= bar
            failed |= not passed
            rows.append({"work": work, "who": who.name if command == work else "ours, approximate",
                         "ms_median": 1e3 * statistics.median(times[at] for times in rounds),
                         "ms_min": 1e3 * min(times[at] for times in rounds), "ratio": ratio, "bar": bar, "passed": passed})
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return failed
    print(f"8,192 patches, 64 x 64 pixels, sigma 0.1, one core, {arguments.rounds} interleaved rounds; `ratio`: times "
          "ours exact (of the approximate step: how much quicker it is than the exact one), the median over rounds\n")
    print(f"{'':<8}{'':<20}{'ms median':>10}{'min':>8}{'ratio':>8}{'bar':>6}")
    for row in rows:
        verdict = "" if row["bar"] is None else f"{row['bar']:>6}  " + ("PASS" if row["passed"] else "FAIL")
        print(f"{row['work']:<8}{row['who']:<20}{row['ms_median']:>10.1f}{row['ms_min']:>8.1f}{row['ratio']:>8.2f}{verdict}")
    if hasattr(os, "getloadavg"):
        print(f"\nload over the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return failed


main()
