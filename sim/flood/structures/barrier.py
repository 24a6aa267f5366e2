"""Barriers that are put up for a time: stop-logs, sandbags, flood panels in the street."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.flood.kernels import CREST
from sim.flood.series import Series
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from sim.flood.boundaries import Boundaries
    from sim.flood.ground import Ground
    from sim.flood.kernels import Faces
    from sim.flood.structures.section import Barrier
    from sim.flood.structures.structure import Row
    from sim.inputs import InputFiles

__all__ = ["Barriers", "mark_barriers"]

ABSENT = -1.0e4
"""Crest of a barrier that is not up [m]: below any ground."""


def mark_barriers(sections: Sequence[Barrier], ground: Ground) -> Ground:
    """Ground on which each barrier's faces are walls, as yet without height.

    Raises
    ------
    ScenarioError
        If a barrier crosses no face of the area.
    """
    if not sections:
        return ground
    crest_x, crest_y = ground.crest_xface.copy(), ground.crest_yface.copy()
    for number, one in enumerate(sections):
        faces = _faces(one, ground)
        if not any(mask.any() for mask in faces):
            raise ScenarioError(
                f"its line crosses no cell face of the area {ground.grid.bounds}",
                where=f"flood.structures.barriers.{number}",
                remedy="Move it into area.bbox, or make it longer than a cell.",
            )
        for crest, mask in zip((crest_x, crest_y), faces, strict=True):
            crest[mask] = np.maximum(crest[mask], ABSENT)
    return replace(ground, crest_xface=crest_x, crest_yface=crest_y)


class Barriers:
    """All barriers of a model: they set the crests of their faces in time.

    Parameters
    ----------
    sections : sequence of Barrier
    names : sequence of str
    ground : Ground
        From :func:`mark_barriers`.
    boundaries : Boundaries
    datum : float
        Height that the kernels call zero [m T.P.].
    files : InputFiles
    """

    def __init__(
        self,
        sections: Sequence[Barrier],
        names: Sequence[str],
        ground: Ground,
        boundaries: Boundaries,
        datum: float,
        files: InputFiles,
    ) -> None:
        self._sections, self._names, self._datum = tuple(sections), tuple(names), datum
        self._crests = [Series.resolve(one.crest, files) for one in sections]
        for number, (one, crest) in enumerate(zip(sections, self._crests, strict=True)):
            _require_above_ground(float(crest.values.max()), _faces(one, ground), ground, number)
        self._entries: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        for one in sections:
            masks = _faces(one, ground)
            mine = []
            for faces, mask in zip((boundaries.x_faces, boundaries.y_faces), masks, strict=True):
                row = np.repeat(np.arange(len(faces.start) - 1), np.diff(faces.start))
                mine.append(np.flatnonzero((faces.kind == CREST) & mask[row, faces.place]))
            self._entries.append((mine[0], mine[1]))
        self._touched = tuple(
            np.unique(np.concatenate([entries[axis] for entries in self._entries] or [np.zeros(0, np.int64)]))
            for axis in (0, 1)
        )
        # what stands there without the barriers: walls of the city
        self._below = tuple(
            faces.value[touched].copy()
            for faces, touched in zip((boundaries.x_faces, boundaries.y_faces), self._touched, strict=True)
        )
        self._seen: tuple[float, ...] | None = None

    def drive(self, time: float, faces: tuple[Faces, Faces]) -> bool:
        """Set the crests as they are at `time` [s]; returns whether anything moved."""
        crests = tuple(self._height(k, time) for k in range(len(self._sections)))
        if crests == self._seen:
            return False
        self._seen = crests
        for axis in (0, 1):
            value: NDArray[Any] = faces[axis].value
            value[self._touched[axis]] = self._below[axis]
            for crest, entries in zip(crests, self._entries, strict=True):
                value[entries[axis]] = np.maximum(value[entries[axis]], crest)
        return True

    def _height(self, number: int, time: float) -> float:
        one = self._sections[number]
        is_up = one.up_at <= time and (one.down_at is None or time < one.down_at)
        return self._crests[number].at(time) - self._datum if is_up else ABSENT - self._datum

    def rows(self, time: float) -> Iterator[Row]:
        """A line each of the table ``structures`` after `time` [s]; what passes over them is the surface's flow."""
        for name, one in zip(self._names, self._sections, strict=True):
            end = time if one.down_at is None else min(one.down_at, time)
            yield {"kind": "barrier", "name": name, "hours": max(end - one.up_at, 0.0) / 3600.0, "points": one.line}


def _faces(one: Barrier, ground: Ground) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks of the x-faces and y-faces that a barrier's line crosses, those of the edges left out."""
    from twin.city import CityModel
    from twin.edit import WallEdit
    from twin.layer import Provenance, RasterLayer

    grid = ground.grid
    terrain = RasterLayer(
        "terrain", grid.frame, Provenance("barrier", "none"), grid, np.zeros(grid.shape, np.float32), "m"
    )
    bare = CityModel({}, grid.frame, grid.bounds, {"terrain": terrain}).edit(WallEdit(one.line, 0.0)).on(grid)
    x, y = np.isfinite(bare.crest_xface), np.isfinite(bare.crest_yface)
    x[:, [0, -1]], y[[0, -1]] = False, False
    return x, y


def _require_above_ground(
    crest: float, masks: tuple[NDArray[np.bool_], NDArray[np.bool_]], ground: Ground, number: int
) -> None:
    """Refuse a barrier that nowhere stands above the ground: somebody gave its height in place of its level."""
    bed = np.where(ground.is_wall, np.inf, ground.bed)
    x, y = masks
    sides = (np.maximum(bed[:, :-1], bed[:, 1:])[x[:, 1:-1]], np.maximum(bed[:-1], bed[1:])[y[1:-1]])
    ground_level = float(np.concatenate(sides).min())
    if np.isfinite(ground_level) and crest <= ground_level:
        raise ScenarioError(
            f"its crest, {crest:g} m T.P., is nowhere above the ground, {ground_level:.2f} m T.P. at the lowest place",
            where=f"flood.structures.barriers.{number}.crest",
            remedy="Give the level of its top in m T.P., not its height above the ground.",
        )
