"""The section ``access:`` of a scenario."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter, model_validator

from sim.access.profile import read_profiles
from twin.scenario import Names, Positive, Seconds, Section, StageSection

__all__ = ["NEAREST", "AccessSection", "PlaceInput", "ReachRequest", "RepairRequest", "RouteRequest"]

NEAREST = "nearest"
"""Goal of a request that may end at any shelter."""


def _seconds(value: Any) -> Any:
    return TypeAdapter(timedelta).validate_python(value).total_seconds() if isinstance(value, str) else value


def _moments(value: Any) -> Any:
    """Several moments from one or several."""
    return (value,) if isinstance(value, str | float | int) else value


Moment = Annotated[float, BeforeValidator(_seconds), Field(ge=0, allow_inf_nan=False)]
"""Time since the scenario's start [s], given as a number or in ISO 8601 (``PT30M``)."""

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A number that stands as one: ids of nodes may consist of digits."""

PlaceInput = tuple[Number, Number] | str
"""(x, y) [m in the area's frame], the id of a node, or ``layer:id`` for a feature of a layer (its id in any column that
is called ``id`` or ends in ``_id``)."""


class RouteRequest(Section):
    """A journey that is asked for.

    Parameters
    ----------
    name : str
    profile : tuple of str
        One profile or several; each gets routes of its own.
    from_ : PlaceInput
        Where it begins (``from:`` in the file).
    from_level, to_level : float
        Floor of either end: 0 the ground, -1 the first basement; a place is sought on links of that level.
    to : PlaceInput or tuple of PlaceInput
        Where it ends: one place, the first that is reached of several, or ``nearest`` for the shelters.
    departures : tuple of float
        When one sets out [s since the scenario's start].
    """

    name: Annotated[str, Field(min_length=1)]
    profile: Annotated[Names, Field(min_length=1)] = ("walker",)
    from_: Annotated[PlaceInput, Field(alias="from")]
    from_level: float = 0.0
    to: PlaceInput | Annotated[tuple[PlaceInput, ...], Field(min_length=1)] = NEAREST
    to_level: float = 0.0
    departures: Annotated[tuple[Moment, ...], BeforeValidator(_moments), Field(min_length=1)] = (0.0,)


class ReachRequest(Section):
    """How far somebody gets.

    Parameters
    ----------
    name : str
    profile : tuple of str
    from_ : PlaceInput
        (``from:`` in the file.)
    from_level : float
    departure : float
        [s since the scenario's start].
    budget : float
        Time that there is [s].
    """

    name: Annotated[str, Field(min_length=1)]
    profile: Annotated[Names, Field(min_length=1)] = ("walker",)
    from_: Annotated[PlaceInput, Field(alias="from")]
    from_level: float = 0.0
    departure: Moment = 0.0
    budget: Seconds


class RepairRequest(Section):
    """Which single repair opens most journeys of a sample.

    Parameters
    ----------
    profile : str
    pairs : int
        Journeys between random nodes of the network (the scenario's seed).
    """

    profile: str
    pairs: Annotated[int, Field(ge=1, le=20_000)] = 500


class AccessSection(StageSection):
    """Who reaches what, and what is in the way.

    Parameters
    ----------
    after : tuple of str
        ``flood``: water closes and slows links; ``evacuation``: crowds slow them, and shelters that were full or
        flooded take nobody who comes later to the ``nearest``.
    network : str
        Layer of the pedestrian network.
    profiles, conveyances : Path or None
        Tables over those that come with the twin (``sim/access/profiles.yaml``, ``conveyances.yaml``).
    requests, reach, repairs
        What is asked.
    night : bool or None
        Whether people walk at night speed; None: from 18:00 to 6:00 by the scenario's start, and not without a start.
    elevators_out : tuple of str
        Ids of links that are out of service.
    power_failure_at : float or None
        From then on no elevator runs [s since the scenario's start].
    wait_for_water : bool
        Whether somebody waits until water has gone. Not by default: a link that the water has closed stays closed.
    alternatives : int
        Routes a departure at most.
    detour : float
        Longest route of interest, as a multiple of the fastest one's time.
    snap_within : float
        Farthest place from the network [m].
    labels : int
        Room of the search for alternatives; where it is used up, the summary says so.
    shelters, shelter_purpose : str
        Layer of the shelters, and the column that must not be 0 for ``nearest`` (where there is such a column).
    terrain, underground, entrances : str
        Layers that are used where the city has them: gradients, floors below ground and their entrances.
    """

    network: str = "walk"
    profiles: Path | None = None
    conveyances: Path | None = None
    requests: tuple[RouteRequest, ...] = ()
    reach: tuple[ReachRequest, ...] = ()
    repairs: RepairRequest | None = None
    night: bool | None = None
    elevators_out: Names = ()
    power_failure_at: Moment | None = None
    wait_for_water: bool = False
    alternatives: Annotated[int, Field(ge=1, le=50)] = 6
    detour: Annotated[float, Field(ge=1, le=10)] = 2.5
    snap_within: Positive = 200.0
    labels: Annotated[int, Field(ge=1_000, le=5_000_000)] = 300_000
    shelters: str = "shelters"
    shelter_purpose: str = "flood"
    terrain: str = "terrain"
    underground: str = "underground"
    entrances: str = "entrances"

    @model_validator(mode="after")
    def _asks_clearly(self) -> AccessSection:
        if not (self.requests or self.reach or self.repairs):
            raise ValueError("asks for nothing; add requests, reach or repairs")
        for kind in ("requests", "reach"):
            names = [request.name for request in getattr(self, kind)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{kind}: the name {', '.join(twice)} stands twice; give each its own")
        if self.profiles is None:  # a table of the user's own is read when the stage begins
            known = read_profiles()
            for name in self.profile_names:
                if name not in known:
                    raise ValueError(f"there is no profile {name!r}; there are {', '.join(known)}")
        return self

    @property
    def profile_names(self) -> tuple[str, ...]:
        """Every profile that something is asked for."""
        named = [name for request in self.requests for name in request.profile]
        named += [name for request in self.reach for name in request.profile]
        named += [self.repairs.profile] if self.repairs else []
        return tuple(dict.fromkeys(named))
