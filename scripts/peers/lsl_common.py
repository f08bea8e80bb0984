"""What the judges of live exchange over LSL share: the program, a receiver of a stream."""

import os
import subprocess
import threading
import time

import numpy as np
import pylsl
import pyxdf


class Napot:
    """The program with its settings, using the liblsl that pylsl carries."""

    def __init__(self, program, settings):
        os.environ["LSL_LIBRARY"] = pylsl.lib.lib._name
        self.program = os.path.abspath(program)
        self.settings = [word for value in settings for word in ("--set", value)]

    def start(self, folder, *words):
        return subprocess.Popen([self.program, *words, "--no-view", "--json", *self.settings], cwd=folder,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def call(self, folder, *words):
        done = subprocess.run([self.program, *words], cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout

    def session(self, folder, name):
        """Samples, their times, and the marks' times of a recorded session."""
        self.call(folder, "export", f"{name}.mcap", "--to", "xdf", "--out", ".")
        streams, _ = pyxdf.load_xdf(os.path.join(folder, f"{name}.xdf"), synchronize_clocks=False,
                                    dejitter_timestamps=False)
        electrodes, marks = streams
        return np.array(electrodes["time_series"]), electrodes["time_stamps"], marks["time_stamps"]


class Receiver(threading.Thread):
    """Receives a stream until told to stop: values, stamps, when they came, and clock corrections."""

    def __init__(self, name):
        super().__init__(daemon=True)
        found = pylsl.resolve_byprop("name", name, timeout=30)
        if not found:
            raise SystemExit(f"no stream {name} appeared")
        self.inlet = pylsl.StreamInlet(found[0], max_buflen=60)
        self.inlet.open_stream(timeout=10)
        self.values, self.stamps, self.came, self.corrections = [], [], [], []
        self.ended = False
        self.start()
        threading.Thread(target=self.correct, daemon=True).start()

    def run(self):
        while True:
            ended = self.ended
            values, stamps = self.inlet.pull_chunk(timeout=0.0, max_samples=4096)
            self.values += values
            self.stamps += stamps
            self.came += [pylsl.local_clock()] * len(stamps)
            if not stamps:
                if ended:
                    return
                time.sleep(0.001)

    def correct(self):
        while not self.ended:
            try:
                self.corrections.append((pylsl.local_clock(), self.inlet.time_correction(timeout=2)))
            except (pylsl.util.TimeoutError, pylsl.util.LostError):
                return
            time.sleep(1)

    def stop(self):
        self.ended = True
        self.join()

    def corrected(self):
        times, values = zip(*self.corrections)
        return np.array(self.stamps) + np.interp(self.stamps, times, values)
