"""The runs of one scenario: any of them leads to all the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sim.registry import simulator_names
from twin.errors import StoreError
from twin.store import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sim.service import Service
    from twin.store import Run

__all__ = ["Member", "RunGroup", "group_of"]


@dataclass(frozen=True, slots=True)
class Member:
    """One stage's run, as its manifest was when it was looked at.

    Parameters
    ----------
    stage : str
        Name of the simulator.
    run : Run
    status : Status
    manifest : mapping
    """

    stage: str
    run: Run
    status: Status
    manifest: Mapping[str, Any]

    @property
    def is_done(self) -> bool:
        """Whether everything that it leaves is there."""
        return self.status is Status.DONE

    @property
    def times(self) -> list[float]:
        """Output times that are planned [s]."""
        return [float(t) for t in self.manifest.get("times", ())]

    @property
    def outputs_done(self) -> int:
        """How many of them there are."""
        return int(self.manifest["outputs_done"])

    def has_field(self, name: str) -> bool:
        """Whether an output of that field can be read."""
        return name in self.manifest.get("fields", ()) and self.outputs_done > 0

    def has_table(self, name: str) -> bool:
        """Whether the run is whole and left that table."""
        return self.is_done and (self.run.folder / f"{name}.parquet").is_file()

    def document(self) -> dict[str, Any]:
        """The stage as JSON."""
        return {
            "stage": self.stage,
            "key": self.run.key,
            "status": shown_status(self.status),
            "progress": float(self.manifest["progress"]),
            "outputs_done": self.outputs_done,
            "outputs": len(self.times),
            "reason": str(self.manifest.get("reason", "")),
        }


@dataclass(frozen=True)
class RunGroup:
    """All runs of a scenario that the store has.

    Parameters
    ----------
    key : str
        Of the run that was asked for.
    members : mapping of str to Member
        By stage, in the order of the simulators.
    """

    key: str
    members: Mapping[str, Member]

    def get(self, stage: str) -> Member | None:
        """The run of a stage, None where the scenario has no such stage."""
        return self.members.get(stage)

    @cached_property
    def asked(self) -> Member:
        """The run that was asked for."""
        return next(member for member in self.members.values() if member.run.key == self.key)

    @property
    def status(self) -> str:
        """One word for all: what is under way, else what went wrong, else done."""
        present = [member.status for member in self.members.values()]
        order = (Status.RUNNING, Status.QUEUED, Status.FAILED, Status.LOST, Status.CANCELLED)
        return shown_status(next((status for status in order if status in present), Status.DONE))

    @property
    def progress(self) -> float:
        """Mean of the stages, 0 to 1."""
        return sum(float(member.manifest["progress"]) for member in self.members.values()) / len(self.members)


def group_of(service: Service, key: str) -> RunGroup:
    """The runs of the scenario that this run belongs to; those that have been removed are left out.

    Raises
    ------
    StoreError
        If there is no run of that key.
    """
    asked = service.open_run(key)
    manifest = asked.manifest()
    keys = {**manifest.get("siblings", {}), str(manifest["stage"]): asked.key}
    names = simulator_names()
    members = {}
    for stage in sorted(keys, key=lambda name: (names.index(name) if name in names else len(names), name)):
        found = service.store.find(keys[stage])
        if found is not None:
            members[stage] = Member(stage, found, found.status, found.manifest())
    if not members:
        raise StoreError("moved while it was read", where=f"run {key}", remedy="Ask again.")
    return RunGroup(asked.key, members)


def shown_status(status: Status) -> str:
    """A status as the page knows it: a run whose process is gone has failed, for the reader."""
    return "failed" if status is Status.LOST else str(status)
