from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.buildings import read_buildings
from layers.terrain import read_building_bases, sound_bases, terrain_from_bases
from twin import OSAKA, Access, FrameError, Grid, LayerError, MeshLayer, PolygonMesh, Provenance, Surface, VectorLayer
from twin.footprint import footprints
from twin.frame import Frame


def town(xy: np.ndarray, base: np.ndarray, frame: Frame = OSAKA) -> MeshLayer:
    """Buildings of 10 m x 10 m with their middles at `xy`."""
    n = len(xy)
    corner = np.array([[-5.0, -5.0], [5.0, -5.0], [5.0, 5.0], [-5.0, 5.0]])
    ring = (xy[:, None, :] + corner).reshape(-1, 2)
    mesh = PolygonMesh(
        vertices=np.column_stack([ring, np.repeat(base, 4)]),
        ring_start=np.arange(n + 1) * 4,
        polygon_start=np.arange(n + 1),
        polygon_feature=np.arange(n),
        polygon_surface=np.full(n, Surface.SOLID, dtype=np.uint8),
        polygon_lod=np.ones(n, dtype=np.uint8),
    )
    table = pd.DataFrame({"id": [f"b{i}" for i in range(n)], "base": base})
    return MeshLayer("buildings", frame, Provenance("test", "CC0", "2024", "ab", Access.CLOSED), mesh, table)


def lattice(step: float = 40.0, n: int = 12) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(n) * step, np.arange(n) * step), axis=-1).reshape(-1, 2) + 20.0


GRID = Grid.from_bounds((0, 0, 480, 480), 5.0)


@settings(max_examples=8, deadline=None)
@given(st.floats(-0.01, 0.01), st.floats(-0.01, 0.01), st.floats(-3, 30))
def test_a_sloping_plain_comes_out_as_it_is(sx: float, sy: float, level: float) -> None:
    xy = lattice()
    layer = terrain_from_bases(town(xy, level + xy @ [sx, sy]), GRID, smooth=0)
    x, y = np.meshgrid(GRID.x_cell, GRID.y_cell)
    hull = (x > 20) & (x < 460) & (y > 20) & (y < 460)
    assert np.abs(layer.values - (level + sx * x + sy * y))[hull].max() < 1e-3
    assert np.isfinite(layer.values).all()
    low, high = (level + xy @ [sx, sy]).min(), (level + xy @ [sx, sy]).max()
    assert layer.values.min() >= low - 1e-3
    assert layer.values.max() <= high + 1e-3


def test_smoothing_keeps_a_plain_and_the_range() -> None:
    rng = np.random.default_rng(0)
    xy, base = lattice(), rng.normal(2, 0.3, 144)
    rough, fine = (terrain_from_bases(town(xy, base), GRID, smooth=s).values for s in (0.0, 2.0))
    assert np.abs(np.diff(fine, 2, axis=0)).max() < 0.5 * np.abs(np.diff(rough, 2, axis=0)).max()
    assert base.min() <= fine.min() <= fine.max() <= base.max()


def test_podiums_and_viaducts_do_not_lift_the_ground() -> None:
    rng = np.random.default_rng(1)
    xy = lattice()
    base = 2 + 0.1 * rng.standard_normal(144)
    podium = rng.choice(144, 12, replace=False)
    base[podium] += 8.0
    assert np.array_equal(np.flatnonzero(~sound_bases(xy, base)), np.sort(podium))
    layer = terrain_from_bases(town(xy, base), GRID)
    assert layer.values.max() < 2.5
    assert "132 buildings, 12 rejected" in layer.provenance.notes[0]


def test_a_terrace_is_ground_not_an_outlier() -> None:
    xy = lattice()
    base = np.where(xy[:, 0] < 240, 2.0, 9.0)
    assert sound_bases(xy, base).all()


def test_beyond_the_reach_nothing_is_known_or_the_stated_level_is() -> None:
    grid = Grid.from_bounds((-500, -500, 980, 980), 10.0)
    buildings = town(lattice(), np.full(144, 2.0))
    unknown = terrain_from_bases(buildings, grid, reach=100.0)
    x, y = np.meshgrid(grid.x_cell, grid.y_cell)
    far = shapely.distance(shapely.points(x, y), shapely.multipoints(lattice())) > 100.0
    assert np.array_equal(np.isnan(unknown.values), far)
    assert np.allclose(unknown.values[~far], 2.0)
    sea = terrain_from_bases(buildings, grid, reach=100.0, outside=-5.0)
    assert np.all(sea.values[far] == -5.0)
    assert np.allclose(sea.values[~far], 2.0), "the sea bed does not bleed into the land"
    assert "were set to -5 m" in sea.provenance.notes[1]


def test_the_coast_line_decides_where_it_is_given() -> None:
    coast = shapely.box(0, 0, 480, 240)
    layer = terrain_from_bases(town(lattice(), np.full(144, 2.0)), GRID, land=[coast], outside=-4.0)
    assert np.all(layer.values[48:] == 2.0)
    assert np.all(layer.values[:48] == -4.0)


def test_the_buildings_source_licence_and_access_go_with_the_terrain() -> None:
    provenance = terrain_from_bases(town(lattice(), np.full(144, 2.0)), GRID).provenance
    assert (provenance.licence, provenance.date, provenance.access) == ("CC0", "2024", Access.CLOSED)
    assert provenance.source == "bases of test"


def test_buildings_in_a_row_still_give_a_ground() -> None:
    xy = np.column_stack([np.arange(10) * 20.0, np.full(10, 100.0)])
    layer = terrain_from_bases(town(xy, np.arange(10.0)), GRID, smooth=0)
    row, col = GRID.row_col(xy[:, 0], xy[:, 1])
    assert np.array_equal(layer.values[row, col], np.arange(10.0))


def test_buildings_without_a_base_are_not_asked() -> None:
    base = np.full(144, 2.0)
    base[::2] = np.nan
    assert np.allclose(terrain_from_bases(town(lattice(), base), GRID).values, 2.0)


@pytest.mark.parametrize(
    ("n", "keywords", "message"),
    [
        (2, {}, "2 buildings have an outline and a base"),
        (0, {}, "0 buildings"),
        (9, {"reach": 0.0}, "reach is 0"),
        (9, {"smooth": -1.0}, "smooth -1"),
    ],
)
def test_unusable_input_is_named(n: int, keywords: dict, message: str) -> None:
    with pytest.raises(LayerError, match=f"layer terrain: .*{message}"):
        terrain_from_bases(town(lattice()[:n], np.full(n, 2.0)), GRID, **keywords)


def test_a_grid_above_another_datum_is_refused() -> None:
    grid = Grid.from_bounds((0, 0, 480, 480), 5.0, Frame("EPSG:6674", "ellipsoidal"))
    with pytest.raises(FrameError, match="ellipsoidal"):
        terrain_from_bases(town(lattice(), np.full(144, 2.0)), grid)


def test_a_grid_too_large_is_refused_with_the_number() -> None:
    with pytest.raises(LayerError, match="GB of memory"):
        terrain_from_bases(town(lattice(), np.full(144, 2.0)), Grid.from_bounds((0, 0, 1e6, 1e6), 0.1))


def test_the_reader_works_from_layers_of_the_city() -> None:
    buildings = town(lattice(), np.full(144, 2.0))
    coast = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 480, 240)], crs="EPSG:6674")
    land = VectorLayer("coast", OSAKA, Provenance("test", ""), coast)
    made = read_building_bases(
        layer_id="terrain",
        frame=OSAKA,
        area=(0, 0, 480, 480),
        buildings=buildings,
        land=land,
        outside=-5.0,
        cell_size=10,
    )
    assert made.grid == Grid.from_bounds((0, 0, 480, 480), 10.0)
    assert np.unique(made.values).tolist() == [-5.0, 2.0]
    assert made.provenance.access is Access.CLOSED, "no more open than what it is made of"
    around = read_building_bases(layer_id="terrain", frame=OSAKA, buildings=buildings, reach=50.0)
    assert around.grid.bounds == (-30.0, -30.0, 510.0, 510.0)
    with pytest.raises(LayerError, match="'buildings' names a VectorLayer"):
        read_building_bases(layer_id="terrain", frame=OSAKA, buildings=land)


@pytest.mark.real
def test_a_base_of_osaka_left_out_is_found_again_within_half_a_metre(osaka_zip: Path) -> None:
    buildings = read_buildings(str(osaka_zip), frame=OSAKA, meshes=("52350333", "52350343"))
    xy = shapely.get_coordinates(shapely.point_on_surface(footprints(buildings)))
    base = buildings.table["base"].to_numpy()
    grid = Grid.from_bounds((*xy.min(axis=0) - 50, *xy.max(axis=0) + 50), 10.0)
    row, col = grid.row_col(xy[:, 0], xy[:, 1])
    departure = np.full(len(base), np.nan)
    # left out in twentieths: all but a few of a building's neighbours stay
    for part in np.array_split(np.random.default_rng(0).permutation(len(base)), 20):
        rest = np.setdiff1d(np.arange(len(base)), part)
        z = terrain_from_bases(town(xy[rest], base[rest]), grid, reach=1000.0).values
        departure[part] = z[row[part], col[part]] - base[part]
    median = float(np.median(np.abs(departure)))
    assert len(base) > 700
    assert median < 0.5, f"median departure of a base left out: {median:.3f} m"
