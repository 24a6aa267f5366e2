"""The city model: layers in one frame, edits on top, everything brought onto one grid on request."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from twin.edit import BuildingEdit, Edit, LeveeEdit, TerrainEdit, WallEdit
from twin.errors import LayerError
from twin.footprint import burn, cover_fraction, footprints
from twin.layer import Layer, MeshLayer, PolygonMesh, RasterLayer, Surface

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray
    from shapely import Geometry

    from twin.frame import Frame
    from twin.grid import Grid

__all__ = ["CityModel", "GriddedCity", "resample"]

GRIDDED_BYTES_PER_CELL = 48
"""Memory that bringing a city onto a grid takes at its peak: five arrays of 4 bytes and the 4 x 4 finer cover mask."""

AnyLayer = TypeVar("AnyLayer", bound=Layer)


@dataclass(frozen=True, slots=True, eq=False)
class GriddedCity:
    """The city on a grid: what a raster simulator needs, aligned.

    Parameters
    ----------
    grid : Grid
    z_cell : ndarray of float32 (ny, nx)
        Ground [m T.P.], levees and terrain edits applied, buildings not; NaN where no terrain is known.
    building_cell : ndarray of int32 (ny, nx)
        Row of the building that holds the cell centre, -1 where none does.
    cover_cell : ndarray of float32 (ny, nx)
        Share of the cell that buildings cover.
    crest_xface : ndarray of float32 (ny, nx + 1)
        Crest of a wall between (row, col - 1) and (row, col) [m T.P.], -inf where there is none.
    crest_yface : ndarray of float32 (ny + 1, nx)
        The same between (row - 1, col) and (row, col).
    building_point : ndarray of int64 (n_buildings,)
        Flat cell that holds a point inside each building, -1 outside the grid: a building smaller than a cell may hold
        no cell centre.
    """

    grid: Grid
    z_cell: NDArray[np.float32]
    building_cell: NDArray[np.int32]
    cover_cell: NDArray[np.float32]
    crest_xface: NDArray[np.float32]
    crest_yface: NDArray[np.float32]
    building_point: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CityModel:
    """Layers of one city in one frame.

    Parameters
    ----------
    name : mapping of str to str
        Name by language, ``{"ja": ..., "en": ...}``.
    frame : Frame
        Frame of every layer.
    area : tuple of float
        (west, south, east, north) [m] that was loaded.
    layers : mapping of str to Layer
    edits : tuple of Edit
        Applied in order; see :meth:`edit`.

    Raises
    ------
    FrameError
        If a layer's heights are above another datum than the city's.
    LayerError
        If a layer lies in another horizontal frame.
    """

    name: Mapping[str, str]
    frame: Frame
    area: tuple[float, float, float, float]
    layers: Mapping[str, Layer]
    edits: tuple[Edit, ...] = field(default=())

    def __post_init__(self) -> None:
        self.frame.require_metres("city")
        for layer in self.layers.values():
            self.frame.require_same_datum(layer.frame, where=f"layer {layer.id}")
            if layer.frame.horizontal != self.frame.horizontal:
                raise LayerError(
                    f"coordinates are in {layer.frame.horizontal}, the city's in {self.frame.horizontal}",
                    where=f"layer {layer.id}",
                    remedy="Let the reader transform it: pass frame=city.frame.",
                )

    def __getitem__(self, layer_id: str) -> Layer:
        try:
            return self.layers[layer_id]
        except KeyError:
            raise LayerError(
                f"the city has no layer {layer_id!r}",
                where="city",
                remedy=f"It has: {', '.join(sorted(self.layers)) or 'none'}.",
            ) from None

    def __contains__(self, layer_id: object) -> bool:
        return layer_id in self.layers

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def require(self, layer_id: str, kind: type[AnyLayer]) -> AnyLayer:
        """Layer `layer_id`, which must be of `kind`.

        Raises
        ------
        LayerError
            If it is missing or of another kind.
        """
        layer = self[layer_id]
        if not isinstance(layer, kind):
            raise LayerError(
                f"is a {type(layer).__name__}, a {kind.__name__} is needed",
                where=f"layer {layer_id}",
                remedy="Check the reader in the catalogue.",
            )
        return layer

    def with_layer(self, layer: Layer) -> CityModel:
        """A city in which `layer` is added or replaces the one of the same id."""
        return replace(self, layers={**self.layers, layer.id: layer})

    def edit(self, *edits: Edit) -> CityModel:
        """A city with `edits` on top; a new building becomes a row of the buildings layer.

        Raises
        ------
        LayerError
            If a building is added where there is no terrain to stand on.
        """
        city = replace(self, edits=(*self.edits, *edits))
        for change in edits:
            if isinstance(change, BuildingEdit):
                city = city.with_layer(_with_building(city, change))
        return city

    def digest(self) -> str:
        """sha256 over the layers' sources and the edits: two cities with the same digest hold the same data."""
        parts = [repr(self.frame), repr(self.area)]
        parts += [f"{name}:{layer.provenance.sha256}:{layer.provenance.source}" for name, layer in self.layers.items()]
        parts += [repr(change) for change in self.edits]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def on(self, grid: Grid) -> GriddedCity:
        """Terrain (layer ``terrain``), buildings (layer ``buildings``) and edits on `grid`.

        Raises
        ------
        LayerError
            If there is no terrain, or it does not reach the grid at all.
        """
        grid.require_memory(GRIDDED_BYTES_PER_CELL, "city")
        z = self._terrain_on(grid)
        shapes = list(footprints(self.require("buildings", MeshLayer))) if "buildings" in self else []
        crest_x = np.full((grid.shape[0], grid.shape[1] + 1), -np.inf, dtype=np.float32)
        crest_y = np.full((grid.shape[0] + 1, grid.shape[1]), -np.inf, dtype=np.float32)
        for change in self.edits:
            if isinstance(change, WallEdit):
                _raise_faces(change, grid, crest_x, crest_y)
        return GriddedCity(
            grid, z, burn(shapes, grid), cover_fraction(shapes, grid), crest_x, crest_y, _cells_within(shapes, grid)
        )

    def _terrain_on(self, grid: Grid) -> NDArray[np.float32]:
        terrain = self.require("terrain", RasterLayer)
        z = resample(terrain, grid)
        if not np.isfinite(z).any():
            raise LayerError(
                f"the terrain covers {terrain.grid.bounds}, the area asked for is {grid.bounds}",
                where="layer terrain",
                remedy="Choose an area inside the terrain, or add a terrain for it.",
            )
        for change in self.edits:
            if isinstance(change, LeveeEdit | TerrainEdit):
                _shape_ground(change, grid, z)
        return z


def _cells_within(shapes: list[Geometry | None], grid: Grid) -> NDArray[np.int64]:
    import shapely

    points = shapely.point_on_surface(np.array(shapes, dtype=object))
    x, y = shapely.get_x(points), shapely.get_y(points)
    inside = np.isfinite(x) & np.isfinite(y)
    inside[inside] = grid.contains(x[inside], y[inside])
    cell = np.full(len(shapes), -1, dtype=np.int64)
    row, col = grid.row_col(x[inside], y[inside])
    cell[inside] = row * grid.shape[1] + col
    return cell


def resample(layer: RasterLayer, grid: Grid) -> NDArray[np.float32]:
    """Values of a raster layer on `grid`: cell means where it is finer, bilinear where it is coarser, NaN outside.

    Returns
    -------
    ndarray of float32 (ny, nx)
    """
    if layer.grid == grid:
        return layer.values.copy()
    from affine import Affine
    from rasterio.enums import Resampling
    from rasterio.warp import reproject

    out = np.full(grid.shape, np.nan, dtype=np.float32)
    finer = layer.grid.cell_size < grid.cell_size * 0.999
    reproject(
        layer.values,
        out,
        src_transform=Affine(*layer.grid.affine),
        src_crs=layer.frame.wkt(),
        dst_transform=Affine(*grid.affine),
        dst_crs=grid.frame.wkt(),
        src_nodata=np.nan,
        dst_nodata=np.nan,
        resampling=Resampling.average if finer else Resampling.bilinear,
    )
    return out


def _shape_ground(change: LeveeEdit | TerrainEdit, grid: Grid, z: NDArray[np.float32]) -> None:
    import shapely

    if isinstance(change, LeveeEdit):
        # a levee thinner than a cell still has to close: no gap between cells that touch at corners only
        width = max(change.width, 1.5 * grid.cell_size)
        shape, level, rule = shapely.LineString(change.line).buffer(width / 2, cap_style="flat"), change.crest, "raise"
    else:
        shape, level, rule = shapely.Polygon(change.polygon), change.level, change.rule
    inside = burn([shape], grid) >= 0
    if rule == "raise":
        inside &= ~(z >= level)
    elif rule == "lower":
        inside &= ~(z <= level)
    z[inside] = level


def _raise_faces(wall: WallEdit, grid: Grid, crest_x: NDArray[np.float32], crest_y: NDArray[np.float32]) -> None:
    """Put the wall on each face whose two cell centres it separates: tight by construction, no stair-step leaks."""
    ny, nx = grid.shape
    for (x0, y0), (x1, y1) in zip(wall.line[:-1], wall.line[1:], strict=True):
        if y0 != y1:
            rows = np.flatnonzero((grid.y_cell >= min(y0, y1)) & (grid.y_cell < max(y0, y1)))
            x = x0 + (grid.y_cell[rows] - y0) * (x1 - x0) / (y1 - y0)
            faces = np.ceil((x - grid.x_cell[0]) / grid.cell_size).astype(np.int64)
            ok = (faces > 0) & (faces < nx)
            np.maximum.at(crest_x, (rows[ok], faces[ok]), np.float32(wall.crest))
        if x0 != x1:
            cols = np.flatnonzero((grid.x_cell >= min(x0, x1)) & (grid.x_cell < max(x0, x1)))
            y = y0 + (grid.x_cell[cols] - x0) * (y1 - y0) / (x1 - x0)
            faces = np.ceil((grid.y_cell[0] - y) / grid.cell_size).astype(np.int64)
            ok = (faces > 0) & (faces < ny)
            np.maximum.at(crest_y, (faces[ok], cols[ok]), np.float32(wall.crest))


def _with_building(city: CityModel, change: BuildingEdit) -> MeshLayer:
    import pandas as pd
    import shapely

    layer = city.require("buildings", MeshLayer)
    outline = shapely.geometry.polygon.orient(shapely.Polygon(change.polygon))
    ring = np.asarray(outline.exterior.coords)[:-1]
    terrain = city.require("terrain", RasterLayer)
    row, col = terrain.grid.row_col(ring[:, 0], ring[:, 1])
    inside = terrain.grid.contains(ring[:, 0], ring[:, 1])
    ground = terrain.values[row[inside], col[inside]]
    if not np.isfinite(ground).any():
        raise LayerError("there is no terrain below it", where="building edit", remedy="Place it inside the terrain.")
    base = float(np.nanmin(ground))
    top = base + change.height
    feature = len(layer.table)
    number = 1 + int(layer.table["id"].astype(str).str.startswith("edit-building-").sum())
    new: dict[str, list[object]] = {
        "id": [f"edit-building-{number}"],
        "name": [change.name],
        "base": [base],
        "top": [top],
        "height": [change.height],
        "measured_height": [change.height],
        "max_lod": [1],
    }
    row_frame = pd.DataFrame({c: new.get(c, [_blank(layer.table[c])]) for c in layer.table.columns})
    table = pd.concat([layer.table, row_frame.astype(layer.table.dtypes.to_dict())], ignore_index=True)
    mesh = _append(layer.mesh, _prism(ring, base, top), feature)
    notes = (*layer.provenance.notes, f"building added: {change.name or new['id'][0]}")
    return replace(layer, table=table, mesh=mesh, provenance=replace(layer.provenance, notes=notes))


def _blank(column: object) -> object:
    import pandas as pd

    if isinstance(column, pd.Series) and pd.api.types.is_numeric_dtype(column):
        return pd.NA if pd.api.types.is_extension_array_dtype(column.dtype) else np.nan
    return ""


def _prism(ring: NDArray[np.float64], base: float, top: float) -> list[tuple[int, int, NDArray[np.float64]]]:
    """(surface, lod, vertices) of the footprint and of every face of an LOD1 block."""
    low, high = np.c_[ring, np.full(len(ring), base)], np.c_[ring, np.full(len(ring), top)]
    walls = [
        (Surface.SOLID, 1, np.array([low[i], low[j], high[j], high[i]]))
        for i, j in zip(range(len(ring)), np.roll(np.arange(len(ring)), -1), strict=True)
    ]
    return [(Surface.FOOTPRINT, 0, low), (Surface.SOLID, 1, low[::-1]), (Surface.SOLID, 1, high), *walls]


def _append(mesh: PolygonMesh, faces: list[tuple[int, int, NDArray[np.float64]]], feature: int) -> PolygonMesh:
    sizes = [len(face) for _, _, face in faces]
    n = len(faces)
    return PolygonMesh(
        vertices=np.concatenate([mesh.vertices, *(face for _, _, face in faces)]),
        ring_start=np.concatenate([mesh.ring_start, mesh.ring_start[-1] + np.cumsum(sizes)]),
        polygon_start=np.concatenate([mesh.polygon_start, mesh.polygon_start[-1] + 1 + np.arange(n)]),
        polygon_feature=np.concatenate([mesh.polygon_feature, np.full(n, feature)]),
        polygon_surface=np.concatenate([mesh.polygon_surface, [s for s, _, _ in faces]]).astype(np.uint8),
        polygon_lod=np.concatenate([mesh.polygon_lod, [lod for _, lod, _ in faces]]).astype(np.uint8),
    )
