"""Crowd rooms on the street clock: who leaves a room by an entrance goes on in the street before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import sim.evacuation.kernels as k
from sim.coupling import Water, no_water, underground_water
from sim.evacuation.crowd import CrowdModel, Exit
from sim.evacuation.crowd import Room as Plan
from twin.errors import LayerError, ScenarioError
from twin.layer import VectorLayer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.random import Generator
    from numpy.typing import NDArray

    from sim.evacuation.hazard import WadingTable
    from sim.evacuation.model import EvacuationModel
    from sim.evacuation.scenario import CrowdRoom
    from twin.city import CityModel
    from twin.store import Run

__all__ = ["RoomPlan", "Rooms", "plan_room"]

SPACING = 0.6
"""Nearest that two people stand at the start [m]."""
FROM_WALL = 0.4
"""Nearest that they stand to a wall [m]."""
TREAD, RISER = 0.28, 0.17
"""Of the stairs to the street [m] (Weidmann 1993: 32 degrees)."""
STAIRS_UP = 0.455
"""Speed up a stair over the speed on the level (walking.yaml)."""
STAIRS_FLOW = 1.22 * STAIRS_UP
"""Persons that a metre of stairs lets up in a second, as on the stairs of the streets."""
NOT_USED = ("elevator",)
"""Kinds of entrances that nobody uses in an evacuation; escalators are stopped and count as stairs."""


@dataclass(frozen=True, slots=True, eq=False)
class RoomPlan:
    """A floor with its entrances and where its people stand.

    Parameters
    ----------
    plan : crowd.Room
    xy : ndarray (n, 2)
        People at the start [m in the area's frame].
    x, y, ground, path : ndarray (n_exits,)
        The entrances in the street: place, height [m T.P.], way up as a way on the level [m].
    step : ndarray (n_exits,)
        Height of the step that keeps water out [m above the ground].
    depth : Water
        On this floor (one place).
    """

    plan: Plan
    xy: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    ground: NDArray[np.float64]
    path: NDArray[np.float64]
    step: NDArray[np.float64]
    depth: Water


def plan_room(section: CrowdRoom, city: CityModel, flood: Run | None, rng: Generator, where: str) -> RoomPlan:
    """Draw a floor, its exits and its people.

    Raises
    ------
    ScenarioError
        If there is no such floor, no entrance leads to it, or its people do not fit in.
    LayerError
        If a layer lacks a column.
    """
    import shapely

    floors, doors = city.require(section.floors, VectorLayer), city.require(section.entrances, VectorLayer)
    _require(floors, "floor_id", "floor", "floor_height")
    _require(doors, "name", "floor", "kind", "step_height", "width", "ground_height")
    rows = np.flatnonzero(floors.table["floor_id"].astype(str) == section.floor)
    if not len(rows):
        raise ScenarioError(
            f"there is no floor {section.floor!r}",
            where=f"{where}.floor",
            remedy=f"Layer {floors.id} has here: {', '.join(floors.table['floor_id'].astype(str)) or 'none'}.",
        )
    floor = floors.table.iloc[int(rows[0])]
    used = doors.table[(doors.table["floor"] == floor["floor"]) & ~doors.table["kind"].isin(NOT_USED)]
    if not len(used):
        raise ScenarioError(
            f"no stairs lead to {section.floor!r}",
            where=f"{where}.entrances",
            remedy=f"Layer {doors.id} needs an entrance with floor {floor['floor']}.",
        )
    outline = floor.geometry
    exits = [
        Exit(_opening(outline, point, float(width)), name=str(name), rate=STAIRS_FLOW * float(width))
        for point, width, name in zip(used.geometry, used["width"], used["name"], strict=True)
    ]
    grid = _stand(outline.buffer(-FROM_WALL))
    if len(grid) < section.people:
        raise ScenarioError(
            f"{section.people} persons do not fit on {outline.area:.0f} m2",
            where=f"{where}.people",
            remedy=f"Give at most {len(grid)}.",
        )
    chosen = np.sort(rng.choice(len(grid), section.people, replace=False))
    rise = np.maximum(used["ground_height"].to_numpy(np.float64) - float(floor["floor_height"]), 0.0)
    depth = no_water(1)
    if flood is not None:
        water = underground_water(flood, doors, floors)
        depth = Water(water.times, water.depth[:, rows[:1]], water.speed[:, rows[:1]])
    return RoomPlan(
        Plan(outline, exits, floor=float(floor["floor_height"]), name=section.floor),
        grid[chosen],
        shapely.get_x(used.geometry.to_numpy()),
        shapely.get_y(used.geometry.to_numpy()),
        used["ground_height"].to_numpy(np.float64),
        rise * TREAD / RISER / STAIRS_UP,
        used["step_height"].to_numpy(np.float64),
        depth,
    )


def _require(layer: VectorLayer, *columns: str) -> None:
    missing = [name for name in columns if name not in layer.table.columns]
    if missing:
        raise LayerError(
            f"has no column {', '.join(missing)}", where=f"layer {layer.id}", remedy=f"It needs: {', '.join(columns)}."
        )


def _opening(outline: Any, point: Any, width: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """A line of at most `width` in the straight piece of wall that is nearest to `point`."""
    import shapely

    walls = [ring for part in shapely.get_parts(outline) for ring in (part.exterior, *part.interiors)]
    pieces = np.concatenate(
        [np.stack([c[:-1], c[1:]], axis=1) for c in (shapely.get_coordinates(wall) for wall in walls)]
    )
    lines = shapely.linestrings(pieces)
    length = shapely.length(lines)
    # a corner is no place for a door: a longer piece beside it, if it is hardly farther
    away = shapely.distance(lines, point) + np.maximum(0.0, width - length)
    best = int(np.argmin(away))
    half = min(width, 0.98 * float(length[best])) / 2
    middle = float(np.clip(shapely.line_locate_point(lines[best], point), half, length[best] - half))
    ends = shapely.get_coordinates(shapely.line_interpolate_point(lines[best], [middle - half, middle + half]))
    return (float(ends[0, 0]), float(ends[0, 1])), (float(ends[1, 0]), float(ends[1, 1]))


def _stand(area: Any) -> NDArray[np.float64]:
    """Places `SPACING` apart in an area."""
    import shapely

    if area.is_empty:
        return np.zeros((0, 2))
    west, south, east, north = area.bounds
    x, y = np.meshgrid(np.arange(west, east, SPACING), np.arange(south, north, SPACING))
    inside = shapely.contains_xy(area, x, y)
    return np.column_stack([x[inside], y[inside]])


class Rooms:
    """The crowd rooms of a model.

    Parameters
    ----------
    plans : list of RoomPlan
    first_agent : list of int
        Where each room's people begin among all; they follow each other.
    first_place : list of int
        Where each room's entrances begin among all places.
    wading : WadingTable
    speed, start_s : ndarray (n,)
        Of everybody [m/s], [s].
    group : ndarray of int64 (n,)
        Of everybody; water stops a child before a man.
    """

    def __init__(
        self,
        plans: list[RoomPlan],
        first_agent: list[int],
        first_place: list[int],
        wading: WadingTable,
        speed: NDArray[np.float32],
        start_s: NDArray[np.float64],
        group: NDArray[np.int64],
    ) -> None:
        self._plans, self._first_agent, self._first_place, self._wading = plans, first_agent, first_place, wading
        self._group = group
        self._crowds = [
            CrowdModel(
                plan.plan,
                plan.xy,
                speed=speed[first : first + len(plan.xy)],
                start_s=start_s[first : first + len(plan.xy)],
                start_time=float(np.floor(start_s[first : first + len(plan.xy)].min())),
            )
            for plan, first in zip(plans, first_agent, strict=True)
        ]
        self._closed = [np.zeros(len(plan.x), dtype=np.bool_) for plan in plans]

    def starting_points(self) -> NDArray[np.float64]:
        """Where the people of all rooms stand at the start, (n, 2)."""
        return np.concatenate([plan.xy for plan in self._plans])

    def advance(self, model: EvacuationModel) -> None:
        """Bring the rooms to the streets' time and hand over who has left."""
        agents = model.agents
        for number, crowd in enumerate(self._crowds):
            mine = self._own(number)
            inside = np.isin(agents.phase[mine], (k.ROOM, k.ROOM_WAITING, k.ROOM_HELD))
            if not inside.any() or model.tick <= crowd.clock.time:
                continue
            crowd.advance(float(model.tick))
            for event in crowd.events():
                agent = self._first_agent[number] + event.agent
                place = self._first_place[number] + event.exit
                k.come_out(agent, place, model.tick, agents, model.traffic)
                inside[event.agent] = False
            status = crowd.status
            phase = np.where(status == 0, k.ROOM_WAITING, np.where(status == 3, k.ROOM_HELD, k.ROOM)).astype(np.uint8)
            is_stopped = self._pace(number, model.tick) <= 0.0
            phase[is_stopped] = k.ROOM_HELD
            agents.phase[mine][inside] = phase[inside]
            agents.cause[mine][inside] = np.where(
                phase[inside] != k.ROOM_HELD,
                k.CAUSE_NONE,
                np.where(is_stopped[inside], k.CAUSE_DEPTH, k.CAUSE_ISLAND),
            )

    def renew(self, model: EvacuationModel) -> None:
        """New water: entrances close and open, floors slow people down, drown who cannot go."""
        now = float(model.tick)
        door_depth = model.flood.places.at(now)[0]
        agents = model.agents
        for number, (plan, crowd) in enumerate(zip(self._plans, self._crowds, strict=True)):
            first = self._first_place[number]
            over = door_depth[first : first + len(plan.x)] - plan.step > self._wading.home["overtopping"]
            for exit_ in np.flatnonzero(over != self._closed[number]):
                (crowd.close_exit if over[exit_] else crowd.open_exit)(int(exit_))
            self._closed[number] = over
            depth, _ = plan.depth.at(now)
            if depth[0] > 0:
                pace = self._pace(number, now)
                best = float(pace.max(initial=0.0))
                crowd.set_speed_factor(best)
                if best > 0.0:
                    crowd.set_own_shares(pace / best)
                loss = float(self._wading.mortality(depth, np.zeros(1), np.zeros(1))[0])
                mine = self._own(number)
                gone = np.flatnonzero((agents.phase[mine] == k.ROOM_HELD) & (agents.luck[mine] < loss))
                if len(gone):
                    crowd.take_away(gone)
                    agents.phase[mine][gone] = k.DEAD

    def locate(self, model: EvacuationModel, xyz: NDArray[np.float64]) -> None:
        """Fill in the coordinates of who is in a room."""
        agents = model.agents
        for number, crowd in enumerate(self._crowds):
            mine = self._own(number)
            has_left = (agents.link[mine] >= 0) | np.isin(agents.phase[mine], (k.HOME, k.TRAPPED))
            here = np.flatnonzero(~has_left)
            xyz[mine][here, :2] = crowd.xy[here]
            xyz[mine][here, 2] = crowd.z[here]

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a restart needs."""
        out: dict[str, NDArray[Any]] = {}
        for number, crowd in enumerate(self._crowds):
            out |= {f"{number}_{name}": values for name, values in crowd.state().items()}
            out[f"{number}_closed"] = self._closed[number].copy()
        return out

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""
        for number, crowd in enumerate(self._crowds):
            own = {n.removeprefix(f"{number}_"): v for n, v in state.items() if n.startswith(f"{number}_")}
            self._closed[number] = own.pop("closed").astype(np.bool_)
            crowd.load_state(own)

    def _own(self, number: int) -> slice:
        first = self._first_agent[number]
        return slice(first, first + len(self._plans[number].xy))

    def _pace(self, number: int, now: float) -> NDArray[np.float32]:
        """Share of his own speed that the water on the floor leaves to everybody in a room, (n_in_room,)."""
        depth, _ = self._plans[number].depth.at(float(now))
        mine = self._group[self._own(number)]
        by_group = {int(group): self._wading.wade(int(group), depth, np.zeros(1))[0][0] for group in np.unique(mine)}
        return np.array([by_group[int(group)] for group in mine], dtype=np.float32)
