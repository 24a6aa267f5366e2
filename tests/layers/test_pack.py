"""Packs: what the browser gets is what the layers say."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from layers.pack import (
    DepthCode,
    Ground,
    building_arrays,
    cloud_arrays,
    line_arrays,
    point_arrays,
    read_pack,
    shown_ground,
    surface_arrays,
    write_pack,
)
from layers.pack.tiles import MOST_VERTICES
from layers.pack.triangulate import subdivide, triangulate
from twin.errors import LayerError
from twin.frame import OSAKA
from twin.grid import Grid
from twin.layer import CloudLayer, MeshLayer, PolygonMesh, Provenance, RasterLayer, Surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

MADE = Provenance("made for the test", "CC0-1.0")
UPPERS = (0.3, 0.5, 1.0, 3.0, 5.0, 10.0, 20.0, None)
ORIGIN = (-52000.0, -145000.0)


def _mesh(polygons: list[tuple[int, int, int, list[list[tuple[float, float, float]]]]]) -> PolygonMesh:
    """(feature, surface, lod, rings) of every polygon as flat arrays."""
    rings = [ring for *_, parts in polygons for ring in parts]
    return PolygonMesh(
        vertices=np.array([p for ring in rings for p in ring], dtype=np.float64),
        ring_start=np.cumsum([0, *(len(ring) for ring in rings)]),
        polygon_start=np.cumsum([0, *(len(parts) for *_, parts in polygons)]),
        polygon_feature=np.array([p[0] for p in polygons]),
        polygon_surface=np.array([p[1] for p in polygons], dtype=np.uint8),
        polygon_lod=np.array([p[2] for p in polygons], dtype=np.uint8),
    )


def _box(feature: int, x: float, y: float, low: float, high: float, edge: float = 10.0, lod: int = 1) -> list[Any]:
    a, b = (x, y), (x + edge, y)
    c, d = (x + edge, y + edge), (x, y + edge)
    plan = [a, b, c, d]
    floor = [(*p, low) for p in plan]
    roof = [(*p, high) for p in plan]
    walls = [[floor[i], floor[(i + 1) % 4], roof[(i + 1) % 4], roof[i]] for i in range(4)]
    return [(feature, Surface.SOLID, lod, [face]) for face in (floor[::-1], roof, *walls)]


def _layer(polygons: list[Any], n: int, **columns: Any) -> MeshLayer:
    table = pd.DataFrame(
        {
            "id": [f"b{k}" for k in range(n)],
            "usage_code": ["411"] * n,
            "base": np.full(n, np.nan),
            "height": np.full(n, np.nan),
        }
    ).assign(**columns)
    return MeshLayer("buildings", OSAKA, MADE, mesh=_mesh(polygons), table=table)


def _corners(arrays: dict[str, NDArray[Any]], number: int) -> NDArray[np.float64]:
    """Corners of the triangles of building `number` in local metres, (m, 3, 3)."""
    for ox, oy, v0, nv, i0, ni, b0, nb, *_ in arrays["tiles"]:
        if b0 <= number < b0 + nb:
            own = arrays["positions"][int(v0) : int(v0 + nv)].astype(np.float64)
            index = arrays["indices"][int(i0) : int(i0 + ni)].reshape(-1, 3)
            faces = own[index[own[index[:, 0], 3] == number - b0]]
            return faces[..., :3] * 0.1 + np.array([ox, oy, 0])
    raise AssertionError(number)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8),
        st.sampled_from(["f4", "u4", "u2", "i2", "u1", "i4"]).flatmap(
            lambda code: hnp.arrays(np.dtype(code), hnp.array_shapes(max_dims=2, max_side=7))
        ),
        max_size=4,
    )
)
def test_a_pack_reads_back_as_it_was_written_and_every_array_is_aligned(arrays: dict[str, NDArray[Any]]) -> None:
    content = write_pack({"名": 1.5}, arrays)
    meta, back = read_pack(content)
    assert meta == {"名": 1.5}
    assert back.keys() == arrays.keys()
    for name, values in arrays.items():
        np.testing.assert_array_equal(back[name], values)
        assert back[name].ctypes.data % 8 == np.frombuffer(content, np.uint8).ctypes.data % 8


@pytest.mark.parametrize("content", [b"", b"\x05\0\0\0ab", b"\x04\0\0\0{]  "])
def test_bytes_that_are_no_pack_are_refused(content: bytes) -> None:
    with pytest.raises(LayerError, match="no pack"):
        read_pack(content)


def test_double_precision_does_not_go_into_a_pack() -> None:
    with pytest.raises(LayerError, match="float64"):
        write_pack({}, {"z": np.zeros(3)})


def test_triangles_cover_a_polygon_with_a_hole_in_a_tilted_plane_and_keep_its_side() -> None:
    tilt = np.array([[1.0, 0, 0], [0, 0.6, 0.8], [0, -0.8, 0.6]])
    outer = np.array([(0, 0, 0), (10, 0, 0), (10, 8, 0), (4, 3, 0), (0, 8, 0)]) @ tilt
    hole = np.array([(2, 1, 0), (2, 2, 0), (3, 2, 0), (3, 1, 0)]) @ tilt
    far = np.array([-50_000.0, -145_000.0, 0.0])
    mesh = _mesh([(0, Surface.ROOF, 2, [[tuple(p) for p in outer + far], [tuple(p) for p in hole + far]])])
    triangles, owner = triangulate(mesh, np.array([0]))
    a, b, c = (mesh.vertices[triangles[:, k]] for k in range(3))
    area = 0.5 * np.cross(b - a, c - a)
    expected = 80 - 0.5 * 10 * 5 - 1.0
    np.testing.assert_allclose(area.sum(axis=0), np.array([0, 0, expected]) @ tilt, atol=1e-6)
    assert np.all(area @ (np.array([0, 0, 1.0]) @ tilt) > 0)
    assert set(owner) == {0}


@given(
    hnp.arrays(np.float64, (4, 2), elements=st.floats(-40, 40).map(lambda v: round(v, 2)), unique=True),
    st.floats(3, 30),
)
def test_subdividing_keeps_the_area_and_leaves_no_long_edge(points: NDArray[np.float64], longest: float) -> None:
    before = np.array([[0, 1, 2], [0, 2, 3]])
    vertices, triangles, parent = subdivide(points, before, longest)

    def area(v: NDArray[np.float64], t: NDArray[np.int64]) -> NDArray[np.float64]:
        p, q, r = (v[t[:, k]] for k in range(3))
        return 0.5 * ((q - p)[:, 0] * (r - p)[:, 1] - (q - p)[:, 1] * (r - p)[:, 0])

    np.testing.assert_allclose(np.bincount(parent, area(vertices, triangles), 2), area(points, before), atol=1e-6)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        assert np.all(np.linalg.norm(vertices[triangles[:, i]] - vertices[triangles[:, j]], axis=1) <= longest + 1e-9)


def test_a_building_is_drawn_once_at_lod2_where_it_has_one() -> None:
    polygons = [
        *_box(0, -52010, -145010, 1, 9),
        *_box(0, -52010, -145010, 1, 14, lod=2),
        *_box(1, -51950, -145000, 2, 8),
    ]
    _, arrays = building_arrays(_layer(polygons, 2), ORIGIN)
    order = arrays["feature"].tolist()
    assert _corners(arrays, order.index(0))[..., 2].max() == pytest.approx(14)
    assert _corners(arrays, order.index(1))[..., 2].max() == pytest.approx(8)
    assert {len(_corners(arrays, k)) for k in range(2)} == {10}, "five faces that can be seen, two triangles each"


def test_faces_look_outwards() -> None:
    _, arrays = building_arrays(_layer(_box(0, -52010, -145010, 1, 9), 1), ORIGIN)
    faces = _corners(arrays, 0)
    outward = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])
    from_middle = faces.mean(axis=1) - np.array([-5, -5, 5])
    assert np.all(np.einsum("ij,ij->i", outward, from_middle) > 0)


def test_a_building_with_an_outline_only_is_raised_to_its_height_and_one_without_height_is_counted() -> None:
    outline = [(x, y, 0.0) for x, y in ((-52000, -145000), (-51980, -145000), (-51980, -144985), (-52000, -144985))]
    other = [(x + 100, y, z) for x, y, z in outline]
    polygons = [(0, Surface.FOOTPRINT, 0, [outline]), (1, Surface.FOOTPRINT, 0, [other])]
    ground = Ground(np.full((4, 4), 2.5, np.float32), -52100, -144900, 100)
    layer = _layer(polygons, 2, base=[1.0, np.nan], height=[12.0, np.nan])
    meta, arrays = building_arrays(layer, ORIGIN, ground)
    order = arrays["feature"].tolist()
    assert np.ptp(_corners(arrays, order.index(0))[..., 2]) == pytest.approx(12)
    assert _corners(arrays, order.index(1))[..., 2].min() == pytest.approx(2.5)
    assert meta["n_assumed_height"] == 1


def test_many_buildings_are_cut_into_tiles_that_sixteen_bits_can_index() -> None:
    side = 110
    polygons = [
        face
        for k in range(side * side)
        for face in _box(k, -52000 + 60.0 * (k % side), -145000 + 60.0 * (k // side), 0, 9)
    ]
    _, arrays = building_arrays(_layer(polygons, side * side), ORIGIN)
    tiles = arrays["tiles"]
    assert len(tiles) > 1
    assert tiles[:, 3].max() <= MOST_VERTICES
    assert sorted(arrays["feature"].tolist()) == list(range(side * side))
    assert tiles[:, 7].sum() == side * side
    for k in (0, 777, side * side - 1):
        row = int(arrays["feature"][k])
        low = _corners(arrays, k).min(axis=(0, 1))
        np.testing.assert_allclose(low[:2], [60.0 * (row % side), 60.0 * (row // side)], atol=0.051)


def test_use_classes_hold_only_what_occurs() -> None:
    polygons = [*_box(0, -52010, -145010, 1, 9), *_box(1, -51950, -145000, 2, 8)]
    meta, arrays = building_arrays(_layer(polygons, 2, usage_code=["441", "999"]), ORIGIN)
    assert [entry["name"]["en"] for entry in meta["usages"]] == ["Factories", "Other or unknown"]
    assert set(arrays["usage"]) == {entry["code"] for entry in meta["usages"]}


def _raster(z: NDArray[np.float32], size: float = 10.0) -> RasterLayer:
    grid = Grid(z.shape, size, -52100, -144900, OSAKA)
    return RasterLayer("terrain", OSAKA, MADE, grid=grid, values=z, units="m")


def test_a_large_terrain_is_thinned_by_means_and_keeps_its_place() -> None:
    z = np.arange(7 * 10, dtype=np.float32).reshape(7, 10)
    z[0, :2] = np.nan
    ground = shown_ground(_raster(z), most=5)
    assert ground.z.shape == (4, 5)
    assert ground.cell_size == 20
    assert ground.z[0, 0] == pytest.approx((10 + 11) / 2), "known cells only"
    assert ground.z[3, 4] == pytest.approx((68 + 69) / 2), "a block that reaches over the edge"


def test_heights_are_read_linearly_between_cell_centres_and_nowhere_else() -> None:
    x = np.arange(8)[None, :] + np.zeros((6, 1))
    ground = Ground((0.5 * x).astype(np.float32), 0.0, 60.0, 10.0)
    points = np.array([[12.0, 33.0], [40.0, 20.0], [-1.0, 30.0]])
    np.testing.assert_allclose(ground.at(points)[:2], 0.5 * (points[:2, 0] / 10 - 0.5))
    assert np.isnan(ground.at(points)[2])


def test_a_street_follows_the_slope_at_every_point() -> None:
    x = np.arange(40)[None, :] + np.zeros((40, 1))
    ground = Ground((0.02 * (x - 20) ** 2).astype(np.float32), -52200, -144800, 10)
    street = shapely.box(-52190, -145005, -51810, -144995)
    arrays = surface_arrays([street, None], np.array([3, 0], np.uint8), ORIGIN, ground)
    faces = arrays["positions"].astype(np.float64)[arrays["indices"].reshape(-1, 3)]
    area = 0.5 * np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])[:, 2]
    assert area.sum() == pytest.approx(380 * 10, rel=1e-3)
    assert np.all(area > 0), "all faces look up"
    middle = faces.mean(axis=1)
    above = middle[:, 2] - ground.at(middle[:, :2] + ORIGIN)
    assert np.all((above > 0) & (above < 0.4))
    assert set(arrays["vclass"]) == {3}


def test_lines_and_points_stand_on_the_ground_and_end_where_it_is_unknown() -> None:
    z = np.full((40, 40), 3.0, np.float32)
    z[:, 20:] = np.nan
    ground = Ground(z, -52200, -144800, 10)
    line = shapely.LineString([(-52150, -145000), (-51850, -145000)])
    arrays = line_arrays([line], np.zeros(1, np.uint8), ORIGIN, ground)
    reach = arrays["positions"][arrays["segments"].ravel()]
    assert np.all((reach[:, 2] > 3) & (reach[:, 2] < 3.5))
    assert reach[:, 0].max() < 12
    points = point_arrays(
        np.array([[-52100.0, -145000.0]] * 2), np.array([np.nan, 9.0]), np.zeros(2, np.uint8), ORIGIN, ground
    )
    np.testing.assert_allclose(points["positions"], [[-100, 0, 3.15], [-100, 0, 9]], atol=0.02)


def test_a_cloud_is_thinned_evenly_and_keeps_the_classes() -> None:
    n = 10_000
    xyz = np.column_stack([np.arange(n) + ORIGIN[0], np.full(n, ORIGIN[1]), np.zeros(n)])
    layer = CloudLayer("points", OSAKA, MADE, xyz=xyz, classification=(np.arange(n) % 7).astype(np.uint8))
    meta, arrays = cloud_arrays(layer, ORIGIN, most=1000)
    assert (meta["n"], meta["n_source"]) == (1000, n)
    gaps = np.diff(arrays["positions"][:, 0])
    assert gaps.min() >= 9
    assert gaps.max() <= 11
    np.testing.assert_array_equal(arrays["class"], arrays["positions"][:, 0].astype(int) % 7)


def _class(depth: float) -> int:
    """Class of a depth, straight from the table of edges; -1 dry."""
    value = np.float32(depth)
    if not value >= np.float32(0.01):
        return -1
    return next(k for k, upper in enumerate(UPPERS) if upper is None or value < np.float32(upper))


@given(
    st.one_of(
        st.floats(0, 60, width=32),
        st.sampled_from([u for u in (0.01, *UPPERS) if u is not None]).flatmap(
            lambda edge: st.sampled_from(
                [float(np.nextafter(np.float32(edge), np.float32(s))) for s in (0, 99)] + [edge]
            )
        ),
    )
)
def test_the_class_of_a_code_is_always_the_class_of_the_depth(depth: float) -> None:
    code = DepthCode.of_classes(UPPERS, 0.01)
    (number,) = code.encode(np.array([depth], dtype=np.float32))
    assert _class(float(code.shown[number])) == _class(depth)


def test_codes_rise_with_depth_and_unknown_is_dry() -> None:
    code = DepthCode.of_classes(UPPERS, 0.01)
    assert all(a < b for a, b in pairwise(code.shown.tolist()))
    assert code.encode(np.array([np.nan, 0.0, -1.0, 1e9], np.float32)).tolist() == [0, 0, 0, 255]


@given(st.floats(0.0625, 20, width=32))
def test_a_shown_depth_is_near_the_true_one(depth: float) -> None:
    code = DepthCode.of_classes(UPPERS, 0.01)
    shown = float(code.shown[code.encode(np.array([depth], np.float32))[0]])
    assert abs(shown - depth) <= 0.02 + 0.03 * depth
