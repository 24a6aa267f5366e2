"""Channels carved into the ground.

A channel at least as wide as a cell lowers the cells whose centre it holds to its bed. A narrower one lowers a chain of
cells that hang together by their faces, and each stands for both the channel and its banks: it is lowered by less, so
that below the banks the chain holds the channel's volume, and its roughness is lowered so that it carries, brim-full,
the discharge of the channel. Between brim-full and empty the water surface lies higher than in the channel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import LayerError, ScenarioError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.flood.channel import Channel
    from sim.flood.ground import Ground
    from sim.flood.scenario import FloodSection
    from sim.inputs import InputFiles
    from twin.grid import Grid

__all__ = ["carve_channels", "chain_of_cells"]

NARROWEST = 0.1
"""Least width of a channel in cells: the roughness of a narrower one would be a fifth of its own and less."""


@dataclass(frozen=True, slots=True, eq=False)
class _Reach:
    """Cells of a channel, with bed [m T.P.] and Manning's n after carving."""

    row: NDArray[np.int64]
    col: NDArray[np.int64]
    bed: NDArray[np.float64]
    roughness: NDArray[np.float64]


def carve_channels(section: FloodSection, ground: Ground, files: InputFiles) -> Ground:
    """Ground with the section's channels; where they are, cells without a bed and under buildings are open.

    Raises
    ------
    ScenarioError, LayerError
        If a channel lies outside the area, is too narrow for the cells, or its bed is unknown or above the ground.
    """
    if not section.channels:
        return ground
    from sim.flood.ground import initial_depth

    bed, is_wall = ground.bed.copy(), ground.is_wall.copy()
    roughness = np.array(np.broadcast_to(ground.roughness, ground.grid.shape))
    filled = 0
    for number, channel in enumerate(section.channels):
        where = f"flood.channels.{number}" + (f" ({channel.name})" if channel.name else "")
        reach = _place(channel, ground, files, where)
        known = np.isfinite(bed[reach.row, reach.col])
        lower = ~known | (reach.bed < bed[reach.row, reach.col])
        if not lower.any():
            raise ScenarioError(
                f"the ground is nowhere higher than its bed ({reach.bed.min():.2f} to {reach.bed.max():.2f} m T.P.)",
                where=where,
                remedy="Lower the bed; the terrain may show the channel already.",
            )
        row, col = reach.row[lower], reach.col[lower]
        filled += int((~known).sum())
        bed[row, col], roughness[row, col] = reach.bed[lower], reach.roughness[lower]
        is_wall[row, col] = False
    porosity = ground.porosity
    if porosity is not None:
        opened = bed != ground.bed
        porosity = np.where(opened, np.float32(1.0), porosity)
    carved = replace(
        ground, bed=bed, is_wall=is_wall, roughness=roughness, porosity=porosity,
        cells_without_bed=ground.cells_without_bed - filled,
    )  # fmt: skip
    start = section.initial
    if start.stage is None and start.sea_level is None:
        return carved
    depth = initial_depth(section, files, ground.grid, bed, is_wall)
    return replace(carved, depth=depth, water=None if ground.water is None else depth > 0.0)


def chain_of_cells(grid: Grid, line: tuple[tuple[float, float], ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cells along a line, each beside the next by a face, those outside the grid left out."""
    import shapely

    path = shapely.LineString(line)
    points = shapely.get_coordinates(shapely.segmentize(path, 0.05 * grid.cell_size))
    cells = np.stack(grid.row_col(points[:, 0], points[:, 1]), axis=1)
    cells = cells[np.r_[True, (np.diff(cells, axis=0) != 0).any(axis=1)]]
    chain = [tuple(cells[0])]
    for (r0, c0), (r1, c1) in pairwise(cells):
        if r0 != r1 and c0 != c1:
            # a corner: through the cell whose middle is nearer to the line
            corners = ((r0, c1), (r1, c0))
            x = [grid.west + (c + 0.5) * grid.cell_size for _, c in corners]
            y = [grid.north - (r + 0.5) * grid.cell_size for r, _ in corners]
            chain.append(corners[int(np.argmin(shapely.distance(path, shapely.points(x, y))))])
        chain.append((r1, c1))
    unique = np.unique(np.array(chain, dtype=np.int64), axis=0)
    inside = (unique >= 0).all(axis=1) & (unique < np.array(grid.shape)).all(axis=1)
    return unique[inside, 0], unique[inside, 1]


def _place(channel: Channel, ground: Ground, files: InputFiles, where: str) -> _Reach:
    import shapely

    grid = ground.grid
    size, line = grid.cell_size, shapely.LineString(channel.line)
    length = float(line.intersection(shapely.box(*grid.bounds)).length)
    row, col = chain_of_cells(grid, channel.line)
    if not len(row) or length == 0.0:
        raise ScenarioError(
            f"its line lies outside the area {grid.bounds} (west, south, east, north, in m)",
            where=where,
            remedy="Move it into area.bbox.",
        )
    is_narrow = channel.width < size
    if not is_narrow:
        near = shapely.distance(line, shapely.points(*np.meshgrid(grid.x_cell, grid.y_cell))) <= 0.5 * channel.width
        near[row, col] = True
        row, col = np.nonzero(near)
    bed = _bed(channel, grid, row, col, line, files, where)
    if channel.roughness is not None:
        n = np.full(len(row), channel.roughness)
    else:
        n = np.broadcast_to(ground.roughness, grid.shape)[row, col].copy()
    if not is_narrow:
        # it carries its own discharge, though its edges follow the cells
        return _Reach(row, col, bed, n * (len(row) * size**2 / length / channel.width))
    if channel.width < NARROWEST * size:
        raise ScenarioError(
            f"is {channel.width} m wide, cells are {size} m",
            where=where,
            remedy=f"Give at least {NARROWEST * size:g} m, or smaller cells.",
        )
    bank = ground.bed[row, col]
    if not np.isfinite(bank).all():
        raise LayerError(
            f"runs through {int((~np.isfinite(bank)).sum())} cells without a bed, and is narrower than a cell",
            where=where,
            remedy="Fill the terrain, or give a width of at least a cell.",
        )
    # length of the line in a cell, and what of the cell the channel takes
    part = length / (len(row) * size)
    ratio = channel.width * part / size
    # equal brim-full discharge: w D^(5/3) S^(1/2) / n, the chain lowered by D ratio, longer and so less steep
    factor = (size / channel.width) * ratio ** (5.0 / 3.0) * math.sqrt(part)
    return _Reach(row, col, bank - ratio * np.maximum(bank - bed, 0.0), n * factor)


def _bed(
    channel: Channel, grid: Grid, row: NDArray[np.int64], col: NDArray[np.int64], line: object, files: InputFiles,
    where: str,
) -> NDArray[np.float64]:  # fmt: skip
    import shapely

    if isinstance(channel.bed, Path):
        bed = files.raster(channel.bed, grid).astype(np.float64)[row, col]
        if not np.isfinite(bed).all():
            raise LayerError(
                f"says nothing for {int((~np.isfinite(bed)).sum())} of {len(bed)} cells of the channel",
                where=f"{where}.bed: {channel.bed}",
                remedy="Give a raster that covers it.",
            )
        return bed
    if isinstance(channel.bed, tuple):
        share = shapely.line_locate_point(line, shapely.points(grid.x_cell[col], grid.y_cell[row]), normalized=True)
        return np.asarray(channel.bed[0] + share * (channel.bed[1] - channel.bed[0]), dtype=np.float64)
    return np.full(len(row), channel.bed)
