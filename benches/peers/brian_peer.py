"""The lattice's step in Brian2, C++ standalone: a group of sites, neighbours by shared index variables, no synapses.

A site holds all bands, so the cascade is a few lines of one code block. What is timed is the program's own loop.
"""

import tempfile

import brian2 as b2
import numpy as np

from peer import serve


def alone(band):
    """Diffusion, saturation with damping, noise."""
    lines = []
    for part in ("re", "im"):
        around = " + ".join(f"{part}{band}_{side}" for side in ("west", "east", "north", "south"))
        lines.append(f"{part} = spread{band} * ({around}) + centre{band} * {part}{band}")
    lines.append("size = re * re + im * im")
    lines.append(f"held = clip(size, 0, ceiling{band})")
    lines.append(f"pull = (held * pull2{band} + pull1{band}) * held + pull0{band}")
    for part in ("re", "im"):
        lines.append(f"new_{part}{band} = pull * {part} + noise{band} * randn()")
    return lines


def turn(band):
    """The cascade of a band with the next faster one."""
    k = f"k{band}"
    return f"""
ar = new_re{band}
ai = new_im{band}
fr = new_re{band + 1}
fi = new_im{band + 1}
less = 1 - 0.125 * {k} * {k} * (ar * ar + ai * ai)
mr = less * ar + 0.5 * {k} * (fr * ar + fi * ai)
mi = less * ai + 0.5 * {k} * (fi * ar - fr * ai)
wide = 0.25 * {k} * {k} * (mr * mr + mi * mi)
inverse = 1 / (1 + wide)
stay = (1 - wide) * inverse
rate = {k} * inverse
new_re{band} = stay * ar + rate * (fr * mr + fi * mi)
new_im{band} = stay * ai + rate * (fi * mr - fr * mi)
new_re{band + 1} = stay * fr - rate * (mr * ar - mi * ai)
new_im{band + 1} = stay * fi - rate * (mr * ai + mi * ar)
""".strip().splitlines()


class Lattice:
    """Every run is a new start of the same program from the same state."""

    def __init__(self, model, state):
        self.model, self.first = model, state
        self.group, self.steps = None, None

    def build(self, steps):
        model, n = self.model, self.model.side**2
        self.folder = tempfile.mkdtemp(prefix="brian-", dir=".")
        b2.device.reinit()
        b2.device.activate(build_on_run=False, directory=self.folder)
        b2.prefs.core.default_float_dtype = np.float32
        b2.prefs.codegen.cpp.extra_compile_args_gcc = ["-O3", "-march=native", "-ffast-math", "-w"]
        b2.defaultclock.dt = 1 * b2.ms
        bands = range(model.bands)
        lines = [f"{side} : integer (constant)" for side in ("west", "east", "north", "south")]
        for band in bands:
            for part in ("re", "im"):
                lines += [f"{part}{band} : 1", f"new_{part}{band} : 1"]
                lines += [f"{part}{band}_{side} : 1 (linked)" for side in ("west", "east", "north", "south")]
        names = {}
        for band in bands:
            names |= {f"spread{band}": model.spread[band], f"centre{band}": model.centre[band],
                      f"ceiling{band}": model.ceiling[band], f"noise{band}": model.noise[band],
                      f"k{band}": model.cascade[band]}
            names |= {f"pull{power}{band}": model.pull[power, band] for power in range(3)}
        names = {name: float(value) for name, value in names.items()}
        group = b2.NeuronGroup(n, "\n".join(lines), namespace=names, name="lattice")
        index = np.arange(n).reshape(model.side, model.side)
        for side, shift, axis in (("west", 1, 1), ("east", -1, 1), ("north", 1, 0), ("south", -1, 0)):
            setattr(group, side, np.roll(index, shift, axis).ravel())
            for band in bands:
                for part in ("re", "im"):
                    setattr(group, f"{part}{band}_{side}", b2.linked_var(group, f"{part}{band}", index=side))
        for band in bands:
            setattr(group, f"re{band}", self.first[band, 0].ravel())
            setattr(group, f"im{band}", self.first[band, 1].ravel())
        code = []
        for band in reversed(bands):
            code += alone(band)
            if band + 1 < model.bands:
                code += turn(band)
        group.run_regularly("\n".join(code), when="start")
        # Neighbours must all be read before any is written.
        group.run_regularly(
            "\n".join(f"{part}{band} = new_{part}{band}" for band in bands for part in ("re", "im")), when="end"
        )
        net = b2.Network(group)
        net.run(steps * b2.ms)
        b2.device.build(directory=self.folder, compile=True, run=False, with_output=False)
        self.group, self.steps = group, steps

    def run(self, steps):
        if self.steps != steps:
            self.build(steps)
        b2.device.run(with_output=False)
        return b2.device._last_run_time

    def state(self):
        side = self.model.side
        planes = [[np.asarray(getattr(self.group, f"{part}{band}")[:]).reshape(side, side) for part in ("re", "im")]
                  for band in range(self.model.bands)]
        return np.array(planes)


b2.set_device("cpp_standalone", build_on_run=False)
serve(Lattice)
