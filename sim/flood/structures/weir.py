"""Weirs between two places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.flood.structures.passage import Passages, drowning
from sim.flood.structures.schedule import Schedule
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.structures.section import Weir
    from sim.flood.structures.structure import Sight
    from sim.inputs import InputFiles

__all__ = ["Weirs"]


class Weirs(Passages):
    """All weirs; parameters and errors as in :class:`Passages`, and a ScenarioError for a crest below the ground."""

    kind = "weir"

    def __init__(self, sections: Sequence[Weir], names: Sequence[str], ground: Ground, files: InputFiles) -> None:
        super().__init__(sections, names, ground, files, [one.width for one in sections])
        self._width = np.array([one.width for one in sections])
        self._coefficient = np.array([one.coefficient for one in sections])
        self._crest = Schedule([one.crest for one in sections], files)
        for number, name in enumerate(names):
            self._require_above_ground(number, f"flood.structures.weirs.{number} ({name}).crest", ground)

    def _require_above_ground(self, number: int, where: str, ground: Ground) -> None:
        """Refuse a crest below the ground of both ends: somebody gave its height in place of its level."""
        lowest = min(
            float(ground.bed[mouths.row[mine], mouths.col[mine]].min())
            for mouths in (self.near, self.far)
            if (mine := mouths.owner == number).any()
        )
        highest = self._crest.highest(number)
        if highest < lowest:
            raise ScenarioError(
                f"the crest, {highest:g} m T.P., is below the ground at its ends, {lowest:.2f} m T.P.",
                where=where,
                remedy="Give the level of the crest in m T.P., not its height above the ground.",
            )

    def sills(self, time: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The crest, at both ends."""
        crest = self._crest.at(time)
        return crest, crest

    def flow(self, sight: Sight, near: NDArray[np.float64], far: NDArray[np.float64]) -> NDArray[np.float64]:
        """Discharge [m3/s], positive from the near end."""
        crest = self._crest.at(sight.end)
        up, down = np.maximum(np.maximum(near, far) - crest, 0.0), np.maximum(np.minimum(near, far) - crest, 0.0)
        out: NDArray[np.float64] = np.sign(near - far) * self._coefficient * self._width * up**1.5 * drowning(up, down)
        return out
