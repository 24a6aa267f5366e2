"""The structures of a scenario on its ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.flood.structures.barrier import Barriers
from sim.flood.structures.culvert import Culverts
from sim.flood.structures.drain import Drains
from sim.flood.structures.exchange import Exchange
from sim.flood.structures.gate import Gates
from sim.flood.structures.mall import read_malls
from sim.flood.structures.pump import Pumps
from sim.flood.structures.sewer import Sewers
from sim.flood.structures.underground import Malls
from sim.flood.structures.weir import Weirs

if TYPE_CHECKING:
    from sim.flood.boundaries import Boundaries
    from sim.flood.ground import Ground
    from sim.flood.structures.section import Structures
    from sim.flood.structures.structure import Structure
    from sim.inputs import InputFiles

__all__ = ["place_barriers", "place_structures"]


def place_structures(
    section: Structures, ground: Ground, files: InputFiles, duration: float, *, missing: float = 0.0
) -> Exchange:
    """All structures that exchange water with the surface in `duration` [s]; `missing` as in :class:`Sight`.

    Raises
    ------
    ScenarioError, LayerError
        If one of them does not fit the ground.
    """
    made: list[Structure] = []
    if section.pumps:
        made.append(Pumps(section.pumps, section.names("pumps"), ground, files))
    if section.culverts:
        table = None if section.inlets is None else files.path(section.inlets)
        made.append(Culverts(section.culverts, section.names("culverts"), ground, files, table))
    if section.gates:
        made.append(Gates(section.gates, section.names("gates"), ground, files))
    if section.weirs:
        made.append(Weirs(section.weirs, section.names("weirs"), ground, files))
    if section.drains:
        made.append(Drains(section.drains, section.names("drains"), ground, files))
    if section.sewer is not None:
        made.append(Sewers(section.sewer, ground, files, duration))
    if section.underground:
        malls = read_malls(section.underground, section.names("underground"), ground.layers)
        made.append(Malls(malls, ground))
    return Exchange(made, ground, missing=missing)


def place_barriers(
    section: Structures, ground: Ground, boundaries: Boundaries, datum: float, files: InputFiles
) -> Barriers | None:
    """The barriers on their faces, None where there are none.

    Raises
    ------
    ScenarioError, LayerError
        If a CSV of a crest is missing or malformed.
    """
    if not section.barriers:
        return None
    return Barriers(section.barriers, section.names("barriers"), ground, boundaries, datum, files)
