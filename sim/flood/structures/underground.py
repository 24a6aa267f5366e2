"""Water that falls into underground malls, and comes back when they are full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sim.flood.arithmetic import WEIR
from sim.flood.structures.mouth import Mouths, cells_at
from sim.flood.structures.passage import FLOW, drowning
from sim.flood.structures.structure import Account, volume_left
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.structures.mall import Mall
    from sim.flood.structures.structure import Row, Sight

__all__ = ["Malls"]

WET = 0.01
"""Depth on a floor that counts as water [m]."""


class Malls:
    """All underground malls; a ``Structure``.

    Parameters
    ----------
    malls : sequence of Mall
    ground : Ground

    Raises
    ------
    ScenarioError
        If an entrance lies outside the area or far from open ground, or a mall lies above all its entrances.
    """

    kind: ClassVar[str] = "entrance"

    def __init__(self, malls: Sequence[Mall], ground: Ground) -> None:
        self.malls = tuple(malls)
        self._storages = [one.storage for one in malls]
        doors = [(k, one, door) for k, one in enumerate(malls) for door in one.entrances]
        self._names = [
            door.name or f"{one.name}_{number}" for one in malls for number, door in enumerate(one.entrances, start=1)
        ]
        self._doors = tuple(door for _, _, door in doors)
        self._mall = np.array([k for k, _, _ in doors], dtype=np.int64)
        self._mouths = Mouths.of(ground, [
            cells_at(ground, door.at, f"flood.structures.underground ({one.name}): entrance {name}")
            for (_, one, door), name in zip(doors, self._names, strict=True)
        ])  # fmt: skip
        self.row, self.col = self._mouths.row, self._mouths.col
        self._require_below_ground(ground)
        self._width = np.array([door.width for door in self._doors])
        self._step = np.array([door.step for door in self._doors])
        closed = [max(door.step, one.section.shutter_height) if door.shutter else door.step for _, one, door in doors]
        self._shut_step = np.array(closed)
        never = np.inf
        closes = [one.section.shutters_close for _, one, _ in doors]
        self._closes = np.array([never if at is None else at for at in closes])
        self._back = np.zeros(len(doors))
        self._now, self._span = 0.0, 1.0
        n_floors = sum(len(one.floors) for one in malls)
        self._volume = np.zeros(len(malls))
        self._highest = np.array([storage.bottom for storage in self._storages])
        self._first = np.full(n_floors, np.nan)
        # columns: discharge now, into and out of the mall [m3], largest discharge, time with flow [s]
        self._record = np.zeros((len(doors), 5))

    @property
    def is_resting(self) -> bool:
        """Whether nothing happens while the street is dry: no mall stands above its lowest sill."""
        return not self._record[:, 0].any()

    def _require_below_ground(self, ground: Ground) -> None:
        """Refuse a mall that no water can fall into: somebody gave its depth without the sign."""
        sill = ground.bed[self.row, self.col] + np.array([door.step for door in self._doors])
        for number, (one, storage) in enumerate(zip(self.malls, self._storages, strict=True)):
            highest = float(sill[self._mall == number].max())
            if storage.bottom >= highest:
                raise ScenarioError(
                    f"its lowest floor, {storage.bottom:g} m T.P., lies above its entrances, {highest:.2f} m T.P.",
                    where=f"flood.structures.underground ({one.name})",
                    remedy="Give the heights of its floors in m T.P.; below the sea they are negative.",
                )

    def levels(self) -> NDArray[np.float64]:
        """Level in each mall [m T.P.]; the lowest floor where it is dry."""
        return np.array([s.level(v) for s, v in zip(self._storages, self._volume, strict=True)])

    def wanted(self, sight: Sight) -> NDArray[np.float64]:
        """Volume to be taken from each cell [m3]."""
        step = np.where(sight.end >= self._closes, self._shut_step, self._step)
        sill = sight.stage - sight.depth + step
        level = self.levels()[self._mall]
        up, down = np.maximum(sight.stage, level) - sill, np.minimum(sight.stage, level) - sill

        def law(taken: NDArray[np.float64]) -> NDArray[np.float64]:
            higher, lower = up - taken / self._mouths.area, np.minimum(down, up - taken / self._mouths.area)
            head = np.maximum(higher, 0.0)
            return WEIR * self._width * head**1.5 * drowning(head, np.maximum(lower, 0.0)) * sight.span

        free = np.where(sight.stage > level, volume_left(law, sight), law(np.zeros(1)))
        is_in = (sight.stage > level) & (sight.depth > 0)
        # half of what would level both: however long the step, the two cannot swap their order
        room, excess = self._room(sight.stage, np.maximum(sight.stage, sill))
        above = self._mouths.area * np.minimum(
            np.maximum(up, 0.0), np.where(down > 0, 0.5 * (sight.stage - level), np.inf)
        )
        inward = np.where(is_in, np.minimum(free, np.minimum(above, 0.5 * room)), 0.0)
        self._back = np.where(~is_in & (level > sill), np.minimum(free, 0.5 * excess), 0.0)
        self._now, self._span = sight.end, sight.span
        return np.maximum(inward, 0.0)

    def _room(
        self, street: NDArray[np.float64], rim: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Share of each entrance in the mall's volume up to the street's level, and in what it holds above `rim`."""
        room, excess = np.zeros(len(street)), np.zeros(len(street))
        for number, (storage, volume) in enumerate(zip(self._storages, self._volume, strict=True)):
            mine = self._mall == number
            many = int(mine.sum())
            room[mine] = np.maximum(storage.volume(street[mine]) - volume, 0.0) / many
            excess[mine] = np.maximum(volume - storage.volume(rim[mine]), 0.0) / many
        return room, excess

    def settle(self, taken: NDArray[np.float64]) -> NDArray[np.float64]:
        """Volume for each cell [m3]."""
        n = len(self.malls)
        self._volume += np.bincount(self._mall, weights=taken, minlength=n)
        self._volume -= np.bincount(self._mall, weights=self._back, minlength=n)
        discharge = (taken - self._back) / self._span
        self._record[:, 0] = discharge
        self._record[:, 1] += taken
        self._record[:, 2] += self._back
        self._record[:, 3] = np.maximum(self._record[:, 3], np.abs(discharge))
        self._record[:, 4] += np.where(np.abs(discharge) > FLOW, self._span, 0.0)
        levels = self.levels()
        self._highest = np.maximum(self._highest, levels)
        place = 0
        for mall, level in zip(self.malls, levels, strict=True):
            for floor in mall.floors:
                if np.isnan(self._first[place]) and level > floor.height + WET:
                    self._first[place] = self._now
                place += 1
        return self._back

    def account(self) -> Account:
        """What the malls hold."""
        return Account(held=float(self._volume.sum()))

    def series(self) -> dict[str, float]:
        """Level in each mall [m T.P.], and its depth over the lowest floor [m]."""
        out = {}
        for mall, storage, level in zip(self.malls, self._storages, self.levels(), strict=True):
            out[f"{mall.name}_underground_stage_m"] = float(level)
            out[f"{mall.name}_underground_depth_m"] = float(level) - storage.bottom
        return out

    def rows(self) -> Iterator[Row]:
        """A line for each entrance."""
        for name, door, record in zip(self._names, self._doors, self._record, strict=True):
            yield {
                "kind": self.kind, "name": name, "moved_m3": record[1], "back_m3": record[2],
                "max_discharge_m3_s": record[3], "hours": record[4] / 3600.0, "points": [door.at],
            }  # fmt: skip

    def floors(self) -> Iterator[Row]:
        """A line of the table ``underground`` for each floor."""
        place = 0
        for mall, level, highest, volume in zip(self.malls, self.levels(), self._highest, self._volume, strict=True):
            for number, floor in enumerate(mall.floors):
                depth, deepest = (float(np.clip(x - floor.height, 0.0, floor.ceiling)) for x in (level, highest))
                yield {
                    "name": mall.name, "floor": floor.name, "height": floor.height, "area_m2": floor.area,
                    "first_water_s": self._first[place], "depth_m": depth, "max_depth_m": deepest,
                    "volume_m3": depth * floor.area, "mall_volume_m3": float(volume),
                    "outline": None if mall.outlines is None else mall.outlines[number],
                }  # fmt: skip
                place += 1

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a restart needs."""
        return {"record": self._record, "volume": self._volume, "highest": self._highest, "first": self._first}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""
        self._record[:], self._volume[:] = state["record"], state["volume"]
        self._highest[:], self._first[:] = state["highest"], state["first"]
