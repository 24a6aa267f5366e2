"""Buildings of real data sets beside what an independent reader finds."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from layers.buildings import read_buildings
from tests.layers.citygml_documents import Feature, read_with_lxml, to_plane
from twin.errors import LayerError
from twin.frame import plane_rectangular_zone
from twin.layer import MeshLayer


def compare(layer: MeshLayer, expected: list[Feature], first: int = 0) -> None:
    """Every polygon, ring, vertex height and record of the rows from `first` on is what the other reader finds."""
    mesh, table = layer.mesh, layer.table.iloc[first : first + len(expected)]
    assert list(table["id"]) == [b.name for b in expected]
    lo, hi = np.searchsorted(mesh.polygon_feature, [first, first + len(expected)])
    n_rings, n_points = np.diff(mesh.polygon_start), np.diff(mesh.ring_start)
    found = Counter(
        (
            int(mesh.polygon_feature[p]) - first,
            int(mesh.polygon_lod[p]),
            tuple(n_points[mesh.polygon_start[p] : mesh.polygon_start[p + 1]]),
        )
        for p in range(lo, hi)
    )
    assert found == Counter(
        (k, lod, tuple(map(len, rings))) for k, b in enumerate(expected) for lod, rings in b.polygons
    )
    points = np.array([p for b in expected for _, rings in b.polygons for r in rings for p in r]).reshape(-1, 3)
    a, z = mesh.ring_start[mesh.polygon_start[[lo, hi]]]
    assert n_rings[lo:hi].sum() == sum(len(rings) for b in expected for _, rings in b.polygons)
    east, north = to_plane(list(points[:, 0]), list(points[:, 1]), layer.frame.horizontal)
    for column, values in enumerate((east, north, points[:, 2])):
        np.testing.assert_allclose(np.sort(mesh.vertices[a:z, column]), np.sort(values), rtol=1e-14, atol=1e-6)
    for column, element in (
        ("usage_code", "usage"),
        ("class_code", "class"),
        ("building_id", "buildingID"),
        ("name", "name"),
    ):
        assert list(table[column]) == [b.texts.get(element, "") for b in expected]
    heights = [float(b.texts["measuredHeight"]) if "measuredHeight" in b.texts else np.nan for b in expected]
    heights = [np.nan if h == -9999 else h for h in heights]
    np.testing.assert_allclose(table["measured_height"], heights, rtol=1e-15)
    assert [bool(g) for g in table["generic"]] == [b.n_generic > 0 for b in expected]
    risk = layer.records["risk"]
    risk = risk[(risk["feature"] >= first) & (risk["feature"] < first + len(expected))]
    assert len(risk) == sum(b.risks.total() for b in expected)
    depths = sorted(float(d) for b in expected for _, _, d in b.risks.elements() if d)
    np.testing.assert_allclose(sorted(risk["depth"].dropna()), depths, rtol=1e-15)
    codes = Counter((f - first, c) for f, c in zip(risk["feature"], risk["description_code"], strict=True))
    assert codes == Counter((k, c) for k, b in enumerate(expected) for _, c, _ in b.risks.elements())


@pytest.fixture(scope="module")
def osaka(osaka_zip: Path) -> MeshLayer:
    return read_buildings(str(osaka_zip))


@pytest.mark.real
@pytest.mark.parametrize("mesh", ["52350333", "51357371", "52350312", "51357355"])
def test_osaka_is_what_an_independent_reader_finds(osaka, osaka_zip, mesh):
    with zipfile.ZipFile(osaka_zip) as archive:
        name = next(n for n in archive.namelist() if f"{mesh}_bldg" in n)
        expected = read_with_lxml(archive.read(name))
    first = int((osaka.table["source_file"] == name).to_numpy().argmax())
    compare(osaka, expected, first)


@pytest.mark.real
def test_osaka_is_whole(osaka, osaka_zip):
    counts = Counter()
    with zipfile.ZipFile(osaka_zip) as archive:
        names = [n for n in archive.namelist() if "/bldg/" in n and n.endswith(".gml")]
        for name in names:
            data = archive.read(name)
            for word in (
                b"<bldg:Building ",
                b"<gml:Polygon",
                b"<gml:LinearRing",
                b"RiskAttribute>\n\t\t\t\t\t<uro:desc",
                b"<uro:depth",
            ):
                counts[word] += data.count(word)
    mesh, risk = osaka.mesh, osaka.records["risk"]
    assert len(names) == 63
    assert len(osaka.table) == counts[b"<bldg:Building "]
    assert mesh.n_polygons == counts[b"<gml:Polygon"]
    assert len(mesh.ring_start) - 1 == counts[b"<gml:LinearRing"]
    assert len(risk) == counts[b"RiskAttribute>\n\t\t\t\t\t<uro:desc"]
    assert risk["depth"].notna().sum() == counts[b"<uro:depth"]
    assert osaka.table["id"].is_unique
    # known of this set: about a quarter has no measured height, storm surge stands at about 5.5 m T.P. at the sea
    assert osaka.table["measured_height"].isna().mean() == pytest.approx(0.25, abs=0.03)
    surge = risk[(risk["hazard"] == "storm_surge") & risk["depth"].notna()]
    level = osaka.table["base"].to_numpy()[surge["feature"]] + surge["depth"]
    in_mesh = osaka.table["source_file"].astype(str).str.contains("52350333").to_numpy()[surge["feature"]]
    assert np.median(level[in_mesh]) == pytest.approx(5.50, abs=0.02)


@pytest.mark.real
def test_every_building_file_of_other_cities_is_what_an_independent_reader_finds(shared):
    files = [
        *(shared / "real" / "plateau_types").rglob("bldg/*.gml"),
        *(shared / "real" / "plateau_cities").rglob("bldg/*.gml"),
    ]
    assert len(files) == 6
    for file in files:
        layer = read_buildings(str(file), frame=plane_rectangular_zone(9), lods=range(5))
        compare(layer, read_with_lxml(file.read_bytes()))


@pytest.mark.real
def test_every_file_of_every_type_is_read_or_refused_by_name(shared):
    files = [
        f
        for name in ("plateau_types", "plateau_quality", "plateau_cities")
        for f in (shared / "real" / name).rglob("*.gml")
    ]
    refused: dict[str, LayerError] = {}
    for file in files:
        try:
            assert len(read_buildings(str(file), frame=plane_rectangular_zone(9)).table) > 0
        except LayerError as error:
            refused[str(file)] = error
    assert all(name in str(error) and error.remedy for name, error in refused.items())
    assert len(files) - len(refused) >= 41
