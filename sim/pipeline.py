"""A scenario's stages as a graph of runs: planned here, computed in this process or on a Dask cluster."""

from __future__ import annotations

import hashlib
import inspect
import json
import platform
import resource
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.driver import output_count, run
from sim.inputs import InputFiles, digest_file
from sim.registry import simulator
from sim.scenario import input_paths, scenario_content, sections, validate_scenario
from sim.stage import StageInput
from twin.errors import Cancelled, ScenarioError, SimulationError, TwinError
from twin.frame import Frame
from twin.scenario import StageSection
from twin.store import Run, RunWriter, Status, Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sim.driver import Watch
    from sim.protocol import Model
    from twin.city import CityModel
    from twin.scenario import ScenarioBase, Section

__all__ = ["Stage", "compute_stage", "fate", "heartbeat", "plan"]

CHECKPOINT_EVERY = 20.0
"""Wall time between two checkpoints [s]: what a killed worker costs at most."""
PROGRESS_EVERY = 0.5
"""Wall time between two progress notes [s]."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One run of one simulator, in a form that travels to another process.

    Parameters
    ----------
    simulator : str
        Name of the simulator.
    key : str
        Digest of all that determines the result.
    content : mapping
        The scenario as plain data.
    folder : str
        Folder that the scenario's paths are relative to.
    store : str
        Root of the store.
    upstream : mapping of str to str
        Simulator name -> key of the stages that must be done before.
    siblings : mapping of str to str
        Simulator name -> key of every stage of the scenario, this one included.
    """

    simulator: str
    key: str
    content: Mapping[str, Any]
    folder: str
    store: str
    upstream: Mapping[str, str] = field(default_factory=dict)
    siblings: Mapping[str, str] = field(default_factory=dict)

    def manifest(self) -> dict[str, Any]:
        """What is known before it runs."""
        return {
            "key": self.key,
            "stage": self.simulator,
            "name": self.content["name"],
            "title": self.content.get("title", {}),
            "scenario": self.content,
            "folder": self.folder,
            "seed": self.content.get("seed", 0),
            "upstream": dict(self.upstream),
            "siblings": dict(self.siblings),
            "versions": {"osaka-twin": version("osaka-twin"), "python": platform.python_version()},
        }


def plan(scenario: ScenarioBase, folder: Path, store: Store) -> tuple[Stage, ...]:
    """The stages of a scenario in an order in which each comes after what it needs.

    Parameters
    ----------
    scenario : ScenarioBase
        Checked.
    folder : Path
        Folder that its paths are relative to.
    store : Store

    Raises
    ------
    ScenarioError
        If stages wait for each other or for one that is not there, or an input file is missing.
    """
    wanted = dict(sections(scenario))
    content = scenario_content(scenario)
    stages: dict[str, Stage] = {}
    for name in _in_order({name: _after(section) for name, section in wanted.items()}):
        upstream = {before: stages[before].key for before in _after(wanted[name])}
        key = _key(name, scenario, wanted[name], folder, upstream)
        stages[name] = Stage(name, key, content, str(folder), str(store.root), upstream)
    siblings = {name: stage.key for name, stage in stages.items()}
    return tuple(replace(stage, siblings=siblings) for stage in stages.values())


def _key(name: str, scenario: ScenarioBase, section: Section, folder: Path, upstream: Mapping[str, str]) -> str:
    """Digest of everything that determines the result of a stage, as it is now."""
    files = InputFiles(folder)
    if scenario.city is not None:
        files.path(scenario.city, "city")
    parts = {
        "section": section.model_dump(mode="json", by_alias=True),
        "area": scenario.area.model_dump(mode="json"),
        "edits": [repr(edit) for edit in scenario.edits],
        "seed": scenario.seed,
        "start": scenario.start.isoformat() if scenario.start else "",
        "inputs": [digest_file(files.path(path, place)) for place, path in input_paths(section, name)],
        "city": _city_digest(folder / scenario.city, simulator(name).needs(section)) if scenario.city else "",
        "code": _code_digest(name),
        "upstream": dict(upstream),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def compute_stage(stage: Stage, watch: Watch | None = None) -> str:
    """Compute one stage into the store; returns its key.

    A stage that is in the store already is not computed again; one that was interrupted goes on from its checkpoint.

    Parameters
    ----------
    stage : Stage
    watch : Watch, optional
        Told about progress beside the manifest, asked for a stop beside the store's cancel mark.

    Raises
    ------
    TwinError
        Anything that is wrong; the store then holds the manifest with the reason and nothing else.
    """
    store = Store(Path(stage.store))
    while (writer := store.try_begin(stage.key, stage.manifest())) is None:
        time.sleep(0.2)
    if (store.root / stage.key).is_dir():
        store.discard_claim(stage.key)
        return stage.key
    with fate(writer), heartbeat(writer.run):
        _compute(stage, writer, _StoreWatch(writer, watch))
    return stage.key


def _compute(stage: Stage, writer: RunWriter, watch: _StoreWatch) -> None:
    started = time.time()
    _forget_peak_memory()
    scenario = validate_scenario(stage.content, where=f"run {stage.key}")
    section = dict(sections(scenario))[stage.simulator]
    engine = simulator(stage.simulator)
    folder = Path(stage.folder)
    upstream = _finished(stage)
    checkpoint = writer.load_checkpoint()
    writer.note(status=Status.RUNNING, started=started, phase="loading")
    grid = scenario.area.grid()
    city = _city(folder / scenario.city, scenario, engine.needs(section)) if scenario.city else None
    model = engine.prepare(
        StageInput(
            scenario=scenario,
            section=section,
            grid=grid,
            city=city,
            files=InputFiles(folder),
            upstream=upstream,
        )
    )
    until, every = engine.horizon(section)
    if checkpoint is None:
        times = [min(k * every, until) for k in range(output_count(until, every))]
        writer.create_fields(grid, times, model.fields())
    else:
        model.load_state(checkpoint[1])
    writer.note(phase="running", prepared_s=time.time() - started)
    solving = time.perf_counter()
    recorder = _Recorder(writer, 0 if checkpoint is None else checkpoint[0])
    run(model, until=until, every=every, observe=recorder, watch=watch)
    solved = time.perf_counter() - solving
    writer.note(phase="writing")
    products = engine.summarise(model)
    if _key(stage.simulator, scenario, section, folder, stage.upstream) != stage.key:
        raise ScenarioError(
            "its inputs changed while it waited or ran", where=f"run {stage.key}", remedy="Run the scenario again."
        )
    for name, (map_grid, values) in products.maps.items():
        writer.write_map(name, map_grid, values)
    for name, table in products.tables.items():
        writer.write_table(name, table)
    writer.finish(
        phase="done",
        steps=model.clock.step,
        budget=dict(model.budget()),
        summary=dict(products.summary),
        solve_s=solved,
        wall_s=time.time() - started,
        peak_memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def _forget_peak_memory() -> None:
    """Start the kernel's high-water mark anew: a process that computes several stages tells the peak of each."""
    with suppress(OSError):  # Linux only; elsewhere the mark is the process's since it began
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _finished(stage: Stage) -> dict[str, Run]:
    store = Store(Path(stage.store))
    runs = {name: store.open(key) for name, key in stage.upstream.items()}
    for name, job in runs.items():
        if job.status is not Status.DONE:
            raise SimulationError(
                f"{name}, which it comes after, is {job.status}",
                where=stage.simulator,
                remedy=f"See why: `osaka-twin info {job.key}`.",
            )
    return runs


class _Recorder:
    """Writes every output, and a checkpoint now and then."""

    def __init__(self, writer: RunWriter, done: int) -> None:
        self._writer = writer
        self._number = done
        self._kept = time.monotonic()

    def __call__(self, model: Model) -> None:
        self._writer.write_output(self._number, model.fields(), model.gauges())
        self._number += 1
        if time.monotonic() - self._kept > CHECKPOINT_EVERY:
            self._writer.save_checkpoint(model.state())
            self._kept = time.monotonic()


class _StoreWatch:
    """Tells the manifest how far the run is; asks the store, and the caller, whether to stop."""

    def __init__(self, writer: RunWriter, other: Watch | None) -> None:
        self._writer = writer
        self._other = other
        self._noted = 0.0
        self._furthest = 0.0

    def progress(self, model: Model, fraction: float) -> None:
        self._furthest = max(self._furthest, fraction)
        if time.monotonic() - self._noted > PROGRESS_EVERY:
            self._noted = time.monotonic()
            self._writer.note(progress=self._furthest, model_time_s=model.clock.time, steps=model.clock.step)
        if self._other is not None:
            self._other.progress(model, self._furthest)

    def is_cancelled(self) -> bool:
        return self._writer.is_cancelled() or (self._other is not None and self._other.is_cancelled())


@contextmanager
def fate(writer: RunWriter) -> Iterator[None]:
    """Say in the manifest how a run that did not end well ended; an interrupted one stays for a restart."""
    try:
        if writer.is_cancelled():
            raise Cancelled("stopped before it began")
        yield
    except Cancelled as error:
        writer.abandon(Status.CANCELLED, str(error))
        raise
    except KeyboardInterrupt:
        writer.leave()
        raise
    except TwinError as error:
        writer.abandon(Status.FAILED, str(error))
        raise
    except Exception as error:
        # a defect, or a machine without memory or disk: said in the manifest, and raised all the same
        writer.abandon(Status.FAILED, f"{type(error).__name__}: {error}")
        raise


@contextmanager
def heartbeat(job: Run) -> Iterator[None]:
    """Beat while a long step (loading, compiling) keeps the manifest silent."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(5.0):
            job.beat()

    thread = threading.Thread(target=beat, name=f"heartbeat-{job.key}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _after(section: Section) -> tuple[str, ...]:
    return section.after if isinstance(section, StageSection) else ()


def _in_order(after: Mapping[str, tuple[str, ...]]) -> list[str]:
    done: list[str] = []
    while len(done) < len(after):
        ready = [name for name, needs in after.items() if name not in done and set(needs) <= set(done)]
        if not ready:
            waiting = [
                f"{name} waits for {before}"
                for name, needs in after.items()
                for before in needs
                if name not in done and before not in done
            ]
            raise ScenarioError(
                f"{', '.join(waiting)}, which never comes",
                where="after",
                remedy=f"Name sections that the scenario has: {', '.join(after)}.",
            )
        done += ready
    return done


def _city(catalog: Path, scenario: ScenarioBase, needs: tuple[str, ...]) -> CityModel:
    city = _load(catalog, _city_digest(catalog, needs), scenario.area.bbox, needs)
    if city.frame.horizontal != Frame(scenario.area.crs).horizontal:
        raise ScenarioError(
            f"is {scenario.area.crs}, the city is in {city.frame.horizontal}",
            where="area.crs",
            remedy="Give the area in the city's own system.",
        )
    return city.edit(*scenario.edits)


@lru_cache(maxsize=2)
def _load(catalog: Path, digest: str, area: tuple[float, float, float, float], needs: tuple[str, ...]) -> CityModel:
    from layers.digest import present_layers
    from layers.load import load_city

    del digest  # a part of the cache's key: changed data are loaded again
    return load_city(catalog, area=area, only=present_layers(catalog, needs))


def _city_digest(catalog: Path, needs: tuple[str, ...]) -> str:
    from layers.digest import digest_layers

    return digest_layers(catalog, needs)


@cache
def _code_digest(name: str) -> str:
    """Digest of the code that a stage's result depends on: another code, another key."""
    import layers
    import sim
    import twin

    roots = [Path(p) for package in (twin, layers) for p in package.__path__]
    here = Path(next(iter(sim.__path__)))
    files = [path for root in roots for path in root.rglob("*.py")]
    files += [here / "driver.py", here / "pipeline.py", here / "inputs.py", here / "coupling.py"]
    if (here / name).is_dir():
        files += [*(here / name).rglob("*.py"), *(here / name).rglob("*.yaml")]
    else:
        files += Path(inspect.getfile(type(simulator(name)))).parent.glob("*.py")
    digest = hashlib.sha256(f"numpy {version('numpy')} numba {version('numba')}".encode())
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()
