"""Where CityGML data sets lie: archives, folders, single documents; which of their files are read."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import fsspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.buildings import read_buildings
from layers.citygml_source import CitySource, mesh_bounds
from tests.layers.citygml_documents import block, building, code_list, document, footprint, surfaces, to_plane
from twin.errors import LayerError
from twin.frame import OSAKA

USAGE = '<bldg:usage codeSpace="../../codelists/Building_usage.xml">401</bldg:usage>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two meshes side by side in Osaka (51357305, 51357306) and a road file."""
    root = tmp_path / "27100_osaka"
    for mesh, lon in (("51357305", 135.440), ("51357306", 135.455)):
        path = root / "udx" / "bldg" / f"{mesh}_bldg_6697_op.gml"
        path.parent.mkdir(parents=True, exist_ok=True)
        members = [
            building(footprint(34.590 + k * 0.001, lon) + block(1, 5, 34.590 + k * 0.001, lon) + USAGE, f"b_{mesh}_{k}")
            for k in range(3)
        ]
        path.write_bytes(document(*members))
    (root / "udx" / "tran").mkdir()
    (root / "udx" / "tran" / "51357305_tran_6697_op.gml").write_bytes(document())
    (root / "codelists").mkdir()
    (root / "codelists" / "Building_usage.xml").write_bytes(code_list(c401="業務施設"))
    return root


@pytest.fixture
def archive(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for file in sorted(folder.rglob("*")):
            out.write(file, f"{folder.name}/{file.relative_to(folder)}")
    return path


def test_archive_and_folder_and_url_give_the_same_layer(folder, archive):
    a, b = read_buildings(str(archive)), read_buildings(str(folder))
    remote = fsspec.filesystem("memory")
    remote.pipe("/city/27100.zip", archive.read_bytes())
    c = read_buildings("memory://city/27100.zip")
    for other in (b, c):
        assert a.table.drop(columns="source_file").equals(other.table.drop(columns="source_file"))
        assert np.array_equal(a.mesh.vertices, other.mesh.vertices)
    assert len(a.table) == 6
    assert set(a.table["usage"]) == {"業務施設"}
    assert a.provenance.notes == ()


def test_a_single_document_finds_the_code_lists_of_its_data_set(folder):
    layer = read_buildings(str(folder / "udx" / "bldg" / "51357305_bldg_6697_op.gml"))
    assert len(layer.table) == 3
    assert set(layer.table["usage"]) == {"業務施設"}


def test_the_digest_is_that_of_the_archive_and_changes_with_a_folders_documents(folder, archive):
    assert read_buildings(str(archive)).provenance.sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
    before = read_buildings(str(folder)).provenance.sha256
    assert read_buildings(str(folder)).provenance.sha256 == before
    file = folder / "udx" / "bldg" / "51357306_bldg_6697_op.gml"
    file.write_bytes(file.read_bytes() + b"\n")
    assert read_buildings(str(folder)).provenance.sha256 != before


@pytest.mark.parametrize(
    ("meshes", "n"), [(["51357305"], 3), (["513573"], 6), (["51357305", "51357306"], 6), (["5135730511"], 3)]
)
def test_files_are_chosen_by_mesh(archive, meshes, n):
    assert len(read_buildings(str(archive), meshes=meshes).table) == n


def test_an_area_opens_only_the_files_that_can_touch_it(archive):
    (x,), (y,) = to_plane([34.59005], [135.44005])
    area = (x - 20, y - 20, x + 20, y + 20)
    with CitySource(str(archive)) as source:
        files = source.documents("bldg", frame=OSAKA, area=area)
    assert [f.rpartition("/")[2] for f in files] == ["51357305_bldg_6697_op.gml"]
    layer = read_buildings(str(archive), area=area)
    assert list(layer.table["id"]) == ["b_51357305_0"]
    assert layer.mesh.n_polygons == 3
    assert set(layer.mesh.polygon_feature) == {0}


def test_a_building_is_in_the_area_if_its_footprint_touches_it(archive):
    whole = read_buildings(str(archive))
    x = whole.mesh.vertices[:, 0]
    y = whole.mesh.vertices[:, 1]
    middle = (x.min() + x.max()) / 2
    west = read_buildings(str(archive), area=(x.min(), y.min(), middle, y.max()))
    east = read_buildings(str(archive), area=(middle, y.min(), x.max(), y.max()))
    assert sorted([*west.table["id"], *east.table["id"]]) == sorted(whole.table["id"])
    one = whole.mesh.polygon_feature == 4
    corner = whole.mesh.vertices[whole.mesh.ring_start[whole.mesh.polygon_start[:-1][one]][0]]
    edge = read_buildings(str(archive), area=(*corner[:2], *corner[:2]))
    assert list(edge.table["id"]) == [whole.table["id"][4]]


def test_an_area_beyond_all_documents_or_an_unknown_mesh_is_refused(archive):
    with pytest.raises(LayerError, match="within"):
        read_buildings(str(archive), area=(0, 0, 10, 10))
    with pytest.raises(LayerError, match="53394611"):
        read_buildings(str(archive), meshes=["53394611"])


def test_an_area_without_a_building_gives_a_layer_without_rows(archive):
    (x,), (y,) = to_plane([34.585], [135.4451])
    empty = read_buildings(str(archive), area=(x, y, x + 1, y + 1))
    assert len(empty.table) == 0
    assert list(empty.table.columns) == list(read_buildings(str(archive)).table.columns)
    assert "without a building in the area" in " ".join(empty.provenance.notes)


def test_a_cut_archive_is_refused(archive):
    data = archive.read_bytes()
    for end in (10, len(data) // 2, len(data) - 5):
        archive.write_bytes(data[:end])
        with pytest.raises(LayerError, match=r"27100_osaka\.zip"):
            read_buildings(str(archive))


def test_a_damaged_member_is_refused(archive):
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as inside:
        info = next(i for i in inside.infolist() if i.filename.endswith("51357305_bldg_6697_op.gml"))
    at = info.header_offset + 30 + len(info.filename) + info.compress_size // 2
    data[at : at + 20] = b"\xff" * 20
    archive.write_bytes(bytes(data))
    with pytest.raises(LayerError, match=r"51357305_bldg_6697_op\.gml"):
        read_buildings(str(archive))


@pytest.mark.parametrize("name", ["missing.zip", "missing.gml", "missing"])
def test_a_missing_file_is_refused(tmp_path, name):
    with pytest.raises(LayerError, match="missing"):
        read_buildings(str(tmp_path / name))


def test_another_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "city.json"
    path.write_text("{}")
    with pytest.raises(LayerError, match="neither a whole zip"):
        read_buildings(str(path))


def test_a_data_set_without_buildings_is_refused(folder):
    for file in (folder / "udx" / "bldg").iterdir():
        file.unlink()
    with pytest.raises(LayerError, match="no bldg document"):
        read_buildings(str(folder))


def test_missing_textures_are_counted_and_refused_when_strict(folder):
    file = folder / "udx" / "bldg" / "51357305_bldg_6697_op.gml"
    image = "51357305_bldg_6697_appearance/a.jpg"
    head = (
        "<app:appearanceMember><app:Appearance><app:surfaceDataMember><app:ParameterizedTexture>"
        "<app:imageURI>{}</app:imageURI></app:ParameterizedTexture></app:surfaceDataMember></app:Appearance>"
        "</app:appearanceMember>"
    )
    there = folder / "udx" / "bldg" / image
    there.parent.mkdir()
    there.write_bytes(b"jpeg")
    file.write_bytes(document(building(footprint()), head=head.format(image) + head.format("gone/b.jpg") * 2))
    layer = read_buildings(str(file))
    assert layer.provenance.notes == ("1 texture images missing: surfaces are without texture",)
    with pytest.raises(LayerError, match=r"gone/b\.jpg"):
        read_buildings(str(file), strict=True)


def test_an_error_in_one_of_many_files_names_that_file(folder):
    (folder / "udx" / "bldg" / "51357306_bldg_6697_op.gml").write_bytes(
        document(building(surfaces("bldg:lod0FootPrint", "<gml:Polygon>")))
    )
    with pytest.raises(LayerError, match=r"51357306_bldg_6697_op\.gml: line"):
        read_buildings(str(folder))


@pytest.mark.parametrize(
    ("code", "west", "south", "east", "north"),
    [
        ("5235", 135, 34 + 2 / 3, 136, 35 + 1 / 3),
        ("523503", 135.375, 34 + 2 / 3, 135.5, 34.75),
        # the corner of 52350333 by the definition of JIS X 0410: 3rd row and column in 523503
        ("52350333", 135.4125, 34 + 2 / 3 + 3 / 120, 135.425, 34 + 2 / 3 + 4 / 120),
        ("523503334", 135.41875, 34 + 2 / 3 + 3.5 / 120, 135.425, 34 + 2 / 3 + 4 / 120),
    ],
)
def test_bounds_of_a_mesh(code, west, south, east, north):
    assert mesh_bounds(code) == pytest.approx((west, south, east, north), abs=1e-12)


@given(st.from_regex(r"\A[3-6][0-9][2-4][0-9][0-7]{2}[0-9]{2}[1-4]\Z"))
def test_a_finer_mesh_lies_in_the_coarser_one(code):
    fine = mesh_bounds(code)
    for n in (4, 6, 8):
        west, south, east, north = mesh_bounds(code[:n])
        assert west - 1e-9 <= fine[0] < fine[2] <= east + 1e-9
        assert south - 1e-9 <= fine[1] < fine[3] <= north + 1e-9


@pytest.mark.parametrize("code", ["", "52", "523589", "52350333a", "5235033355"])
def test_what_is_no_mesh_is_refused(code):
    with pytest.raises(LayerError, match="no mesh code"):
        mesh_bounds(code)
