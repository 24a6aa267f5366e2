"""The day's programme: every errand gets its time and way, in turn, or the reason why it is not flown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sim.airspace.conflict import Conflicts, Traffic, find_conflicts
from sim.airspace.deconflict import Decision, Obstacle, Request, plan_in_turn
from sim.airspace.errand import Errand, Flown, send
from sim.airspace.intent import Claims, intent_of
from sim.airspace.objective import Objective

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sim.airspace.airway import Airways
    from sim.airspace.energy import Aircraft
    from sim.airspace.scenario import AirspaceSection
    from sim.airspace.site import Site
    from sim.airspace.trajectory import Trajectory

__all__ = ["Flight", "Programme", "make_programme"]


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """An errand and what became of it.

    Parameters
    ----------
    errand : Errand
    wanted : Flown or None
        Its first way at its wanted time; None if it has none.
    flown : Flown or None
        As planned.
    held : float
        Time that it waits on the ground after its wanted start [s].
    way : int
        Which height it takes, 0 the wanted one; -1 not planned.
    reason : str
        Key of :data:`sim.airspace.reason.REASONS`, "" for a planned flight.
    blocked_by : Obstacle or None
        Flight that stood in its way last.
    """

    errand: Errand
    wanted: Flown | None
    flown: Flown | None
    held: float
    way: int
    reason: str
    blocked_by: Obstacle | None


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """All flights, and the conflicts before and after planning.

    Parameters
    ----------
    flights : tuple of Flight
    before : Conflicts
        Of the wanted flights, by number.
    after : Conflicts
        Of the planned ones: none.
    """

    flights: tuple[Flight, ...]
    before: Conflicts
    after: Conflicts


def make_programme(
    errands: Sequence[Errand], sites: Sequence[Site], airways: Airways, section: AirspaceSection
) -> Programme:
    """Plan every errand in the order of priority."""
    desk = _Desk(errands, sites, airways, section)
    separation = section.separation.rule()
    wind = section.wind.velocity
    fastest = max((e.aircraft.cruise_speed for e in errands), default=1.0) + float(np.hypot(*wind))
    requests = [
        Request(
            errand.priority,
            tuple(desk.way(number, way) for way in range(section.planning.ways)),
            desk.judge(number),
            desk.note(number),
        )
        for number, errand in enumerate(errands)
    ]
    decisions, after = plan_in_turn(
        requests,
        separation,
        fastest=fastest,
        longest_hold=section.planning.longest_hold,
        patience=section.planning.patience,
        hold_step=section.planning.hold_step,
    )
    flights = tuple(desk.flight(number, decision) for number, decision in enumerate(decisions))
    wanted = [number for number, flight in enumerate(flights) if flight.wanted is not None]
    pads = section.planning.pad_time
    before = find_conflicts(
        Traffic.of([f.wanted.trajectory.on_pads(pads, pads) for f in flights if f.wanted is not None]), separation
    )
    pairs = np.array(wanted, dtype=np.int64)[before.pair].reshape(-1, 2)
    return Programme(flights, replace(before, pair=pairs), after)


class _Desk:
    """Keeps what is known of each errand while the flights are planned."""

    def __init__(
        self, errands: Sequence[Errand], sites: Sequence[Site], airways: Airways, section: AirspaceSection
    ) -> None:
        self.errands, self.sites, self.airways, self.section = errands, sites, airways, section
        self.wind = section.wind.velocity
        self.ways: list[dict[int, Flown]] = [{} for _ in errands]
        self.reason = [""] * len(errands)
        self.lands: list[float | None] = [None] * len(errands)
        self.claims = Claims() if section.separation.by == "volumes" else None
        self.rule = section.separation.rule()

    def start(self, number: int) -> float:
        """Wanted start of the climb [s]; an aircraft starts again when it is back and ready."""
        errand = self.errands[number]
        first = errand.earliest + self.section.planning.pad_time
        back = self.lands[errand.follows] if errand.follows >= 0 else None
        return first if back is None else max(first, back + errand.turnaround)

    def way(self, number: int, way: int) -> Callable[[Obstacle | None], Trajectory | None]:
        """Maker of one way of an errand: the higher its number, the higher it flies."""

        def make(_: Obstacle | None) -> Trajectory | None:
            found = self.find(number, way)
            if isinstance(found, str):
                self.reason[number] = self.reason[number] or found
                return None
            self.ways[number][way] = found
            pads = self.section.planning.pad_time
            return found.trajectory.on_pads(pads, pads)

        return make

    def find(self, number: int, way: int) -> Flown | str:
        """The errand's way, or why there is none."""
        errand, section = self.errands[number], self.section
        if errand.base < 0:
            return "no_site"
        start = self.start(number)
        until = min(start + section.planning.longest_hold + _endurance(errand.aircraft), section.duration)
        lift = way * self.airways.lift_step
        objective = _objective(section, errand.aircraft, errand.payload, self.wind)
        found: Flown | str = "late"
        # air that stays open while the flight may be under way; failing that, air that is open at some moment until
        # its last start: it waits for it
        edges = self.airways.air.slices
        moments = [start, *edges[(edges > start) & (edges <= start + section.planning.longest_hold)].tolist()]
        for window in ((start, max(start, until)), *((moment, moment) for moment in moments)):
            found = send(
                errand, self.sites[errand.base], self.airways, start=start, window=window, lift=lift,
                objective=objective, wind=self.wind,
            )  # fmt: skip
            if not isinstance(found, str):
                break
        if isinstance(found, str):
            return found
        if float(found.energy.sum()) > errand.aircraft.battery * (1 - section.planning.reserve):
            return "energy"
        return found

    def judge(self, number: int) -> Callable[[Trajectory], bool]:
        """Whether a way may be flown at its time."""

        def is_allowed(trajectory: Trajectory) -> bool:
            base = self.sites[self.errands[number].base]
            if trajectory.end > self.section.duration:
                problem = "late"
            elif not base.is_dry(trajectory.end):
                problem = "wet"
            elif not self.airways.is_open_along(trajectory.airborne()):
                problem = "zone"
            elif self.claims is not None and not self.claims.is_free(intent_of(trajectory, self.rule)):
                problem = "conflict"
            else:
                return True
            self.reason[number] = self.reason[number] or problem
            return False

        return is_allowed

    def note(self, number: int) -> Callable[[Decision], None]:
        """Remember when an aircraft is back."""

        def decided(decision: Decision) -> None:
            if decision.trajectory is not None:
                self.lands[number] = decision.trajectory.airborne().end
                if self.claims is not None:
                    self.claims.add(intent_of(decision.trajectory, self.rule))

        return decided

    def flight(self, number: int, decision: Decision) -> Flight:
        """What became of an errand."""
        ways = self.ways[number]
        wanted = ways.get(0)
        if decision.trajectory is None:
            reason = "conflict" if decision.blocked_by is not None else self.reason[number] or "conflict"
            return Flight(self.errands[number], wanted, None, 0.0, -1, reason, decision.blocked_by)
        flown = ways[decision.way].at(decision.trajectory.airborne().start)
        return Flight(self.errands[number], wanted, flown, decision.held, decision.way, "", decision.blocked_by)


def _objective(section: AirspaceSection, machine: Aircraft, payload: float, wind: tuple[float, float]) -> Objective:
    if section.planning.objective == "time":
        return machine.fastest(wind)
    if section.planning.objective == "energy":
        return machine.thriftiest(wind, payload)
    return Objective(1.0, 0.0, 0.0, machine.cruise_speed, wind, machine.climb_speed, machine.descent_speed)


def _endurance(machine: Aircraft) -> float:
    """Longest time in the air [s]: at the speed of least power."""
    least = float(np.min(machine.power(np.linspace(0.0, machine.cruise_speed, 25))))
    return machine.battery * 3600.0 / least
