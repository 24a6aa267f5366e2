"""Who runs in bench_flood_peers.py: the two schemes of the flood engine, and its peers in environments of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from sim.flood.ground import Ground
from sim.flood.model import FloodModel
from sim.flood.scenario import FloodSection
from sim.flood.shallow_model import ShallowWaterModel
from sim.inputs import InputFiles
from twin.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.flood_cases import Case, Precision
    from sim.flood.surface import SurfaceModel

HERE = Path(__file__).resolve().parent
Scheme = Literal["local_inertial", "shallow_water"]
SCHEMES: tuple[Scheme, ...] = ("local_inertial", "shallow_water")
MODELS: dict[Scheme, type[SurfaceModel]] = {"local_inertial": FloodModel, "shallow_water": ShallowWaterModel}


@dataclass(frozen=True)
class Contender:
    """Somebody who can run a case."""

    name: str
    precision: Precision
    rival: Scheme
    """Scheme of ours with the same equations; one's own for ours."""
    package: str = ""
    """Environment of a peer; empty for ours."""


OURS = [
    Contender(f"ours, {scheme}", precision, scheme)
    for scheme in SCHEMES
    for precision in cast("tuple[Precision, ...]", ("single", "double"))
]
PEERS = [
    Contender("itzi", "single", "local_inertial", "itzi"),
    Contender("landlab", "double", "local_inertial", "landlab"),
    Contender("anuga-DE0", "double", "shallow_water", "anuga"),
    Contender("anuga-DE1", "double", "shallow_water", "anuga"),
]


@dataclass(frozen=True)
class Run:
    """What a run took: wall and CPU time of the steps [s], simulated time [s], steps, error of the volume."""

    wall: float
    cpu: float
    until: float
    steps: int
    volume_error: float


def make_model(case: Case, scheme: Scheme, precision: Precision) -> SurfaceModel:
    """A model of a case with walls on every side."""
    ny, nx = case.bed.shape
    grid = Grid((ny, nx), case.cell_size, 0.0, ny * case.cell_size)
    section = FloodSection(
        scheme=scheme,
        duration=case.duration,
        output_every=case.duration,
        precision=precision,
        rain=case.rain,
        max_dt=5.0,
    )
    return MODELS[scheme](section, Ground.bare(grid, case.bed, case.n, case.depth), InputFiles(HERE))


def drive(model: SurfaceModel, marks: Iterable[float]) -> dict[float, Run]:
    """Run to each mark [s] in turn; what it took from the start to each."""
    out = {}
    wall, cpu = time.perf_counter(), time.process_time()
    for mark in marks:
        while (left := mark - model.clock.time) > 1e-9:
            model.step(min(model.stable_dt(), left))
        error = abs(model.budget()["relative_error"])
        out[mark] = Run(time.perf_counter() - wall, time.process_time() - cpu, mark, model.clock.step, error)
    return out


@cache
def python_of(package: str) -> Path | None:
    """Interpreter in a peer's environment."""
    python = HERE / "peers" / ".venvs" / package / "bin" / "python"
    return python if python.exists() else None


class Troubles(dict[str, str]):
    """Why a peer is not in the tables."""

    def note(self, name: str, why: str) -> None:
        """Say it once, and remember the first reason."""
        if name not in self:
            print(f"{name} is left out: {why}", file=sys.stderr, flush=True)
        self.setdefault(name, why)


def ask(peer: Contender, case: Case, until: float, threads: int, troubles: Troubles, *, state: bool = False) -> Any:
    """A peer's `Run` over `until` seconds, or None; with `state` also x and depth of its cells."""
    python = python_of(peer.package)
    if python is None:
        troubles.note(peer.name, "no environment; benchmarks/peers/flood/make.py says why")
        return None
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "case.npz", Path(folder) / "out.npz"
        rain = (case.rain or 0.0) / 3.6e6
        np.savez(given, bed=case.bed, depth=case.depth, cell_size=case.cell_size, n=case.n, rain=rain)
        done = subprocess.run(
            [python, HERE / "peers" / "flood" / "run.py", peer.name],
            input=json.dumps({"case": str(given), "until": until, "out": str(out) if state else None}),
            env=os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            troubles.note(peer.name, (done.stderr.strip().splitlines() or ["it said nothing"])[-1])
            return None
        run = Run(until=until, **json.loads(done.stdout))
        if not state:
            return run
        with np.load(out) as stored:
            return run, stored["x"], stored["depth"]
