"""Underground malls: floors as a table of level and volume, and the ways down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.flood.structures.section import Entrance, Floor
from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sim.flood.structures.section import Underground
    from twin.layer import VectorLayer

__all__ = ["Mall", "Storage", "read_malls"]


class Storage:
    """Level and volume of floors that are joined by stairs: water stands at one level, so the lowest fill first.

    Parameters
    ----------
    floors : sequence of Floor
    stairs : float
        Area between and above the floors [m2].
    """

    def __init__(self, floors: Sequence[Floor], stairs: float) -> None:
        low = np.array([one.height for one in floors])
        high = low + np.array([one.ceiling for one in floors])
        area = np.array([one.area for one in floors])
        self._level = np.unique(np.r_[low, high])
        middle = 0.5 * (self._level[1:] + self._level[:-1])
        is_inside = (low <= middle[:, None]) & (middle[:, None] < high)
        spread = np.maximum((is_inside * area).sum(axis=1), stairs)
        self._volume = np.r_[0.0, np.cumsum(spread * np.diff(self._level))]
        self._stairs = stairs
        self.bottom = float(self._level[0])

    def level(self, volume: float) -> float:
        """Level [m T.P.] of a volume [m3]; above the floors it rises in the stairs."""
        above = max(volume - float(self._volume[-1]), 0.0)
        return float(np.interp(volume, self._volume, self._level)) + above / self._stairs

    def volume(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        """Volume [m3] below a level [m T.P.]."""
        above = np.maximum(level - self._level[-1], 0.0)
        out: NDArray[np.float64] = np.interp(level, self._level, self._volume) + above * self._stairs
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Mall:
    """Floors that are joined, and their entrances.

    Parameters
    ----------
    name : str
    floors : tuple of Floor
    entrances : tuple of Entrance
    section : Underground
        Shutters and stairs.
    outlines : sequence of Polygon or None
        Of the floors, where they are known.
    """

    name: str
    floors: tuple[Floor, ...]
    entrances: tuple[Entrance, ...]
    section: Underground
    outlines: Sequence[Any] | None = None

    @property
    def storage(self) -> Storage:
        """Its level and volume."""
        return Storage(self.floors, self.section.stairwell * len(self.entrances))


def read_malls(
    sections: Sequence[Underground], names: Sequence[str], layers: Mapping[str, VectorLayer]
) -> tuple[Mall, ...]:
    """The malls of a scenario; floors of a layer that lie over each other are joined, the others are malls apart.

    Raises
    ------
    LayerError
        If a layer lacks a column or a value, or an entrance has no floor.
    """
    malls: list[Mall] = []
    for one, name in zip(sections, names, strict=True):
        if isinstance(one.floors, tuple) and isinstance(one.entrances, tuple):
            malls.append(Mall(name, one.floors, one.entrances, one))
        else:
            malls += _from_layers(one, name, layers[str(one.floors)], layers[str(one.entrances)])
    return tuple(malls)


def _from_layers(section: Underground, name: str, floors: VectorLayer, entrances: VectorLayer) -> list[Mall]:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    hall = _numbers(floors, "floor_height", "area_m2", "volume_m3")
    door = _numbers(entrances, "width", "step_height")
    shape = floors.table.geometry.to_numpy()
    n = len(shape)
    a, b = floors.table.sindex.query(shape, predicate="intersects")
    many, group = connected_components(coo_matrix((np.ones(len(a)), (a, b)), shape=(n, n)), directed=False)
    titles = _texts(floors, "floor_id", "name")
    has_shutter = [text.lower() in {"yes", "true", "1"} for text in _texts(entrances, "shutter")]
    labels = _texts(entrances, "entrance_id", "name")
    below = np.array([int(floors.table.geometry.distance(p).to_numpy().argmin()) for p in entrances.table.geometry])
    malls = []
    for number in range(many):
        mine = np.flatnonzero(group == number)
        ways = [k for k in range(len(below)) if group[below[k]] == number]
        if not ways:
            continue
        made_floors = tuple(
            Floor(name=titles[k], height=hall["floor_height"][k], area=hall["area_m2"][k],
                  ceiling=hall["volume_m3"][k] / hall["area_m2"][k])
            for k in mine
        )  # fmt: skip
        made_doors = tuple(
            Entrance(name=labels[k], at=(point.x, point.y), width=door["width"][k], step=max(door["step_height"][k], 0),
                     shutter=has_shutter[k])
            for k, point in ((k, entrances.table.geometry.iloc[k]) for k in ways)
        )  # fmt: skip
        title = name if many == 1 else f"{name}_{number + 1}"
        malls.append(Mall(title, made_floors, made_doors, section, [shape[k] for k in mine]))
    return malls


def _numbers(layer: VectorLayer, *names: str) -> dict[str, NDArray[np.float64]]:
    missing = [name for name in names if name not in layer.table.columns]
    if missing:
        raise LayerError(
            f"has no column {', '.join(missing)}", where=f"layer {layer.id}", remedy=f"It needs: {', '.join(names)}."
        )
    out = {name: layer.numbers(name) for name in names}
    for name, values in out.items():
        bad = ~np.isfinite(values) | ((values <= 0) & (name in {"area_m2", "volume_m3", "width"}))
        if bad.any():
            row = int(np.argmax(bad))
            raise LayerError(
                f"column {name!r} is {values[row]}", where=f"layer {layer.id}: row {row}", remedy="Fill it in."
            )
    return out


def _texts(layer: VectorLayer, *names: str) -> list[str]:
    """The first of these columns that the layer has, as text; empty where it has none."""
    for name in names:
        if name in layer.table.columns:
            return [str(value) for value in layer.table[name]]
    return [""] * len(layer.table)
