#!/usr/bin/env python3
"""run.py [SIDE]: the lattice's step in other languages and libraries, and ours, interleaved in one run, on one core.

Every peer does the same work: eight bands of SIDE x SIDE complex oscillators, all stepping every step of 1 ms, with
diffusion, saturation, damping, noise and cascade as in src/kernel/lattice/. Before it is timed it must prove it: a
run without noise must end where the definition ends, and with noise its variances must be those that the noise was
solved for, within 10 %. Ours keeps its energy book while it is timed; the peers keep none.
"""

import argparse
import array
import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

# Nothing is left beside the sources.
sys.dont_write_bytecode = True
import model  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Of the run without noise: steps, side, and the largest difference (single precision, sums in any order).
EXACT_SIDE, EXACT_STEPS, EXACT_WITHIN = 32, 20, 2e-5
# Of the run with noise: long enough that the slowest band has forgotten where it began.
NOISY_SIDE, NOISY_STEPS, NOISY_WITHIN = 96, 3000, 0.10
# A block is timed as one: short, so that some fall between other programs' turns. Fewer where each is a new process.
BLOCK_SECONDS, BLOCKS, PROCESSES, SLOWEST_ANSWER = 0.04, 15, 3, 900
OURS = ["bench", "throughput", "--json", "--threads", "1", "--sizes"]
C_FLAGS = ["-O3", "-march=native", "-std=gnu11", "-fopenmp-simd"]
C_MATHS = {"fast": ["-ffast-math"], "strict": ["-ffp-contract=off"]}

# Name, noise, program and arguments, module that must be there, steps of a block where they are fixed.
PEERS = [
    ("C, same noise", "ARS-5 by VAES, our normals", "SAME", None, None),
    ("C, cheap noise", "32-bit hash, byte sums", "CHEAP", None, None),
    ("Numba", "32-bit hash, byte sums", ["numba_peer.py"], "numba", None),
    ("JAX", "32-bit hash, byte sums", ["jax_peer.py"], "jax", None),
    ("JAX, library noise", "jax.random.normal", ["jax_peer.py", "--library"], "jax", None),
    ("PyTorch compiled, hash", "32-bit hash, byte sums", ["torch_peer.py", "--compile", "--hash"], "torch", None),
    ("PyTorch compiled", "torch.randn", ["torch_peer.py", "--compile"], "torch", None),
    ("PyTorch eager", "torch.randn", ["torch_peer.py"], "torch", None),
    ("NumPy", "SFC64, standard_normal", ["numpy_peer.py"], "numpy", None),
    ("Brian2 C++", "its randn()", ["brian_peer.py"], "brian2", 30),
]


class Failure(Exception):
    """A peer that can't take part, and why."""


class Program:
    """A peer's process; see peer.py for what it is told."""

    def __init__(self, command, folder):
        self.errors = tempfile.TemporaryFile("w+", dir=folder)
        settings = {name: "1" for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "PYTHONDONTWRITEBYTECODE")}
        settings["TORCHINDUCTOR_CACHE_DIR"] = str(ROOT / ".peers/torch-cache")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        text=True, env=os.environ | settings, cwd=folder)
        self.answer("ready")

    def answer(self, wanted=None):
        """The next line that is `wanted`, or the next number; libraries may print others."""
        alarm = threading.Timer(SLOWEST_ANSWER, self.process.kill)
        alarm.start()
        try:
            for line in self.process.stdout:
                if wanted is None and line[:1].isdigit():
                    return float(line)
                if line.strip() == wanted:
                    return wanted
        except ValueError:
            pass
        finally:
            alarm.cancel()
        self.process.wait()
        self.errors.seek(0)
        said = [line.strip() for line in self.errors if line.strip()]
        raise Failure("failed: " + (said[-1][:100] if said else "no answer"))

    def tell(self, command, wanted=None):
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.answer(wanted)

    def open(self, numbers, state):
        self.tell(f"open {numbers} {state}", "opened")

    def run(self, steps):
        """Seconds."""
        return self.tell(f"run {steps}")

    def state(self, path):
        self.tell(f"write {path}", "written")
        return read_state(path)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    """Files that all peers read, in a folder of their own."""

    def __init__(self, side, folder):
        self.side, self.folder = side, folder
        self.models, self.states = {}, {}
        for size, noisy in ((EXACT_SIDE, False), (EXACT_SIDE, True), (NOISY_SIDE, True), (side, True)):
            self.models[size, noisy] = folder / f"model-{size}-{noisy}"
            model.write(self.models[size, noisy], size, noisy)
            self.states[size] = folder / f"state-{size}"
            write_state(self.states[size], size)
        # Where the definition ends without noise.
        self.exact = None

    def open(self, program, size, noisy):
        program.open(self.models[size, noisy], self.states[size])

    def after(self, program, size, noisy, steps):
        self.open(program, size, noisy)
        program.run(steps)
        return program.state(self.folder / "out")


def write_state(path, side):
    """Every site from its band's normal distribution."""
    draws = random.Random(1)
    with open(path, "wb") as file:
        for band in model.bands(side):
            size = (band.variance / 2.0) ** 0.5
            little_endian(array.array("f", (draws.gauss(0.0, size) for _ in range(2 * side * side)))).tofile(file)


def read_state(path):
    values = array.array("f")
    values.frombytes(Path(path).read_bytes())
    return little_endian(values)


def little_endian(values):
    if sys.byteorder == "big":
        values.byteswap()
    return values


def variances(state):
    """Mean |u|^2 of every band."""
    count = len(state) // model.BANDS
    return [2.0 * sum(v * v for v in state[b * count:(b + 1) * count]) / count for b in range(model.BANDS)]


def largest_difference(a, b):
    return max(abs(p - q) for p, q in zip(a, b)) if len(a) == len(b) else float("inf")


def off(found, wanted):
    return max(abs(f / w - 1.0) for f, w in zip(found, wanted))


def compile_c(bench, noise, maths, width):
    gcc = shutil.which("gcc")
    if gcc is None:
        raise Failure("not built: no gcc")
    out = bench.folder / f"c-{noise}-{maths}-{width}"
    command = [gcc, *C_FLAGS, *C_MATHS[maths], f"-mprefer-vector-width={width}", f"-D{noise}", str(HERE / "lattice.c"),
               "-o", str(out), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        errors = [line.split("error: ")[-1] for line in done.stderr.splitlines() if "error: " in line]
        raise Failure("not built: " + (errors[0][:100] if errors else "gcc failed"))
    return out


def quickest_c(bench, noise):
    """Which flags suit a processor differs; the peer gets the best."""
    best = None
    for maths in C_MATHS:
        for width in (256, 512):
            program = Program([str(compile_c(bench, noise, maths, width))], bench.folder)
            bench.open(program, bench.side, True)
            seconds = min(program.run(20) for _ in range(8))
            if best is None or seconds < best[0]:
                if best:
                    best[1].end()
                best = seconds, program, f"{maths} maths, {width} bits"
            else:
                program.end()
    return best[1], best[2]


def start(bench, python, program, module):
    """A peer's process and what is to be said about it."""
    if isinstance(program, str):
        return quickest_c(bench, program)
    there = [str(python), "-c", f"import importlib.util as u, sys; sys.exit(u.find_spec('{module}') is None)"]
    if not python.exists() or subprocess.run(there, check=False).returncode:
        raise Failure("not installed")
    return Program([str(python), str(HERE / program[0]), *program[1:]], bench.folder), ""


def judge(bench, python):
    """The definition in NumPy: where a run without noise ends, and whether C with our noise gives its bits."""
    if not python.exists():
        return "the definition was not run: no Python environment"
    command = [str(python), str(HERE / "reference_peer.py")]
    try:
        tonic = [*command, "--tonic", str(bench.models[EXACT_SIDE, True]), str(bench.states[EXACT_SIDE])]
        if subprocess.run(tonic, check=False).returncode:
            raise Failure("no tonic state")
        reference = Program(command, bench.folder)
        bench.exact = bench.after(reference, EXACT_SIDE, False, EXACT_STEPS)
        noisy = bench.after(reference, EXACT_SIDE, True, EXACT_STEPS)
        reference.end()
    except Failure as why:
        return f"the definition was not run: {why}"
    try:
        strict = Program([str(compile_c(bench, "SAME", "strict", 512))], bench.folder)
        same = bench.after(strict, EXACT_SIDE, True, EXACT_STEPS) == noisy
        strict.end()
    except Failure as why:
        return f"C with the same noise, strict maths: {why}"
    hashed = hashlib.sha256(little_endian(noisy).tobytes()).hexdigest()[:16]
    return (f"C with the same noise, strict maths: its bits are {'' if same else 'NOT '}the definition's after "
            f"{EXACT_STEPS} steps of seed 1 from the tonic state of {EXACT_SIDE} x {EXACT_SIDE} (SHA-256 {hashed}..)")


def prove(bench, program):
    """Fails a peer that does other work; gives its variances."""
    if bench.exact is not None:
        difference = largest_difference(bench.after(program, EXACT_SIDE, False, EXACT_STEPS), bench.exact)
        if not difference <= EXACT_WITHIN:
            raise Failure(f"refused: without noise it differs from the definition by {difference:.2g}")
    found = variances(bench.after(program, NOISY_SIDE, True, NOISY_STEPS))
    away = off(found, [band.variance for band in model.bands(NOISY_SIDE)])
    if not away <= NOISY_WITHIN:
        raise Failure(f"refused: its variances are off by {100 * away:.0f} %")
    return found


def ours(napot, side):
    """(min, median) of ns per oscillator-step, all bands stepping in every step, without a twin."""
    command = [str(napot), *OURS, str(side)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"run.py: `{' '.join(command)}` failed")
    for row in json.loads(done.stdout):
        # Multirate, bands step less often than the peers' do; with a twin there are two sheets.
        if row["sites"] == [side, side] and row["threads"] == 1 and not row["twin"] and not row["multirate"]:
            return row["ns_per_oscillator_step"], row["ns_median"], row["isa"]
    sys.exit(f"run.py: `{' '.join(command)}` printed no row of single rate, one thread and no twin")


def pin():
    """One core for all: the last one, which has least to do with interrupts."""
    if hasattr(os, "sched_setaffinity"):
        core = max(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {core})


def calibrate(bench, peer):
    program, fixed = peer["program"], peer["fixed"]
    bench.open(program, bench.side, True)
    steps = fixed or 4
    # The first run may compile.
    program.run(steps)
    peer["steps"] = fixed or max(2, int(steps * BLOCK_SECONDS / program.run(steps)))
    program.run(peer["steps"])


def enlist(bench, python, only, say):
    """Starts and proves every peer; those that fail keep the reason."""
    peers = []
    for name, noise, program, module, fixed in PEERS:
        if only and not any(part.lower() in name.lower() for part in only):
            continue
        peer = {"name": name, "noise": noise, "fixed": fixed, "status": "", "blocks": []}
        peers.append(peer)
        say(f"{name}: starting and proving ...")
        try:
            peer["program"], peer["note"] = start(bench, python, program, module)
            peer["variances"] = prove(bench, peer["program"])
            calibrate(bench, peer)
        except Failure as why:
            peer["status"] = str(why)
            say(f"{name}: {why}")
    return peers


def measure(bench, peers, napot, rounds, say):
    """Our rounds as (min, median); the peers keep theirs, in ns per oscillator-step."""
    oscillators = model.BANDS * bench.side**2
    own = []
    for number in range(rounds):
        say(f"round {number + 1} of {rounds} ...")
        own.append(ours(napot, bench.side))
        for peer in peers:
            if peer["status"]:
                continue
            try:
                blocks = PROCESSES if peer["fixed"] else BLOCKS
                times = [peer["program"].run(peer["steps"]) for _ in range(blocks)]
                peer["blocks"].append([1e9 * seconds / (peer["steps"] * oscillators) for seconds in times])
            except Failure as why:
                peer["status"] = str(why)
    return own


def summarise(bench, peers, own):
    least = min(low for low, _, _ in own)
    middle = statistics.median(median for _, median, _ in own)
    rows = [{"name": "ours", "noise": "ARS-5", "sites": [bench.side] * 2, "threads": 1, "bands": model.BANDS,
             "ns_min": least, "ns_median": middle, "times_ours_min": 1.0, "times_ours_median": 1.0,
             "note": own[0][2], "status": ""}]
    for peer in peers:
        row = {"name": peer["name"], "noise": peer["noise"], "sites": [bench.side] * 2, "threads": 1,
               "bands": model.BANDS, "note": peer.get("note", ""), "status": peer["status"]}
        if not peer["status"]:
            blocks = peer["blocks"]
            by_round = [statistics.median(block) / ours[1] for block, ours in zip(blocks, own)]
            everything = [ns for block in blocks for ns in block]
            row |= {"ns_min": min(everything), "ns_median": statistics.median(everything),
                    "times_ours_min": min(everything) / least, "times_ours_median": statistics.median(by_round),
                    "mean_square": peer["variances"]}
        rows.append(row)
    return rows


def print_table(side, rounds, rows, verdict):
    print(f"{side} x {side} x {model.BANDS} bands, single rate, one thread, one core, {rounds} interleaved rounds; "
          "noise included")
    print("ns per oscillator-step; `x ours`: ratio of the least times, and the median of each round's ratio")
    print("ours keeps its energy book meanwhile; the peers keep none\n")
    print(f"{'':<24}{'noise':<28}{'min':>8}{'median':>8}{'x ours':>9}{'median':>8}  "
          "mean |u|^2, slowest to fastest band")
    for row in rows:
        head = f"{row['name']:<24}{row['noise']:<28}"
        if row["status"]:
            print(head + row["status"])
            continue
        bands = " ".join(f"{value:.2f}" for value in row.get("mean_square", []))
        note = f"({row['note']})" if row["note"] else ""
        print(f"{head}{row['ns_min']:>8.2f}{row['ns_median']:>8.2f}{row['times_ours_min']:>9.2f}"
              f"{row['times_ours_median']:>8.2f}  {bands} {note}".rstrip())
    print("\n" + verdict)
    if hasattr(os, "getloadavg"):
        load = os.getloadavg()[1]
        print(f"load over the last 5 minutes: {load:.1f} on {os.cpu_count()} cores; about 1 where nothing else runs")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("side", nargs="?", type=int, default=256, metavar="SIDE")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--only", action="append", metavar="NAME", help="only peers whose name has this part")
    arguments.add_argument("--napot", type=Path, default=ROOT / "target/release/napot", metavar="FILE")
    arguments.add_argument("--python", type=Path, default=ROOT / ".peers/bench/bin/python", metavar="FILE")
    arguments.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
    arguments = arguments.parse_args()
    if not arguments.napot.exists():
        sys.exit(f"run.py: {arguments.napot} is not there: cargo build --release --bin napot")
    if arguments.side < 16 or arguments.side % 16 or arguments.side > 4096:
        sys.exit(f"run.py: a side of {arguments.side} (allowed: multiples of 16, up to 4096)")
    if arguments.rounds < 1:
        sys.exit(f"run.py: {arguments.rounds} rounds (allowed: from 1 up)")
    pin()
    say = lambda text: print(text, file=sys.stderr, flush=True)
    # Before anything takes minutes.
    napot, python = arguments.napot.absolute(), arguments.python.absolute()
    ours(napot, arguments.side)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments.side, Path(folder))
        verdict = judge(bench, python)
        say(verdict)
        peers = enlist(bench, python, arguments.only, say)
        own = measure(bench, peers, napot, arguments.rounds, say)
        rows = summarise(bench, peers, own)
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        print_table(arguments.side, arguments.rounds, rows, verdict)
    refused = [row["name"] for row in rows if row["status"].startswith(("refused", "failed"))]
    sys.exit(1 if refused or "NOT" in verdict else 0)


main()
