from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

from layers.infrastructure import INFRASTRUCTURE_COLUMNS, grade_of, read_infrastructure, year_of
from twin import OSAKA, LayerError, VectorLayer

CSV = """\
橋梁名,路線名,架設年度,点検年度,健全性,橋長(m),経度,緯度,備考
水都大橋,市道1号,S48,令和3年度,Ⅱ,"1,120.5",135.42,34.69,a
港橋,市道2号,平成元年,2019,III,35m,135.43,34.69,b
新橋,,不明,,未点検,,135.44,34.69,c
"""


def read(path: Path, **keywords) -> VectorLayer:
    return read_infrastructure(str(path), layer_id="bridges", frame=OSAKA, **{"crs": "EPSG:6668", **keywords})


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "bridges.csv"
    path.write_bytes(CSV.encode("cp932"))
    return path


def test_open_data_of_a_city_becomes_the_twin_s_table(csv: Path) -> None:
    layer = read(csv)
    found = layer.table
    assert tuple(found.columns) == (*INFRASTRUCTURE_COLUMNS, "備考", "geometry")
    assert found["name"].tolist() == ["水都大橋", "港橋", "新橋"]
    assert found["built_year"].tolist()[:2] == [1973, 1989]
    assert found["inspection_year"].tolist()[:2] == [2021, 2019]
    assert found["grade"].tolist()[:2] == [2, 3]
    assert found["grade_label"].tolist() == ["予防保全段階", "早期措置段階", ""]
    assert found["length"].tolist()[:2] == [1120.5, 35.0]
    assert found[["built_year", "inspection_year", "grade", "length"]].iloc[2].isna().all()
    assert layer.provenance.notes == (
        "1 values of 健全性 are no grade and stay unknown",
        "1 values of 架設年度 are no built_year and stay unknown",
    )


def test_a_geopackage_with_numbers_and_gaps_is_read(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"name": ["a", None], "inspection_year": pd.array([2020, None], dtype="Int32"), "grade": [4.0, float("nan")]},
        geometry=[shapely.LineString([(-53000, -146000), (-52900, -146000)])] * 2,
        crs="EPSG:6674",
    )
    pyogrio.write_dataframe(frame, tmp_path / "a.gpkg")
    found = read(tmp_path / "a.gpkg", crs=None, kind="road").table
    assert found["kind"].tolist() == ["road", "road"]
    assert found["inspection_year"].tolist()[0] == 2020
    assert found["grade"].isna().tolist() == [False, True]
    assert found["name"].tolist() == ["a", ""]


def test_columns_of_another_name_can_be_given(csv: Path) -> None:
    csv.write_bytes(CSV.replace("健全性", "けっか").encode("cp932"))
    assert read(csv).table["grade"].isna().all()
    assert read(csv, columns={"grade": "けっか"}).table["grade"].tolist()[:2] == [2, 3]


@pytest.mark.parametrize(
    ("old", "new", "keywords", "message"),
    [
        ("点検年度,健全性", "A,B", {}, "neither an inspection year nor a grade.*備考"),
        ("", "", {"columns": {"grade": "結果"}}, "no column '結果'.*健全性"),
        ("", "", {"columns": {"degree": "健全性"}}, "names 'degree'"),
        ("経度", "東", {}, "no column of coordinates"),
    ],
)
def test_wrong_columns_are_named(csv: Path, old: str, new: str, keywords: dict, message: str) -> None:
    csv.write_bytes(CSV.replace(old, new).encode("cp932"))
    with pytest.raises(LayerError, match=f"layer bridges: .*{message}"):
        read(csv, **keywords)


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2021", 2021), ("2021.0", 2021), ("2021年度", 2021), ("2021/3/31", 2021),
        ("20210331", 2021), ("２０２１", 2021),
        ("令和3年", 2021), ("令和元年度", 2019), ("R3", 2021), ("R3.4.1", 2021), ("H30", 2018), ("平成２年", 1990),
        ("S48", 1973), ("昭和48年", 1973),
        ("明治30年", 1897), ("", None), ("不明", None), ("12345", None), ("35m", None),
    ],
)  # fmt: skip
def test_years_in_both_calendars_are_understood(text: str, year: int | None) -> None:
    assert year_of(text) == year


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("Ⅰ", 1), ("Ⅳ", 4), ("IV", 4), ("iii", 3), ("2", 2), ("2.0", 2), ("判定区分Ⅱ", 2), ("健全性 III", 3),
        ("III（早期措置段階）", 3), ("", None), ("未点検", None), ("5", None), ("12", None), ("VI", None),
    ],
)  # fmt: skip
def test_grades_are_understood(text: str, grade: int | None) -> None:
    assert grade_of(text) == grade
