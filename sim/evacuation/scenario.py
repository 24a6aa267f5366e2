"""The section ``evacuation:`` of a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from twin.scenario import NotNegative, Point, Positive, Seconds, Section, StageSection

__all__ = ["Alarm", "Behaviour", "Closure", "CrowdRoom", "EvacuationSection", "Hazard", "Shelter", "Vertical"]

Share = Annotated[float, Field(ge=0.0, le=1.0)]
"""A share, 0 to 1."""


def _duration(value: object) -> object:
    """Seconds from a number or an ISO 8601 duration; zero is allowed."""
    if isinstance(value, str):
        from datetime import timedelta

        from pydantic import TypeAdapter

        return TypeAdapter(timedelta).validate_python(value).total_seconds()
    return value


Time = Annotated[float, BeforeValidator(_duration), Field(ge=0.0, allow_inf_nan=False)]
"""Seconds since the scenario's start, as a number or in ISO 8601 (``PT10M``)."""


class Alarm(Section):
    """The call to evacuate.

    Parameters
    ----------
    at : float
        When it is given [s since the scenario's start].
    """

    at: Time = 0.0


class Behaviour(Section):
    """What people do after the warning: shares that add up to 1.

    Parameters
    ----------
    direct, after_chores : float
        Leave at once, or after having settled things; the times are in the table of groups.
    when_water_comes : float
        Stay until water is at the door.
    """

    direct: Share
    after_chores: Share
    when_water_comes: Share

    @model_validator(mode="after")
    def _is_whole(self) -> Behaviour:
        total = self.direct + self.after_chores + self.when_water_comes
        if abs(total - 1.0) > 1e-9:
            raise ValueError(f"the shares add up to {total:g}; make them add up to 1")
        return self


class Vertical(Section):
    """Refuge on the highest floor of the own building.

    Parameters
    ----------
    share : float
        Share of the people in buildings that are high enough who go up instead of out.
    storeys : int
        Storeys above ground that a building must have.
    """

    share: Share = 0.0
    storeys: Annotated[int, Field(ge=2)] = 3


class Shelter(Section):
    """A shelter of the scenario's own.

    Parameters
    ----------
    name : str
    at : (x, y)
        [m in the area's frame]
    capacity : int
        Persons.
    floor_height : float
        Height of the floor that is used above the ground [m].
    """

    name: Annotated[str, Field(min_length=1)]
    at: Point
    capacity: Annotated[int, Field(ge=0)]
    floor_height: NotNegative = 0.0


class Closure(Section):
    """A street that is closed: nobody enters it at its ends; who is on it or lives there leaves it.

    Parameters
    ----------
    at : (x, y)
        The street nearest to this point [m in the area's frame] is closed.
    start, end : float
        From when until when [s since the scenario's start]; for good where no end is given.
    """

    at: Point
    start: Time = 0.0
    end: Time | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Closure:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"end {self.end:g} s is not after start {self.start:g} s")
        return self


class Hazard(Section):
    """What water does to people: presets of ``water.yaml``, or of a table of your own.

    Parameters
    ----------
    speed : str
        Preset of the walking speed over depth.
    life_loss : str
        Preset of the chance to die when caught: ``jonkman`` is made from river and storm floods, ``cabinet_office`` for
        tsunamis, ``none`` counts the caught as stranded only.
    table : Path or None
        A YAML file of the same form, in place of ``water.yaml``.
    """

    speed: str = "li_2026"
    life_loss: str = "jonkman"
    table: Path | None = None


class CrowdRoom(Section):
    """People on an underground floor: they walk through it in the plane and leave by its entrances.

    Parameters
    ----------
    floor : str
        ``floor_id`` in the layer of floors.
    people : int
        Persons there at the start, spread evenly.
    floors, entrances : str
        Layers of the floors (polygons) and of the entrances (points).
    """

    floor: str
    people: Annotated[int, Field(ge=1)]
    floors: str = "underground"
    entrances: str = "entrances"


Presets: TypeAlias = Literal["planning", "walking"]


class EvacuationSection(StageSection):
    """People leave their buildings, walk along the streets and look for a shelter that has room.

    Parameters
    ----------
    duration, output_every : float
        End and output interval [s].
    network : str
        Layer of the streets.
    population : str or None
        Layer of population squares; None makes the people from the buildings' floor area.
    column : str
        Column with the number of people; ``auto``: ``night`` from 18 to 6 o'clock, ``day`` otherwise.
    zone : str or None
        Layer of polygons, official inundation zones say: only who is in one of them is called to leave, and counted.
    buildings, terrain : str
        Layers that say where in a square people are, and how high the ground is; used where they are there.
    share : float
        Share of the people whom the warning reaches; the others stay until water comes.
    warning : Alarm
    behaviour : str or Behaviour
        ``low`` or ``high`` early awareness (shares of the Cabinet Office), or shares of your own.
    vertical : Vertical
    groups : str or Path
        Speeds and delays: ``planning`` or ``walking``, or a YAML file of the form of ``groups.yaml`` whose first table
        counts.
    night : bool or "auto"
        Slower and later; ``auto``: from 18 to 6 o'clock of the scenario's start.
    shelters : str or tuple of Shelter
        A layer with name and capacity, or shelters of the scenario's own.
    fit : str or None
        Column of the shelter layer that must not be 0.
    closures : tuple of Closure
    hazard : Hazard
    reroute_every : float or None
        Interval [s] at which water, queues and full shelters become known; None: everybody keeps to the first plan.
    unjam_after : float
        Whoever waits this long [s] at the end of a street for room on the next one is let through; they are counted.
    crowd : tuple of CrowdRoom
        Rooms that are walked in the plane.
    """

    duration: Seconds
    output_every: Seconds
    network: str = "streets"
    population: str | None = "population"
    column: str = "auto"
    zone: str | None = None
    buildings: str = "buildings"
    terrain: str = "terrain"
    share: Share = 1.0
    warning: Alarm = Alarm()
    behaviour: Literal["low", "high"] | Behaviour = "high"
    vertical: Vertical = Vertical()
    groups: Presets | Path = "planning"
    night: bool | Literal["auto"] = "auto"
    shelters: str | Annotated[tuple[Shelter, ...], Field(min_length=1)] = "shelters"
    fit: str | None = "flood"
    closures: tuple[Closure, ...] = ()
    hazard: Hazard = Hazard()
    reroute_every: Annotated[Seconds, Field(ge=1.0)] | None = 60.0
    unjam_after: Positive = 60.0
    crowd: tuple[CrowdRoom, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> EvacuationSection:
        names = [] if isinstance(self.shelters, str) else [shelter.name for shelter in self.shelters]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"shelters have the same name: {', '.join(sorted(twice))}")
        return self
