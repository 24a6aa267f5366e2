"""What the water flows over: bed, walls, roughness, buildings and the water that is there at the start."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.flood.boundaries import edge_owners
from twin.errors import LayerError, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sim.flood.scenario import FloodSection
    from sim.inputs import InputFiles
    from sim.stage import StageInput
    from twin.city import CityModel
    from twin.grid import Grid
    from twin.layer import VectorLayer

__all__ = ["Ground", "initial_depth", "lay_ground"]

MAX_COVER = 0.60
"""Largest building cover of the roughness rule: beyond it the rule's denominator runs away (specs of the manual)."""

DEEPEST = 12_000.0
"""Depth that no water on Earth has [m]."""

LEAST_POROSITY = 0.1
"""Smallest porosity of a cell that water enters (the Japanese manual of flood inundation maps)."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The still part of a flood model.

    Parameters
    ----------
    grid : Grid
    bed : ndarray of float64 (ny, nx)
        [m T.P.], NaN where `is_wall` because nothing is known there.
    is_wall : ndarray of bool (ny, nx)
        Cells that no water enters: building holes and cells without a bed.
    roughness : ndarray of float64 (ny, nx) or (1, nx)
        Manning's n [s m-1/3].
    depth : ndarray of float64 (ny, nx)
        At the start [m].
    building_cell : ndarray of int32 (ny, nx)
        Row of the building at the cell, -1 where none stands.
    crest_xface, crest_yface : ndarray (ny, nx + 1), (ny + 1, nx)
        Tops of walls between cells [m T.P.], -inf where none stands.
    cells_without_bed : int
        Cells that are walls because no terrain is known there.
    water : ndarray of bool (ny, nx) or None
        Sea and rivers (what the scenario's ``sea_level`` fills): water there is no flood. None where nothing says.
    porosity : ndarray of float32 (ny, nx) or None
        Share of an open cell that buildings leave free, which stores and carries its water; 1 in walls. None: 1.
    velocity : tuple of ndarray (ny, nx) or None
        Eastward and northward at the start [m/s], 0 where dry; None where the water is at rest.
    building_point : ndarray of int64 (n_buildings,)
        Flat cell that holds a point inside each building, -1 where it lies outside the area.
    layers : mapping of str to VectorLayer
        Layers of the city that structures read, by id.
    building_names : mapping of str to ndarray
        ``id`` and ``building_id`` of the city's buildings, by row.
    """

    grid: Grid
    bed: NDArray[np.float64]
    is_wall: NDArray[np.bool_]
    roughness: NDArray[np.float64]
    depth: NDArray[np.float64]
    building_cell: NDArray[np.int32]
    crest_xface: NDArray[np.float32]
    crest_yface: NDArray[np.float32]
    cells_without_bed: int = 0
    building_names: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    water: NDArray[np.bool_] | None = None
    porosity: NDArray[np.float32] | None = None
    velocity: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    layers: Mapping[str, VectorLayer] = field(default_factory=dict)
    building_point: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @classmethod
    def bare(
        cls,
        grid: Grid,
        bed: NDArray[np.float64],
        roughness: float | NDArray[np.float64] = 0.05,
        depth: NDArray[np.float64] | None = None,
    ) -> Ground:
        """Ground without buildings and walls, for cases made in memory; NaN in `bed` is a wall."""
        ny, nx = grid.shape
        n = np.full((1, nx), float(roughness)) if np.ndim(roughness) == 0 else np.asarray(roughness, dtype=np.float64)
        return cls(
            grid,
            np.asarray(bed, dtype=np.float64),
            ~np.isfinite(bed),
            n,
            np.zeros(grid.shape) if depth is None else np.asarray(depth, dtype=np.float64),
            np.full(grid.shape, -1, dtype=np.int32),
            np.full((ny, nx + 1), -np.inf, dtype=np.float32),
            np.full((ny + 1, nx), -np.inf, dtype=np.float32),
        )

    @property
    def is_land(self) -> NDArray[np.bool_]:
        """(ny, nx) where water is a flood."""
        return np.ones(self.grid.shape, dtype=bool) if self.water is None else ~self.water


def lay_ground(stage: StageInput, section: FloodSection) -> Ground:
    """Bring city, rasters and edits together.

    Raises
    ------
    ScenarioError, LayerError
        If there is no bed, or a raster holds what it cannot.
    """
    city = _city_with_bed(stage, section).on(stage.grid)
    bed = city.z_cell.astype(np.float64)
    building, cover = city.building_cell, city.cover_cell
    if stage.city is None:
        building, cover = _buildings_without_city(stage)
    unknown = ~np.isfinite(bed)
    if section.no_bed == "refuse" and unknown.any():
        row, col = (int(i) for i in np.argwhere(unknown)[0])
        raise LayerError(
            f"{int(unknown.sum())} cells have no bed, the first at row {row}, column {col} "
            f"({stage.grid.x_cell[col]:.1f}, {stage.grid.y_cell[row]:.1f})",
            where="flood.bed",
            remedy="Fill the terrain, choose another area, or say no_bed: wall.",
        )
    is_wall, porosity = unknown.copy(), None
    if section.buildings == "hole":
        is_wall |= building >= 0
    elif section.buildings == "porosity":
        porosity, blocked = _porosity(cover)
        is_wall |= blocked
    elif section.buildings == "block":
        bed = _raise_blocks(stage, bed, building)
    n = _roughness(stage, section, cover)
    depth = initial_depth(section, stage.files, stage.grid, bed, is_wall)
    return Ground(
        stage.grid,
        bed,
        is_wall,
        n,
        depth,
        building,
        city.crest_xface,
        city.crest_yface,
        cells_without_bed=int(unknown.sum()),
        building_names=_building_names(stage),
        building_point=city.building_point,
        porosity=porosity,
        water=depth > 0.0 if section.initial.sea_level is not None else None,
        velocity=_initial_velocity(section, stage.files, stage.grid, depth),
        layers=_structure_layers(stage, section),
    )


def _structure_layers(stage: StageInput, section: FloodSection) -> dict[str, VectorLayer]:
    from twin.layer import VectorLayer

    names = section.structures.layers()
    if names and stage.city is None:
        raise ScenarioError(
            f"needs the layers {', '.join(names)}, and there is no city",
            where="flood.structures.underground",
            remedy="Give city: in the scenario, or floors and entrances as lists.",
        )
    return {} if stage.city is None else {name: stage.city.require(name, VectorLayer) for name in names}


def initial_depth(
    section: FloodSection, files: InputFiles, grid: Grid, bed: NDArray[np.float64], is_wall: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Depth at the start [m] (ny, nx).

    Raises
    ------
    LayerError
        If a raster has a negative depth, or water is deeper than any sea.
    """
    start = section.initial
    depth = np.zeros(grid.shape)
    if start.stage is not None:
        stage = _number_or_raster(start.stage, files, grid)
        # a raster of the stage says nothing where it is dry
        depth = np.maximum(np.where(np.isfinite(stage), stage, -np.inf) - bed, 0.0)
    elif start.depth is not None:
        given = _number_or_raster(start.depth, files, grid)
        if np.nanmin(given) < 0:
            raise LayerError(
                f"depth is {np.nanmin(given)} m at a cell", where="flood.initial.depth", remedy="Give depths >= 0."
            )
        depth = np.where(np.isfinite(given), given, 0.0) + np.zeros(grid.shape)
    elif start.sea_level is not None:
        from scipy import ndimage

        label, _ = ndimage.label((bed < start.sea_level) & ~is_wall)
        rim = np.unique(_sea_edge(label, section, grid))
        depth = np.where(np.isin(label, rim[rim > 0]), start.sea_level - bed, 0.0)
    depth = np.where(is_wall, 0.0, depth)
    if depth.max() > DEEPEST:
        row, col = (int(i) for i in np.unravel_index(depth.argmax(), depth.shape))
        raise ScenarioError(
            f"the water is {depth[row, col]:g} m deep at row {row}, column {col}",
            where="flood.initial",
            remedy=f"No sea is deeper than {DEEPEST:g} m; check the units, and the bed there.",
        )
    return depth


def _initial_velocity(
    section: FloodSection, files: InputFiles, grid: Grid, depth: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Eastward and northward [m/s] (ny, nx); a raster says nothing where it is dry."""
    if section.initial.velocity is None:
        return None
    given = (_number_or_raster(part, files, grid) for part in section.initial.velocity)
    u, v = (np.where((depth > 0.0) & np.isfinite(part), part, 0.0) for part in given)
    return u, v


def _sea_edge(label: NDArray[np.int32], section: FloodSection, grid: Grid) -> NDArray[np.int32]:
    """Values of `label` along the edges where the sea comes in: those with a stage, all where no edge has one."""
    edges = {"north": label[0], "south": label[-1], "west": label[:, 0], "east": label[:, -1]}
    owner = edge_owners(section, grid)
    stages = [number for number, boundary in enumerate(section.boundaries) if boundary.kind in {"stage", "sea"}]
    open_to_sea = [edges[edge][np.isin(owner[edge], stages)] for edge in edges]
    return np.concatenate(open_to_sea if stages else list(edges.values()))


def _city_with_bed(stage: StageInput, section: FloodSection) -> CityModel:
    from twin.city import CityModel
    from twin.edit import BuildingEdit
    from twin.layer import Provenance, RasterLayer

    city = stage.city
    if section.bed is None:
        if city is None:
            raise ScenarioError(
                "there is neither a city nor a bed", where="flood.bed", remedy="Give city: in the scenario, or bed:."
            )
        return city
    values = stage.files.raster(section.bed, stage.grid)
    source = Provenance(source=str(section.bed), licence="as its owner says")
    layer = RasterLayer("terrain", stage.grid.frame, source, stage.grid, values, "m")
    if city is not None:
        return city.with_layer(layer)
    bare = CityModel({}, stage.grid.frame, stage.grid.bounds, {"terrain": layer})
    return bare.edit(*(edit for edit in stage.scenario.edits if not isinstance(edit, BuildingEdit)))


def _buildings_without_city(stage: StageInput) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Row and cover of the buildings that the scenario adds to a case that has no city to put them in."""
    from shapely import Polygon

    from twin.edit import BuildingEdit
    from twin.footprint import burn, cover_fraction

    shapes = [Polygon(edit.polygon) for edit in stage.scenario.edits if isinstance(edit, BuildingEdit)]
    return burn(shapes, stage.grid), cover_fraction(shapes, stage.grid)


def _porosity(cover: NDArray[np.float32]) -> tuple[NDArray[np.float32] | None, NDArray[np.bool_]]:
    """Porosity of the cells, None where no building stands, and the cells that are blocked."""
    free = (1.0 - np.nan_to_num(cover)).astype(np.float32)
    blocked = free < LEAST_POROSITY
    free[blocked] = 1.0
    return (free if (free < 1.0).any() else None), blocked


def _building_names(stage: StageInput) -> dict[str, NDArray[Any]]:
    import shapely

    from twin.footprint import footprints
    from twin.layer import MeshLayer

    if stage.city is None or "buildings" not in stage.city:
        return {}
    table = stage.city.require("buildings", MeshLayer).table
    names = {name: table[name].to_numpy(dtype=object) for name in ("id", "building_id") if name in table}
    return {**names, "geometry": shapely.to_wkb(footprints(stage.city.require("buildings", MeshLayer)))}


def _raise_blocks(stage: StageInput, bed: NDArray[np.float64], building: NDArray[np.int32]) -> NDArray[np.float64]:
    from twin.edit import BuildingEdit
    from twin.layer import MeshLayer

    if stage.city is not None:
        if "buildings" not in stage.city:
            return bed
        top = stage.city.require("buildings", MeshLayer).table["top"].to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        added = [edit for edit in stage.scenario.edits if isinstance(edit, BuildingEdit)]
        top = np.array([np.nanmin(bed[building == k], initial=np.inf) + e.height for k, e in enumerate(added)])
    if not len(top):
        return bed
    roof = np.where(building >= 0, top[np.maximum(building, 0)], -np.inf)
    # a building without a known top still stands in the way: a storey
    roof = np.where(np.isnan(roof), bed + 3.0, roof)
    return np.where(np.isnan(bed), bed, np.maximum(bed, roof))


def _number_or_raster(given: float | Path, files: InputFiles, grid: Grid) -> NDArray[np.float64]:
    if isinstance(given, Path):
        return files.raster(given, grid).astype(np.float64)
    return np.full(grid.shape, float(given))


def _roughness(stage: StageInput, section: FloodSection, cover: NDArray[np.float32]) -> NDArray[np.float64]:
    n: NDArray[np.float64]
    if isinstance(section.roughness, Path):
        n = stage.files.raster(section.roughness, stage.grid).astype(np.float64)
        bad = ~np.isfinite(n) | (n < 0)
        if bad.any():
            row, col = (int(i) for i in np.argwhere(bad)[0])
            raise LayerError(
                f"Manning's n is {n[row, col]} s m-1/3 at row {row}, column {col} ({int(bad.sum())} such cells)",
                where=f"flood.roughness: {section.roughness}",
                remedy="Give a value >= 0 for every cell of the area.",
            )
    else:
        n = np.full((1, stage.grid.shape[1]), float(section.roughness))
    if section.buildings == "roughness":
        share = np.minimum(cover.astype(np.float64), MAX_COVER)
        n = np.sqrt(n**2 + 0.020 * share / (1.0 - share) * section.cover_depth ** (4.0 / 3.0))
    return n
