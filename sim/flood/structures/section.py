"""The section ``flood.structures:`` of a scenario: one list a kind."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.flood.given import Line, NotNegative, Ring, SeriesInput
from twin.scenario import Finite, Point, Positive, Section

__all__ = [
    "Barrier",
    "Culvert",
    "Drain",
    "Entrance",
    "Floor",
    "Gate",
    "Pump",
    "Sewer",
    "Structures",
    "Underground",
    "Weir",
]

Name = Annotated[str, Field(pattern=r"^(\w[\w.-]*)?$", max_length=60)]
"""Name of a structure: it stands in the columns of gauges.csv; the kind and its number where none is given."""
NAMED = ("culverts", "pumps", "gates", "weirs", "barriers", "drains", "underground")
Share = Annotated[float, Field(ge=0, le=1)]


class _Ends(Section):
    """Two ends: a place in the area (`from`), and another one (`to`) or water beyond the area (`outside`)."""

    name: Name = ""
    from_: Annotated[Point, Field(alias="from")]
    to: Point | None = None
    outside: SeriesInput | None = None

    @model_validator(mode="after")
    def _one_other_end(self) -> _Ends:
        if (self.to is None) == (self.outside is None):
            raise ValueError("give exactly one of to: [x, y] and outside: the stage there [m T.P.]")
        return self


class Culvert(_Ends):
    """A barrel under a road or a levee (カルバート, 樋管): HDS-5 (FHWA 2012), inlet or outlet control.

    Parameters
    ----------
    name : str
    from_, to : (x, y)
        Its two ends (``from:`` in the file) [m in the area's frame]; `to` or `outside`.
    outside : SeriesInput or None
        Stage of water beyond the area at the far end [m T.P.].
    shape : {"circle", "box"}
    width, height : float
        Inner size of a box [m]; of a circle `height` is the diameter and `width` is left out.
    number : int
        Barrels beside each other.
    inverts : (float, float)
        Bottom of the barrel at `from` and at the far end [m T.P.].
    length : float or None
        [m]; the distance of the ends by default.
    roughness : float
        Manning's n of the barrel [s m-1/3]; 0.013, finished concrete (Chow 1959, table 5-6).
    inlet : str
        Row of ``culvert_inlets.yaml``: constants of the inlet control, and the loss at the entrance.
    entrance_loss : float or None
        Loss coefficient k_e in place of the table's.
    flap : bool
        A flap gate at the far end: water passes from `from` to the far end only.
    """

    shape: Literal["circle", "box"] = "box"
    width: Positive | None = None
    height: Positive
    number: Annotated[int, Field(ge=1, le=100)] = 1
    inverts: tuple[Finite, Finite]
    length: Positive | None = None
    roughness: Positive = 0.013
    inlet: str | None = None
    entrance_loss: NotNegative | None = None
    flap: bool = False

    @model_validator(mode="after")
    def _has_size(self) -> Culvert:
        if self.shape == "box" and self.width is None:
            raise ValueError("a box needs a width [m]")
        if self.shape == "circle" and self.width is not None:
            raise ValueError("a circle takes no width; its diameter is the height")
        if self.length is None and self.outside is not None:
            raise ValueError("a culvert to the outside needs a length [m]")
        return self


class Pump(Section):
    """A pumping station (排水機場, ポンプ): takes water at a place or from a catchment, gives it to another or outside.

    Parameters
    ----------
    name : str
    at : (x, y)
        Intake; the levels are read here [m in the area's frame].
    catchment : ring of (x, y) or None
        Cells that it drains: volume over the number of wet cells, taken evenly; the intake's cell by default.
    to : (x, y) or None
        Where the water goes; out of the area by default.
    outside : SeriesInput or None
        Stage of the water outside [m T.P.], for the head of the curve.
    capacity : float or None
        [m3/s]; this or a `curve`.
    curve : tuple of (head, discharge) or None
        [m], [m3/s] in ascending head; the head is the stage at the outlet (at least its bed) over that at the intake.
        Beyond its ends the nearest discharge holds: end it with a discharge of 0.
    start, stop : float or None
        Levels at the intake [m T.P.] that switch it on and off; without them it runs while there is water.
    start_up : float
        Time from the switch to the full discharge, linear [s].
    fails_at : float or None
        Time at which it stops for good (power, fuel) [s].
    floor : float or None
        Height of its motors' floor [m T.P.]: when water stands above it at the intake, it stops for good.
    """

    name: Name = ""
    at: Point
    catchment: Ring | None = None
    to: Point | None = None
    outside: SeriesInput | None = None
    capacity: Positive | None = None
    curve: Annotated[tuple[tuple[Finite, NotNegative], ...], Field(min_length=1)] | None = None
    start: Finite | None = None
    stop: Finite | None = None
    start_up: NotNegative = 0.0
    fails_at: NotNegative | None = None
    floor: Finite | None = None

    @model_validator(mode="after")
    def _fits(self) -> Pump:
        if (self.capacity is None) == (self.curve is None):
            raise ValueError("give exactly one of capacity [m3/s] and curve [[head, discharge], ...]")
        heads = [head for head, _ in self.curve or ()]
        if any(b <= a for a, b in pairwise(heads)):
            raise ValueError("the heads of the curve do not increase; give [[head in m, m3/s], ...] in ascending head")
        if (self.start is None) != (self.stop is None):
            raise ValueError("start and stop belong together; give both levels [m T.P.], or neither")
        if self.start is not None and self.stop is not None and self.stop >= self.start:
            raise ValueError(f"stop {self.stop} is not below start {self.start} m T.P.")
        if self.to is not None and self.outside is not None:
            raise ValueError("give to: [x, y] or outside: the stage there [m T.P.], not both")
        return self


class Gate(_Ends):
    """A gate or sluice (水門, 樋門) between two ends: weir below its lip, orifice under it, free and drowned.

    Parameters
    ----------
    name, from_, to, outside
        As of a culvert.
    width : float
        [m].
    sill : float
        [m T.P.].
    opening : SeriesInput
        Height of the opening above the sill [m]: linear in time, or the full opening where there is a rule.
    close_above, open_below : float or None
        Rule: it closes when the stage at `watch` rises to `close_above`, and opens when it falls to `open_below`
        [m T.P.].
    watch : (x, y) or None
        Where the rule reads the stage; the far end by default.
    against_backflow : bool
        Rule: it closes when the far end stands higher than `from`, and opens when it stands lower.
    closing_time : float
        Time from wholly open to shut, and back [s].
    contraction : float
        Of the jet under the lip, 0.611 for a sharp one (von Mises 1917; Henderson 1966, table 6-1).
    """

    width: Positive
    sill: Finite
    opening: SeriesInput
    close_above: Finite | None = None
    open_below: Finite | None = None
    watch: Point | None = None
    against_backflow: bool = False
    closing_time: NotNegative = 0.0
    contraction: Annotated[float, Field(gt=0, le=1)] = 0.611

    @model_validator(mode="after")
    def _one_rule(self) -> Gate:
        if (self.close_above is None) != (self.open_below is None):
            raise ValueError("close_above and open_below belong together; give both [m T.P.], or neither")
        if self.close_above is not None and self.open_below is not None and self.open_below >= self.close_above:
            raise ValueError(f"open_below {self.open_below} is not below close_above {self.close_above} m T.P.")
        if self.against_backflow and self.close_above is not None:
            raise ValueError("give one rule: against_backflow, or close_above with open_below")
        if self.watch is not None and self.close_above is None:
            raise ValueError("watch belongs to close_above and open_below")
        if isinstance(self.opening, int | float) and self.opening < 0:
            raise ValueError(f"opening is {self.opening} m; give a height >= 0")
        return self


class Weir(_Ends):
    """A weir between two ends (越流堤, 横越流堰): broad-crested, drowned after Villemonte (1947).

    Parameters
    ----------
    name, from_, to, outside
        As of a culvert.
    width : float
        Length of the crest [m].
    crest : SeriesInput
        [m T.P.], linear in time.
    coefficient : float
        Q = C b H^1.5 [m1/2 s-1]; (2/3)^1.5 g^0.5, critical flow.
    """

    width: Positive
    crest: SeriesInput
    coefficient: Positive = 1.7048


class Barrier(Section):
    """A temporary barrier (土のう, 止水板, 角落し) on the cell faces that a line crosses.

    Parameters
    ----------
    name : str
    line : tuple of (x, y)
        [m in the area's frame].
    crest : SeriesInput
        Height of its top [m T.P.], linear in time; ground that is higher stays.
    up_at : float
        When it is put up [s]; before that it is not there.
    down_at : float or None
        When it is taken away [s].
    """

    name: Name = ""
    line: Line
    crest: SeriesInput
    up_at: NotNegative = 0.0
    down_at: NotNegative | None = None

    @model_validator(mode="after")
    def _stands(self) -> Barrier:
        if self.down_at is not None and self.down_at <= self.up_at:
            raise ValueError(f"it is taken away at {self.down_at} s, before it is up at {self.up_at} s")
        return self


class Drain(Section):
    """Street drains (雨水ます, 集水桝) of one kind: weir at their rim, orifice when drowned (HEC-22, FHWA 2009, 4.4.4).

    Parameters
    ----------
    name : str
        Of the group.
    at : tuple of (x, y)
        Where they are [m in the area's frame]; this or a `file`.
    file : Path or None
        Points: GeoPackage, GeoJSON, Shapefile or GeoParquet.
    perimeter : float
        Of one grate, along which water falls in [m].
    area : float
        Clear opening of one grate [m2].
    capacity : float or None
        Most that the pipe below one takes [m3/s]; none by default.
    blocked : float
        Share of the grate that leaves and litter close: perimeter and area shrink by it.
    """

    name: Name = ""
    at: tuple[Point, ...] = ()
    file: Path | None = None
    perimeter: Positive
    area: Positive
    capacity: Positive | None = None
    blocked: Share = 0.0

    @model_validator(mode="after")
    def _has_places(self) -> Drain:
        if bool(self.at) == (self.file is not None):
            raise ValueError("give exactly one of at: [[x, y], ...] and file:")
        return self


class Sewer(Section):
    """Sewer pipes (下水道) in both directions: EPA SWMM 5 runs beside the flood, step by step.

    Parameters
    ----------
    file : Path
        SWMM input file (``.inp``): flow routing by ``DYNWAVE``, coordinates in the area's frame.
    perimeter, area : float
        Of the openings at each manhole that the street has [m], [m2].
    capacity : float or None
        Most that one manhole takes [m3/s].
    nodes : tuple of str
        Junctions that are open to the street; all junctions in the area by default.
    """

    file: Path
    perimeter: Positive = 2.0
    area: Positive = 0.28
    capacity: Positive | None = None
    nodes: tuple[str, ...] = ()


class Entrance(Section):
    """A way down (地下入口).

    Parameters
    ----------
    name : str
    at : (x, y)
        [m in the area's frame].
    width : float
        [m].
    step : float
        Threshold above the street [m].
    shutter : bool
        Whether it has a flood panel or shutter (止水板).
    """

    name: str = ""
    at: Point
    width: Positive
    step: NotNegative = 0.0
    shutter: bool = False


class Floor(Section):
    """An underground floor.

    Parameters
    ----------
    name : str
    height : float
        Of the floor [m T.P.].
    area : float
        Free area [m2].
    ceiling : float
        Clear height [m].
    """

    name: str = ""
    height: Finite
    area: Positive
    ceiling: Positive


class Underground(Section):
    """An underground mall or station (地下街): filled through its entrances, floor by floor.

    Parameters
    ----------
    name : str
    floors : tuple of Floor, or str
        Lowest first or last, or the layer of the city that holds them.
    entrances : tuple of Entrance, or str
        Or the layer of the city that holds them.
    shutters_close : float or None
        When those that have one close their shutters [s]; never by default.
    shutter_height : float
        Top of a closed shutter above the street [m].
    stairwell : float
        Free area of each entrance's stairs [m2], which fill when the floors are full.
    """

    name: Name = ""
    floors: tuple[Floor, ...] | str = "underground"
    entrances: tuple[Entrance, ...] | str = "entrances"
    shutters_close: NotNegative | None = None
    shutter_height: Positive = 0.5
    stairwell: Positive = 20.0

    @model_validator(mode="after")
    def _of_one_kind(self) -> Underground:
        if isinstance(self.floors, str) != isinstance(self.entrances, str):
            raise ValueError("give floors and entrances both as layers of the city, or both as lists")
        if not self.floors or not self.entrances:
            raise ValueError("an underground needs at least one floor and one entrance")
        return self


class Structures(Section):
    """Structures of a flood, by kind.

    Parameters
    ----------
    culverts, pumps, gates, weirs, barriers, drains, underground : tuple
    sewer : Sewer or None
    inlets : Path or None
        Table in place of ``culvert_inlets.yaml``.
    """

    culverts: tuple[Culvert, ...] = ()
    pumps: tuple[Pump, ...] = ()
    gates: tuple[Gate, ...] = ()
    weirs: tuple[Weir, ...] = ()
    barriers: tuple[Barrier, ...] = ()
    drains: tuple[Drain, ...] = ()
    underground: tuple[Underground, ...] = ()
    sewer: Sewer | None = None
    inlets: Path | None = None

    @model_validator(mode="after")
    def _names_differ(self) -> Structures:
        seen: dict[str, str] = {}
        for kind in NAMED:
            for number, name in enumerate(self.names(kind)):
                if name in seen:
                    raise ValueError(
                        f"{kind}.{number} and {seen[name]} are both named {name!r}; give each structure its own name"
                    )
                seen[name] = f"{kind}.{number}"
        return self

    def names(self, kind: str) -> tuple[str, ...]:
        """Names of the structures of a kind (``pumps``): what the file says, or the kind and a number."""
        return tuple(
            one.name or f"{kind.removesuffix('s')}_{number}" for number, one in enumerate(getattr(self, kind), start=1)
        )

    def layers(self) -> tuple[str, ...]:
        """Layers of the city that it reads."""
        found = [layer for one in self.underground for layer in (one.floors, one.entrances) if isinstance(layer, str)]
        return tuple(dict.fromkeys(found))
