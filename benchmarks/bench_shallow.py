"""Speed of the full shallow-water scheme: cells per second, threads, mostly dry, memory.

    python benchmarks/bench_shallow.py             the table
    python benchmarks/bench_shallow.py --memory    bytes a cell
    python benchmarks/bench_shallow.py --dam       error of a dam break on wet ground, by limiter and Courant number

The cases are those of bench_flood.py: A, dam break on a flat bed, 512 x 512 cells of 5 m, 60 s; B, rain of 60 mm/h on
rolling ground, 1024 x 1024 cells of 5 m (its first `--rain` seconds of 900: every step costs the same); dry, a 2 m
column in 5 % of A, and its cost a step as a share of A's. Every figure is the best of `--repeats` interleaved runs
after compilation.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numba import set_num_threads

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.bench_flood import PRECISIONS, dam_break, mostly_dry, rain_on_hills, triad
from sim.flood.ground import Ground
from sim.flood.scenario import FloodSection
from sim.flood.shallow_model import ShallowWaterModel
from sim.inputs import InputFiles
from twin.grid import Grid

if TYPE_CHECKING:
    from benchmarks.bench_flood import Case, Precision

HERE = Path(__file__).resolve().parent


def make_model(case: Case, precision: Precision) -> ShallowWaterModel:
    ny, nx = case.bed.shape
    grid = Grid((ny, nx), case.cell_size, 0.0, ny * case.cell_size)
    section = FloodSection(
        scheme="shallow_water",
        duration=case.duration,
        output_every=case.duration,
        precision=precision,
        rain=case.rain,
        max_dt=5.0,
    )
    return ShallowWaterModel(section, Ground.bare(grid, case.bed, case.n, case.depth), InputFiles(HERE))


def drive(model: ShallowWaterModel, until: float) -> float:
    """Wall time to `until` [s]."""
    began = time.perf_counter()
    while (left := until - model.clock.time) > 1e-9:
        model.step(min(model.stable_dt(), left))
    return time.perf_counter() - began


def table(repeats: int, threads: list[int], rain: float) -> None:
    cases = {"A dam break": dam_break(), "B rain": rain_on_hills(duration=rain), "dry, 5 % wet": mostly_dry()}
    best: dict[tuple[str, str, int], tuple[float, int, float]] = {}
    for precision in PRECISIONS:
        for count in threads:
            set_num_threads(count)
            for case in cases.values():
                drive(make_model(case, precision), 1.0)
    for _ in range(repeats):
        for name, case in cases.items():
            for precision in PRECISIONS:
                for count in threads:
                    set_num_threads(count)
                    model = make_model(case, precision)
                    wall = drive(model, case.duration)
                    key = (name, precision, count)
                    found = (wall, model.clock.step, abs(model.budget()["relative_error"]))
                    best[key] = min(best.get(key, found), found)
    print("| case | precision | threads | wall [s] | steps | Mcell/s | a step of A | volume error |")
    print("|---|---|---|---|---|---|---|---|")
    for (name, kind, count), (wall, steps, error) in best.items():
        cells = cases[name].bed.size
        full = best["A dam break", kind, count]
        share = (wall / steps / cells) / (full[0] / full[1] / cases["A dam break"].bed.size)
        speed = cells * steps / wall / 1e6
        print(f"| {name} | {kind} | {count} | {wall:.3f} | {steps} | {speed:.0f} | {share:.3f} | {error:.1e} |")
    print("triad:", ", ".join(f"{count} threads {triad(count) / 1e9:.1f} GB/s" for count in threads))


def memory(n: int = 1024) -> None:
    case = dam_break(n)
    for precision in PRECISIONS:
        tracemalloc.start()
        model = make_model(case, precision)
        drive(model, 1.0)
        held, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(f"{precision}: {held / n**2:.0f} bytes a cell held, {peak / n**2:.0f} at most, with the case's 16")


def dam_error(cells: int, limiter: float, cfl: float) -> float:
    """Relative error of the depth after 6 s, a dam of 5 mm over 1 mm in the middle of 10 m (Stoker 1957)."""
    import sim.flood.shallow_model as scheme

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
    usual, scheme.LIMITER = scheme.LIMITER, limiter
    ground = Ground.bare(Grid((3, cells), dx, 0.0, 3 * dx), np.zeros((3, cells)), 0.0, depth)
    model = ShallowWaterModel(section, ground, InputFiles(HERE))
    drive(model, t)
    scheme.LIMITER = usual
    return float(np.abs(model.fields()["h_cell"][1] - exact).sum() / exact.sum())


def dam() -> None:
    print("| cells | limiter | Courant number | relative error |")
    print("|---|---|---|---|")
    for cells in (250, 500, 1000):
        for limiter in (1.65, 2.0):
            for cfl in (0.3, 0.65, 0.9):
                print(f"| {cells} | {limiter} | {cfl} | {dam_error(cells, limiter, cfl):.5f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rain", type=float, default=60.0)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--dam", action="store_true")
    given = parser.parse_args()
    if given.memory:
        memory()
    elif given.dam:
        dam()
    else:
        table(given.repeats, given.threads, given.rain)


if __name__ == "__main__":
    main()
