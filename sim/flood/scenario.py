"""The section ``flood:`` of a scenario."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.flood.breach_laws import ErosionWidth, Overtopped, WidthLaw
from sim.flood.channel import Channel
from sim.flood.consequence.section import Evaluation
from sim.flood.given import Line, NotNegative, Ring, SeriesInput
from sim.flood.losses.scenario import CurveNumber, GreenAmpt
from sim.flood.rain.section import Rain
from sim.flood.structures.section import Structures
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


COURANT = {"local_inertial": 0.65, "shallow_water": 0.9}
"""Default of `cfl` by scheme."""

MOST_OUTPUTS = 10_000
"""Outputs of a run: each is a full set of fields on the disk."""


class Initial(Section):
    """Water at the start; dry where nothing is said. At most one of stage, depth and sea_level.

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
    velocity : (u, v) or None
        ``shallow_water`` only: velocity eastward and northward [m/s], a number or a raster each; at rest by default.
    """

    stage: Finite | Path | None = None
    depth: NotNegative | Path | None = None
    sea_level: Finite | None = None
    velocity: tuple[Finite | Path, Finite | Path] | None = None

    @model_validator(mode="after")
    def _one_at_most(self) -> Initial:
        given = [name for name in ("stage", "depth", "sea_level") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are given; give one of stage, depth, sea_level")
        return self


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
    kind : {"wall", "open", "stage", "sea", "discharge", "unit_discharge"}
        ``stage``: the water at the edge stands at `value` [m T.P.]; it throws waves back. ``sea``: the open sea stands
        at `value` (tide, surge), `wave` comes in (tsunami), and waves from inside leave. ``discharge``: `value` [m3/s]
        enters, evenly along the stretch; ``unit_discharge``: `value` [m2/s] enters. ``open``: water leaves at normal
        depth, none enters (``shallow_water``: as it comes where the bed does not fall outwards).
    value : SeriesInput or None
        Linear between the times.
    wave : SeriesInput or None
        ``sea`` only: height [m above `value`] that the wave alone would have at the edge, without what the coast
        throws back.
    slope : float or None
        ``open`` only: friction slope of the outflow; by default the bed's over the last two cells, or the water
        surface's where the bed does not fall outwards.
    """

    edge: Literal["west", "east", "south", "north", "all"]
    from_: Annotated[NotNegative | None, Field(alias="from")] = None
    to: Positive | None = None
    kind: Literal["wall", "open", "stage", "sea", "discharge", "unit_discharge"] = "wall"
    value: SeriesInput | None = None
    wave: SeriesInput | None = None
    slope: NotNegative | None = None

    @model_validator(mode="after")
    def _fits(self) -> Boundary:
        needs = self.kind in {"stage", "sea", "discharge", "unit_discharge"}
        if needs and self.value is None:
            raise ValueError(f"kind {self.kind} needs a value; give a number, [[time in s, value], ...] or a CSV")
        if not needs and self.value is not None:
            raise ValueError(f"kind {self.kind} takes no value; leave it out")
        if self.wave is not None and self.kind != "sea":
            raise ValueError(f"kind {self.kind} takes no wave; it belongs to kind sea")
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
    width : float or WidthLaw
        Final width [m]; or by ``law``: ``manual`` (width of the river), ``verheij_van_der_knaap`` (head and material),
        ``froehlich``, ``von_thun_gillette``.
    invert : float
        Final bed [m T.P.]; lower ground stays.
    start : float or "overtopped" or Overtopped
        Begin of the failure [s], or the water above the crest.
    growth : float or None
        Time until the full width and depth are reached [s]; 0 = at once; by default the law's, or 0.
    shape : {"linear", "sqrt", "log"}
        How the width grows in that time: with x, sqrt(x), log10(1 + 9 x).
    deepening : float or None
        Time until the full depth is reached [s], linear; by default with the width (``manual``: at once).
    hydrograph : SeriesInput or None
        [m3/s] that enters through the breach, for a river that is not in the area.
    """

    name: str = ""
    at: Point | None = None
    line: Line | None = None
    width: Positive | WidthLaw
    invert: Finite
    start: NotNegative | Literal["overtopped"] | Overtopped = 0.0
    growth: NotNegative | None = None
    shape: Literal["linear", "sqrt", "log"] = "linear"
    deepening: NotNegative | None = None
    hydrograph: SeriesInput | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Breach:
        if (self.at is None) == (self.line is None):
            raise ValueError("give exactly one of at, line")
        return self

    @model_validator(mode="after")
    def _law_has_what_it_needs(self) -> Breach:
        if isinstance(self.width, ErosionWidth):
            if self.deepening is None or self.growth is not None or self.shape != "linear":
                raise ValueError("verheij_van_der_knaap needs deepening, and takes no growth and no shape of its own")
            if self.hydrograph is not None and self.width.head is None:
                raise ValueError("with a hydrograph the river is not in the area; give width.head")
        if self.hydrograph is not None and not isinstance(self.start, int | float):
            raise ValueError("with a hydrograph the river is not in the area: nothing tops the crest; give start in s")
        return self


class FloodSection(Section):
    """Flood on the surface.

    Parameters
    ----------
    scheme : str
        ``local_inertial`` (Bates, Horritt & Fewtrell 2010; q-centred after de Almeida & Bates 2013): rain, rivers,
        slow inundation. Not for dam breaks and tsunami: it has no advection. ``shallow_water``: the whole equations
        (finite volume of second order), for breaches, surge, tsunami and steep flow.
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
    buildings : {"hole", "block", "roughness", "porosity", "ignore"}
        ``hole``: cells whose centre a building holds are walls, rain on them runs off into the cells around it.
        ``block``: they stand at the building's top. ``roughness``: the cover raises n:
        n2 = n0 2 + 0.020 theta / (100 - theta) h^(4/3), theta the cover in per cent (at most 60), at the depth
        `cover_depth` (Japanese manual of flood inundation maps). ``porosity``: a cell stores, and carries to its
        neighbours, the share 1 - cover of what open ground would (the same manual); below 0.1 it is a wall.
        ``ignore``: ground only.
    cover_depth : float
        Depth h of that rule [m].
    rain : SeriesInput or Rain or None
        [mm/h]; with Rain also in a part of the area, from rasters in time, of a moving storm, or a design storm.
    inflows, boundaries, breaches, channels : tuple
    infiltration : float or Path or GreenAmpt or CurveNumber
        Into the ground wherever there is water [mm/h], a number or a raster; or by ``kind``: ``green_ampt``,
        ``curve_number`` (losses of the rain).
    drainage : float or Path
        Into the drains wherever there is water [mm/h], a number or a raster: the capacity of street drains.
    gauges : mapping of str to (x, y)
        Columns ``<name>_stage_m``, ``<name>_depth_m``, ``<name>_speed_m_s`` of gauges.csv. A breach that the water
        begins or widens has ``breach_<number>_width_m``.
    sections : mapping of str to line
        Lines through which the discharge is measured: columns ``<name>_discharge_m3_s`` and ``<name>_volume_m3`` of
        gauges.csv. Flow to the left of the line's direction counts positive: draw it from the left to the right bank,
        seen downstream.
    structures : Structures
        Culverts, pumps, gates, weirs, barriers, drains, sewer and underground floors.
    evaluation : Evaluation
        Tables of ranks, dangers and damage, and the population.
    cfl : float
        Share of dx / sqrt(g h_max) that a step takes, 0.65 (``shallow_water``: of dx over the fastest wave
        |u| + sqrt(g h), 0.9).
        ``local_inertial``: at most sqrt(theta / 2), beyond which a checkerboard grows.
    theta : float
        ``local_inertial``: weight of a face's own discharge against its neighbours' along the flow; 1 = Bates et al.
        2010.
    froude_limit : float
        ``local_inertial``: largest Froude number of the flow: without advection, water that falls over a step would
        run away. Raise it for steep slopes where flow is truly supercritical.
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
    buildings: Literal["hole", "block", "roughness", "porosity", "ignore"] = "hole"
    cover_depth: Positive = 1.0
    rain: SeriesInput | Rain | None = None
    inflows: tuple[Inflow, ...] = ()
    boundaries: tuple[Boundary, ...] = ()
    breaches: tuple[Breach, ...] = ()
    channels: tuple[Channel, ...] = ()
    infiltration: NotNegative | Path | Annotated[GreenAmpt | CurveNumber, Field(discriminator="kind")] = 0.0
    drainage: NotNegative | Path = 0.0
    gauges: dict[Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=60)], Point] = Field(default_factory=dict)
    sections: dict[Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=60)], Line] = Field(default_factory=dict)
    structures: Structures = Structures()
    evaluation: Evaluation = Evaluation()
    cfl: Annotated[float, Field(gt=0, le=1)] = Field(
        default_factory=lambda given: COURANT.get(given.get("scheme", ""), 0.65)
    )
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
    def _columns_differ(self) -> FloodSection:
        flowing = ("culverts", "pumps", "gates", "weirs", "drains")
        taken = {name for kind in flowing for name in self.structures.names(kind)}
        if self.structures.sewer is not None:
            taken.add("sewer")
        if both := sorted(taken & set(self.sections)):
            raise ValueError(
                f"a section and a structure are both named {both[0]!r}, and have one column of gauges.csv; "
                "give each its own name"
            )
        return self

    @model_validator(mode="after")
    def _losses_have_rain(self) -> FloodSection:
        if isinstance(self.infiltration, CurveNumber) and self.rain is None:
            raise ValueError("infiltration: curve_number takes of the rain, and there is none; give rain")
        return self

    @model_validator(mode="after")
    def _is_stable(self) -> FloodSection:
        # the shortest wave of two dimensions: q loses a factor 2 theta - 1 a step, and (c dt/dx)^2 <= theta / 2
        limit = math.sqrt(self.theta / 2.0)
        if self.scheme == "local_inertial" and self.cfl > limit:
            raise ValueError(f"cfl {self.cfl} is unstable with theta {self.theta}; give at most {limit:.3f}")
        return self

    @model_validator(mode="after")
    def _begins_at_rest(self) -> FloodSection:
        if self.scheme == "local_inertial" and self.initial.velocity is not None:
            raise ValueError("local_inertial begins at rest; leave initial.velocity out, or take scheme shallow_water")
        return self
