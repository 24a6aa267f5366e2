"""Emergency landings: for every point of every plan the dry site that is reached with the least energy, if any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.airspace.site import enter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sim.airspace.airway import Airways
    from sim.airspace.energy import Aircraft
    from sim.airspace.errand import Flown
    from sim.airspace.planner import Field
    from sim.airspace.site import Site

__all__ = ["Escapes", "find_escapes"]

APPROACH = 300.0
"""A site counts only if it stays dry this long after the moment at which somebody turns towards it [s]: a way of
several kilometres."""
EVERY = 10.0
"""Longest time between two points of a plan that are looked at [s]."""


@dataclass(frozen=True, slots=True, eq=False)
class Escapes:
    """Where each point of one plan could go.

    Parameters
    ----------
    time : ndarray (n,)
        [s]
    site : ndarray of int64 (n,)
        Reached with the least energy; -1 where none is reached with the reserve left.
    energy : ndarray (n,)
        To get there [Wh]; inf where there is no way.
    """

    time: NDArray[np.float64]
    site: NDArray[np.int64]
    energy: NDArray[np.float64]


def find_escapes(
    flights: Sequence[tuple[Flown, Aircraft]],
    sites: Sequence[Site],
    airways: Airways,
    wind: tuple[float, float],
    reserve: float,
) -> list[Escapes]:
    """Look at the corners of every plan and at points at most `EVERY` seconds apart.

    For each set of sites that are dry together one search spreads from all of them at once over the voxels, against
    the flight (`Planner.field` with ``towards``), at the energy of the aircraft with its full load in this wind.

    Parameters
    ----------
    flights : sequence of (Flown, Aircraft)
    sites : sequence of Site
    airways : Airways
    wind : (float, float)
        [m/s]
    reserve : float
        Share of the battery that is left on the ground.
    """
    fields: dict[tuple[str, float, frozenset[int]], tuple[Field, list[int]]] = {}
    begin = min((flown.trajectory.start for flown, _ in flights), default=0.0)
    end = max((flown.trajectory.end for flown, _ in flights), default=0.0)
    out = []
    for flown, machine in flights:
        load = float(flown.load.max(initial=0.0))
        thrifty = machine.thriftiest(wind, load)
        planner = airways.planner(0.0, begin, end, thrifty)
        time = _moments(flown.trajectory.points[:, 3])
        place = flown.trajectory.at(time)
        used = np.interp(time, flown.trajectory.points[:, 3], np.r_[0.0, np.cumsum(flown.energy)])
        left = machine.battery * (1 - reserve) - used
        site, energy = np.full(len(time), -1, dtype=np.int64), np.full(len(time), np.inf)
        is_dry = np.array([[s.is_dry(t + APPROACH) for s in sites] for t in time]).reshape(len(time), len(sites))
        groups, member = np.unique(is_dry, axis=0, return_inverse=True)
        for group, dry in enumerate(groups):
            key = (machine.id, load, frozenset(np.flatnonzero(dry).tolist()))
            if key not in fields:
                ports = [(n, enter(planner.space, sites[n].x, sites[n].y, sites[n].z)) for n in sorted(key[2])]
                known = [(n, port) for n, port in ports if port is not None]
                down = thrifty.cost(np.array([[0.0, 0.0, port.z - port.entry] for _, port in known]))
                cells = [port.cell for _, port in known]
                fields[key] = planner.field(cells, down, towards=True), [n for n, _ in known]
            field, names = fields[key]
            mine = np.flatnonzero(member.reshape(-1) == group)
            cost, label = _look(field, planner.space.cost, planner.space.cells(place[mine]))
            climb = thrifty.cost([[0.0, 0.0, 1.0]])[0] * airways.air.voxels.level_height
            energy[mine] = cost + climb
            ok = (energy[mine] <= left[mine]) & (label >= 0)
            site[mine[ok]] = np.array(names, dtype=np.int64)[label[ok]]
        out.append(Escapes(time, site, energy))
    return out


def _moments(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    pieces = np.maximum(1, np.ceil(np.diff(corners) / EVERY)).astype(np.int64)
    parts = [a + (b - a) * np.arange(n) / n for a, b, n in zip(corners[:-1], corners[1:], pieces, strict=True)]
    moments: NDArray[np.float64] = np.r_[np.concatenate(parts), corners[-1]]
    return moments


def _look(
    field: Field, cost: NDArray[np.uint8], cells: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Cost and place from each cell, or from the lowest free one above it: over a pad a flight climbs first."""
    nz, ny, nx = cost.shape
    level, row, col = (np.clip(cells[:, axis], 0, size - 1) for axis, size in enumerate((nz, ny, nx)))
    column = cost[:, row, col] > 0
    column &= np.arange(nz)[:, None] >= level[None]
    first = column.argmax(axis=0)
    is_any = column.any(axis=0)
    found = np.where(is_any, field.cost[first, row, col], np.inf)
    return found, np.where(np.isfinite(found), field.place[first, row, col], -1).astype(np.int32)
