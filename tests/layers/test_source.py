from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import fsspec
import pytest

from layers.source import member_names, opened, read_text, unpacked
from twin import LayerError


def test_a_local_file_is_read_in_place_with_the_digest_of_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"osaka")
    with opened(file, "layer a") as source:
        assert source.path == file
        assert source.sha256 == hashlib.sha256(b"osaka").hexdigest()


def test_a_changed_file_has_another_digest(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    digests = set()
    for content in (b"one", b"another"):
        file.write_bytes(content)
        with opened(file, "layer a") as source:
            digests.add(source.sha256)
    assert len(digests) == 2


def test_a_url_is_fetched_for_the_time_of_reading() -> None:
    fsspec.filesystem("memory").pipe("/source/a.bin", b"osaka")
    with opened("memory://source/a.bin", "layer a") as source:
        path = source.path
        assert path.read_bytes() == b"osaka"
        assert source.sha256 == hashlib.sha256(b"osaka").hexdigest()
    assert not path.exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "missing.tif", "does not exist"),
        (lambda folder: folder, "is a folder"),
        (lambda folder: (folder / "empty.tif").write_bytes(b"") or folder / "empty.tif", "is empty"),
        (lambda folder: f"{folder}/a.tif/b.tif", "cannot be read|does not exist"),
        (lambda _: "memory://nowhere/a.tif", "cannot be read"),
        (lambda _: "nosuch://a.tif", "cannot be opened"),
    ],
)
def test_what_cannot_be_opened_is_named(tmp_path: Path, make, message: str) -> None:
    (tmp_path / "a.tif").write_bytes(b"x")
    with pytest.raises(LayerError, match=f"layer a: .*({message})"), opened(make(tmp_path), "layer a"):
        pass


def test_text_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes("大阪".encode("cp932"))
    with pytest.raises(LayerError, match="not UTF-8"):
        read_text(file, "catalogue")


def test_a_shapefile_in_an_archive_comes_with_its_parts_and_nothing_else(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for name in ("data/道路.shp", "data/道路.dbf", "data/道路.shx", "data/道路_2.dbf", "other/道路.prj"):
            out.writestr(name, name)
    assert member_names(archive, (".shp",), "layer a") == ["data/道路.shp"]
    with unpacked(archive, "data/道路.shp", "layer a") as path:
        assert path.read_text(encoding="utf-8") == "data/道路.shp"
        assert sorted(p.suffix for p in path.parent.iterdir()) == [".dbf", ".shp", ".shx"]
    assert not path.exists()


def test_a_truncated_archive_is_named(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("a.geojson", "x" * 10_000)
    archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(LayerError, match="layer a: cannot be unpacked"):
        member_names(archive, (".geojson",), "layer a")
