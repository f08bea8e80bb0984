"""What a peer in Python is to the driver: it reads the model and a state, runs steps, and writes its state.

Commands on standard input, one answer a line: `open MODEL STATE`, `run STEPS` (answers seconds), `write STATE`.
A state is little-endian float32 of shape (band, part, row, column), the slowest band and the real part first.
"""

import sys
import time
from dataclasses import dataclass

import numpy as np


@dataclass
class Model:
    """The side and, for each factor of the step, an array with one float32 per band."""

    side: int
    bands: int
    spread: np.ndarray
    centre: np.ndarray
    ceiling: np.ndarray
    pull: np.ndarray
    noise: np.ndarray
    cascade: np.ndarray


def read_model(path):
    with open(path, encoding="ascii") as file:
        side, bands = map(int, file.readline().split())
        columns = np.array([list(map(float, line.split())) for line in file], dtype=np.float64).T
    columns = columns.astype(np.float32)
    spread = columns[1]
    return Model(side, bands, spread, 1 - 4 * spread, columns[2], columns[3:6], columns[6], columns[7])


def serve(make):
    """Answers the driver. `make(model, state)` gives a peer with `run(steps)` and `state()`; it may be slow."""
    print("ready", flush=True)
    peer = None
    for line in sys.stdin:
        command, *rest = line.split()
        if command == "open":
            model = read_model(rest[0])
            state = np.fromfile(rest[1], dtype="<f4").reshape(model.bands, 2, model.side, model.side)
            peer = make(model, state)
            print("opened", flush=True)
        elif command == "run":
            start = time.perf_counter()
            seconds = peer.run(int(rest[0]))
            # Who starts a program for each run times its loop itself.
            seconds = seconds if seconds is not None else time.perf_counter() - start
            print(f"{seconds:.9f}", flush=True)
        elif command == "write":
            np.ascontiguousarray(peer.state(), dtype="<f4").tofile(rest[0])
            print("written", flush=True)
        else:
            sys.exit(f"unknown command: {command}")
