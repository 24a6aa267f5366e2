"""The section ``airspace:`` of a scenario."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.airspace.separation import Separation
from twin.scenario import Finite, Names, NotNegative, Point, Positive, Seconds, Section, StageSection

__all__ = [
    "AirspaceSection",
    "Delivery",
    "Emergency",
    "Levels",
    "Mission",
    "Planning",
    "SeparationRule",
    "SiteSpec",
    "Survey",
    "Wind",
]

Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
"""A share from 0 to less than 1."""
Ring = Annotated[tuple[Point, ...], Field(min_length=3)]
MOST_OUTPUTS = 10_000
"""Outputs of a run."""


class Levels(Section):
    """The band of heights that is flown in, and its levels.

    Parameters
    ----------
    bottom : float
        Least height above ground, except over a landing site or a drop [m].
    top : float
        Largest height above ground [m]; 150 m needs a permission in Japan (航空法第132条の85).
    level_height : float
        Height of a voxel [m].
    """

    bottom: NotNegative = 30.0
    top: Positive = 150.0
    level_height: Positive = 5.0

    @model_validator(mode="after")
    def _is_a_band(self) -> Levels:
        if self.top - self.bottom < 2 * self.level_height:
            raise ValueError(f"{self.bottom} to {self.top} m holds no two levels of {self.level_height} m")
        return self


class Wind(Section):
    """Steady wind over the whole area.

    Parameters
    ----------
    speed : float
        [m/s]
    from_ : float
        Direction that it comes from [deg from north, clockwise] (``from:`` in the file).
    """

    speed: NotNegative = 0.0
    from_: Annotated[Finite, Field(alias="from")] = 0.0

    @property
    def velocity(self) -> tuple[float, float]:
        """Eastward and northward [m/s]."""
        angle = math.radians(self.from_)
        return (-self.speed * math.sin(angle), -self.speed * math.cos(angle))


class SeparationRule(Section):
    """What flights keep from each other: in the plane, or in height, at every moment.

    Parameters
    ----------
    horizontal, vertical : float
        [m]
    time : float
        By how much an intent's volumes begin earlier and end later than the flight is there [s].
    by : "trajectories" or "volumes"
        Whether flights keep apart from where others are at every moment, or from all the air that the intents of
        others claim (ASTM F3548-21): safer, and far fewer flights find a time.
    """

    horizontal: Positive = 50.0
    vertical: Positive = 15.0
    time: NotNegative = 5.0
    by: Literal["trajectories", "volumes"] = "trajectories"

    def rule(self) -> Separation:
        """The figures alone."""
        return Separation(self.horizontal, self.vertical, self.time)


class SiteSpec(Section):
    """A landing site of the scenario's own.

    Parameters
    ----------
    id : str
    name : str
    at : (x, y)
        [m in the area's frame]
    height : float or None
        Of the pad [m T.P.]; the ground, or with kind ``roof`` the roof, where nothing is said.
    kind : str
        ``roof`` stays dry; every other kind is wet when the flood is there.
    radius : float
        [m]
    """

    id: str
    name: str = ""
    at: Point
    height: Finite | None = None
    kind: str = "ground"
    radius: Positive = 5.0


class Emergency(Section):
    """Emergency airspace (緊急用務空域) that is set up for a time: closed for everybody without a permission.

    Parameters
    ----------
    polygon : tuple of (x, y)
        [m in the area's frame]
    start, until : float or None
        [s]; from the beginning, to the end by default.
    """

    polygon: Ring
    start: NotNegative = 0.0
    until: Seconds | None = None


class Mission(Section):
    """What all missions have.

    Parameters
    ----------
    name : str
    aircraft : str
        Name in the table of aircraft.
    count : int
        Aircraft.
    priority : int
        The higher goes first.
    start : float
        When the first aircraft is ready [s].
    interval : float
        Time between two aircraft's first starts [s].
    turnaround : float
        Between a landing and the same aircraft's next start: battery, load [s].
    base : str or None
        Landing site that all its aircraft work from; by default the one nearest to the middle of the work of those
        that stay dry.
    """

    name: str
    aircraft: str
    count: Annotated[int, Field(ge=1, le=200)] = 1
    priority: int = 0
    start: NotNegative = 0.0
    interval: NotNegative = 30.0
    turnaround: NotNegative = 300.0
    base: str | None = None


class Survey(Mission):
    """Look at an area from above, in parallel sweeps.

    Parameters
    ----------
    kind : "survey"
    area : tuple of (x, y), str or None
        Polygon [m in the area's frame], or a layer of polygons; what the flood covers by default.
    depth : float
        Depth from which land counts as flooded [m].
    at : float or None
        Time at which the flood is looked at [s]; its largest extent by default.
    altitude : float
        Height above ground [m].
    overlap : float
        Share of a swath that the next one covers again.
    smallest : float
        Parts of the area below this size are left out [m2].
    """

    kind: Literal["survey"]
    aircraft: str = "survey"
    area: Ring | str | None = None
    depth: Positive = 0.3
    at: NotNegative | None = None
    altitude: Positive = 60.0
    overlap: Share = 0.3
    smallest: NotNegative = 10_000.0


class Delivery(Mission):
    """Bring loads to places and come back; the load is let down while the aircraft hovers.

    Parameters
    ----------
    kind : "delivery"
    to : str or tuple of (x, y)
        Layer of points, or places [m in the area's frame].
    only : tuple of str
        Names of those of the layer's places that are meant; all by default.
    which : "all", "cut_off" or "dry"
        Of the layer's places all, those that stand in water at `at`, or those that do not.
    depth : float
        From which a place counts as standing in water [m].
    at : float or None
        Time at which the flood is looked at [s]; its largest depth by default.
    payload : float
        Load of a trip [kg].
    trips : int
        Trips to each place.
    drop_height : float
        Above the highest thing there [m].
    drop_time : float
        [s]
    """

    kind: Literal["delivery"]
    aircraft: str = "delivery"
    to: str | Annotated[tuple[Point, ...], Field(min_length=1)] = "shelters"
    only: Names = ()
    which: Literal["all", "cut_off", "dry"] = "cut_off"
    depth: Positive = 0.3
    at: NotNegative | None = None
    payload: NotNegative = 3.0
    trips: Annotated[int, Field(ge=1, le=100)] = 1
    drop_height: Positive = 10.0
    drop_time: Positive = 40.0


AnyMission = Annotated[Survey | Delivery, Field(discriminator="kind")]


class Planning(Section):
    """How paths and times are searched.

    Parameters
    ----------
    cell_size : float
        Edge of a voxel [m].
    clearance : float
        Least distance from buildings and ground [m].
    bound : float
        A path costs at most this many times the least over 26 neighbours; 1 is the slowest search.
    objective : "time", "length" or "energy"
    longest_hold : float
        A flight may wait this long on the ground [s].
    patience : float
        Up to this much waiting no other way is looked for [s].
    hold_step : float
        [s]
    pad_time : float
        For which a pad is taken before a start and after a landing [s].
    ways : int
        Heights that are tried for a flight.
    reserve : float
        Share of the battery that is left after landing, on the way to an emergency landing too.
    closed_from : str
        Least restriction that closes air: PROHIBITED, REQ_AUTHORISATION or CONDITIONAL.
    dear_factor : float
        How many times as dear air is whose restriction is CONDITIONAL or more and does not close it.
    """

    cell_size: Positive = 10.0
    clearance: NotNegative = 10.0
    bound: Annotated[float, Field(ge=1, le=10)] = 1.1
    objective: Literal["time", "length", "energy"] = "time"
    longest_hold: NotNegative = 900.0
    patience: NotNegative = 60.0
    hold_step: Positive = 5.0
    pad_time: NotNegative = 20.0
    ways: Annotated[int, Field(ge=1, le=8)] = 3
    reserve: Share = 0.25
    closed_from: Literal["PROHIBITED", "REQ_AUTHORISATION", "CONDITIONAL"] = "PROHIBITED"
    dear_factor: Annotated[float, Field(ge=1, le=16)] = 1.0


class AirspaceSection(StageSection):
    """Drones over the city: what they may fly through, what they do, and how they keep apart.

    Parameters
    ----------
    duration, output_every : float
        [s] or ISO 8601.
    levels : Levels
    wind : Wind
    separation : SeparationRule
    planning : Planning
    aircraft_table : Path or None
        Aircraft of your own (YAML, in the form of ``sim/airspace/aircraft.yaml``).
    zones : tuple of str
        Layers of geographical zones.
    landing_sites : str
        Layer of landing sites; taken if the city has it.
    sites : tuple of SiteSpec
        More landing sites.
    wet_depth : float
        Water that closes a landing site that is no roof [m].
    granted : tuple of str
        Zones or kinds of rules for which the operator holds a permission.
    emergency : tuple of Emergency
    missions : tuple of Survey or Delivery
    """

    duration: Seconds = 3600.0
    output_every: Seconds = 10.0
    levels: Levels = Levels()
    wind: Wind = Wind()
    separation: SeparationRule = SeparationRule()
    planning: Planning = Planning()
    aircraft_table: Path | None = None
    zones: Names = ("airspace_zones",)
    landing_sites: str = "landing_sites"
    sites: tuple[SiteSpec, ...] = ()
    wet_depth: Positive = 0.1
    granted: Names = ()
    emergency: tuple[Emergency, ...] = ()
    missions: Annotated[tuple[AnyMission, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits(self) -> AirspaceSection:
        if self.output_every > self.duration:
            raise ValueError(f"output_every ({self.output_every} s) is longer than duration ({self.duration} s)")
        if self.duration / self.output_every > MOST_OUTPUTS:
            raise ValueError(f"more than {MOST_OUTPUTS} outputs; give a longer output_every")
        names = [mission.name for mission in self.missions]
        if len(set(names)) < len(names):
            raise ValueError(f"missions share a name: {', '.join(sorted(names))}")
        return self
