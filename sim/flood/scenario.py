"""The section ``flood:`` of a scenario."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from twin.scenario import Finite, Point, Positive, Seconds, Section

__all__ = [
    "Boundary",
    "Breach",
    "FloodSection",
    "Inflow",
    "Initial",
    "Rain",
    "SeriesInput",
]


MOST_OUTPUTS = 10_000
"""Outputs of a run: each is a full set of fields on the disk."""


def _ascending(pairs: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    if not pairs:
        raise ValueError("the series is empty; give [[time in s, value], ...]")
    if any(b[0] <= a[0] for a, b in pairwise(pairs)):
        raise ValueError("times do not increase; give [[time in s, value], ...] in ascending time")
    return pairs


NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A finite number that is zero or more."""

Pairs = Annotated[tuple[tuple[Finite, Finite], ...], AfterValidator(_ascending)]
"""[[time in s, value], ...] in ascending time."""

SeriesInput: TypeAlias = Finite | Pairs | Path
"""A value in time: a number, [[time in s, value], ...], or a CSV of two columns (time_s, value) with a header line.

Between two times discharge and stage are linear, rain holds the earlier value; before the first and after the last
time the nearest value holds.
"""

Line = Annotated[tuple[Point, ...], Field(min_length=2)]
Ring = Annotated[tuple[Point, ...], Field(min_length=3)]


class Initial(Section):
    """Water at the start; dry where nothing is said. At most one of the three.

    Parameters
    ----------
    stage : float or Path or None
        Water surface [m T.P.]: a number or a raster; ground above it is dry.
    depth : float or Path or None
        Depth [m]: a number or a raster.
    sea_level : float or None
        Water surface [m T.P.] of everything below it that is connected to a stretch of the edge with a stage (to any
        edge where none has one): land behind a dike stays dry. It is the sea and the rivers: water there counts as no
        flood in areas and buildings.
    """

    stage: Finite | Path | None = None
    depth: NotNegative | Path | None = None
    sea_level: Finite | None = None

    @model_validator(mode="after")
    def _one_at_most(self) -> Initial:
        given = [name for name in ("stage", "depth", "sea_level") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are given; give one of stage, depth, sea_level")
        return self


class Rain(Section):
    """Rain on a part of the area.

    Parameters
    ----------
    intensity : SeriesInput
        [mm/h]; a value holds until the next time.
    polygon : tuple of (x, y) or None
        Where it rains [m in the area's frame]; everywhere by default.
    """

    intensity: SeriesInput
    polygon: Ring | None = None


class Inflow(Section):
    """Water that enters (negative: is taken) inside the area, evenly over its cells.

    Parameters
    ----------
    name : str
    at : (x, y) or None
        One cell, or with `radius` a disc.
    radius : float
        [m] around `at`.
    line : tuple of (x, y) or None
        The cells that the line crosses.
    polygon : tuple of (x, y) or None
        The cells whose centre lies inside.
    discharge : SeriesInput
        [m3/s], linear between the times.
    """

    name: str = ""
    at: Point | None = None
    radius: NotNegative = 0.0
    line: Line | None = None
    polygon: Ring | None = None
    discharge: SeriesInput

    @model_validator(mode="after")
    def _one_place(self) -> Inflow:
        given = [name for name in ("at", "line", "polygon") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"{' and '.join(given) or 'no place'} given; give exactly one of at, line, polygon")
        if self.radius and self.at is None:
            raise ValueError("radius belongs to at; give at: [x, y]")
        return self


class Boundary(Section):
    """What a stretch of the area's edge does; edges without one are walls. A later entry wins where two overlap.

    Parameters
    ----------
    edge : {"west", "east", "south", "north", "all"}
    from_, to : float or None
        Stretch along the edge [m] from its southern (west and east edge) or western end (``from:`` in the file).
    kind : {"wall", "open", "stage", "discharge", "unit_discharge"}
        ``stage``: water outside stands at `value` [m T.P.]. ``discharge``: `value` [m3/s] enters, evenly along the
        stretch; ``unit_discharge``: `value` [m2/s] enters. ``open``: water leaves at normal depth, none enters.
    value : SeriesInput or None
        Linear between the times.
    slope : float or None
        ``open`` only: friction slope of the outflow; by default the bed's over the last two cells, or the water
        surface's where the bed does not fall outwards.
    """

    edge: Literal["west", "east", "south", "north", "all"]
    from_: Annotated[NotNegative | None, Field(alias="from")] = None
    to: Positive | None = None
    kind: Literal["wall", "open", "stage", "discharge", "unit_discharge"] = "wall"
    value: SeriesInput | None = None
    slope: NotNegative | None = None

    @model_validator(mode="after")
    def _fits(self) -> Boundary:
        needs = self.kind in {"stage", "discharge", "unit_discharge"}
        if needs and self.value is None:
            raise ValueError(f"kind {self.kind} needs a value; give a number, [[time in s, value], ...] or a CSV")
        if not needs and self.value is not None:
            raise ValueError(f"kind {self.kind} takes no value; leave it out")
        if self.slope is not None and self.kind != "open":
            raise ValueError(f"kind {self.kind} takes no slope; it belongs to kind open")
        if self.to is not None and self.to <= (self.from_ or 0.0):
            raise ValueError(f"the stretch from {self.from_ or 0.0} m to {self.to} m is empty; give from < to")
        if self.edge == "all" and (self.from_ is not None or self.to is not None):
            raise ValueError("from and to belong to one edge; give west, east, south or north")
        return self


class Breach(Section):
    """A levee or wall that fails: its bed (and walls in it) sink to `invert` over a width that grows.

    Parameters
    ----------
    name : str
    at : (x, y) or None
        Centre; cells within width / 2 of it sink.
    line : tuple of (x, y) or None
        Axis of the levee or wall; cells that it crosses sink, from its middle outwards.
    width : float
        Final width [m].
    invert : float
        Final bed [m T.P.]; lower ground stays.
    start : float
        Begin of the failure [s].
    growth : float
        Time until the full width and depth are reached [s], linear; 0 = at once.
    hydrograph : SeriesInput or None
        [m3/s] that enters through the breach, for a river that is not in the area.
    """

    name: str = ""
    at: Point | None = None
    line: Line | None = None
    width: Positive
    invert: Finite
    start: NotNegative = 0.0
    growth: NotNegative = 0.0
    hydrograph: SeriesInput | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Breach:
        if (self.at is None) == (self.line is None):
            raise ValueError("give exactly one of at, line")
        return self


class FloodSection(Section):
    """Flood on the surface.

    Parameters
    ----------
    scheme : str
        ``local_inertial`` (Bates, Horritt & Fewtrell 2010; q-centred after de Almeida & Bates 2013): rain, rivers,
        slow inundation. Not for dam breaks and tsunami: it has no advection.
    precision : {"single", "double"}
        Of depth and discharge; the depth carries a compensation, so volume is kept in both.
    duration : float
        Simulated time [s or ISO 8601].
    output_every : float
        Interval of the stored fields and gauges [s or ISO 8601].
    bed : Path or None
        Raster of the bed [m T.P.] in place of the city's terrain.
    no_bed : {"wall", "refuse"}
        What cells without a bed are: outside the domain (a wall), or an error.
    roughness : float or Path
        Manning's n [s m-1/3], a number or a raster.
    initial : Initial
    buildings : {"hole", "block", "roughness", "ignore"}
        ``hole``: cells whose centre a building holds are walls, rain on them runs off into the cells around it.
        ``block``: they stand at the building's top. ``roughness``: the cover raises n:
        n2 = n0 2 + 0.020 theta / (100 - theta) h^(4/3), theta the cover in per cent (at most 60), at the depth
        `cover_depth` (Japanese manual of flood inundation maps). ``ignore``: ground only.
    cover_depth : float
        Depth h of that rule [m].
    rain : SeriesInput or Rain or None
        [mm/h].
    inflows, boundaries, breaches : tuple
    infiltration : float
        Into the ground wherever there is water [mm/h].
    drainage : float
        Into the drains wherever there is water [mm/h].
    gauges : mapping of str to (x, y)
        Columns ``<name>_stage_m``, ``<name>_depth_m``, ``<name>_speed_m_s`` of gauges.csv.
    cfl : float
        Share of dx / sqrt(g h_max) that a step takes; at most sqrt(theta / 2), beyond which a checkerboard grows.
    theta : float
        Weight of a face's own discharge against its neighbours' along the flow; 1 = Bates et al. 2010.
    froude_limit : float
        Largest Froude number of the flow: without advection, water that falls over a step would run away. Raise it
        for steep slopes where flow is truly supercritical.
    dry_depth : float
        Shallower faces carry nothing [m].
    max_dt : float
        Longest step [s].
    track_every : float
        Interval at which speeds, arrival and duration are sampled [s], 0 = every step; the maximum depth is exact.
    """

    scheme: str = "local_inertial"
    precision: Literal["single", "double"] = "single"
    duration: Seconds
    output_every: Seconds
    bed: Path | None = None
    no_bed: Literal["wall", "refuse"] = "wall"
    roughness: NotNegative | Path = 0.05
    initial: Initial = Initial()
    buildings: Literal["hole", "block", "roughness", "ignore"] = "hole"
    cover_depth: Positive = 1.0
    rain: SeriesInput | Rain | None = None
    inflows: tuple[Inflow, ...] = ()
    boundaries: tuple[Boundary, ...] = ()
    breaches: tuple[Breach, ...] = ()
    infiltration: NotNegative = 0.0
    drainage: NotNegative = 0.0
    gauges: dict[Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=60)], Point] = Field(default_factory=dict)
    cfl: Annotated[float, Field(gt=0, le=1)] = 0.65
    theta: Annotated[float, Field(gt=0, le=1)] = 0.9
    froude_limit: Positive = 1.0
    dry_depth: Annotated[float, Field(gt=0, le=0.1)] = 1e-4
    max_dt: Positive = 10.0
    track_every: NotNegative = 10.0

    @model_validator(mode="after")
    def _output_fits(self) -> FloodSection:
        if self.output_every > self.duration:
            raise ValueError(
                f"output_every is {self.output_every} s, longer than duration {self.duration} s; give at most duration"
            )
        if self.duration / self.output_every > MOST_OUTPUTS:
            raise ValueError(
                f"{self.duration / self.output_every:.0f} outputs are too many; "
                f"give output_every of at least {self.duration / MOST_OUTPUTS:g} s"
            )
        return self

    @model_validator(mode="after")
    def _is_stable(self) -> FloodSection:
        # the shortest wave of two dimensions: q loses a factor 2 theta - 1 a step, and (c dt/dx)^2 <= theta / 2
        limit = math.sqrt(self.theta / 2.0)
        if self.cfl > limit:
            raise ValueError(f"cfl {self.cfl} is unstable with theta {self.theta}; give at most {limit:.3f}")
        return self
