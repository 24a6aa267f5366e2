"""Codes of the JIS grid squares."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sample_data.jismesh import mesh3, mesh3_bounds, quarter_mesh, quarter_mesh_bounds

LON, LAT = st.floats(130.0, 144.0), st.floats(31.0, 44.0)


@given(lon=LON, lat=LAT)
def test_the_square_of_a_point_holds_it(lon, lat):
    for bounds in (mesh3_bounds(mesh3(lon, lat)), quarter_mesh_bounds(quarter_mesh(lon, lat))):
        west, south, east, north = bounds
        assert west - 1e-8 <= lon <= east + 1e-8
        assert south - 1e-8 <= lat <= north + 1e-8


def test_known_squares():
    assert mesh3(135.4225, 34.6981) == "52350333"  # a building of PLATEAU's file of that name
    assert mesh3(139.7671, 35.6812) == "53394611"
