"""How far both flood schemes are from formulas where no published case looks.

    python benchmarks/flood_formulas.py

Weirs: a crest with vertical sides on the raster, its discharge over the weir's law. Channels: between walls at an angle
to the grid, their depth over the normal one. Films: rain on a plane, its outflow at half of the time that water from
the top takes, over that of the kinematic wave. The nearer to 1 the better. Steps: the share of the rain that has run
off flat ground with edges, by cell size. Basins: energy left of a swing after five times 2 L / sqrt(g h), without
friction.
Nothing is asserted: docs/decisions/0005 tells why these matter; the tests hold some of them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.flood_contenders import MODELS, SCHEMES
from sim.flood.arithmetic import WEIR
from sim.flood.ground import Ground
from sim.flood.kernels import GRAVITY
from sim.flood.scenario import FloodSection
from sim.inputs import InputFiles
from twin.grid import Grid

if TYPE_CHECKING:
    from benchmarks.flood_contenders import Scheme

LONG = 1e6
RAIN = 50.0
"""[mm/h]"""


def make(scheme: Scheme, bed: Any, cell: float, n: float, depth: Any = None, **section: Any) -> Any:
    given = {"scheme": scheme, "precision": "double", "duration": LONG, "output_every": LONG} | section
    ground = Ground.bare(Grid(bed.shape, cell, 0.0, bed.shape[0] * cell), bed, n, depth)
    return MODELS[scheme](FloodSection.model_validate(given), ground, InputFiles(Path()))


def advance(model: Any, until: float) -> Any:
    while model.clock.time < until - 1e-9:
        model.step(min(model.stable_dt(), until - model.clock.time))
    return model


def outflow(model: Any, start: float, end: float) -> float:
    """Mean over a span [s] of all that leaves [m3 s-1]."""
    before = advance(model, start).budget()["outflow_m3"]
    return float((advance(model, end).budget()["outflow_m3"] - before) / (end - start))


def weir(scheme: Scheme, width: int, head: float, cell: float = 2.0) -> float:
    """Over a crest of `width` cells that falls off vertically by 3 m on either side."""
    pool, columns = 20, 35 + width
    bed = np.full((2, columns), -3.0)
    bed[:, pool : pool + width] = 0.0
    bed[:, pool + width :] -= 0.02 * cell * np.arange(columns - pool - width)
    depth = np.where(np.arange(columns) < pool, head - bed, 0.0)
    edges = [{"edge": "west", "kind": "stage", "value": head}, {"edge": "east", "kind": "open"}]
    model = make(scheme, bed, cell, 0.012, depth, boundaries=edges)
    law = WEIR * head**1.5
    return outflow(model, 80 * cell, 110 * cell) / float(2 * cell * law)


def channel(scheme: Scheme, tread: int, width: int) -> float:
    """In a channel whose banks are stairs of `tread` cells."""
    fall, cell, n, q, size = 0.002, 5.0, 0.03, 1.0, 40
    row, col = np.indices((size, size))
    turn = np.arctan2(1, tread)
    across, along = (row - col / tread) * np.cos(turn), col * np.cos(turn) + row * np.sin(turn)
    inside = (across > -0.5 * width) & (across <= 0.5 * width)
    bed = np.where(inside, -fall * cell * along, np.nan)
    normal, top = (q * n / fall**0.5) ** 0.6, size * cell
    corner = [[0, top], [12, top], [12, top - 12], [0, top - 12]]
    edges = [{"edge": edge, "kind": "open", "slope": fall} for edge in ("east", "south")[: 2 if tread == 1 else 1]]
    inflow = {"polygon": corner, "discharge": q * width * cell}
    model = make(scheme, bed, cell, n, np.where(inside, normal, 0.0), inflows=[inflow], boundaries=edges)
    middle = inside & (along > 0.25 * along.max()) & (along < 0.6 * along.max())
    return float(advance(model, 1500.0).fields()["h_cell"][middle].mean() / normal)


def film(scheme: Scheme, slope: float, n: float, bumps: float) -> float:
    """On a plane of 200 m; `bumps` : standard deviation of its bed from cell to cell [m]."""
    length, cell, rows, rain = 200.0, 5.0, 12, RAIN / 3.6e6
    columns = round(length / cell)
    bed = np.tile(-slope * cell * np.arange(columns), (rows, 1))
    bed += bumps * np.random.default_rng(5).normal(0.0, 1.0, bed.shape)
    edge = {"edge": "east", "kind": "open", "slope": slope}
    model = make(scheme, bed, cell, n, rain=[[0.0, RAIN], [LONG, RAIN]], boundaries=[edge])
    arrival = (rain * length * n / slope**0.5) ** 0.6 / rain
    q = outflow(model, 0.45 * arrival, 0.55 * arrival) / (rows * cell)
    return q / float(rain * length * 0.5 ** (5 / 3))


def steps(scheme: Scheme, finer: int) -> float:
    """Share of the rain of a quarter of an hour that leaves flat steps of 20 m, 10 m high; cells of 10 m / `finer`."""
    bed = np.kron(-(np.arange(42) // 2) * 10.0, np.ones((2, finer)))
    edge = {"edge": "east", "kind": "open"}
    model = make(scheme, bed, 10.0 / finer, 0.05, rain=[[0.0, 60.0], [LONG, 60.0]], boundaries=[edge])
    budget = advance(model, 900.0).budget()
    return float(budget["outflow_m3"] / budget["rain_m3"])


def basin(scheme: Scheme, shape: str, size: int = 40) -> float:
    """In a basin 1 m deep, the surface tilted at first."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    half = size / 2 - 1
    inside = {
        "square": np.maximum(abs(x), abs(y)) < half,
        "disc": np.hypot(x, y) < half,
        "square at 45 degrees": abs(x) + abs(y) < half,
    }[shape]
    model = make(scheme, np.where(inside, -1.0, np.nan), 1.0, 0.0, np.where(inside, 1.0 + 0.05 * x / half, 0.0))

    def energy() -> float:
        fields = {name: values.astype(float)[inside] for name, values in model.fields().items()}
        h, speed2 = fields["h_cell"], fields["u_cell"] ** 2 + fields["v_cell"] ** 2
        return float((0.5 * h * speed2 + 0.5 * GRAVITY * (h - 1.0) ** 2).sum())

    first = energy()
    advance(model, 5 * 2 * size / GRAVITY**0.5)
    return energy() / first


EXPERIMENTS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    **{
        f"weir: crest of {width} cells, head {head} m": (weir, (width, head))
        for width in (1, 2, 5)
        for head in (0.1, 0.5)
    },
    **{
        f"channel: banks 1 in {tread}, {width} cells wide": (channel, (tread, width))
        for tread in (1, 2, 3)
        for width in (2, 4, 6, 12)
    },
    **{
        f"film: slope {slope}, n {n}, bumps of {bumps} m": (film, (slope, n, bumps))
        for slope, n, bumps in ((0.2, 0.4, 0.0), (0.2, 0.4, 0.1), (0.2, 0.1, 0.2), (0.05, 0.2, 0.1), (0.05, 0.05, 0.1))
    },
    **{f"share run off flat steps, cells of {10 / finer:g} m": (steps, (finer,)) for finer in (1, 2, 4, 8)},
    **{f"energy left of a swing: {shape}": (basin, (shape,)) for shape in ("square", "disc", "square at 45 degrees")},
}


def main() -> None:
    print("| | " + " | ".join(SCHEMES) + " |")
    print("|---|" + "---|" * len(SCHEMES))
    for name, (experiment, given) in EXPERIMENTS.items():
        found = " | ".join(f"{experiment(scheme, *given):.3f}" for scheme in SCHEMES)
        print(f"| {name} | {found} |", flush=True)


if __name__ == "__main__":
    main()
