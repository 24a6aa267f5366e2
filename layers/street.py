"""A street network from road surfaces: cities have the surfaces (tran), simulators need lines that meet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from layers.centreline import Line, centre_lines
from twin.errors import LayerError
from twin.footprint import burn, footprints
from twin.frame import OSAKA, Frame
from twin.grid import Grid
from twin.layer import Access, MeshLayer, NetworkLayer, RasterLayer
from twin.network import Attribute, LinkKind, Network

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from layers.bounds import Bounds

__all__ = ["read_road_network"]

BYTES_PER_CELL = 48
"""Peak memory of a cell: the burnt roads, distance (8), labels (4 x 3) and masks of the skeleton."""
BEND = 1.5
"""Largest departure of a simplified line from its pixels [cells]: a slanting line's pixels go up and down by one."""
VERTEX_EVERY = 10.0
"""Longest distance between two vertices, which carry the heights [m]."""
WIDTH_CLOSE = 1.0
"""Gaps between neighbouring surfaces up to this size [m] are closed."""


def read_road_network(
    *,
    roads: MeshLayer,
    terrain: RasterLayer | None = None,
    frame: Frame = OSAKA,
    area: Bounds | None = None,
    licence: str = "",
    access: Access = Access.OPEN,
    cell: float = 1.0,
    least_width: float = 1.5,
    layer_id: str = "streets",
) -> NetworkLayer:
    """Centre lines of road surfaces as a network in both directions.

    Parameters
    ----------
    roads : MeshLayer
        Surfaces of roads (``plateau_roads``); column ``section`` tells bridges.
    terrain : RasterLayer, optional
        Gives heights: of every vertex, on bridges linear between the ends. Without it heights are 0, and said so.
    area : tuple of float, optional
        Part that is drawn [m]; by default all of `roads`.
    frame : Frame
        That of `roads`.
    licence : str
        Default: that of `roads`.
    access : Access
    cell : float
        Cell of the raster that the lines are found on [m].
    least_width : float
        Narrower surfaces are no streets [m].
    layer_id : str

    Returns
    -------
    NetworkLayer
        Columns of ``links``: id, name, function, section, width [m], length [m], road (row of `roads`).
        Attributes: ``kind`` (ROAD or BRIDGE), ``width`` [m], ``level`` (0).

    Raises
    ------
    LayerError
        If no road surface lies in the area, or the raster does not fit into memory.
    """
    where = f"layer {layer_id}"
    frame.require_same_datum(roads.frame, where)
    if not (0.1 <= cell <= 10.0):
        raise LayerError(f"cell is {cell} m", where=where, remedy="Give 0.1 to 10 m; streets need about 1 m.")
    shapes, grid = _domain(roads, area, cell, where)
    road_cell = burn(shapes, grid)
    skeleton = centre_lines(_closed(road_cell >= 0, cell))
    lines = [line for line in skeleton.lines if line.clear_width * cell >= least_width]
    if not lines:
        raise LayerError(
            f"no street is wider than {least_width} m in {grid.bounds}", where=where, remedy="Choose another area."
        )
    number = {
        node: n for n, node in enumerate(dict.fromkeys(node for line in lines for node in (line.start, line.end)))
    }
    xy = np.array([_metres(skeleton.position[node][None], grid)[0] for node in number])
    road = np.array([_road_below(line, road_cell) for line in lines])
    is_bridge = roads.table["section"].astype("str").str.contains("橋").to_numpy()[road]
    paths = [_simple(_metres(line.path, grid), cell) for line in lines]
    height = _Heights(terrain)
    shapes3 = [height.drape(path, is_bridge=bool(bridge)) for path, bridge in zip(paths, is_bridge, strict=True)]
    node_z = height.at(xy)
    width = np.array([line.clear_width * cell for line in lines])
    tail = np.array([number[line.start] for line in lines])
    head = np.array([number[line.end] for line in lines])
    network = _both_ways(np.column_stack([xy, node_z]), tail, head, shapes3, width, is_bridge)
    notes = (
        f"centre lines of {len(np.unique(road))} road surfaces, found on a raster of {cell:g} m; "
        f"{skeleton.spurs} dead ends into corners removed, {len(skeleton.lines) - len(lines)} lines narrower than "
        f"{least_width:g} m left out",
        *([] if terrain is not None else ["no terrain was given: heights are 0"]),
        *height.notes(),
        *_parts(network),
    )
    provenance = replace(roads.provenance, licence=licence or roads.provenance.licence, access=access, notes=notes)
    return NetworkLayer(
        layer_id, roads.frame, provenance, network, _links(roads, road, shapes3, width), _nodes(len(number))
    )


def _domain(roads: MeshLayer, area: Bounds | None, cell: float, where: str) -> tuple[list[object], Grid]:
    import shapely

    shapes = footprints(roads)
    found = shapely.total_bounds([shape for shape in shapes if shape is not None])
    west, south, east, north = (float(value) for value in found)
    if area is not None:
        west, south = max(west, area[0]), max(south, area[1])
        east, north = min(east, area[2]), min(north, area[3])
    if not (west < east and south < north):
        raise LayerError(f"no road surface lies in {area}", where=where, remedy="Choose an area with roads.")
    rim = 2 * cell
    bounds = (west - rim, south - rim, east + rim, north + rim)
    grid = Grid.from_bounds(_on_raster(bounds, cell), cell, roads.frame)
    grid.require_memory(BYTES_PER_CELL, where)
    return list(shapes), grid


def _on_raster(bounds: Bounds, cell: float) -> Bounds:
    """Grow to whole cells, so that the lines do not move with the area."""
    west, south, east, north = bounds
    low, high = np.floor(np.array([west, south]) / cell) * cell, np.ceil(np.array([east, north]) / cell) * cell
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _closed(mask: NDArray[np.bool_], cell: float) -> NDArray[np.bool_]:
    from scipy import ndimage

    reach = max(1, round(WIDTH_CLOSE / 2 / cell))
    return np.asarray(ndimage.binary_closing(np.pad(mask, reach), iterations=reach))[reach:-reach, reach:-reach]


def _metres(path: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    west, _, _, north = grid.bounds
    return np.column_stack([west + (path[:, 1] + 0.5) * grid.cell_size, north - (path[:, 0] + 0.5) * grid.cell_size])


def _simple(path: NDArray[np.float64], cell: float) -> NDArray[np.float64]:
    import shapely

    simple = shapely.simplify(shapely.LineString(path), BEND * cell)
    return np.asarray(shapely.segmentize(simple, VERTEX_EVERY).coords)


def _road_below(line: Line, road_cell: NDArray[np.int32]) -> int:
    """The road that most of the line lies on."""
    row, col = np.round(line.path).astype(np.int64).T
    below = road_cell[row.clip(0, road_cell.shape[0] - 1), col.clip(0, road_cell.shape[1] - 1)]
    below = below[below >= 0]
    return int(np.bincount(below).argmax()) if len(below) else 0


def _both_ways(
    node_xyz: NDArray[np.float64],
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    shapes: list[NDArray[np.float64]],
    width: NDArray[np.float64],
    is_bridge: NDArray[np.bool_],
) -> Network:
    n = len(tail)
    feature = np.tile(np.arange(n), 2)
    length = np.array([np.linalg.norm(np.diff(shape, axis=0), axis=1).sum() for shape in shapes])
    kind = np.where(is_bridge, LinkKind.BRIDGE, LinkKind.ROAD).astype(np.int8)
    known = np.ones(2 * n, dtype=bool)
    return Network.from_links(
        node_xyz,
        tail=np.r_[tail, head],
        head=np.r_[head, tail],
        length=length[feature],
        feature=feature,
        is_reversed=np.repeat([False, True], n),
        attributes={
            "kind": Attribute(kind[feature], known, "1", "road surface, section"),
            "width": Attribute(width[feature], known, "m", "distance across the road surface"),
            "level": Attribute(np.zeros(2 * n), known, "1", "a road surface is at street level"),
        },
    )


def _links(
    roads: MeshLayer, road: NDArray[np.int64], shapes: list[NDArray[np.float64]], width: NDArray[np.float64]
) -> gpd.GeoDataFrame:
    import shapely
    from geopandas import GeoDataFrame

    of_road = roads.table.iloc[road].reset_index(drop=True)
    geometry = [shapely.LineString(shape) for shape in shapes]
    return GeoDataFrame(
        {
            "id": [f"street-{n:05d}" for n in range(len(road))],
            **{column: of_road[column] for column in ("name", "function", "section") if column in of_road},
            "width": width,
            "length": shapely.length(geometry),
            "road": road,
        },
        geometry=geometry,
        crs=roads.frame.crs(),
    )


def _nodes(n: int) -> pd.DataFrame:
    from pandas import DataFrame

    return DataFrame({"id": [f"crossing-{k:05d}" for k in range(n)], "floor": 0.0})


def _parts(network: Network) -> list[str]:
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    n = network.n_nodes
    graph = csr_matrix((np.ones(network.n_links), network.link_head, network.link_start), shape=(n, n))
    count, part = connected_components(graph, directed=False)
    largest = np.bincount(part).max() / n
    return [] if count == 1 else [f"{count} parts do not touch; the largest holds {largest:.1%} of the crossings"]


class _Heights:
    """Ground under points; counts those where none is known."""

    def __init__(self, terrain: RasterLayer | None) -> None:
        self._terrain = terrain
        self._unknown = 0

    def at(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Height [m T.P.] of the terrain cell; where none is known the mean of those that are, 0 without any."""
        z = np.full(len(xy), np.nan)
        if self._terrain is not None:
            grid = self._terrain.grid
            inside = grid.contains(xy[:, 0], xy[:, 1])
            z[inside] = self._terrain.values[grid.row_col(xy[inside, 0], xy[inside, 1])]
            self._unknown += int(np.isnan(z).sum())
        return np.where(np.isnan(z), np.nanmean(z) if np.isfinite(z).any() else 0.0, z)

    def drape(self, path: NDArray[np.float64], *, is_bridge: bool) -> NDArray[np.float64]:
        """Path with heights (n, 3): on the ground, or from end to end."""
        if not is_bridge:
            return np.column_stack([path, self.at(path)])
        along = np.r_[0.0, np.cumsum(np.hypot(*np.diff(path, axis=0).T))]
        ends = self.at(path[[0, -1]])
        return np.column_stack([path, np.interp(along, along[[0, -1]], ends)])

    def notes(self) -> list[str]:
        """What could not be known."""
        return [f"{self._unknown} points lie where the terrain is unknown"] if self._unknown else []
