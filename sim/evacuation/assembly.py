"""From a scenario and a city to a model: everybody in place, before anybody moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.evacuation.demand import BYTES_PER_PERSON, People, is_night, settle_people
from sim.evacuation.doors import find_doors
from sim.evacuation.groups import GroupTable, read_groups
from sim.evacuation.hazard import GROUPS, WadingTable, read_wading, sample_flood
from sim.evacuation.model import EvacuationModel, Start
from sim.evacuation.rooms import RoomPlan, Rooms, plan_room
from sim.evacuation.shelters import place_shelters
from sim.evacuation.streets import StreetPlan, lay_streets
from twin.errors import ScenarioError
from twin.layer import NetworkLayer
from twin.memory import require_memory

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

    from sim.evacuation.scenario import EvacuationSection
    from sim.stage import StageInput

__all__ = ["assemble", "route_classes"]

SUPPORTED = GROUPS.index("supported")
CARERS = (GROUPS.index("woman"), GROUPS.index("man"))


def assemble(stage: StageInput, section: EvacuationSection) -> EvacuationModel:
    """Put streets, shelters, people and water together.

    Raises
    ------
    ScenarioError, LayerError
        Naming the field, the value and the remedy.
    """
    if stage.city is None:
        raise ScenarioError(
            "an evacuation needs a city", where="city", remedy="Name the catalogue of a city with streets."
        )
    city = stage.city
    stage.require_renamed("evacuation", "population", "buildings", "terrain")
    rng = np.random.default_rng(stage.scenario.seed)
    groups = read_groups(section, _own_table(stage, section.groups))
    wading = read_wading(section.hazard, _own_table(stage, section.hazard.table))
    layer = city.require(section.network, NetworkLayer)
    shelters = place_shelters(stage, section, city)
    plan = lay_streets(layer, shelters)
    people = settle_people(stage, section, city, groups, rng)
    require_memory(len(people.place) * BYTES_PER_PERSON, where=f"an evacuation of {len(people.place)} persons")
    night = is_night(section, stage.scenario.start)
    classes, class_of = route_classes(wading)
    start = draw_start(section, people, groups, class_of, night, rng)
    run = stage.upstream.get("flood")
    rooms = [plan_room(room, city, run, rng, f"evacuation.crowd.{number}") for number, room in enumerate(section.crowd)]
    first_agent, first_place = len(start.place), len(people.x)
    start = _add_rooms(start, rooms, first_place, section, groups, class_of, rng)
    x, y, ground = (
        np.concatenate([getattr(people, name), *(getattr(room, name) for room in rooms)])
        for name in ("x", "y", "ground")
    )
    storeys = np.concatenate([people.storeys, *(np.ones(len(room.x)) for room in rooms)])
    upstairs = wading.home["ground_floor"] + wading.home["storey"] * np.maximum(storeys - 1, 0.0)
    doors = find_doors(plan.layer, x, y, "buildings")
    for room, first in zip(rooms, _starts(first_place, [len(room.x) for room in rooms]), strict=True):
        doors.path[first : first + len(room.x)] += room.path
    west, south, _, _ = stage.grid.bounds
    return EvacuationModel(
        plan,
        doors,
        np.column_stack([x, y, ground]),
        shelters,
        start,
        sample_flood(run, wading, plan, shelters, x, y, upstairs, classes),
        origin=(west, south),
        reroute_every=section.reroute_every,
        unjam_after=section.unjam_after,
        closures=_closures(stage, section, plan),
        rooms=_open_rooms(rooms, first_agent, first_place, wading, start),
        from_floor_area=people.from_floor_area,
    )


def _starts(first: int, sizes: list[int]) -> list[int]:
    return [first + sum(sizes[:number]) for number in range(len(sizes))]


def _open_rooms(
    rooms: list[RoomPlan], first_agent: int, first_place: int, wading: WadingTable, start: Start
) -> Rooms | None:
    if not rooms:
        return None
    return Rooms(
        rooms,
        _starts(first_agent, [len(room.xy) for room in rooms]),
        _starts(first_place, [len(room.x) for room in rooms]),
        wading,
        start.speed,
        start.departure,
        start.group,
    )


def _add_rooms(
    start: Start,
    rooms: list[RoomPlan],
    first_place: int,
    section: EvacuationSection,
    groups: GroupTable,
    class_of: NDArray[np.uint8],
    rng: Generator,
) -> Start:
    """People of the crowd rooms after those of the buildings: staff send them out, nobody stays or does chores."""
    if not rooms:
        return start
    sizes = [len(room.xy) for room in rooms]
    n = sum(sizes)
    group = groups.draw_groups(n, rng)
    starts = _starts(first_place, [len(room.x) for room in rooms])
    return Start(
        np.concatenate([start.place, np.repeat(starts, sizes).astype(np.int32)]),
        np.concatenate([start.group, group]),
        np.concatenate([start.route, class_of[group]]),
        np.concatenate([start.speed, groups.draw_speeds(group, False, rng)]),
        np.concatenate([start.departure, groups.draw_direct(group, section.warning.at, rng)]),
        np.concatenate([start.luck, rng.random(n, dtype=np.float32)]),
        np.concatenate([start.goes_up, np.zeros(n, dtype=np.bool_)]),
        np.concatenate([start.is_in_room, np.ones(n, dtype=np.bool_)]),
    )


def _own_table(stage: StageInput, name: str | Path | None) -> Path | None:
    """Absolute path of a table that the scenario names; None for one of ours."""
    return None if name is None or isinstance(name, str) else stage.files.path(name)


def route_classes(wading: WadingTable) -> tuple[tuple[int, ...], NDArray[np.uint8]]:
    """Groups that water treats alike share their routes.

    Returns
    -------
    tuple
        Group that stands for each class, and the class of each group.
    """
    classes: list[int] = []
    class_of = np.zeros(len(GROUPS), dtype=np.uint8)
    for group in range(len(GROUPS)):
        for number, other in enumerate(classes):
            if (
                wading.depth_limit[group] == wading.depth_limit[other]
                and wading.force_limit[group] == wading.force_limit[other]
                and all(np.array_equal(a, b) for a, b in zip(wading.pace[group], wading.pace[other], strict=True))
            ):
                class_of[group] = number
                break
        else:
            class_of[group] = len(classes)
            classes.append(group)
    return tuple(classes), class_of


def draw_start(
    section: EvacuationSection,
    people: People,
    groups: GroupTable,
    class_of: NDArray[np.uint8],
    night: bool,
    rng: Generator,
) -> Start:
    """Speed, departure, refuge and luck of everybody; carers go with whom they support."""
    n = len(people.place)
    speed = groups.draw_speeds(people.group, night, rng)
    departure = groups.draw_departures(people.group, section.warning.at, section.share, night, rng)
    high = people.storeys[people.place] >= section.vertical.storeys
    goes_up = (rng.random(n) < section.vertical.share) & high & np.isfinite(departure)
    luck = rng.random(n, dtype=np.float32)
    route = class_of[people.group].copy()
    supported, carer = pair_carers(people)
    speed[carer], departure[carer] = speed[supported], departure[supported]
    goes_up[carer], route[carer] = goes_up[supported], class_of[SUPPORTED]
    return Start(people.place, people.group, route, speed, departure, luck, goes_up, np.zeros(n, dtype=np.bool_))


def pair_carers(people: People) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Persons with support and the grown person of the same building who goes with each, as far as there are any."""
    key = {}
    for name, wanted in (("supported", (SUPPORTED,)), ("carer", CARERS)):
        who = np.flatnonzero(np.isin(people.group, wanted))
        who = who[np.argsort(people.place[who], kind="stable")]
        place = people.place[who].astype(np.int64)
        first = np.searchsorted(place, place)
        key[name] = who, place * len(people.place) + np.arange(len(who)) - first
    _, one, other = np.intersect1d(key["supported"][1], key["carer"][1], assume_unique=True, return_indices=True)
    return key["supported"][0][one], key["carer"][0][other]


def _closures(stage: StageInput, section: EvacuationSection, plan: StreetPlan) -> list[tuple[int, float, float]]:
    out = []
    for number, closure in enumerate(section.closures):
        if not stage.grid.contains(*closure.at):
            raise ScenarioError(
                f"{closure.at} lies outside the area {stage.grid.bounds} (west, south, east, north, in m)",
                where=f"evacuation.closures.{number}",
                remedy="Move the closure into area.bbox.",
            )
        doors = find_doors(plan.given, np.array([closure.at[0]]), np.array([closure.at[1]]), "closures")
        end = np.inf if closure.end is None else closure.end
        out += [(int(part), closure.start, end) for part in np.flatnonzero(plan.row == doors.feature[0])]
    return out
