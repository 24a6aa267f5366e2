"""Many scenarios as one graph of runs: what several of them share is computed once."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim.pipeline import plan
from sim.sweep import OWN_COLUMNS, members
from twin.errors import StoreError, TwinError
from twin.store import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from sim.pipeline import Stage
    from sim.service import Service
    from sim.sweep import Member, Sweep
    from twin.store import Run

__all__ = ["BatchProgress", "run_batch", "run_members"]

LOOK_EVERY = 0.5
"""Wall time between two looks at the store [s]."""
NEARLY = 0.99
"""Most that a stage counts which has not ended: its results are still to be written."""
MOST_DEATHS = 3
"""Deaths of the process that computes a stage after which the stage counts as failed: it would die again."""
SETTLED = (Status.DONE, Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """How far a batch is.

    Parameters
    ----------
    members, done, failed : int
        Members; those whose stages are all done; those of which one cannot be.
    fraction : float
        Share of the computing that is done, 0 to 1, by what the stages have cost so far; never goes back.
    seconds_left : float or None
        None before anything is known.
    """

    members: int
    done: int
    failed: int
    fraction: float
    seconds_left: float | None


def run_batch(
    service: Service, sweep: Sweep, folder: Path, tell: Callable[[BatchProgress], None] | None = None
) -> pd.DataFrame:
    """Compute every member of a sweep; what is in the store already is not computed again.

    Parameters
    ----------
    service : Service
        Its executor computes: a Dask cluster, or this process.
    sweep : Sweep
    folder : Path
        Folder of the sweep file.
    tell : callable, optional
        Called with the progress, at least at the end.

    Returns
    -------
    DataFrame
        A row a member in the sweep's order: ``member``, the labels, ``status`` (done, failed or cancelled),
        ``reason``, ``wall_s`` (of its stages, shared ones in each member), then for every stage ``<stage>.key``,
        ``<stage>.status``, ``<stage>.wall_s`` and every figure of its summary as ``<stage>.<figure>``.

    Raises
    ------
    ScenarioError
        If the sweep or one of its scenarios is wrong: nothing is computed then.
    SimulationError
        If no scheduler answers.
    """
    return run_members(service, members(sweep, folder), (folder / sweep.scenario).absolute().parent, tell)


def run_members(
    service: Service, wanted: Sequence[Member], base: Path, tell: Callable[[BatchProgress], None] | None = None
) -> pd.DataFrame:
    """Compute scenarios that belong together; arguments and table as in :func:`run_batch`.

    Parameters
    ----------
    service : Service
    wanted : sequence of Member
    base : Path
        Folder that their paths are relative to.
    tell : callable, optional
    """
    planned = [plan(member.scenario, base, service.store) for member in wanted]
    shared: dict[str, Stage] = {}
    for stages in planned:
        for stage in stages:
            shared.setdefault(stage.key, stage)
    batch = _Batch(service, shared)

    def is_open() -> bool:
        batch.look()
        if tell is not None:
            tell(batch.progress(planned))
        return bool(batch.open)

    looked = time.monotonic()
    for stage in batch.missing():
        batch.hand_over(stage)
        if time.monotonic() - looked > LOOK_EVERY:
            is_open()
            looked = time.monotonic()
    while is_open():
        time.sleep(LOOK_EVERY)
    return _table(wanted, planned, batch)


@dataclass(slots=True, eq=False)
class _Batch:
    """The stages of a batch and what is known about them."""

    service: Service
    stages: dict[str, Stage]
    open: set[str] = field(init=False)
    status: dict[str, Status] = field(init=False, default_factory=dict)
    reason: dict[str, str] = field(init=False, default_factory=dict)
    wall: dict[str, float] = field(init=False, default_factory=dict)
    part: dict[str, float] = field(init=False, default_factory=dict)
    deaths: dict[str, int] = field(init=False, default_factory=dict)
    todo: set[str] = field(init=False, default_factory=set)
    given: set[str] = field(init=False, default_factory=set)
    furthest: float = field(init=False, default=0.0)
    started: float = field(init=False, default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.open = set(self.stages)

    def missing(self) -> list[Stage]:
        """The stages that are not in the store, each after what it needs."""
        store = self.service.store
        for key in self.stages:
            known = store.find(key)
            if known is None or known.status is not Status.DONE:
                self.todo.add(key)
        return [stage for key, stage in self.stages.items() if key in self.todo]

    def hand_over(self, stage: Stage) -> None:
        """Give a stage to the executor; one that computes at once may fail at once: that is no end for the others."""
        store = self.service.store
        known = store.find(stage.key)
        if known is None or known.status not in (Status.RUNNING, Status.QUEUED):
            store.announce(stage.key, {**stage.manifest(), "queued": time.time()})
        self.given.add(stage.key)
        try:
            self.service.executor.submit([stage])
        except TwinError:
            if self.service.status(stage.key).status not in (Status.FAILED, Status.CANCELLED):
                raise

    def look(self) -> None:
        """Read the store; hand over again what lost its process."""
        for key in sorted(self.open):
            if key in self.todo and key not in self.given:
                continue  # what the store says is of an earlier attempt
            try:
                job = self.service.open_run(key)
                manifest, status = job.manifest(), job.status
            except StoreError:
                continue  # it is being renamed: the next look finds it
            self.part[key] = float(manifest["progress"])
            self.reason[key] = manifest.get("reason", "")
            if status is Status.LOST:
                self._take_up(key)
                continue
            self.status[key] = status
            if status in SETTLED:
                self.open.discard(key)
                self.wall[key] = float(manifest.get("wall_s", 0.0))

    def _take_up(self, key: str) -> None:
        if self.status.get(key) is not Status.LOST:
            self.deaths[key] = self.deaths.get(key, 0) + 1
        self.status[key] = Status.LOST
        before = [name for name, other in self.stages[key].upstream.items() if self._is_bad(other)]
        if before:
            self._give_up(key, f"{before[0]}, which it comes after, failed")
        elif self.deaths[key] > MOST_DEATHS:
            self._give_up(key, f"the process that computed it died {self.deaths[key]} times (memory?)")
        else:
            self.hand_over(self.stages[key])

    def _give_up(self, key: str, reason: str) -> None:
        self.status[key], self.reason[key] = Status.FAILED, reason
        self.open.discard(key)

    def progress(self, planned: Sequence[tuple[Stage, ...]]) -> BatchProgress:
        """How far everything is."""
        done = sum(all(self.status.get(stage.key) is Status.DONE for stage in stages) for stages in planned)
        failed = sum(any(self._is_bad(stage.key) for stage in stages) for stages in planned)
        cost = self._costs()
        total = sum(cost[self.stages[key].simulator] for key in self.todo)
        gone = sum(
            cost[self.stages[key].simulator] * (min(self.part.get(key, 0.0), NEARLY) if key in self.open else 1.0)
            for key in self.todo
        )
        self.furthest = max(self.furthest, gone / total if total else 1.0)
        spent = time.monotonic() - self.started
        left = spent * (1 - self.furthest) / self.furthest if self.furthest > 0.01 else None
        return BatchProgress(len(planned), done, failed, self.furthest, left)

    def _is_bad(self, key: str) -> bool:
        return self.status.get(key) in (Status.FAILED, Status.CANCELLED)

    def _costs(self) -> dict[str, float]:
        """Mean wall time of a stage of each simulator [s]; of one that has not finished yet, the mean of all."""
        spent: dict[str, list[float]] = {stage.simulator: [] for stage in self.stages.values()}
        for key in self.todo - self.open:
            if self.status[key] is Status.DONE:
                spent[self.stages[key].simulator].append(self.wall[key])
        every = [wall for walls in spent.values() for wall in walls]
        usual = sum(every) / len(every) if every else 1.0
        return {name: max(sum(walls) / len(walls) if walls else usual, 1e-3) for name, walls in spent.items()}


def _table(wanted: Sequence[Member], planned: Sequence[tuple[Stage, ...]], batch: _Batch) -> pd.DataFrame:
    import pandas as pd

    rows = [_row(member, stages, batch) for member, stages in zip(wanted, planned, strict=True)]
    labels = [label for member in wanted[:1] for label in member.labels]
    head = [OWN_COLUMNS[0], *labels, *OWN_COLUMNS[1:]]
    names = sorted({name for row in rows for name in row} - set(head), key=_place(planned))
    table = pd.DataFrame(rows, columns=[*head, *names])
    for label in labels:
        table[label] = _plain(table[label])
    return table


def _row(member: Member, stages: tuple[Stage, ...], batch: _Batch) -> dict[str, Any]:
    row: dict[str, Any] = {"member": member.number, **member.labels}
    bad = [stage for stage in stages if batch.status[stage.key] is not Status.DONE]
    # the first stage that failed is the cause: those after it only say so
    row["status"] = str(batch.status[bad[0].key]) if bad else str(Status.DONE)
    row["reason"] = f"{bad[0].simulator}: {batch.reason[bad[0].key]}" if bad else ""
    row["wall_s"] = sum(batch.wall.get(stage.key, 0.0) for stage in stages)
    for stage in stages:
        name, status = stage.simulator, batch.status[stage.key]
        row |= {f"{name}.key": stage.key, f"{name}.status": str(status), f"{name}.wall_s": batch.wall.get(stage.key)}
        if status is Status.DONE:
            row |= {f"{name}.{figure}": value for figure, value in _summary(batch.service.open_run(stage.key)).items()}
    return row


def _summary(job: Run) -> Mapping[str, float]:
    summary: dict[str, float] = job.manifest().get("summary", {})
    return summary


def _place(planned: Sequence[tuple[Stage, ...]]) -> Callable[[str], tuple[int, int, str]]:
    """Order of the columns: stage by stage as they are computed, its key, status and cost first."""
    order = {name: k for k, name in enumerate(dict.fromkeys(stage.simulator for s in planned for stage in s))}
    first = {"key": 0, "status": 1, "wall_s": 2}

    def place(column: str) -> tuple[int, int, str]:
        stage, _, figure = column.partition(".")
        return order[stage], first.get(figure, 3), figure

    return place


def _plain(names: pd.Series[Any]) -> pd.Series[Any]:
    """Labels as numbers where all of them are; as text otherwise."""
    try:
        values = [json.loads(name) for name in names]
    except json.JSONDecodeError:
        return names
    is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return names.map(float) if is_number else names
