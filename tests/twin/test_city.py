"""Layers come together on a grid; edits make a new city."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from twin import (
    OSAKA,
    BuildingEdit,
    CityModel,
    Frame,
    FrameError,
    Grid,
    LayerError,
    LeveeEdit,
    MeshLayer,
    PolygonMesh,
    Provenance,
    RasterLayer,
    Surface,
    TerrainEdit,
    WallEdit,
)
from twin.footprint import footprints

ORIGIN = Provenance("test", "CC0", sha256="0")
GRID = Grid((40, 60), 5.0, 0.0, 200.0)


def _terrain(values: np.ndarray | None = None, grid: Grid = GRID, frame: Frame = OSAKA) -> RasterLayer:
    z = np.zeros(grid.shape, dtype=np.float32) if values is None else values
    return RasterLayer("terrain", frame, ORIGIN, grid, z, "m")


def _buildings(*squares: tuple[float, float, float]) -> MeshLayer:
    """Square footprints with a square hole in the middle: (west, south, size)."""
    rings, vertices = [], []
    for west, south, size in squares:
        for inset in (0.0, size / 4):
            low, high = inset, size - inset
            rings.append(4)
            vertices += [(west + a, south + b, 0.0) for a, b in ((low, low), (high, low), (high, high), (low, high))]
    n = len(squares)
    mesh = PolygonMesh(
        np.array(vertices, dtype=float).reshape(-1, 3),
        np.r_[0, np.cumsum(rings)].astype(np.int64),
        np.arange(0, 2 * n + 1, 2),
        np.arange(n),
        np.full(n, Surface.FOOTPRINT, dtype=np.uint8),
        np.zeros(n, dtype=np.uint8),
    )
    table = pd.DataFrame(
        {
            "id": [f"b{i}" for i in range(n)],
            "name": "",
            "height": 10.0,
            "base": 0.0,
            "top": 10.0,
            "storeys_above": pd.array([2] * n, "Int16"),
        }
    )
    return MeshLayer("buildings", OSAKA, ORIGIN, mesh, table)


def _city(*layers: RasterLayer | MeshLayer) -> CityModel:
    return CityModel({"en": "test"}, OSAKA, GRID.bounds, {layer.id: layer for layer in layers})


def test_a_hole_in_a_footprint_stays_a_hole() -> None:
    (shape,) = footprints(_buildings((20, 20, 80)))
    assert shape.area == pytest.approx(80 * 80 - 40 * 40)


def test_buildings_are_found_in_their_cells_and_cover_their_area() -> None:
    on = _city(_terrain(), _buildings((20, 20, 80), (150, 50, 40))).on(GRID)
    assert set(np.unique(on.building_cell)) == {-1, 0, 1}
    assert on.cover_cell.sum() * GRID.cell_area == pytest.approx(80**2 * 0.75 + 40**2 * 0.75)


def test_a_finer_terrain_is_averaged_and_unknown_ground_stays_unknown() -> None:
    fine = Grid((80, 60), 2.5, 0.0, 200.0)
    values = np.tile(np.array([1.0, 3.0], dtype=np.float32), (80, 30))
    z = _city(_terrain(values, fine)).on(GRID).z_cell
    np.testing.assert_allclose(z[:, :30], 2.0)
    assert np.isnan(z[:, 30:]).all()


def test_an_area_beside_the_terrain_is_refused_with_both_extents() -> None:
    with pytest.raises(LayerError, match="the area asked for"):
        _city(_terrain()).on(Grid((4, 4), 5.0, 9000.0, 9000.0))


def test_heights_above_the_ellipsoid_are_refused() -> None:
    with pytest.raises(FrameError, match="layer terrain"):
        _city(_terrain(frame=Frame("EPSG:6674", "ellipsoidal")))


def _has_one_answer(lines: NDArray[np.object_], wall: shapely.LineString) -> NDArray[np.bool_]:
    """Whether a line between two centres clearly crosses the wall or not: no end of it is met, no centre is on it."""
    ends = shapely.distance(lines, shapely.MultiPoint(wall.coords)) >= 1e-6
    centres = [shapely.distance(shapely.get_point(lines, k), wall) >= 1e-9 for k in (0, 1)]
    return ends & centres[0] & centres[1]


@given(x=st.floats(10, 290), y=st.floats(10, 190), angle=st.floats(0, np.pi), length=st.floats(30, 150))
@example(x=10.0, y=17.5, angle=0.0, length=30.0)  # along a row of centres
def test_a_wall_separates_exactly_the_cells_on_its_two_sides(x: float, y: float, angle: float, length: float) -> None:
    ends = ((x, y), (x + length * np.cos(angle), y + length * np.sin(angle)))
    on = _city(_terrain()).edit(WallEdit(ends, crest=2.0)).on(GRID)
    wall = shapely.LineString(ends)
    xc, yc = np.meshgrid(GRID.x_cell, GRID.y_cell)
    across = shapely.linestrings(
        np.stack([np.c_[xc[:, :-1].ravel(), yc[:, :-1].ravel()], np.c_[xc[:, 1:].ravel(), yc[:, 1:].ravel()]], 1)
    )
    clear = _has_one_answer(across, wall)
    marked = np.isfinite(on.crest_xface[:, 1:-1]).ravel()
    np.testing.assert_array_equal(marked[clear], shapely.intersects(across, wall)[clear])
    along = shapely.linestrings(
        np.stack([np.c_[xc[:-1].ravel(), yc[:-1].ravel()], np.c_[xc[1:].ravel(), yc[1:].ravel()]], 1)
    )
    clear = _has_one_answer(along, wall)
    marked = np.isfinite(on.crest_yface[1:-1]).ravel()
    np.testing.assert_array_equal(marked[clear], shapely.intersects(along, wall)[clear])


def test_a_levee_closes_the_valley_and_higher_ground_stays() -> None:
    z = np.zeros(GRID.shape, dtype=np.float32)
    z[:5] = 9.0
    edited = _city(_terrain(z)).edit(LeveeEdit(((150, 0), (160, 200)), crest=3.0)).on(GRID).z_cell
    assert (edited[:5] == 9.0).all()
    assert (edited[5:].max(axis=1) == 3.0).all()


@pytest.mark.parametrize(("rule", "expected"), [("raise", [1.0, 4.0]), ("lower", [-2.0, 1.0]), ("set", [1.0, 1.0])])
def test_ground_is_raised_lowered_or_set(rule: Literal["raise", "lower", "set"], expected: list[float]) -> None:
    z = np.where(np.arange(GRID.shape[1]) < 30, -2.0, 4.0).astype(np.float32) * np.ones((GRID.shape[0], 1), np.float32)
    square = ((100, 50), (200, 50), (200, 150), (100, 150))
    edited = _city(_terrain(z)).edit(TerrainEdit(square, level=1.0, rule=rule)).on(GRID).z_cell
    assert [edited[20, 25], edited[20, 35]] == expected
    assert edited[0, 0] == -2.0


def test_a_new_building_stands_on_the_ground_and_the_old_city_is_unchanged() -> None:
    z = np.full(GRID.shape, 2.5, dtype=np.float32)
    before = _city(_terrain(z), _buildings((20, 20, 80)))
    after = before.edit(BuildingEdit(((150, 50), (190, 50), (190, 90), (150, 90)), height=12.0, name="避難ビル"))
    table = after.require("buildings", MeshLayer).table
    assert table["name"].iloc[-1] == "避難ビル"
    assert (table["base"].iloc[-1], table["top"].iloc[-1]) == (2.5, 14.5)
    assert (after.on(GRID).building_cell == 1).sum() * GRID.cell_area == pytest.approx(1600)
    assert len(before.require("buildings", MeshLayer).table) == 1
    assert before.digest() != after.digest()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LeveeEdit(((0, 0),), crest=2.0), "at least 2"),
        (lambda: WallEdit(((0, 0), (float("nan"), 1)), crest=2.0), "finite"),
        (lambda: BuildingEdit(((0, 0), (1, 0), (1, 1)), height=-3.0), "height is -3"),
        (lambda: LeveeEdit(((0, 0), (1, 1)), crest=float("inf")), "crest is inf"),
    ],
)
def test_an_impossible_edit_is_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(LayerError, match=message):
        make()
