from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, getcontext

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyproj import Geod

from sim.airspace.spatial_id import (
    bounds,
    children,
    cover_box,
    cover_cylinder,
    cover_prism,
    encode,
    format_ids,
    merge,
    parent,
    parse_ids,
    split,
)
from twin import LayerError

longitudes = st.floats(-180, 179.999999)
latitudes = st.floats(-85, 85)
heights = st.floats(-3e7, 3e7)


@st.composite
def ids(draw: st.DrawFn, least: int = 0, most: int = 35) -> list[int]:
    zoom = draw(st.integers(least, most))
    n = 1 << zoom
    return [
        zoom,
        draw(st.integers(-n, n - 1)),
        draw(st.integers(0, n - 1)),
        draw(st.integers(0, n - 1)),
    ]


@pytest.mark.parametrize(
    ("zoom", "text"),
    [(18, "18/0/229741/104106"), (20, "20/3/918967/416425"), (25, "25/100/29406945/13325625")],
)
def test_published_examples_come_out(zoom: int, text: str) -> None:
    assert format_ids(encode(135.5023, 34.6937, 100.0, zoom)) == [text]


@given(longitudes, latitudes, heights, st.integers(0, 35))
@example(0.0, 0.0, -5e-324, 0)
@settings(max_examples=50, deadline=None)
def test_a_point_lies_in_its_cell(lon: float, lat: float, height: float, zoom: int) -> None:
    west, south, bottom, east, north, top = bounds(encode(lon, lat, height, zoom))[0]
    hair = 1e-12
    assert west - 180 * hair <= lon <= east + 180 * hair
    assert south - 90 * hair <= lat <= north + 90 * hair
    assert bottom <= height < top


@given(ids())
@settings(max_examples=50, deadline=None)
def test_a_cell_s_middle_encodes_to_the_cell(cell: list[int]) -> None:
    west, south, bottom, east, north, top = bounds([cell])[0]
    middle = encode((west + east) / 2, (south + north) / 2, (bottom + top) / 2, cell[0])
    assert middle[0].tolist() == cell


@given(st.floats(-179, 179), heights, st.integers(0, 35))
@settings(max_examples=50, deadline=None)
def test_columns_and_levels_are_exact(lon: float, height: float, zoom: int) -> None:
    getcontext().prec = 60
    x = (Decimal(lon) + 180) * 2**zoom / 360
    row = encode(lon, 0.0, height, zoom)[0]
    assert row[1] == math.floor(Decimal(height) * 2**zoom / 2**25)
    if abs(x - round(x)) > Decimal("1e-4"):
        assert row[2] == math.floor(x)


def test_below_the_datum_f_is_negative() -> None:
    assert encode(135.0, 34.0, [-0.1, -1.0, -1.1, 0.0], 25)[:, 1].tolist() == [-1, -1, -2, 0]


def test_longitude_wraps_and_latitude_is_held() -> None:
    assert encode([180.0, -180.0, 540.0], 0.0, 0.0, 10)[:, 2].tolist() == [0, 0, 0]
    assert encode(0.0, [89.0, -89.0], 0.0, 10)[:, 3].tolist() == [0, 1023]


@given(ids(least=1))
@settings(max_examples=50, deadline=None)
def test_a_parent_holds_its_child(cell: list[int]) -> None:
    child, above = bounds([cell])[0], bounds(parent([cell]))[0]
    assert (above[:3] <= child[:3] + 1e-9).all()
    assert (above[3:] >= child[3:] - 1e-9).all()
    assert cell in children(parent([cell])).tolist()


@given(ids(most=34))
@settings(max_examples=50, deadline=None)
def test_children_fill_their_parent(cell: list[int]) -> None:
    below = children([cell])
    assert len(np.unique(below, axis=0)) == 8
    assert (parent(below) == cell).all()
    assert merge(below).tolist() == [cell]


@given(st.lists(ids(least=3, most=6), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_merging_keeps_the_air_and_splitting_undoes_it(cells: list[list[int]]) -> None:
    fewest = merge(cells)
    assert split(fewest, 6).tolist() == split(cells, 6).tolist()
    assert len(fewest) <= len(cells)
    assert merge(fewest).tolist() == fewest.tolist()


@given(st.integers(0, 2**32 - 1), st.integers(1, 300))
@settings(max_examples=50, deadline=None)
def test_nothing_can_be_merged_further(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    cells = np.column_stack([np.full(count, 3), rng.integers(-2, 2, count), *rng.integers(0, 4, (2, count))])
    fewest = merge(cells)
    finest = fewest[fewest[:, 0] > 0]
    _, counts = np.unique(parent(finest), axis=0, return_counts=True)
    assert (counts < 8).all()
    assert len(np.unique(split(fewest, 3), axis=0)) == len(np.unique(cells, axis=0))


def test_texts_are_read_and_written() -> None:
    rows = encode([135.0, 136.0], [34.0, 35.0], [10.0, -10.0], 22)
    assert (parse_ids(format_ids(rows)) == rows).all()


@pytest.mark.parametrize("text", ["20/3/918967", "a/b/c/d", "36/0/0/0", "2/0/4/0", "2/4/0/0", "2/-5/0/0", "3/0/0/-1"])
def test_an_id_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(LayerError, match="spatial id"):
        parse_ids([text])


@pytest.mark.parametrize(
    "call",
    [
        lambda: encode(135.0, 34.0, 0.0, 36),
        lambda: encode(float("nan"), 34.0, 0.0, 20),
        lambda: parent([[0, 0, 0, 0]]),
        lambda: children([[35, 0, 0, 0]]),
        lambda: split([[20, 0, 0, 0]], 19),
        lambda: split([[1, 0, 0, 0]], 30),
        lambda: cover_box(135.0, 34.0, 134.0, 35.0, 0.0, 1.0, 10),
        lambda: cover_box(134.0, 34.0, 135.0, 35.0, 0.0, 100.0, 30),
        lambda: cover_prism(shapely.Polygon(), 0.0, 1.0, 20),
        lambda: cover_prism(shapely.LineString([(135, 34), (136, 35)]), 0.0, 1.0, 10),
        lambda: cover_cylinder(135.0, 34.0, -1.0, 0.0, 1.0, 20),
    ],
)
def test_what_cannot_be_done_is_said(call: Callable[[], object]) -> None:
    with pytest.raises(LayerError, match="spatial id"):
        call()


def among(points: np.ndarray, cover: np.ndarray) -> np.ndarray:
    known = {tuple(row) for row in cover.tolist()}
    return np.array([tuple(row) in known for row in points.tolist()])


@given(st.integers(0, 2**32 - 1), st.integers(16, 21), st.floats(-75, 75))
@settings(max_examples=40, deadline=None)
def test_a_prism_s_cover_misses_no_point_and_takes_no_stranger(seed: int, zoom: int, lat: float) -> None:
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 9))
    reach = rng.uniform(2e-4, 4e-3, 9)
    outline = shapely.Polygon(np.column_stack([135.0 + reach * np.cos(angle), lat + reach * np.sin(angle)]))
    polygon = shapely.make_valid(outline).difference(shapely.Point(135.0, lat).buffer(1e-4))
    polygon = shapely.buffer(polygon, 0)  # areas only
    bottom = float(rng.uniform(-50, 50))
    top = bottom + float(rng.uniform(1, 200))
    cover = cover_prism(polygon, bottom, top, zoom)
    assert len(np.unique(cover, axis=0)) == len(cover)
    west, south, east, north = polygon.bounds
    lon, y = rng.uniform(west, east, 4000), rng.uniform(south, north, 4000)
    corners = shapely.get_coordinates(polygon)
    inside = shapely.contains_xy(polygon, lon, y)
    lon, y = np.concatenate([lon[inside], corners[:, 0]]), np.concatenate([y[inside], corners[:, 1]])
    z = np.concatenate([[bottom, np.nextafter(top, bottom)], rng.uniform(bottom, top, len(lon) - 2)])
    assert among(encode(lon, y, z, zoom), cover).all()
    box = bounds(cover)
    touched = shapely.distance(polygon, shapely.box(box[:, 0], box[:, 1], box[:, 3], box[:, 4])) < 1e-9
    assert touched.all()
    assert (box[:, 2] <= top).all()
    assert (box[:, 5] > bottom).all()


def test_every_part_of_a_multipolygon_is_covered() -> None:
    parts = [shapely.box(135.0 + k, 34.0, 135.001 + k, 34.001) for k in (0.0, 0.01)]
    together = cover_prism(shapely.MultiPolygon(parts), 0.0, 10.0, 20)
    apart = np.concatenate([cover_prism(part, 0.0, 10.0, 20) for part in parts])
    assert {tuple(r) for r in together.tolist()} == {tuple(r) for r in apart.tolist()}


@given(st.integers(0, 2**32 - 1), st.floats(1.0, 2000.0), st.floats(-70, 70))
@settings(max_examples=30, deadline=None)
@example(0, 2000.0, 70.0)
def test_a_cylinder_s_cover_misses_no_point(seed: int, radius: float, lat: float) -> None:
    rng = np.random.default_rng(seed)
    zoom = int(np.clip(math.floor(25 - math.log2(radius)), 14, 24))
    cover = cover_cylinder(135.0, lat, radius, 0.0, 30.0, zoom)
    n = 1000
    away = radius * np.sqrt(rng.uniform(0, 1, n))
    away[:200] = radius
    lon, y, _ = Geod(ellps="GRS80").fwd(np.full(n, 135.0), np.full(n, lat), rng.uniform(0, 360, n), away)
    assert among(encode(lon, y, rng.uniform(0, 30, n), zoom), cover).all()


@given(st.integers(0, 2**32 - 1), st.integers(10, 22))
@settings(max_examples=50, deadline=None)
def test_a_box_s_cover_is_its_prism_s(seed: int, zoom: int) -> None:
    rng = np.random.default_rng(seed)
    size = 8.0 * 360 / 2**zoom
    west, south = rng.uniform(-170, 170), rng.uniform(-70, 70)
    east, north = west + rng.uniform(0.1, 1) * size, south + rng.uniform(0.1, 1) * size
    box = {tuple(r) for r in cover_box(west, south, east, north, -10.0, 20.0, zoom).tolist()}
    prism = {tuple(r) for r in cover_prism(shapely.box(west, south, east, north), -10.0, 20.0, zoom).tolist()}
    assert box <= prism
    extra = np.array(sorted(prism - box), dtype=np.int64).reshape(-1, 4)
    cells = bounds(extra)
    hair = 1e-4 * 360 / 2**zoom
    assert (
        (cells[:, 3] < west + hair)
        | (cells[:, 0] > east - hair)
        | (cells[:, 4] < south + hair)
        | (cells[:, 1] > north - hair)
    ).all()
