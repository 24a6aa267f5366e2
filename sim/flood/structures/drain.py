"""Street drains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sim.flood.kernels import GRAVITY
from sim.flood.structures.mouth import REACH, areas_of
from sim.flood.structures.passage import FLOW
from sim.flood.structures.structure import Account, volume_left
from twin.errors import LayerError, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.structures.section import Drain
    from sim.flood.structures.structure import Row, Sight
    from sim.inputs import InputFiles

__all__ = ["Drains", "fall_in"]

RIM = 1.66
"""Weir along the rim of a grate, Q = 1.66 P d^1.5 [m1/2 s-1] (HEC-22, FHWA 2009, eq. 4-26)."""
ORIFICE = 0.67
"""Orifice of a drowned grate, Q = 0.67 A (2 g d)^0.5 (HEC-22, FHWA 2009, eq. 4-27)."""


def fall_in(
    depth: NDArray[np.float64], perimeter: NDArray[np.float64], area: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Discharge into grates [m3/s] at a depth [m]: the smaller of weir and orifice."""
    deep = np.maximum(depth, 0.0)
    out: NDArray[np.float64] = np.minimum(RIM * perimeter * deep**1.5, ORIFICE * area * np.sqrt(2.0 * GRAVITY * deep))
    return out


class Drains:
    """All street drains; a ``Structure``. What falls in leaves the area.

    Parameters
    ----------
    sections : sequence of Drain
    names : sequence of str
    ground : Ground
    files : InputFiles

    Raises
    ------
    ScenarioError, LayerError
        If a drain lies outside the area (those of a file are left out, unless all are), or far from open ground.
    """

    kind: ClassVar[str] = "drain"

    def __init__(self, sections: Sequence[Drain], names: Sequence[str], ground: Ground, files: InputFiles) -> None:
        self.names = tuple(names)
        places = [
            _places(one, ground, files, f"flood.structures.drains.{k} ({name})")
            for k, (one, name) in enumerate(zip(sections, names, strict=True))
        ]
        self.row, self.col = (np.concatenate([part[k] for part in places]) for k in (0, 1))
        self._group = np.repeat(np.arange(len(sections)), [len(part[0]) for part in places])
        free = np.array([1.0 - one.blocked for one in sections])
        self._perimeter = (np.array([one.perimeter for one in sections]) * free)[self._group]
        self._area = (np.array([one.area for one in sections]) * free)[self._group]
        most = np.array([np.inf if one.capacity is None else one.capacity for one in sections])
        self._most = most[self._group]
        self._ground = areas_of(ground, self.row, self.col)
        self._span = 1.0
        # columns: discharge now, volume [m3], largest discharge, time with flow [s]
        self._record = np.zeros((len(sections), 4))

    @property
    def is_resting(self) -> bool:
        """Whether nothing happens while all its cells are dry."""
        return not self._record[:, 0].any()

    def wanted(self, sight: Sight) -> NDArray[np.float64]:
        """Volume to be taken from each cell [m3]."""
        self._span = sight.span

        def law(taken: NDArray[np.float64]) -> NDArray[np.float64]:
            falls = fall_in(sight.depth - taken / self._ground, self._perimeter, self._area)
            out: NDArray[np.float64] = np.minimum(falls, self._most) * sight.span
            return out

        return volume_left(law, sight)

    def settle(self, taken: NDArray[np.float64]) -> NDArray[np.float64]:
        """Nothing comes back."""
        volume = np.bincount(self._group, weights=taken, minlength=len(self.names))
        discharge = volume / self._span
        self._record[:, 0] = discharge
        self._record[:, 1] += volume
        self._record[:, 2] = np.maximum(self._record[:, 2], discharge)
        self._record[:, 3] += np.where(discharge > FLOW, self._span, 0.0)
        return np.zeros(len(taken))

    def account(self) -> Account:
        """What fell in."""
        return Account(left=float(self._record[:, 1].sum()))

    def series(self) -> dict[str, float]:
        """Discharge of each group [m3/s]."""
        return {f"{name}_discharge_m3_s": float(v) for name, v in zip(self.names, self._record[:, 0], strict=True)}

    def rows(self) -> Iterator[Row]:
        """A line for each group."""
        for name, record in zip(self.names, self._record, strict=True):
            yield {
                "kind": self.kind, "name": name, "moved_m3": record[1], "back_m3": 0.0,
                "max_discharge_m3_s": record[2], "hours": record[3] / 3600.0, "points": (),
            }  # fmt: skip

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a restart needs."""
        return {"record": self._record}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""
        self._record[:] = state["record"]


def _places(one: Drain, ground: Ground, files: InputFiles, where: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cells of the drains of a group, the nearest open one of those in a building."""
    from scipy import ndimage

    grid = ground.grid
    points = np.array(one.at, dtype=np.float64).reshape(-1, 2) if one.file is None else _read(one, ground, files)
    inside = grid.contains(points[:, 0], points[:, 1])
    if not (inside.all() if one.file is None else inside.any()):
        outside = points[~inside][0]
        raise ScenarioError(
            f"({outside[0]}, {outside[1]}) lies outside the area {grid.bounds} (west, south, east, north, in m)",
            where=where,
            remedy="Move it into area.bbox, or enlarge the area.",
        )
    points = points[inside]
    row, col = (np.asarray(part, dtype=np.int64) for part in grid.row_col(points[:, 0], points[:, 1]))
    if ground.is_wall[row, col].any():
        away, place = ndimage.distance_transform_edt(ground.is_wall, return_indices=True)
        far = away[row, col] > REACH
        if far.any():
            x, y = points[far][0]
            raise ScenarioError(
                f"({x}, {y}) has no open ground within {REACH * grid.cell_size:g} m",
                where=where,
                remedy="Move it to open ground, or choose buildings: block, roughness or ignore.",
            )
        row, col = place[0][row, col].astype(np.int64), place[1][row, col].astype(np.int64)
    return row, col


def _read(one: Drain, ground: Ground, files: InputFiles) -> NDArray[np.float64]:
    from layers.vector import read_vector

    assert one.file is not None
    path = files.path(one.file)
    crs = ground.grid.frame.horizontal if path.suffix.lower() == ".csv" else None
    shapes = read_vector(str(path), layer_id="drains", frame=ground.grid.frame, crs=crs).table.geometry
    kinds = sorted(set(shapes.geom_type) - {"Point"})
    if kinds:
        raise LayerError(f"holds {' and '.join(kinds)}", where=str(path), remedy="Give a point for each drain.")
    return np.column_stack([shapes.x.to_numpy(dtype=np.float64), shapes.y.to_numpy(dtype=np.float64)])
