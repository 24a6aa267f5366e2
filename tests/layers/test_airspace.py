from __future__ import annotations

import copy
import json
import math
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from layers.airspace import ZONE_COLUMNS, read_ed269, read_ed318, read_zone_document, write_zone_document
from layers.airspace_document import Circle, Text
from layers.airspace_ed269 import from_ed269, to_ed269
from layers.airspace_ed318 import from_ed318, to_ed318
from layers.airspace_schedule import DailyPeriod, Moment, schedule_from_json, schedule_json
from layers.airspace_sites import SITE_COLUMNS, read_no_fly_sites
from layers.registry import read_entry
from twin import GEOGRAPHIC, OSAKA, LayerError

if TYPE_CHECKING:
    from pathlib import Path

AREA = (-53000.0, -146300.0, -51000.0, -144700.0)
RING = [[135.43, 34.685], [135.434, 34.685], [135.434, 34.689], [135.43, 34.689], [135.43, 34.685]]
DIRTY: dict[str, Any] = {
    "title": "Dirty zones",
    "description": "as they come",
    "features": [
        {
            "identifier": "D001",
            "country": "JPN",
            "name": "港",
            "type": "COMMON",
            "restriction": "REQ_AUTHORIZATION",
            "restrictionConditions": ["below 25 kg", "VLOS"],
            "region": None,
            "reason": ["AIR_TRAFFIC", "OTHER"],
            "otherReasonInfo": "cranes",
            "regulationExemption": "NO",
            "uSpaceClass": "",
            "message": None,
            "localCode": {"a": [1, 2]},
            "applicability": [
                {
                    "permanent": "NO",
                    "startDateTime": "2026-04-01T00:00:00+09:00",
                    "endDateTime": None,
                    "schedule": [
                        {"day": ["MON", "TUE"], "startTime": "22:00Z", "endTime": "02:30:15.5Z"},
                        {"day": ["ANY"], "startTime": "08:00:00+09:00", "endTime": "24:00"},
                    ],
                },
                {"permanent": "YES", "startDateTime": None, "endDateTime": "", "schedule": []},
            ],
            "zoneAuthority": [
                {"name": "港湾局", "email": "a@b.example", "purpose": "NOTIFICATION", "intervalBefore": "P3D"},
                {"name": "消防", "phone": 119},
            ],
            "geometry": [
                {
                    "uomDimensions": "FT",
                    "lowerLimit": "100",
                    "lowerVerticalReference": "AMSL",
                    "upperLimit": " 400.5 ",
                    "upperVerticalReference": "agl",
                    "horizontalProjection": {"type": "Circle", "center": ["135.43", 34.687], "radius": "1000"},
                },
                {
                    "uomDimensions": "m",
                    "lowerLimit": None,
                    "lowerVerticalReference": None,
                    "upperLimit": 99999,
                    "upperVerticalReference": None,
                    "horizontalProjection": {"type": "Polygon", "coordinates": [RING[:-1]]},
                },
            ],
        }
    ],
}


def document(*zones: dict[str, Any]) -> dict[str, Any]:
    return {"features": list(zones)}


def zone(**changes: Any) -> dict[str, Any]:
    volume = {
        "uomDimensions": "M",
        "lowerLimit": 0,
        "lowerVerticalReference": "AGL",
        "upperLimit": 120,
        "upperVerticalReference": "AGL",
        "horizontalProjection": {"type": "Polygon", "coordinates": [RING]},
    }
    volume |= changes.pop("volume", {})
    return {"identifier": "Z1", "country": "JPN", "restriction": "PROHIBITED", "geometry": [volume], **changes}


def wrote(path: Path, form: Any) -> str:
    path.write_text(json.dumps(form, ensure_ascii=False), encoding="utf-8")
    return str(path)


def plain(value: Any) -> Any:
    """A form without what says nothing, numbers as numbers: two that are equal say the same."""
    if isinstance(value, dict):
        cleaned = {k: plain(v) for k, v in value.items()}
        return {k: v for k, v in cleaned.items() if v not in (None, "", [], {})}
    if isinstance(value, list):
        return [v for v in map(plain, value) if v not in (None, "", [], {})]
    return value


def test_the_real_ed269_file_goes_to_ed318_and_back_with_every_word(shared: Path) -> None:
    path = shared / "real" / "airspace" / "cis_source_sample_ed269.json"
    original = json.loads(path.read_text(encoding="utf-8"))
    back = to_ed269(from_ed318(json.loads(json.dumps(to_ed318(read_zone_document(path)))), "x"))
    expected = plain(original)
    expected["UASZoneList"][0]["geometry"][0]["lowerLimit"] = 0
    assert plain(back) == expected


def test_the_real_ed318_file_is_written_as_it_was_read(shared: Path) -> None:
    path = shared / "real" / "airspace" / "cis_source_sample_ed318.json"
    assert to_ed318(read_zone_document(path)) == json.loads(path.read_text(encoding="utf-8"))


def test_dirty_ed269_goes_to_ed318_and_back_without_loss() -> None:
    read = from_ed269(copy.deepcopy(DIRTY), "dirty")
    ed318 = json.loads(json.dumps(to_ed318(read)))
    back = from_ed318(ed318, "dirty")
    assert back == read
    form = plain(to_ed269(back))
    expected = plain(DIRTY)
    own = expected["features"][0]
    own["restriction"] = "REQ_AUTHORISATION"
    first, second = own["geometry"]
    first |= {"lowerLimit": 100, "upperLimit": 400.5, "upperVerticalReference": "AGL"}
    first["horizontalProjection"] |= {"center": [135.43, 34.687], "radius": 1000}
    second |= {"uomDimensions": "M", "lowerLimit": 0, "lowerVerticalReference": "AGL", "upperVerticalReference": "AGL"}
    del second["upperLimit"]
    second["horizontalProjection"]["coordinates"] = [RING]
    own["zoneAuthority"][1]["phone"] = "119"
    hours = own["applicability"][0]["schedule"]
    hours[0] |= {"startTime": "22:00:00Z", "endTime": "02:30:15.5Z"}
    hours[1] |= {"endTime": "24:00:00"}
    assert form == expected


def test_several_volumes_become_a_collection_and_feet_stay_feet() -> None:
    feature = to_ed318(from_ed269(DIRTY, "x"))["features"][0]
    geometry = feature["geometry"]
    assert geometry["type"] == "GeometryCollection"
    circle, polygon = geometry["geometries"]
    assert circle["layer"] == {
        "upper": 400.5,
        "upperReference": "AGL",
        "lower": 100,
        "lowerReference": "AMSL",
        "uom": "ft",
    }
    assert circle["extent"] == {"subType": "Circle", "radius": 304.8}
    assert polygon["layer"]["upper"] == 99999
    assert feature["properties"]["type"] == "REQ_AUTHORIZATION"


identifiers = st.text("ABCXYZ0123456789", min_size=1, max_size=7)
words = st.text(st.characters(exclude_categories=("C", "Z")), max_size=12)
moments = st.builds(
    Moment,
    st.integers(0, 86400 * 2).map(lambda half: half / 2),
    st.sampled_from([None, 0, 32400, -12600]),
)
degrees = st.tuples(st.floats(-179, 179).map(lambda v: round(v, 7)), st.floats(-89, 89).map(lambda v: round(v, 7)))


@st.composite
def clean_zones(draw: st.DrawFn) -> dict[str, Any]:
    lower = draw(st.integers(-50, 5000))
    upper = draw(st.one_of(st.none(), st.integers(lower + 1, 90000)))
    if draw(st.booleans()):
        radius = draw(st.one_of(st.integers(1, 99999), st.floats(0.5, 9999).map(lambda v: round(v, 3))))
        shape = {"type": "Circle", "center": list(draw(degrees)), "radius": radius}
    else:
        corners = draw(st.lists(degrees, min_size=3, max_size=8, unique=True))
        shape = {"type": "Polygon", "coordinates": [[list(p) for p in (*corners, corners[0])]]}
    form: dict[str, Any] = {
        "identifier": draw(identifiers),
        "country": "JPN",
        "name": draw(words),
        "type": draw(st.sampled_from(["COMMON", "CUSTOMIZED"])),
        "restriction": draw(st.sampled_from(["PROHIBITED", "REQ_AUTHORISATION", "CONDITIONAL", "NO_RESTRICTION"])),
        "restrictionConditions": draw(st.one_of(words, st.lists(words.filter(bool), min_size=1, max_size=3))),
        "region": draw(st.one_of(st.none(), st.integers(0, 99))),
        "uSpaceClass": draw(words),
        "message": draw(words),
        "geometry": [
            {
                "uomDimensions": draw(st.sampled_from(["M", "FT"])),
                "lowerLimit": lower,
                "lowerVerticalReference": draw(st.sampled_from(["AGL", "AMSL"])),
                "upperLimit": upper,
                "upperVerticalReference": "AGL",
                "horizontalProjection": shape,
            }
        ],
        "applicability": [
            {
                "permanent": "NO",
                "startDateTime": "2026-04-01T00:00:00+09:00",
                "schedule": [
                    {
                        "day": draw(st.sampled_from([["ANY"], ["SAT", "SUN"]])),
                        "startTime": draw(moments).text(),
                        "endTime": draw(moments).text(),
                    }
                ],
            }
        ],
    }
    return form


@settings(max_examples=60, deadline=None)
@given(st.lists(clean_zones(), max_size=3), st.sampled_from(["features", "UASZoneList"]))
def test_any_ed269_file_comes_back_from_ed318_as_it_was(zones: list[dict[str, Any]], wrapper: str) -> None:
    form = {"formatVersion": "1.0.0", "createdAt": "2026-01-01T00:00:00Z", wrapper: zones}
    through = from_ed318(json.loads(json.dumps(to_ed318(from_ed269(form, "x")))), "x")
    back = plain(to_ed269(through))
    assert back == plain(form)


def test_zones_become_rows_in_the_city_s_frame(tmp_path: Path) -> None:
    layer = read_ed269(wrote(tmp_path / "z.json", DIRTY), layer_id="z", frame=OSAKA, area=AREA, language="ja-JP")
    table = layer.table
    assert tuple(table.columns) == (*ZONE_COLUMNS, "geometry")
    assert table["part"].tolist() == [0, 1]
    assert table["lower"].tolist() == pytest.approx([30.48, 0.0])
    assert table["upper"].tolist() == pytest.approx([122.0724, math.inf])
    assert table["lower_reference"].tolist() == ["AMSL", "AGL"]
    assert table["restriction"].tolist() == ["REQ_AUTHORISATION"] * 2
    assert table["name_ja"].tolist() == ["港"] * 2
    assert table["authority"][0] == "港湾局, 消防"
    assert table["source"][0] == "Dirty zones"
    x, y, _ = OSAKA.from_(GEOGRAPHIC, *np.array(RING).T)
    assert table.geometry[1].symmetric_difference(shapely.Polygon(np.c_[x, y])).area < 0.1
    assert schedule_from_json(table["schedule"][0], "z")[0].daily[0].days == ("MON", "TUE")


def test_a_circle_keeps_its_centre_and_its_outline_covers_it(tmp_path: Path) -> None:
    form = document(
        zone(volume={"horizontalProjection": {"type": "Circle", "center": [135.43, 34.687], "radius": 400.0}})
    )
    row = read_ed269(wrote(tmp_path / "z.json", form), layer_id="z", frame=OSAKA, area=AREA).table.iloc[0]
    azimuth = np.linspace(0, 360, 500)
    lon, lat, _ = Geod(ellps="GRS80").fwd(*(np.full(500, v) for v in (135.43, 34.687)), azimuth, np.full(500, 400.0))
    x, y, _ = OSAKA.from_(GEOGRAPHIC, lon, lat)
    assert np.abs(np.hypot(x - row["center_x"], y - row["center_y"]) - row["radius"]).max() < 0.01
    assert shapely.contains_xy(row["geometry"], x, y).all()
    assert row["geometry"].area < math.pi * 400**2 * 1.002


def test_edges_are_straight_in_degrees_not_in_the_plane(tmp_path: Path) -> None:
    wide = [[134.5, 34.687], [136.5, 34.687], [136.5, 34.60], [134.5, 34.60], [134.5, 34.687]]
    form = document(zone(volume={"horizontalProjection": {"type": "Polygon", "coordinates": [wide]}}))
    outline = read_ed269(wrote(tmp_path / "z.json", form), layer_id="z", frame=OSAKA, area=AREA).table.geometry[0]
    x, y, _ = OSAKA.from_(GEOGRAPHIC, [135.43, 135.43], [34.68699, 34.68701])
    assert shapely.contains_xy(outline, x, y).tolist() == [True, False]


def test_only_zones_that_touch_the_area_are_kept(tmp_path: Path) -> None:
    swiss = zone(
        identifier="CH", volume={"horizontalProjection": {"type": "Circle", "center": [6.1, 46.2], "radius": 5000}}
    )
    path = wrote(tmp_path / "z.json", document(swiss, zone()))
    assert read_ed269(path, layer_id="z", frame=OSAKA, area=AREA).table["identifier"].tolist() == ["Z1"]
    nothing = read_ed269(wrote(tmp_path / "n.json", document(swiss)), layer_id="z", frame=OSAKA, area=AREA)
    assert len(nothing.table) == 0
    assert nothing.provenance.notes == ("none of its 1 zones touches the area",)


def test_the_sample_s_zones_are_a_layer_of_the_catalogue(tmp_path: Path) -> None:
    from layers.catalog import Catalog, Entry

    form = to_ed318(from_ed269(DIRTY, "x"))
    form["features"][0]["properties"]["message"] = [{"text": "注意", "lang": "ja-JP"}, {"text": "Care", "lang": "en"}]
    entry = Entry(reader="ed318", uri=wrote(tmp_path / "z.json", form), licence="CC0-1.0")
    catalog = Catalog(name={"en": "Town"}, area=AREA)
    layer = read_entry("zones", entry, catalog=catalog, area=AREA, loaded={})
    table = layer.table
    assert (table["message_ja"][0], table["message_en"][0]) == ("注意", "Care")
    assert layer.provenance.licence == "CC0-1.0"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"restriction": "FORBIDDEN"}, "zone Z1: restriction: 'FORBIDDEN' is no restriction"),
        ({"restriction": None}, "zone Z1: restriction: '' is no restriction"),
        ({"geometry": []}, "zone Z1: geometry: is missing"),
        ({"volume": {"lowerLimit": "low"}}, r"zone Z1: geometry\[0\].lowerLimit: 'low' is no number"),
        ({"volume": {"upperLimit": float("inf")}}, r"geometry\[0\].upperLimit: inf is no number"),
        ({"volume": {"upperVerticalReference": "FL"}}, r"geometry\[0\].upperVerticalReference: 'FL' is no reference"),
        ({"volume": {"upperVerticalReference": None}}, r"upperVerticalReference: is missing"),
        ({"volume": {"uomDimensions": None}}, r"geometry\[0\].uomDimensions: is missing"),
        ({"volume": {"uomDimensions": "KM"}}, r"uomDimensions: 'km' is no unit"),
        ({"volume": {"lowerLimit": 120}}, "upperLimit: 120 is not above lowerLimit 120"),
        ({"volume": {"horizontalProjection": {"type": "Blob"}}}, "'Blob' is no shape"),
        ({"volume": {"horizontalProjection": None}}, "'' is no shape"),
        (
            {"volume": {"horizontalProjection": {"type": "Circle", "center": [34.7, 135.4], "radius": 1}}},
            r"horizontalProjection.center: \[34.7, 135.4\] is no position",
        ),
        (
            {"volume": {"horizontalProjection": {"type": "Circle", "center": [135.4, 34.7], "radius": -1}}},
            "horizontalProjection.radius: is -1",
        ),
        (
            {"volume": {"horizontalProjection": {"type": "Polygon", "coordinates": [RING[:2]]}}},
            r"coordinates\[0\]: a ring of 2 corners",
        ),
        ({"applicability": [{"permanent": "NO"}]}, r"applicability\[0\].permanent: is NO"),
        (
            {"applicability": [{"permanent": "YES", "startDateTime": "2026-01-01T00:00:00Z"}]},
            r"applicability\[0\].permanent: is YES",
        ),
        ({"applicability": [{"startDateTime": "2026-01-01T00:00:00"}]}, "startDateTime: .* has no offset"),
        ({"applicability": [{"startDateTime": "soon"}]}, "startDateTime: 'soon' is no date and time"),
        ({"applicability": [{"schedule": [{"day": ["MONDAY"]}]}]}, r"daily\[0\].day: 'MONDAY' is no day"),
        ({"applicability": [{"schedule": [{"day": ["MON"], "startTime": "25:00"}]}]}, "startTime: '25:00' is no time"),
        ({"applicability": 7}, "applicability: holds a number, a list is needed"),
        ({"name": {"text": "a"}}, "zone Z1: name: holds an object, a text is needed"),
        ({"region": 1.5}, "region: 1.5 is no whole number"),
        ({"identifier": ""}, r"features\[0\]: has no identifier"),
    ],
)
def test_a_bad_zone_is_named_with_its_field(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = tmp_path / "z.json"
    path.write_text(json.dumps(document(zone(**changes))), encoding="utf-8")
    with pytest.raises(LayerError, match=f"layer z: .*{message}"):
        read_ed269(str(path), layer_id="z", frame=OSAKA, area=AREA)


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        ({"type": "Point", "coordinates": [135.43, 34.687]}, "geometry.extent: None gives the point no circle"),
        ({"type": "LineString", "coordinates": RING}, "'LineString' is no shape of ED-318"),
        ({"type": "GeometryCollection", "geometries": []}, "geometry.geometries: is empty"),
        ({"type": "Polygon", "coordinates": [RING], "layer": {"upper": 9, "lower": 0}}, "upperReference: is missing"),
        (
            {
                "type": "Polygon",
                "coordinates": [RING],
                "layer": {"upper": 9, "upperReference": "AGL", "lower": 20, "lowerReference": "AGL", "uom": "m"},
            },
            "geometry.layer.upper: 9 is not above lower 20",
        ),
    ],
)
def test_a_bad_ed318_volume_is_named(tmp_path: Path, geometry: dict[str, Any], message: str) -> None:
    feature = {"type": "Feature", "geometry": geometry, "properties": {"identifier": "Z1", "type": "PROHIBITED"}}
    path = wrote(tmp_path / "z.json", {"type": "FeatureCollection", "features": [feature]})
    with pytest.raises(LayerError, match=f"zone Z1: .*{message}"):
        read_ed318(path, layer_id="z", frame=OSAKA, area=AREA)


@pytest.mark.parametrize(
    ("text", "reader", "message"),
    [
        ("{", read_ed269, "is no JSON"),
        ("[]", read_ed269, "holds a list, an object is needed"),
        ("{}", read_ed269, "holds no list of zones"),
        ('{"features": [{"properties": {}}]}', read_ed269, "reader `ed318`"),
        ("{}", read_ed318, "is no GeoJSON FeatureCollection.*reader `ed269`"),
        ('{"type": "FeatureCollection", "features": [3]}', read_ed318, "holds a number, an object is needed"),
        ("[" * 100_000, read_ed318, "nested too deeply"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str, reader: Any, message: str) -> None:
    path = tmp_path / "z.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LayerError, match=message):
        reader(str(path), layer_id="z", frame=OSAKA, area=AREA)


def test_what_ed269_cannot_say_is_refused_not_lost(tmp_path: Path) -> None:
    feature = to_ed318(from_ed269(document(zone()), "x"))["features"][0]
    cases = {
        "hours by the sun": {"limitedApplicability": [{"schedule": [{"startEvent": "SR", "endEvent": "SS"}]}]},
        "no USPACE": {"type": "USPACE"},
    }
    for message, changes in cases.items():
        changed = {**feature, "properties": {**feature["properties"], **changes}}
        read = from_ed318({"type": "FeatureCollection", "features": [changed]}, "x")
        assert from_ed318(to_ed318(read), "x") == read
        with pytest.raises(LayerError, match=f"zone Z1: .*{message}"):
            write_zone_document(read, tmp_path / "out.json", "ed269")
    assert not (tmp_path / "out.json").exists()


def test_a_written_file_reads_back(tmp_path: Path) -> None:
    read = from_ed269(DIRTY, "x")
    for format_ in ("ed269", "ed318"):
        write_zone_document(read, tmp_path / f"{format_}.json", format_)
        assert read_zone_document(tmp_path / f"{format_}.json") == read
    with pytest.raises(LayerError, match="no format 'kml'"):
        write_zone_document(read, tmp_path / "a.kml", "kml")


def test_texts_in_several_languages_are_kept_and_one_is_chosen_for_ed269() -> None:
    names = [{"text": "港", "lang": "ja-JP"}, {"text": "Port", "lang": "en-GB"}]
    feature = to_ed318(from_ed269(document(zone()), "x"))["features"][0]
    feature["properties"]["name"] = names
    read = from_ed318({"type": "FeatureCollection", "features": [feature]}, "x")
    assert read.zones[0].name == (Text("港", "ja-JP"), Text("Port", "en-GB"))
    assert to_ed318(read)["features"][0]["properties"]["name"] == names
    assert to_ed269(read, language="ja")["features"][0]["name"] == "港"
    assert to_ed269(read, language="fr")["features"][0]["name"] == "港"


@given(st.lists(st.builds(DailyPeriod, st.sampled_from([(), ("MON", "SUN")]), moments, moments), max_size=3))
def test_a_schedule_survives_a_table_s_cell(daily: list[DailyPeriod]) -> None:
    from layers.airspace_schedule import Period

    schedule = (Period(None, None, (*daily, DailyPeriod((), Moment(event="BMCT"), None))),)
    assert schedule_from_json(schedule_json(schedule), "x") == schedule


def test_a_circle_in_feet_has_its_radius_in_metres() -> None:
    shape = from_ed269(DIRTY, "x").zones[0].volumes[0].shape
    assert isinstance(shape, Circle)
    assert shape.radius == pytest.approx(304.8)


def test_no_fly_sites_are_read_with_their_surroundings(tmp_path: Path) -> None:
    x, y = AREA[2] + 1500, AREA[1] + 300
    sites = gpd.GeoDataFrame(
        {"施設名": ["庁舎", "遠い"], "指定日": ["2020-01-05", ""]},
        geometry=[shapely.box(x, y, x + 50, y + 50), shapely.box(x + 9000, y, x + 9050, y + 50)],
        crs="EPSG:6674",
    )
    path = tmp_path / "sites.gpkg"
    sites.to_file(path)
    layer = read_no_fly_sites(str(path), layer_id="sites", frame=OSAKA, area=AREA)
    assert tuple(layer.table.columns) == (*SITE_COLUMNS, "geometry")
    assert layer.table["name_ja"].tolist() == ["庁舎"]
    assert layer.table["valid_from"].tolist() == ["2020-01-05"]
    assert len(read_no_fly_sites(str(path), layer_id="sites", frame=OSAKA, area=AREA, reach=1000.0).table) == 0
    sites.assign(指定日=["いつか", ""]).to_file(path)
    with pytest.raises(LayerError, match="site 0: valid_from: 'いつか' is no date"):
        read_no_fly_sites(str(path), layer_id="sites", frame=OSAKA, area=AREA)
    sites.rename(columns={"施設名": "x"}).to_file(path)
    with pytest.raises(LayerError, match="no column with the sites' names"):
        read_no_fly_sites(str(path), layer_id="sites", frame=OSAKA, area=AREA)
