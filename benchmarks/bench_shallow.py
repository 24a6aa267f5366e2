"""Speed of the full shallow-water scheme: cells per second, threads, mostly dry, memory.

    python benchmarks/bench_shallow.py             the table
    python benchmarks/bench_shallow.py --memory    bytes a cell
    python benchmarks/bench_shallow.py --dam       error of a dam break on wet ground, by Courant number

The cases are those of bench_flood.py: A, dam break on a flat bed, 512 x 512 cells of 5 m, 60 s; B, rain of 60 mm/h on
rolling ground, 1024 x 1024 cells of 5 m (its first `--rain` seconds of 900: every step costs the same); dry, a 2 m
column in 5 % of A, and its cost a step as a share of A's. Every figure is the best of `--repeats` interleaved runs
after compilation.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.bench_flood import measure, memory, triad
from benchmarks.flood_cases import dam_break, mostly_dry, rain_on_hills
from benchmarks.flood_contenders import HERE, drive
from sim.flood.ground import Ground
from sim.flood.scenario import FloodSection
from sim.flood.shallow_model import ShallowWaterModel
from sim.inputs import InputFiles
from twin.grid import Grid


def table(repeats: int, threads: list[int], rain: float) -> None:
    cases = {"A dam break": dam_break(), "B rain": rain_on_hills(duration=rain), "dry, 5 % wet": mostly_dry()}
    best = measure("shallow_water", cases, repeats, threads)
    print("| case | precision | threads | wall [s] | steps | Mcell/s | a step of A | volume error |")
    print("|---|---|---|---|---|---|---|---|")
    for (name, kind, count), run in best.items():
        cells = cases[name].bed.size
        full = best["A dam break", kind, count]
        share = (run.wall / run.steps / cells) / (full.wall / full.steps / cases["A dam break"].bed.size)
        speed = cells * run.steps / run.wall / 1e6
        took = f"{run.wall:.3f} | {run.steps} | {speed:.0f}"
        print(f"| {name} | {kind} | {count} | {took} | {share:.3f} | {run.volume_error:.1e} |")
    print("triad:", ", ".join(f"{count} threads {triad(count) / 1e9:.1f} GB/s" for count in threads))


def dam_error(cells: int, cfl: float) -> float:
    """Relative error of the depth after 6 s, a dam of 5 mm over 1 mm in the middle of 10 m (Stoker 1957)."""
    dx, parts, high, low, t = 10.0 / cells, 20, 0.005, 0.001, 6.0
    x = (np.arange(cells * parts) + 0.5) * dx / parts - 5.0
    c0 = np.sqrt(9.81 * high)
    trial = np.linspace(1.0001 * np.sqrt(9.81 * low), c0, 2_000_001)
    balance = -8 * 9.81 * low * trial**2 * (c0 - trial) ** 2 + (trial**2 - 9.81 * low) ** 2 * (trial**2 + 9.81 * low)
    c = trial[np.flatnonzero(np.diff(np.sign(balance)))[0]]
    shock = 2 * c**2 * (c0 - c) / (c**2 - 9.81 * low)
    tail = np.where(x < t * shock, c**2 / 9.81, low)
    fan = np.where(x < t * (2 * c0 - 3 * c), (2 * c0 - x / t) ** 2 / (9 * 9.81), tail)
    exact = np.where(x <= -c0 * t, high, fan).reshape(cells, parts).mean(axis=1)
    depth = np.tile(np.where(np.arange(cells) < cells // 2, high, low), (3, 1))
    section = FloodSection(
        scheme="shallow_water", duration=t, output_every=t, precision="double", dry_depth=1e-6, cfl=cfl
    )
    ground = Ground.bare(Grid((3, cells), dx, 0.0, 3 * dx), np.zeros((3, cells)), 0.0, depth)
    model = ShallowWaterModel(section, ground, InputFiles(HERE))
    drive(model, [t])
    return float(np.abs(model.fields()["h_cell"][1] - exact).sum() / exact.sum())


def dam() -> None:
    print("| cells | Courant number | relative error |")
    print("|---|---|---|")
    for cells in (250, 500, 1000):
        for cfl in (0.3, 0.65, 0.9):
            print(f"| {cells} | {cfl} | {dam_error(cells, cfl):.5f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rain", type=float, default=60.0)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--dam", action="store_true")
    given = parser.parse_args()
    if given.memory:
        memory("shallow_water")
    elif given.dam:
        dam()
    else:
        table(given.repeats, given.threads, given.rain)


if __name__ == "__main__":
    main()
