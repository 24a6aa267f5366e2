"""Culverts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sim.flood.kernels import GRAVITY
from sim.flood.structures.inlet import Barrel, InletRating, inlet_of, read_inlets
from sim.flood.structures.passage import Passages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.structures.section import Culvert
    from sim.flood.structures.structure import Sight
    from sim.inputs import InputFiles

__all__ = ["Culverts"]

FULL_FROM = 0.75
"""Head over rise from which the grade line at the outlet moves to (d_c + D) / 2 (HDS-5, chapter 3: good above 0.75)."""
FILM = 1e-9
"""Head below which nothing runs [m]."""


class Culverts(Passages):
    """All culverts; parameters and errors as in :class:`Passages`.

    Inlet control by HDS-5, appendix A; outlet control by the energy equation of its chapter 3 with the losses at
    entrance and exit and of friction. The smaller discharge holds.

    Parameters
    ----------
    table : Path or None
        In place of ``culvert_inlets.yaml``.
    """

    kind = "culvert"

    def __init__(
        self, sections: Sequence[Culvert], names: Sequence[str], ground: Ground, files: InputFiles, table: Path | None
    ) -> None:
        spans = np.array([one.width if one.width is not None else one.height for one in sections])
        self._number = np.array([one.number for one in sections], dtype=np.float64)
        super().__init__(sections, names, ground, files, list(spans * self._number))
        rises = np.array([one.height for one in sections])
        self.barrel = Barrel(np.array([one.shape == "circle" for one in sections]), spans, rises)
        self._near, self._far = np.array([one.inverts for one in sections], dtype=np.float64).T
        self._length = np.array([one.length or math.dist(one.from_, one.to or one.from_) for one in sections])
        self._n2 = np.array([one.roughness**2 for one in sections])
        read = read_inlets(table)
        inlets = [inlet_of(one, f"flood.structures.culverts.{k} ({names[k]})", read) for k, one in enumerate(sections)]
        self._loss = np.array(
            [
                i.loss if one.entrance_loss is None else one.entrance_loss
                for one, i in zip(sections, inlets, strict=True)
            ]
        )
        slope = (self._near - self._far) / self._length
        self._rating = InletRating(inlets, self.barrel, slope), InletRating(inlets, self.barrel, -slope)
        self._flap = np.array([one.flap for one in sections])

    def sills(self, time: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The inverts: what lies lower stays."""
        del time
        return self._near, self._far

    def flow(self, sight: Sight, near: NDArray[np.float64], far: NDArray[np.float64]) -> NDArray[np.float64]:
        """Discharge [m3/s], positive from the near end."""
        del sight
        forward = self._discharge(near, far, self._near, self._far, self._rating[0])
        back = self._discharge(far, near, self._far, self._near, self._rating[1])
        return self._number * np.where(near >= far, forward, np.where(self._flap, 0.0, -back))

    def _discharge(
        self,
        up: NDArray[np.float64],
        down: NDArray[np.float64],
        upper: NDArray[np.float64],
        lower: NDArray[np.float64],
        rating: InletRating,
    ) -> NDArray[np.float64]:
        """Discharge of one barrel between stages `up` and `down` over its inverts `upper` and `lower`."""
        rise = self.barrel.rise
        # a barrel that climbs has its control at the higher end
        head = up - np.maximum(upper, lower)
        inlet, critical = rating.at(head)
        full = np.clip((head / rise - FULL_FROM) / (1.0 - FULL_FROM), 0.0, 1.0)
        grade = np.maximum(down - lower, critical + full * 0.5 * (rise - critical))
        drop = np.maximum(up - (lower + grade), 0.0)
        mean = 0.5 * (np.clip(head, 0.0, rise) + np.minimum(grade, rise))
        runs = head > FILM
        depth = np.where(runs, full * rise + (1.0 - full) * mean, rise)
        area, perimeter = self.barrel.area_perimeter(depth)
        friction = 2.0 * GRAVITY * self._n2 * self._length / (area / perimeter) ** (4.0 / 3.0)
        outlet = area * np.sqrt(2.0 * GRAVITY * drop / (1.0 + self._loss + friction))
        return np.where(runs, np.minimum(inlet, outlet), 0.0)
