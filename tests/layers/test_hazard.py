from __future__ import annotations

import itertools
import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from layers.hazard import HAZARD_COLUMNS, depth_range, read_hazard, read_hazard_tables
from twin import OSAKA, LayerError, VectorLayer


def polygons(**columns: list[object]) -> gpd.GeoDataFrame:
    n = len(next(iter(columns.values())))
    boxes = [shapely.box(-53000 + 100 * i, -146000, -52900 + 100 * i, -145900) for i in range(n)]
    return gpd.GeoDataFrame(columns, geometry=boxes, crs="EPSG:6674").to_crs("EPSG:6668")


def flood(x: int, ranks: list[object]) -> gpd.GeoDataFrame:
    n = len(ranks)
    return polygons(**{
        f"A31a_{x}01": ["8606040001"] * n,
        f"A31a_{x}02": ["淀川"] * n,
        f"A31a_{x}03": ["86"] * n,
        f"A31a_{x}04": ["近畿地方整備局"] * n,
        f"A31a_{x}05": ranks,
    })  # fmt: skip


def read(path: Path, **keywords) -> VectorLayer:
    return read_hazard(str(path), layer_id="hazard", frame=OSAKA, **keywords)


def test_the_four_kinds_of_a_river_s_map_become_one_table(tmp_path: Path) -> None:
    path = tmp_path / "A31a.gpkg"
    for x, ranks in ((1, [1, 2]), (2, [3, 6]), (3, [1, 7]), (4, [1, 2])):
        pyogrio.write_dataframe(flood(x, ranks), path, layer=f"A31a_{x}0", append=path.exists())
    found = read(path).table
    assert tuple(found.columns) == HAZARD_COLUMNS
    assert set(found["hazard"]) == {"river_flood"}
    assert set(found["river"]) == {"淀川"}
    assert set(found["manager"]) == {"近畿地方整備局"}
    assert found["scale"].tolist() == ["planned"] * 2 + ["maximum"] * 6
    assert found["kind"].tolist() == ["depth"] * 4 + ["duration"] * 2 + ["collapse"] * 2
    assert found["depth_min"].tolist()[:4] == [0.0, 0.5, 3.0, 20.0]
    assert found["depth_max"].tolist()[:4] == [0.5, 3.0, 5.0, math.inf]
    assert found["depth_min"].isna().tolist() == [False] * 4 + [True] * 4
    assert found["duration_min"].tolist()[4:6] == [0.0, 672.0]
    assert found["duration_max"].tolist()[4:6] == [12.0, math.inf]
    assert found["label"].tolist()[6:] == ["氾濫流", "河岸侵食"]
    assert read(path, layer="A31a_20").table["rank"].tolist() == ["3", "6"]


def test_ranks_as_text_integers_and_reals_mean_the_same(tmp_path: Path) -> None:
    meant = []
    for number, ranks in enumerate(([2, 3], ["2", "3"], [2.0, 3.0])):
        path = tmp_path / f"{number}.gpkg"
        pyogrio.write_dataframe(flood(2, ranks), path)
        meant.append(read(path).table[["rank", "depth_min", "depth_max"]].to_numpy().tolist())
    assert meant[0] == meant[1] == meant[2]


def test_tsunami_and_storm_surge_are_read_from_their_words(tmp_path: Path) -> None:
    words = ["0.01m以上 ～ 0.3m未満", "5.0m以上10.0m未満", "20m以上"]
    for code, hazard in (("A40", "tsunami"), ("A49", "storm_surge")):
        path = tmp_path / f"{code}.geojson"
        pyogrio.write_dataframe(
            polygons(**{f"{code}_001": ["大阪府"] * 3, f"{code}_002": ["27"] * 3, f"{code}_003": words}), path
        )
        found = read(path).table
        assert set(found["hazard"]) == {hazard}
        assert found["depth_min"].tolist() == [0.01, 5.0, 20.0]
        assert found["depth_max"].tolist() == [0.3, 10.0, math.inf]
        assert found["rank"].tolist() == words


def test_an_unknown_rank_is_kept_without_a_depth_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(flood(2, [2, 99]), path)
    layer = read(path)
    assert layer.table["rank"].tolist() == ["2", "99"]
    assert np.isnan(layer.table["depth_min"][1])
    assert layer.provenance.notes == ("1 features have an unknown rank in A31a_205: 99",)


def test_only_the_area_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(flood(2, [1, 2, 3]), path)
    assert read(path, area=(-52850.0, -146000.0, -52820.0, -145900.0)).table["rank"].tolist() == ["2"]


def test_other_tables_can_be_given(tmp_path: Path) -> None:
    tables = tmp_path / "t.yaml"
    tables.write_text(
        "schemas: [{rank: shinsui, hazard: inland_flood, scale: planned, kind: depth, ranks: mine}]\n"
        "ranks: {mine: {a: {label: 浅い, lower: 0, upper: 0.2}}}\n",
        encoding="utf-8",
    )
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(polygons(shinsui=["a"]), path)
    found = read(path, tables=str(tables)).table
    assert (found["hazard"][0], found["depth_max"][0]) == ("inland_flood", 0.2)
    tables.write_text("schemas: [{rank: x}]\nranks: {}\n", encoding="utf-8")
    with pytest.raises(LayerError, match="no table of hazard ranks"):
        read(path, tables=str(tables))


def test_a_file_without_a_rank_is_refused_with_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(polygons(depth=[1.0]), path)
    with pytest.raises(LayerError, match=r"no rank column; its columns are depth.*A31a_205"):
        read(path)


def test_classes_of_the_tables_leave_no_gap() -> None:
    for name, ranks in read_hazard_tables().ranks.items():
        bounds = [(r.lower, r.upper) for r in ranks.values() if r.lower is not None]
        assert all(one[1] == other[0] for one, other in itertools.pairwise(bounds)), name


@given(st.floats(0.01, 30).map(lambda v: round(v, 2)), st.floats(0.01, 30).map(lambda v: round(v, 2)))
def test_a_class_in_words_gives_its_bounds_back(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    assert depth_range(f"{low}m以上{high}m未満") == (low, high)
    assert depth_range(f"{low}ｍ以上　～　{high}ｍ未満") == (low, high)
    assert depth_range(f"{low}～{high}m") == (low, high)
    assert depth_range(f"{low}m以上") == (low, math.inf)
    assert depth_range(f"{high}m未満") == (0.0, high)


@pytest.mark.parametrize("text", ["", "浸水なし", "不明", "1", "1 2 3"])
def test_words_without_a_class_give_no_depth(text: str) -> None:
    assert all(math.isnan(v) for v in depth_range(text))
