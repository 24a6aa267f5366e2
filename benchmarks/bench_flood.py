"""Speed of the flood engine: cells per second, threads, mostly dry, memory.

    python benchmarks/bench_flood.py             the table
    python benchmarks/bench_flood.py --memory    bytes a cell

Cases (specs of the flood engine): A, dam break on a flat bed, 512 x 512 cells of 5 m, 60 s; B, rain of 60 mm/h on
rolling ground, 1024 x 1024 cells of 5 m, 900 s; dry, a 2 m column in 5 % of A. Every figure is the best of `--repeats`
interleaved runs after compilation; "of triad" is the memory traffic that the step cannot avoid (44 bytes a cell in
single precision) over the bandwidth of a = b + s c on the same number of threads.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numba import njit, prange, set_num_threads

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sim.flood.ground import Ground
from sim.flood.model import FloodModel
from sim.flood.scenario import FloodSection
from sim.inputs import InputFiles
from twin.grid import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
TRAFFIC = {"single": 44, "double": 88}
"""Bytes a cell and step: h, rest, z, qx, qy, h_max read, all but z written back."""


@dataclass(frozen=True)
class Case:
    """A benchmark case."""

    bed: NDArray[np.float64]
    depth: NDArray[np.float64]
    cell_size: float
    n: float
    duration: float
    rain: float | None = None


def dam_break(n: int = 512, duration: float = 60.0) -> Case:
    depth = np.full((n, n), 0.5)
    depth[:, : n // 2] = 2.0
    return Case(np.zeros((n, n)), depth, 5.0, 0.03, duration)


def mostly_dry(n: int = 512, duration: float = 20.0) -> Case:
    side = round(n * 0.05**0.5)
    depth = np.zeros((n, n))
    depth[:side, :side] = 2.0
    return Case(np.zeros((n, n)), depth, 5.0, 0.03, duration)


def rain_on_hills(n: int = 1024, duration: float = 900.0) -> Case:
    y, x = np.mgrid[:n, :n]
    noise = np.random.default_rng(0).normal(0.0, 0.02, (n, n))
    bed = 0.004 * x + 2.0 * np.sin(x / 40.0) * np.cos(y / 50.0) + noise
    return Case(bed, np.zeros((n, n)), 5.0, 0.035, duration, 60.0)


Precision = Literal["single", "double"]
PRECISIONS: tuple[Precision, ...] = ("single", "double")


def make_model(case: Case, precision: Precision) -> FloodModel:
    ny, nx = case.bed.shape
    grid = Grid((ny, nx), case.cell_size, 0.0, ny * case.cell_size)
    section = FloodSection(
        duration=case.duration, output_every=case.duration, precision=precision, rain=case.rain, max_dt=5.0
    )
    return FloodModel(section, Ground.bare(grid, case.bed, case.n, case.depth), InputFiles(HERE))


def drive(model: FloodModel, until: float) -> float:
    """Wall time to `until` [s]."""
    began = time.perf_counter()
    while (left := until - model.clock.time) > 1e-9:
        model.step(min(model.stable_dt(), left))
    return time.perf_counter() - began


@njit(cache=True, error_model="numpy", parallel=True)
def _triad(a: Any, b: Any, c: Any, s: Any) -> None:
    for i in prange(a.size):
        a[i] = b[i] + s * c[i]


def triad(threads: int, n: int = 20_000_000, repeats: int = 5) -> float:
    """Memory bandwidth [B/s]."""
    set_num_threads(threads)
    a, b, c = np.zeros(n), np.ones(n), np.ones(n)
    best = np.inf
    for _ in range(repeats + 1):
        began = time.perf_counter()
        _triad(a, b, c, 3.0)
        best = min(best, time.perf_counter() - began)
    return 24.0 * n / best


def table(repeats: int, threads: list[int]) -> None:
    cases = {"A dam break": dam_break(), "B rain": rain_on_hills(duration=120.0), "dry, 5 % wet": mostly_dry()}
    best: dict[tuple[str, str, int], tuple[float, int, float]] = {}
    bandwidth = {count: triad(count) for count in threads}
    for precision in PRECISIONS:
        for count in threads:
            set_num_threads(count)
            for case in cases.values():
                drive(make_model(case, precision), 3.0)
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
    print("| case | precision | threads | wall [s] | steps | Mcell/s | of triad | volume error |")
    print("|---|---|---|---|---|---|---|---|")
    for (name, kind, count), (wall, steps, error) in best.items():
        speed = cases[name].bed.size * steps / wall
        share = speed * TRAFFIC[kind] / bandwidth[count]
        print(f"| {name} | {kind} | {count} | {wall:.3f} | {steps} | {speed / 1e6:.0f} | {share:.2f} | {error:.1e} |")
    print("triad:", ", ".join(f"{count} threads {value / 1e9:.1f} GB/s" for count, value in bandwidth.items()))


def memory(n: int = 1024) -> None:
    case = dam_break(n)
    for precision in PRECISIONS:
        tracemalloc.start()
        model = make_model(case, precision)
        drive(model, 2.0)
        held, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(f"{precision}: {held / n**2:.0f} bytes a cell held, {peak / n**2:.0f} at most, with the case's 16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--memory", action="store_true")
    given = parser.parse_args()
    if given.memory:
        memory()
    else:
        table(given.repeats, given.threads)


if __name__ == "__main__":
    main()
