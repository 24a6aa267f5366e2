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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit, prange, set_num_threads

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.flood_cases import PRECISIONS, Case, Precision, dam_break, mostly_dry, rain_on_hills
from benchmarks.flood_contenders import Run, drive, make_model

if TYPE_CHECKING:
    from benchmarks.flood_contenders import Scheme

TRAFFIC = {"single": 44, "double": 88}
"""Bytes a cell and step: h, rest, z, qx, qy, h_max read, all but z written back."""


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


Best = dict[tuple[str, Precision, int], Run]
"""The best run by case, precision and number of threads."""


def measure(scheme: Scheme, cases: dict[str, Case], repeats: int, threads: list[int]) -> Best:
    """The best of interleaved runs, after one that compiles."""
    best: Best = {}
    ways = [(name, precision, count) for precision in PRECISIONS for count in threads for name in cases]
    for name, precision, count in ways:
        set_num_threads(count)
        drive(make_model(cases[name], scheme, precision), [3.0])
    for _ in range(repeats):
        for way in ways:
            name, precision, count = way
            set_num_threads(count)
            end = cases[name].duration
            run = drive(make_model(cases[name], scheme, precision), [end])[end]
            best[way] = min(best.get(way, run), run, key=lambda run: run.wall)
    return best


def table(repeats: int, threads: list[int]) -> None:
    cases = {"A dam break": dam_break(), "B rain": rain_on_hills(duration=120.0), "dry, 5 % wet": mostly_dry()}
    bandwidth = {count: triad(count) for count in threads}
    print("| case | precision | threads | wall [s] | steps | Mcell/s | of triad | volume error |")
    print("|---|---|---|---|---|---|---|---|")
    for (name, kind, count), run in measure("local_inertial", cases, repeats, threads).items():
        speed = cases[name].bed.size * run.steps / run.wall
        share = speed * TRAFFIC[kind] / bandwidth[count]
        took = f"{run.wall:.3f} | {run.steps} | {speed / 1e6:.0f}"
        print(f"| {name} | {kind} | {count} | {took} | {share:.2f} | {run.volume_error:.1e} |")
    print("triad:", ", ".join(f"{count} threads {value / 1e9:.1f} GB/s" for count, value in bandwidth.items()))


def memory(scheme: Scheme, n: int = 1024) -> None:
    case = dam_break(n)
    for precision in PRECISIONS:
        tracemalloc.start()
        model = make_model(case, scheme, precision)
        drive(model, [2.0])
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
        memory("local_inertial")
    else:
        table(given.repeats, given.threads)


if __name__ == "__main__":
    main()
