"""Inundation zones of PLATEAU in the schema of hazard layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from layers.inundation import KINDS, read_inundation
from layers.inundation_export import Zone, save_inundation
from layers.registry import reader_names
from twin.errors import LayerError
from twin.frame import Frame

CENTRE = (-48000.0, -145000.0)
HOLED = shapely.box(-48100, -145100, -47900, -144900).difference(shapely.box(-48020, -145020, -47980, -144980))


def _write(path: Path, *zones: Zone) -> Path:
    save_inundation(
        zones, path, frame=Frame(), surface=lambda x, y: np.full(np.shape(x + y), 2.5), created="2026-01-31"
    )
    return path


def _zone(shape: object, rank: int = 2, scale: str = "maximum") -> Zone:
    return Zone("試験川洪水浸水想定区域", "試験川", rank, scale, shape)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    parts = shapely.MultiPolygon([HOLED, shapely.box(-47800, -145000, -47750, -144990)])
    path = _write(
        tmp_path / "a_fld_6697_l2_op.gml", _zone(parts), _zone(shapely.box(-47700, -145000, -47650, -144900), 5)
    )
    layer = read_inundation(str(path), frame=Frame())
    assert layer.table["rank"].tolist() == ["2", "5"]
    assert layer.table["depth_min"].tolist() == [0.5, 10.0]
    assert layer.table["label"].tolist() == ["0.5m以上3.0m未満", "10.0m以上20.0m未満"]
    for shape, wanted in zip(layer.table.geometry, (parts, shapely.box(-47700, -145000, -47650, -144900)), strict=True):
        assert shape.symmetric_difference(wanted).area < 0.5
    near = read_inundation(str(path), frame=Frame(), area=(-47710, -145010, -47600, -144800))
    assert near.table["rank"].tolist() == ["5"]


def test_ranks_without_their_code_list_are_unknown_where_they_are_the_owners(tmp_path: Path) -> None:
    path = _write(tmp_path / "a_fld_6697_l2_op.gml", _zone(HOLED))
    text = path.read_text("utf-8").replace("uro:rank ", "uro:rankOrg ").replace("/uro:rank>", "/uro:rankOrg>")
    path.write_text(text, "utf-8")
    layer = read_inundation(str(path), frame=Frame())
    assert np.isnan(layer.table["depth_min"]).all()
    assert any("rank.xml is missing" in note for note in layer.provenance.notes)


@pytest.mark.parametrize(("kind", "said"), [("bldg", "kind is 'bldg'"), ("fld", "no WaterBody")])
def test_a_file_without_zones_is_refused(tmp_path: Path, kind: str, said: str) -> None:
    path = _write(tmp_path / "a_fld_6697_l2_op.gml")
    with pytest.raises(LayerError, match=said):
        read_inundation(str(path), frame=Frame(), kind=kind)


def test_the_reader_is_registered() -> None:
    assert "plateau_inundation" in reader_names()


@pytest.mark.real
@pytest.mark.parametrize("kind", KINDS)
def test_real_zones_of_every_kind_are_read(shared: Path, kind: str) -> None:
    (folder,) = (shared / "real" / "plateau_types" / "plateau4" / "05-fld" / kind).iterdir()
    layer = read_inundation(str(folder), frame=Frame(), kind=kind)
    assert len(layer.table) == 1
    hazards = ("river_flood", "tsunami", "storm_surge", "inland_flood", "reservoir_flood")
    assert layer.table["hazard"].item() == dict(zip(KINDS, hazards, strict=True))[kind]
    assert layer.table.area.item() > 20.0
    assert layer.table.geometry.is_valid.all()
