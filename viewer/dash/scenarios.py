"""Jobs put together to scenarios: the rows of the list of runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.registry import simulator_names
from twin.store import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sim.service import JobStatus

__all__ = ["ScenarioJobs", "find_scenario", "is_active", "scenarios_of"]

ORDER = (Status.RUNNING, Status.QUEUED, Status.FAILED, Status.LOST, Status.CANCELLED, Status.DONE)
"""The first of these that a stage has is the scenario's."""


def is_active(job: JobStatus | ScenarioJobs) -> bool:
    """Whether something is still to come."""
    return job.status in (Status.QUEUED, Status.RUNNING)


@dataclass(frozen=True, slots=True)
class ScenarioJobs:
    """The stages of one scenario, in the order of the simulators.

    Parameters
    ----------
    key : str
        Of the run that leads to the others: its manifest names exactly these.
    jobs : tuple of JobStatus
    """

    key: str
    jobs: tuple[JobStatus, ...]

    @property
    def lead(self) -> JobStatus:
        """The run that leads to the others."""
        return next(job for job in self.jobs if job.key == self.key)

    @property
    def status(self) -> Status:
        """One word for all stages: what is under way, else what went wrong, else done."""
        present = {job.status for job in self.jobs}
        return next(status for status in ORDER if status in present)

    @property
    def started(self) -> float:
        """When the last stage was begun or queued."""
        return max(job.started or 0.0 for job in self.jobs)

    @property
    def is_shown(self) -> bool:
        """Whether the view can show anything of it, now or soon."""
        return any(job.status is Status.DONE or is_active(job) for job in self.jobs)

    def has(self, key: str | None) -> bool:
        """Whether a run belongs to it."""
        return any(job.key == key for job in self.jobs)


def scenarios_of(jobs: Sequence[JobStatus]) -> list[ScenarioJobs]:
    """The scenarios that jobs belong to, the newest first; a run that several scenarios share stands in each."""
    by_key = {job.key: job for job in jobs}
    wanted: list[Mapping[str, str]] = []
    for job in jobs:
        if job.siblings not in wanted:
            wanted.append(job.siblings)
    found = []
    for siblings in wanted:
        keys = set(siblings.values())
        if any(keys < set(other.values()) for other in wanted):
            continue  # a scenario that has since got more stages
        mine = [by_key[key] for _, key in sorted(siblings.items(), key=_place) if key in by_key]
        # a shared run's manifest names the scenario that it was made for: another one must lead
        leads = [job for job in mine if job.siblings == siblings]
        found.append(ScenarioJobs(leads[0].key, tuple(mine)))
    return sorted(found, key=lambda one: one.started, reverse=True)


def find_scenario(jobs: Sequence[JobStatus], keys: Sequence[str]) -> ScenarioJobs | None:
    """The newest scenario that has all these runs."""
    return next((one for one in scenarios_of(jobs) if all(one.has(key) for key in keys)), None)


def _place(item: tuple[str, str]) -> tuple[int, str]:
    names = simulator_names()
    return (names.index(item[0]) if item[0] in names else len(names), item[0])
