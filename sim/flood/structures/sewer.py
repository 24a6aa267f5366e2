"""Sewer pipes by EPA SWMM, beside the flood and in both directions."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sim.flood.structures.drain import fall_in
from sim.flood.structures.mouth import Mouths, cells_at
from sim.flood.structures.passage import FLOW
from sim.flood.structures.structure import Account, volume_left
from sim.flood.structures.swmm_file import REPORT, read_swmm_file, reported_errors
from twin.errors import ScenarioError, SimulationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.structures.section import Sewer
    from sim.flood.structures.structure import Row, Sight
    from sim.inputs import InputFiles

__all__ = ["Sewers"]


class Sewers:
    """Manholes of a SWMM model; a ``Structure``.

    Water falls into a manhole like into a street drain, and what SWMM floods out of it comes back onto the street at
    its cell. A full manhole goes on taking water and gives it back in the next step: shutting its inlet makes SWMM's
    surcharge ring, and it then loses a third of the water. SWMM takes its routing steps as the flood's clock passes
    them, so it is at most one of its steps ahead; the inflow of a step is what fell in since the last one.

    SWMM's volume balance has an error of its own (:attr:`lost`): the flood's budget ends at the manholes.

    Parameters
    ----------
    section : Sewer
    ground : Ground
    files : InputFiles
    duration : float
        Of the flood [s].

    Raises
    ------
    ScenarioError, LayerError
        If the package or the file is missing, the file does not fit, or no manhole lies in the area.
    """

    kind: ClassVar[str] = "sewer"

    def __init__(self, section: Sewer, ground: Ground, files: InputFiles, duration: float) -> None:
        where = "flood.structures.sewer"
        if importlib.util.find_spec("pyswmm") is None:
            raise ScenarioError(
                "needs the package pyswmm, which is not installed",
                where=where,
                remedy="pip install 'osaka-twin[sewer]'.",
            )
        self._path = files.path(section.file)
        model = read_swmm_file(self._path)
        if model.duration < duration + model.routing_step:
            raise ScenarioError(
                f"{section.file} ends after {model.duration:g} s, the flood runs {duration:g} s",
                where=f"{where}.file",
                remedy=f"Let END_DATE and END_TIME be at least {duration + model.routing_step:g} s after the start.",
            )
        unknown = [name for name in section.nodes if name not in model.junctions]
        if unknown:
            raise ScenarioError(
                f"there is no junction {unknown[0]!r} in {section.file}",
                where=f"{where}.nodes",
                remedy=f"It has: {', '.join(list(model.junctions)[:20])}.",
            )
        named = section.nodes or tuple(n for n, point in model.junctions.items() if ground.grid.contains(*point))
        if not named:
            raise ScenarioError(
                f"no junction of {section.file} lies in the area {ground.grid.bounds}",
                where=f"{where}.file",
                remedy="Coordinates must be in the area's frame [m].",
            )
        self.names = named
        self.points = [model.junctions[name] for name in named]
        self._mouths = Mouths.of(ground, [cells_at(ground, point, where) for point in self.points])
        self.row, self.col = self._mouths.row, self._mouths.col
        n = len(named)
        self._unit, self._step = model.flow_unit, model.routing_step
        self._perimeter, self._area = np.full(n, section.perimeter), np.full(n, section.area)
        self._most = np.inf if section.capacity is None else section.capacity
        self._now = 0.0
        self._span = 1.0
        # what is on its way into SWMM and out of it, and of that what goes down again in this step [m3]
        self._waiting, self._spilt, self._again = np.zeros(n), np.zeros(n), np.zeros(n)
        self._flooded, self._depth, self._lost = np.zeros(n), np.zeros(n), 0.0
        # columns: net discharge now, into and out of the manhole [m3], largest discharge, time with flow [s]
        self._record = np.zeros((n, 5))
        # volumes that SWMM took and gave [m3], and its clock [s]
        self._passed = np.zeros(3)
        self._told: list[NDArray[np.float64]] = []
        self._process = _Process(self._path, self._unit, self.names)

    is_resting = False
    """Water comes from pipes whether or not the street is dry."""

    def wanted(self, sight: Sight) -> NDArray[np.float64]:
        """Volume to be taken from each cell [m3]."""
        self._now, self._span = sight.end, sight.span

        def law(taken: NDArray[np.float64]) -> NDArray[np.float64]:
            falls = fall_in(sight.depth - taken / self._mouths.area, self._perimeter, self._area)
            out: NDArray[np.float64] = np.minimum(falls, self._most) * sight.span
            return out

        falls = volume_left(law, sight)
        # what has just come up goes down again first: the street sees the difference only
        self._again = np.minimum(falls, self._spilt)
        return falls - self._again

    def settle(self, taken: NDArray[np.float64]) -> NDArray[np.float64]:
        """Volume for each cell [m3]."""
        self._waiting += taken + self._again
        self._spilt -= self._again
        given = np.zeros(len(taken))
        if self._now > self._passed[2]:
            given, self._spilt = self._spilt, given
            inflow = np.maximum(self._waiting, 0.0) / max(self._step, self._now - self._passed[2])
            while self._passed[2] < self._now:
                self._advance(inflow)
        discharge = (taken - given) / self._span
        self._record[:, 0] = discharge
        self._record[:, 1] += taken
        self._record[:, 2] += given
        self._record[:, 3] = np.maximum(self._record[:, 3], np.abs(discharge))
        self._record[:, 4] += np.where(np.abs(discharge) > FLOW, self._span, 0.0)
        return given

    def _advance(self, inflow: NDArray[np.float64]) -> None:
        """One routing step of SWMM with `inflow` [m3/s] at the manholes."""
        self._told.append(inflow)
        answer = self._process.ask(inflow)
        took = inflow * (answer["time"] - self._passed[2])
        flooded = np.array(answer["flooded"], dtype=np.float64)
        came = np.maximum(flooded - self._flooded, 0.0)
        self._waiting -= took
        self._spilt += came
        self._flooded, self._depth = flooded, np.array(answer["depth"])
        self._lost = float(answer["lost"])
        # water that goes down and comes up in one step has not left
        net = took - came
        self._passed += (net[net > 0].sum(), -net[net < 0].sum(), answer["time"] - self._passed[2])

    @property
    def lost(self) -> float:
        """SWMM's own error of the volume, as a share of what it took."""
        return self._lost

    def account(self) -> Account:
        """What is between street and SWMM, what SWMM took and what it gave."""
        return Account(float(self._waiting.sum() + self._spilt.sum()), float(self._passed[1]), float(self._passed[0]))

    def series(self) -> dict[str, float]:
        """Sums over all manholes: into the sewer and back [m3/s is their difference], and depth in each."""
        out = {"sewer_discharge_m3_s": float(self._record[:, 0].sum())}
        return out | {f"sewer.{name}_depth_m": float(v) for name, v in zip(self.names, self._depth, strict=True)}

    def rows(self) -> Iterator[Row]:
        """A line for each manhole."""
        for name, record, point in zip(self.names, self._record, self.points, strict=True):
            yield {
                "kind": self.kind, "name": name, "moved_m3": record[1], "back_m3": record[2],
                "max_discharge_m3_s": record[3], "hours": record[4] / 3600.0, "points": [point],
            }  # fmt: skip

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a restart needs: SWMM's own state is what it was told so far."""
        return {
            "record": self._record, "waiting": self._waiting, "spilt": self._spilt, "passed": self._passed,
            "told": np.array(self._told).reshape(-1, len(self.names)),
        }  # fmt: skip

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave: SWMM is told everything again from its beginning."""
        self._process.close()
        self._process = _Process(self._path, self._unit, self.names)
        self._flooded[:], self._passed[:], self._told = 0.0, 0.0, []
        for inflow in state["told"]:
            self._advance(np.array(inflow))
        for name in ("record", "waiting", "spilt", "passed"):
            setattr(self, f"_{name}", state[name].copy())


class _Process:
    """SWMM in a process of its own, and the files it writes in a folder that goes with it."""

    def __init__(self, path: Path, unit: float, names: tuple[str, ...]) -> None:
        self._file = path.name
        self._folder = tempfile.TemporaryDirectory(prefix="sewer-")
        command = [sys.executable, "-m", "sim.flood.structures.swmm_worker", str(path), self._folder.name, str(unit)]
        self._process = subprocess.Popen(
            [*command, *names], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._end = weakref.finalize(self, _stop, self._process, self._folder)
        self._answer()

    def ask(self, inflow: NDArray[np.float64]) -> dict[str, Any]:
        """One routing step."""
        assert self._process.stdin is not None
        try:
            print(json.dumps(inflow.tolist()), file=self._process.stdin, flush=True)
        except BrokenPipeError as error:
            raise self._failed("it has ended") from error
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "it has ended"}
        if "error" in answer:
            raise self._failed(answer["error"])
        return answer

    def _failed(self, why: str) -> SimulationError:
        assert self._process.stdout is not None
        # its report is whole when it has ended
        self._process.stdout.read()
        self._process.wait()
        found = reported_errors(Path(self._folder.name) / REPORT)
        return SimulationError(
            f"SWMM stopped: {'; '.join(found) or why}",
            where=self._file,
            remedy="Mend the lines that are named; EPA SWMM alone reports the same.",
        )

    def close(self) -> None:
        """End it."""
        self._end()


def _stop(process: subprocess.Popen[str], folder: tempfile.TemporaryDirectory[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(timeout=5.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    folder.cleanup()
