"""Frames keep datums and axes apart; grids know where their cells are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin import ELLIPSOIDAL, GEOGRAPHIC, OSAKA, Frame, FrameError, Grid, LayerError, plane_rectangular_zone


@given(lon=st.floats(134.5, 136.5), lat=st.floats(34.0, 35.5))
def test_degrees_to_metres_and_back_is_the_same_place(lon: float, lat: float) -> None:
    x, y, _ = OSAKA.from_(GEOGRAPHIC, lon, lat)
    back = GEOGRAPHIC.from_(OSAKA, x, y)
    np.testing.assert_allclose([back[0], back[1]], [lon, lat], atol=1e-9)


def test_x_is_east_and_y_is_north_whatever_the_authority_says() -> None:
    x, y, _ = OSAKA.from_(GEOGRAPHIC, [135.4, 135.5], [34.7, 34.7])
    assert x[1] - x[0] == pytest.approx(9160, abs=20)
    assert abs(y[1] - y[0]) < 150


def test_heights_above_different_datums_are_not_mixed() -> None:
    with pytest.raises(FrameError, match="ellipsoidal"):
        OSAKA.from_(Frame("EPSG:6668", ELLIPSOIDAL), 135.4, 34.7, 40.0)


def test_a_place_where_the_system_is_not_defined_is_refused() -> None:
    with pytest.raises(FrameError, match="axis order"):
        OSAKA.from_(GEOGRAPHIC, 34.7, 135.4)


@pytest.mark.parametrize("code", ["EPSG:0", "", "metres please"])
def test_an_unknown_system_is_refused_with_an_example(code: str) -> None:
    with pytest.raises(FrameError, match="EPSG:6674"):
        Frame(code)


def test_there_are_nineteen_zones() -> None:
    assert plane_rectangular_zone(6) == OSAKA
    with pytest.raises(FrameError, match="1 to 19"):
        plane_rectangular_zone(20)


@given(
    ny=st.integers(1, 40),
    nx=st.integers(1, 40),
    size=st.floats(0.25, 50),
    west=st.floats(-1e5, 1e5),
    north=st.floats(-1e5, 1e5),
)
def test_a_cell_s_centre_lies_in_that_cell(ny: int, nx: int, size: float, west: float, north: float) -> None:
    grid = Grid((ny, nx), size, west, north)
    x, y = np.meshgrid(grid.x_cell, grid.y_cell)
    row, col = grid.row_col(x, y)
    np.testing.assert_array_equal(row, np.repeat(np.arange(ny)[:, None], nx, axis=1))
    np.testing.assert_array_equal(col, np.repeat(np.arange(nx)[None], ny, axis=0))
    assert grid.contains(x, y).all()


def test_a_grid_survives_the_manifest() -> None:
    grid = Grid.from_bounds((-52000.5, -145000, -51000, -144000), 2.5)
    assert Grid.from_dict(grid.as_dict()) == grid


@pytest.mark.parametrize(
    ("bounds", "size", "message"),
    [
        ((0, 0, 0, 10), 1, "no area"),
        ((0, 0, 10, 10), 0, "cell size is 0"),
        ((0, 0, 10, 10), float("nan"), "cell size is nan"),
        ((0, 0, float("nan"), 10), 1, "no area"),
    ],
)
def test_an_empty_domain_is_refused(bounds: tuple[float, float, float, float], size: float, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        Grid.from_bounds(bounds, size)


def test_a_grid_in_degrees_is_refused() -> None:
    with pytest.raises(FrameError, match="metres are needed"):
        Grid((2, 2), 0.1, 135, 35, GEOGRAPHIC)
