"""The flood engine beside ANUGA, landlab and itzi, in one run.

    python benchmarks/peers/flood/make.py                                   once: an environment for each peer
    python benchmarks/bench_flood_peers.py --to docs/benchmarks-flood.md    all tables, some ten minutes
    python benchmarks/bench_flood_peers.py --quick                          all tables on small grids
    python benchmarks/bench_flood_peers.py --only error start               some of them
    python benchmarks/bench_flood_peers.py --full                           the peers run A and B whole, far longer

Contenders take turns; every figure is the best of the rounds. Times are those of the steps: compilation, set-up,
imports and output are no part of them. What the cases are stands on the page (`PAGE` below).
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import set_num_threads

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.bench_flood import TRAFFIC, triad
from benchmarks.flood_cases import Case, dam_break, mostly_dry, rain_on_hills
from benchmarks.flood_contenders import HERE, OURS, PEERS, SCHEMES, Contender, Run, Troubles, ask, drive, make_model
from benchmarks.flood_reference import Reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

THREADS = (1, 2)


@dataclass
class Plan:
    """A case and how far it is run: everyone, or a peer by name [s]."""

    title: str
    case: Case
    windows: dict[str, float] = field(default_factory=dict)
    rounds: int = 5
    peer_rounds: int = 1

    def until(self, contender: Contender) -> float:
        """Simulated seconds of a contender; 0 if it does not take part."""
        return self.windows.get(contender.name, self.case.duration)


Best = dict[tuple[str, str, str, int, float], Run]
"""By case, contender, precision, threads and simulated seconds."""


def race(plans: list[Plan], troubles: Troubles) -> Best:
    """Let everyone run every case, in turns."""
    best: Best = {}

    def keep(plan: Plan, who: Contender, threads: int, run: Run) -> None:
        key = (plan.title, who.name, who.precision, threads, run.until)
        best[key] = min(best.get(key, run), run, key=lambda r: r.wall)

    for turn in range(max(plan.rounds for plan in plans)):
        for plan in plans:
            for threads in THREADS:
                for peer in PEERS:
                    if turn < plan.peer_rounds and plan.until(peer) and peer.name not in troubles:
                        run = ask(peer, plan.case, plan.until(peer), threads, troubles)
                        if run is not None:
                            keep(plan, peer, threads, run)
                set_num_threads(threads)
                for who in OURS if turn < plan.rounds else ():
                    marks = sorted(
                        {plan.case.duration, *(plan.until(p) for p in PEERS if p.rival == who.rival)} - {0.0}
                    )
                    for run in drive(make_model(plan.case, who.rival, who.precision), marks).values():
                        keep(plan, who, threads, run)
            print(f"round {turn + 1}: {plan.title}", file=sys.stderr, flush=True)
    return best


def warm_up() -> None:
    """Compile, or load what was compiled, on one and on several threads."""
    case = dam_break(512, 3.0)
    for threads in THREADS:
        set_num_threads(threads)
        for who in OURS:
            drive(make_model(case, who.rival, who.precision), [case.duration])


Table = tuple[list[str], list[list[str]]]


def speed_table(plan: Plan, best: Best, bandwidth: dict[int, float]) -> Table:
    """Times, cells per second, and how much faster ours is over the same simulated seconds."""
    rows = []
    cells = plan.case.bed.size
    for who in (*PEERS, *OURS):
        for threads in THREADS:
            run = best.get((plan.title, who.name, who.precision, threads, plan.until(who)))
            if run is None:
                continue
            rate = cells * run.steps / run.wall
            triads, faster = "", ""
            if who.package:
                mine = best[plan.title, f"ours, {who.rival}", who.precision, threads, run.until]
                faster = f"{run.wall / mine.wall:.1f}"
            else:
                triads = f"{rate * TRAFFIC[who.precision] / bandwidth[threads]:.2f}"
            figures = [f"{run.until:g}", f"{run.wall:.3f}", f"{run.cpu:.3f}", str(run.steps), f"{rate / 1e6:.1f}"]
            rows.append([who.name, who.precision, str(threads), *figures, triads, faster, f"{run.volume_error:.0e}"])
    head = ["", "precision", "threads", "simulated [s]", "wall [s]", "CPU [s]", "steps", "Mcell/s", "of triad"]
    return [*head, "ours is faster by", "volume error"], rows


def dry_share_table(wet: Plan, dry: Plan, best: Best) -> Table:
    """Cost of a step of the mostly dry case, as a share of a wet one's."""
    rows = []
    for who in (*PEERS, *OURS):
        for threads in THREADS:
            costs = []
            for plan in (wet, dry):
                run = best.get((plan.title, who.name, who.precision, threads, plan.until(who)))
                costs += [run.wall / run.steps / plan.case.bed.size] if run else []
            if len(costs) == 2:
                rows.append([who.name, who.precision, str(threads), f"{100 * costs[1] / costs[0]:.1f} %"])
    return ["", "precision", "threads", "a step of the dry case / of A"], rows


def error_table(length: int, until: float, troubles: Troubles) -> Table:
    """Depth of A, on a strip of eight rows, against the fine reference."""
    whole = dam_break(length, until)
    case = replace(whole, bed=whole.bed[:8], depth=whole.depth[:8])
    dx = case.cell_size
    reference = Reference(length * dx, dx, 2.0, 0.5, case.n, until)
    rows = []

    def add(who: Contender, x: NDArray[np.float64], depth: NDArray[np.float64]) -> None:
        off = np.abs(depth - reference.mean(x, dx))
        moved = np.abs(reference.mean(x, dx) - np.where(x < 0.5 * length * dx, 2.0, 0.5)) > 0.01
        rows.append([who.name, who.precision, f"{off.mean():.4f}", f"{off[moved].mean():.4f}", f"{off.max():.3f}"])

    for peer in PEERS:
        found = ask(peer, case, until, 1, troubles, state=True)
        if found is not None:
            add(peer, *found[1:])
    for who in OURS:
        model = make_model(case, who.rival, who.precision)
        drive(model, [until])
        depth = model.fields()["h_cell"].astype(np.float64)
        add(who, np.tile((np.arange(length) + 0.5) * dx, 8), depth.ravel())
    return ["", "precision", "mean error [m]", "mean over the wave [m]", "largest [m]"], rows


def growth_table(sizes: list[int], peer_sizes: dict[str, int], troubles: Troubles) -> Table:
    """Mcell/s of the first seconds of a dam break by the size of the grid."""
    seconds, cells = 3.0, {}
    for n in sizes:
        case = dam_break(n, seconds)
        for who in OURS:
            for threads in THREADS:
                set_num_threads(threads)
                run = drive(make_model(case, who.rival, who.precision), [seconds])[seconds]
                cells[who.name, who.precision, threads, n] = run.steps * n * n / run.wall
        for peer in PEERS:
            if n <= peer_sizes[peer.name] and peer.name not in troubles:
                run = ask(peer, case, seconds, 1, troubles)
                if run is not None:
                    cells[peer.name, peer.precision, 1, n] = run.steps * n * n / run.wall
        print(f"growth: {n}", file=sys.stderr, flush=True)
    rows = []
    for who in (*PEERS, *OURS):
        for threads in THREADS:
            rates = [cells.get((who.name, who.precision, threads, n)) for n in sizes]
            if any(rates):
                shown = [f"{rate / 1e6:.1f}" if rate else "" for rate in rates]
                rows.append([who.name, who.precision, str(threads), *shown])
    return ["", "precision", "threads", *(f"{n} x {n}" for n in sizes)], rows


FIRST_STEP = """
import sys
sys.path.insert(0, sys.argv[2])
from benchmarks.flood_cases import dam_break
from benchmarks.flood_contenders import make_model
model = make_model(dam_break(512, 60.0), sys.argv[1], "single")
model.step(model.stable_dt())
"""


def start_table(troubles: Troubles, *, cold: bool) -> Table:
    """From the start of the process to the end of the first step of A, on the threads that there are."""

    def clocked(call: Callable[[], Any]) -> float:
        began = time.perf_counter()
        call()
        return time.perf_counter() - began

    rows = []
    for scheme in SCHEMES:
        with tempfile.TemporaryDirectory() as folder:
            kept = os.environ | ({"NUMBA_CACHE_DIR": folder} if cold else {})
            command = [sys.executable, "-c", FIRST_STEP, scheme, str(HERE.parent)]
            step = partial(subprocess.run, command, env=kept, check=True)
            first = f"{clocked(step):.1f}" if cold else ""
            rows.append([f"ours, {scheme}", "single", first, f"{min(clocked(step) for _ in range(3)):.1f}"])
    for peer in PEERS:
        began = time.perf_counter()
        run = None if peer.name in troubles else ask(peer, dam_break(512, 60.0), 1.0, max(THREADS), troubles)
        if run is not None:
            # without the steps after the first
            rows.append([peer.name, peer.precision, "", f"{time.perf_counter() - began - run.wall:.1f}"])
    return ["", "precision", "compiling [s]", "compiled before [s]"], rows


def markdown(table: Table) -> str:
    head, rows = table
    lines = ["| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n"


PAGE = """\
# The flood engine beside its peers

Written by `{command}`; nothing here is typed by hand. {machine}.

Peers, as their wheels on PyPI are built, each in an environment of its own (`benchmarks/peers/flood/make.py`), with
their best settings (`benchmarks/peers/flood/run.py`):
**ANUGA 4.1.0** (full shallow water, second order; DE0 steps by Euler, DE1 by a Runge-Kutta of two stages; as many
triangles as we have cells; its unified C loop), **landlab 2.11.0** (OverlandFlow, local inertia, theta 0.9) and
**itzi 26.6** (partial inertia, in memory, without GRASS).{missing}

Every side is a wall. Times are those of the steps alone: compilation, imports, mesh, set-up and output are not in them
(the last table has them). "Ours is faster by" compares wall times over the same simulated seconds with our scheme of
the same equations, in the same precision, on the same number of threads. "Of triad" is the memory traffic that a step
cannot avoid ({single} and {double} bytes a cell in single and double precision) over the bandwidth of a = b + s c on as
many threads: {triads}. Best of {rounds} interleaved
rounds, of fewer where a run is long. Cells that are dry cost us next to nothing, so there "Mcell/s" counts cells that
need no work.

{tables}"""


def plans(size: int, *, quick: bool, full: bool, rounds: int) -> list[Plan]:
    """The cases of the flood specification, and a minute of heavy rain on ground that is wet already."""
    ratio = size / 512
    a, b = dam_break(size, 60.0 * ratio), rain_on_hills(2 * size, 60.0 if quick else 900.0)
    late = "B, the minute after ten"
    set_num_threads(max(THREADS))
    soaked = make_model(b, "local_inertial", "single")
    drive(soaked, [b.duration * 2 / 3])
    wet = replace(b, depth=soaked.fields()["h_cell"].astype(np.float64), duration=6.0 if quick else 60.0)
    nobody = {} if full else {peer.name: 0.0 for peer in PEERS}

    def slow(seconds: float) -> dict[str, float]:
        return {} if full else {"anuga-DE0": seconds, "anuga-DE1": seconds}

    titles = {
        "A": f"A: dam break, {size} x {size} cells of 5 m, {a.duration:g} s",
        "late": f"{late}: {2 * size} x {2 * size} cells, from the water that our local inertia has there, at rest",
        "B": f"B: rain of 60 mm/h on rolling ground, {2 * size} x {2 * size} cells of 5 m, {b.duration:g} s",
        "dry": f"Mostly dry: a column of 2 m on 5 % of {size} x {size} cells, {20.0 * ratio:g} s",
    }
    return [
        Plan(titles["A"], a, slow(a.duration / 2), rounds, min(rounds, 2)),
        Plan(titles["late"], wet, slow(wet.duration / 10), min(rounds, 3)),
        Plan(titles["B"], b, nobody, 1),
        Plan(titles["dry"], mostly_dry(size, 20.0 * ratio), {}, rounds),
    ]


def machine() -> str:
    """What this ran on."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    name = found.group(1).strip() if found else platform.processor()
    made = ", ".join(f"{package} {version(package)}" for package in ("numba", "numpy"))
    return f"{name}, {os.cpu_count()} logical processors, Python {platform.python_version()}, {made}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = ["speed", "error", "growth", "start"]
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a quarter of the grid, one round, nothing compiled anew")
    parser.add_argument("--full", action="store_true", help="the peers run A and B whole too")
    parser.add_argument("--to", type=Path, help="write the page here")
    given = parser.parse_args()
    size = 128 if given.quick else 512
    rounds = 1 if given.quick else given.rounds
    troubles, tables = Troubles(), []

    def show(title: str, table: Table) -> None:
        tables.append(f"## {title}\n\n{markdown(table)}")
        print(tables[-1], flush=True)

    bandwidth = {threads: triad(threads) for threads in THREADS}
    if {"speed", "growth"} & set(given.only):
        warm_up()
    if "speed" in given.only:
        raced = plans(size, quick=given.quick, full=given.full, rounds=rounds)
        best = race(raced, troubles)
        for plan in raced:
            show(plan.title, speed_table(plan, best, bandwidth))
        wet, dry = raced[0], raced[-1]
        show("What dry ground costs", dry_share_table(wet, dry, best))
    if "error" in given.only:
        until = 60.0 * size / 512
        show(f"Error of A after {until:g} s, against a fine one-dimensional run", error_table(size, until, troubles))
    if "growth" in given.only:
        sizes = [128, 256, 512] if given.quick else [256, 512, 1024, 2048, 4096]
        most = {"itzi": 2048, "landlab": 2048, "anuga-DE0": 1024, "anuga-DE1": 512}
        show("Growth: Mcell/s over the first seconds of a dam break", growth_table(sizes, most, troubles))
    if "start" in given.only:
        show("Process start to the end of the first step of A", start_table(troubles, cold=not given.quick))
    if given.to is not None:
        missing = "".join(f" {name} is left out: {why}." for name, why in troubles.items())
        shares = ", ".join(f"{value / 1e9:.1f} GB/s on {threads}" for threads, value in bandwidth.items())
        command = " ".join(["python benchmarks/bench_flood_peers.py", *sys.argv[1:]])
        page = PAGE.format(
            command=command,
            machine=machine(),
            missing=missing,
            single=TRAFFIC["single"],
            double=TRAFFIC["double"],
            triads=shares,
            rounds=rounds,
            tables="\n".join(tables),
        )
        given.to.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
