"""A day of flights in progress: planned as a whole, then observed over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.airspace.fields import FlightState
from twin.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sim.airspace.airway import Airways
    from sim.airspace.contingency import Escapes
    from sim.airspace.mission import Plan
    from sim.airspace.program import Programme
    from sim.airspace.scenario import AirspaceSection
    from sim.airspace.site import Site
    from twin.grid import Grid

__all__ = ["AirspaceModel"]

LONGEST_STEP = 60.0
"""Steps only move the clock [s]: small enough that a run can be cancelled."""


class AirspaceModel:
    """Flights that follow their plans; a ``sim.protocol.Model``.

    Parameters
    ----------
    section : AirspaceSection
    grid : Grid
        The area: positions are stored from its south-west corner.
    airways : Airways
    sites : sequence of Site
    plan : Plan
    programme : Programme
    escapes : sequence of (Escapes or None)
        One a flight.
    """

    def __init__(
        self,
        section: AirspaceSection,
        grid: Grid,
        airways: Airways,
        sites: Sequence[Site],
        plan: Plan,
        programme: Programme,
        escapes: Sequence[Escapes | None],
    ) -> None:
        self.clock = Clock()
        self.section, self.grid, self.airways = section, grid, airways
        self.sites, self.plan, self.programme, self.escapes = tuple(sites), plan, programme, tuple(escapes)

    def stable_dt(self) -> float:
        """Any step is stable."""
        return LONGEST_STEP

    def step(self, dt: float) -> None:
        """Advance by `dt` [s]."""
        self.clock.advance(dt)

    def fields(self) -> dict[str, NDArray[Any]]:
        """Position and state of every flight now."""
        now = self.clock.time
        west, south, _, _ = self.grid.bounds
        n = len(self.programme.flights)
        place, state = np.zeros((n, 3)), np.zeros(n, dtype=np.uint8)
        for number, flight in enumerate(self.programme.flights):
            if flight.flown is None:
                state[number] = FlightState.NOT_PLANNED
                base = flight.errand.base
                place[number] = self._site_place(base)
                continue
            trajectory = flight.flown.trajectory
            place[number] = trajectory.at(now)[0]
            if now > trajectory.end:
                state[number] = FlightState.LANDED
            elif now >= trajectory.start:
                state[number] = FlightState.FLYING
            elif now >= trajectory.start - flight.held:
                state[number] = FlightState.HOLDING
        return {
            "x_flight": (place[:, 0] - west).astype(np.float32),
            "y_flight": (place[:, 1] - south).astype(np.float32),
            "z_flight": place[:, 2].astype(np.float32),
            "state_flight": state,
        }

    def _site_place(self, number: int) -> tuple[float, float, float]:
        if number < 0:
            west, south, east, north = self.grid.bounds
            return (0.5 * (west + east), 0.5 * (south + north), 0.0)
        site = self.sites[number]
        return (site.x, site.y, site.z)

    def gauges(self) -> dict[str, float]:
        """Flights in the air, planned and holding; conflicts that the wanted flights would be in now."""
        state = self.fields()["state_flight"]
        before = self.programme.before
        wanted = before.first <= self.clock.time
        return {
            "airborne": float((state == FlightState.FLYING).sum()),
            "planned": float((state != FlightState.NOT_PLANNED).sum()),
            "conflicts": float((self.programme.after.first <= self.clock.time).sum()),
            "conflicts_unplanned": float(wanted.sum()),
            "held": float((state == FlightState.HOLDING).sum()),
        }

    def budget(self) -> dict[str, float]:
        """Flights by state: none is lost."""
        state = self.fields()["state_flight"]
        counts = {member.name.lower(): float((state == member).sum()) for member in FlightState}
        total = float(len(self.programme.flights))
        return {**counts, "relative_error": abs(sum(counts.values()) - total) / max(total, 1.0)}

    def state(self) -> dict[str, NDArray[Any]]:
        """The clock: everything else follows from the scenario."""
        return {"clock": np.array([self.clock.time, self.clock.step], dtype=np.float64)}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""
        self.clock.time, self.clock.step = float(state["clock"][0]), int(state["clock"][1])
