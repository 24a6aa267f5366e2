"""The only functions that the faces (command line, page, API) call."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.executor import Executor, SerialExecutor
from sim.pipeline import plan
from sim.scenario import read_scenario, validate_scenario
from twin.errors import ScenarioError, StoreError, TwinError
from twin.layer import MeshLayer
from twin.store import Run, Status, Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sim.flood.official import Comparison
    from sim.pipeline import Stage
    from twin.city import CityModel

__all__ = ["JobStatus", "LayerInfo", "Service"]


@dataclass(frozen=True, slots=True)
class JobStatus:
    """Where a job stands, as the manifest says."""

    key: str
    name: str
    title: Mapping[str, str]
    stage: str
    status: Status
    progress: float
    seconds_left: float | None
    reason: str
    started: float | None
    wall_s: float | None
    outputs_done: int
    outputs: int
    siblings: Mapping[str, str]
    """Simulator -> key of every stage of the scenario that it was planned for."""


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """A layer of the catalogue."""

    id: str
    name: Mapping[str, str]
    reader: str
    uri: str
    licence: str
    access: str
    source: str
    date: str
    notes: tuple[str, ...]


class Service:
    """One city, one store, one place to compute.

    Parameters
    ----------
    store : Path
        Folder of the runs.
    catalog : Path, optional
        The city that is shown.
    scenario_folder : Path, optional
        Ready-made scenarios (``*.yaml``); scenarios that come without a file are relative to it.
    executor : Executor, optional
        Default: in this process.
    """

    def __init__(
        self,
        store: Path,
        *,
        catalog: Path | None = None,
        scenario_folder: Path | None = None,
        executor: Executor | None = None,
    ) -> None:
        self.store = Store(Path(store).absolute())
        self.catalog = None if catalog is None else Path(catalog).absolute()
        self.scenario_folder = Path(scenario_folder or Path.cwd()).absolute()
        self.executor = executor or SerialExecutor()
        self._loading = threading.Lock()

    def city(self) -> CityModel:
        """The city of the catalogue, loaded once.

        Raises
        ------
        LayerError
            If there is no catalogue or a layer cannot be read.
        """
        with self._loading:
            return self._city

    @cached_property
    def _city(self) -> CityModel:
        from layers.load import load_city

        if self.catalog is None:
            raise ScenarioError("no city was given", where="service", remedy="Name a catalogue with --city.")
        return load_city(self.catalog)

    def list_layers(self) -> list[LayerInfo]:
        """The layers of the catalogue; notes of the readers where the city is loaded."""
        from layers.catalog import read_catalog

        if self.catalog is None:
            return []
        loaded = self.__dict__.get("_city")
        out = []
        for name, entry in read_catalog(self.catalog).layers.items():
            layer = loaded.layers.get(name) if loaded is not None else None
            out.append(
                LayerInfo(
                    id=name,
                    name=entry.name,
                    reader=entry.reader,
                    uri=entry.uri,
                    licence=entry.licence,
                    access=str(entry.access),
                    source=layer.provenance.source if layer else entry.uri,
                    date=entry.date,
                    notes=layer.provenance.notes if layer else (),
                )
            )
        return out

    def scenarios(self) -> list[tuple[Path, Mapping[str, str]]]:
        """Ready-made scenarios of this city and their titles; a file that is no scenario is left out."""
        found: list[tuple[Path, Mapping[str, str]]] = []
        for path in sorted(self.scenario_folder.glob("*.yaml")):
            try:
                scenario = read_scenario(path)
            except ScenarioError:
                continue
            if self.catalog is None or scenario.city is None or self._is_this_city(path.parent / scenario.city):
                found.append((path, scenario.title or {"en": scenario.name}))
        return found

    def plan(self, scenario: Path | Mapping[str, Any]) -> tuple[Stage, ...]:
        """Check a scenario and say which runs it makes.

        Raises
        ------
        ScenarioError
            If anything in it is wrong.
        """
        if isinstance(scenario, Path):
            checked, folder = read_scenario(scenario), scenario.absolute().parent
        else:
            checked, folder = validate_scenario(scenario, where="scenario"), self.scenario_folder
        return plan(checked, folder, self.store)

    def run_scenario(self, scenario: Path | Mapping[str, Any]) -> tuple[str, ...]:
        """Compute a scenario and wait for it; returns the keys of its stages.

        Raises
        ------
        TwinError
            If the scenario is wrong or a stage fails.
        """
        keys = self.submit(scenario)
        while True:
            jobs = [self.status(key) for key in keys]
            for job in jobs:
                if job.status in (Status.FAILED, Status.CANCELLED):
                    raise TwinError(job.reason or str(job.status), where=f"{job.stage} of {job.name}")
            if any(job.status is Status.LOST for job in jobs):
                # whoever computed it for us is gone: go on from its checkpoint
                self.submit(scenario)
            if all(job.status is Status.DONE for job in jobs):
                return keys
            time.sleep(0.1)

    def submit(self, scenario: Path | Mapping[str, Any]) -> tuple[str, ...]:
        """Start a scenario; returns at once with the keys of its stages where the executor is not this process.

        What is in the store already, or under way, is not started again.
        """
        stages = self.plan(scenario)
        todo = [stage for stage in stages if not self._is_served(stage.key)]
        for stage in todo:
            self.store.announce(stage.key, {**stage.manifest(), "queued": time.time()})
        self.executor.submit(todo)
        return tuple(stage.key for stage in stages)

    def status(self, key: str) -> JobStatus:
        """Where a job stands.

        Raises
        ------
        StoreError
            If there is no such run.
        """
        return _status(self.store.open(key))

    def cancel(self, key: str) -> None:
        """Ask a job to stop; it does within a second and leaves no data."""
        job = self.store.open(key)
        if job.status in (Status.QUEUED, Status.RUNNING):
            job.request_cancel()

    def list_runs(self) -> list[JobStatus]:
        """The jobs of this city (every job, where no city is given), the newest first."""
        mine = (job for job in self.store if self._is_mine(job))
        return sorted((_status(job) for job in mine), key=lambda job: job.started or 0.0, reverse=True)

    def open_run(self, key: str) -> Run:
        """The run of that key, finished or on its way."""
        return self.store.open(key)

    def compare_with_official(self, key: str, *, hazard: str, scale: str = "") -> Comparison:
        """A flood run beside the official depths that its city's buildings carry.

        Raises
        ------
        TwinError
            If the run is not finished or has no city, or no building has such a record.
        """
        from layers.load import load_city
        from sim.flood.official import compare_with_official

        job = self.store.open(key)
        scenario = job.manifest()["scenario"]
        if job.status is not Status.DONE or "city" not in scenario:
            raise StoreError("is not finished, or has no city", where=f"run {job.key}", remedy="Compare another run.")
        catalog = Path(job.manifest()["folder"]) / scenario["city"]
        buildings = load_city(catalog, only=["buildings"]).require("buildings", MeshLayer)
        return compare_with_official(buildings, job.table("buildings"), hazard=hazard, scale=scale)

    def close(self) -> None:
        """Let go of the executor."""
        self.executor.close()

    def _is_mine(self, job: Run) -> bool:
        manifest = job.manifest()
        city = manifest["scenario"].get("city")
        return self.catalog is None or (city is not None and self._is_this_city(Path(manifest["folder"]) / city))

    def _is_this_city(self, catalog: Path) -> bool:
        return self.catalog is not None and catalog.resolve() == self.catalog.resolve()

    def _is_served(self, key: str) -> bool:
        known = self.store.find(key)
        return known is not None and known.status in (Status.DONE, Status.RUNNING, Status.QUEUED)


def _status(job: Run) -> JobStatus:
    manifest, status = job.manifest(), job.status
    progress = float(manifest["progress"])
    started = manifest.get("started")
    left = None
    if status is Status.RUNNING and started is not None and progress > 0.01:
        elapsed = time.time() - float(started) - float(manifest.get("prepared_s", 0.0))
        left = max(0.0, elapsed * (1 - progress) / progress)
    return JobStatus(
        key=job.key,
        name=manifest["name"],
        title=manifest.get("title", {}),
        stage=manifest["stage"],
        status=status,
        progress=progress,
        seconds_left=left,
        reason=manifest.get("reason", ""),
        started=started or manifest.get("queued"),
        wall_s=manifest.get("wall_s"),
        outputs_done=int(manifest["outputs_done"]),
        outputs=len(manifest.get("times", [])),
        siblings=manifest.get("siblings") or {manifest["stage"]: job.key},
    )
