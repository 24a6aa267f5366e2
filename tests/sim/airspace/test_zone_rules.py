from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
import yaml

from sim.airspace.compiler import AirspaceOptions, compile_airspace
from sim.airspace.rules import collect_rules, read_rules
from sim.airspace.surfaces import runway_surfaces, runways_of
from sim.airspace.zone import Restriction
from tests.sim.airspace.air_town import (
    AREA,
    SOUTH,
    START,
    WEST,
    aerodromes,
    circle_row,
    no_fly,
    polygon,
    town,
    zone_row,
    zones,
)
from twin import Grid, LayerError

if TYPE_CHECKING:
    from pathlib import Path

    from sim.airspace.zone import AirRule

JST = timezone(timedelta(hours=9))
GRID = Grid.from_bounds(AREA, 5.0)
BOX = shapely.box(*AREA)


def rules_of(*layers: Any, table: Path | None = None, area: shapely.Geometry = BOX) -> dict[str, AirRule]:
    found, _ = collect_rules(town(*layers), read_rules(table), AirspaceOptions(), area, START)
    return {rule.identifier: rule for rule in found}


def changed(tmp_path: Path, change: Any) -> Path:
    form = dict(read_rules().parts)
    form = yaml.safe_load(yaml.safe_dump(form, allow_unicode=True))
    change(form)
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(form, allow_unicode=True), encoding="utf-8")
    return path


def test_every_rule_of_japan_says_its_source_authority_and_date() -> None:
    for rule in rules_of(no_fly(), aerodromes()).values():
        assert rule.source.endswith("(2026-11-22)")
        assert rule.authority
        assert rule.name["ja"]
        assert rule.name["en"]
        assert rule.permission in ("permission", "approval", "consent", "prohibited")


def test_the_yellow_zone_is_300_m_until_a_wider_one_is_enacted(tmp_path: Path) -> None:
    found = rules_of(no_fly())
    # the grounds end 100 m west of the area
    assert [i for i in found if i.startswith("S1")] == ["S1-yellow-300"]
    zone = found["S1-yellow-300"]
    site = polygon((-150, 120), (-100, 120), (-100, 170), (-150, 170))
    assert zone.footprint.bounds[2] == pytest.approx(site.bounds[2] + 300, abs=0.5)
    assert zone.footprint.intersection(site).area == 0

    def enact(form: dict[str, Any]) -> None:
        form["no_fly"]["yellow"]["radius"][1]["from"] = datetime(2026, 7, 23, tzinfo=JST).date()

    path = changed(tmp_path, enact)
    air = compile_airspace(town(no_fly()), GRID, start=START, horizon=12 * 3600.0, options=AirspaceOptions(rules=path))

    def near(time: float) -> set[str]:
        return {air.rules[k].identifier for k in air.query_many(WEST + 390, SOUTH + 5, 100.0, time).number}

    # midnight is seven hours after the start
    assert "S1-yellow-1000" not in near(7 * 3600 - 1.0)
    assert "S1-yellow-1000" in near(7 * 3600.0)
    close = {air.rules[k].identifier for k in air.query_many(WEST + 5, SOUTH + 145, 100.0, [0.0, 8 * 3600.0]).number}
    assert {"S1-yellow-300", "S1-yellow-1000"} <= close


def test_a_site_holds_from_its_own_date_on() -> None:
    zone = rules_of(no_fly("2026-07-24"))["S1-yellow-300"]
    assert zone.schedule[0].start == datetime(2026, 7, 24, tzinfo=JST)


def test_the_red_zone_is_the_grounds() -> None:
    wide = shapely.box(AREA[0] - 400, AREA[1], AREA[2], AREA[3])
    red = rules_of(no_fly(), area=wide)["S1-red"]
    assert red.footprint.area == pytest.approx(2500.0)
    assert red.restriction is Restriction.PROHIBITED
    assert red.permission == "consent"


def test_zones_keep_what_their_authority_asks_for() -> None:
    shape = polygon((0, 0), (90, 0), (0, 90))
    found = rules_of(
        zones(
            zone_row("AUTH", shape, "PROHIBITED", purpose="NOTIFICATION,AUTHORIZATION"),
            zone_row("NEVER", shape, "PROHIBITED", purpose="INFORMATION"),
            zone_row("TELL", shape, "CONDITIONAL", purpose="NOTIFICATION", conditions="25 kg"),
            zone_row("FREE", shape, "NO_RESTRICTION"),
            circle_row("ROUND", 50, 50, 30, "REQ_AUTHORISATION"),
        )
    )
    assert [found[i].permission for i in ("NEVER", "TELL", "FREE", "ROUND")] == [
        "prohibited", "notification", "none", "authorisation",
    ]  # fmt: skip
    assert found["TELL"].message == {"ja": "25 kg", "en": "25 kg"}
    assert found["ROUND"].circle == (WEST + 50, SOUTH + 50, 30.0, 0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda form: form.pop("did"), "has no part 'did'"),
        (lambda form: form["did"].pop("authority"), "did: has no 'authority'"),
        (lambda form: form["night"].update(restriction="MAYBE"), "night.restriction: 'MAYBE' is no restriction"),
        (lambda form: form["near_object"].update(distance="far"), "near_object.distance: is 'far'"),
        (lambda form: form["height_limit"].update(except_near_object=31.0), "except_near_object: is 31 m"),
        (lambda form: form["no_fly"]["yellow"]["radius"][0].update(metres=-3), r"radius\[0\]: metres is -3"),
        (lambda form: form["no_fly"]["yellow"]["radius"][0].update({"from": "soon"}), r"radius\[0\]: from is 'soon'"),
    ],
)
def test_a_broken_table_is_refused_before_it_is_used(tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        read_rules(changed(tmp_path, change))


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="cannot be read"):
        read_rules(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(LayerError, match="is not YAML"):
        read_rules(tmp_path / "bad.yaml")


# an aerodrome at the origin, its runway from (0, 0) to (2500, 0)
def flat_runway(**changes: Any) -> list[Any]:
    layer = aerodromes(**{"elevation": 10.0, **changes})
    table = layer.table.set_geometry([shapely.LineString([(0, 0), (2500, 0)])])
    (runway,) = runways_of(table, "layer aerodromes")
    return runway_surfaces(runway, read_rules().parts["airport"]["surfaces"], "rules_jp.yaml")


def lowest(surfaces: list[Any], x: float, y: float) -> float:
    """Height of the lowest surface above a place [m]."""
    point = shapely.Point(x, y)
    at = [float(s.slope.at(x, y)) for s in surfaces if s.footprint.covers(point)]
    return min(at, default=np.inf)


@pytest.mark.parametrize(
    ("x", "y", "height"),
    [
        (2560, 0, 10.0),  # the approach begins 60 m beyond the runway's end
        (2560 + 500, 100, 10.0 + 10.0),  # 1/50
        (2560 + 2999, 0, 10.0 + 2999 / 50),
        (2560 + 5000, 0, 10.0 + 5000 / 50),  # the extended approach is the same plane
        (-60 - 500, 0, 10.0 + 10.0),  # and at the other end
        (1000, 150 + 70, 10.0 + 10.0),  # 1/7 from the strip's edge
        (1000, -150 - 140, 10.0 + 20.0),
        (1000, 150 + 316, 55.0),  # the horizontal surface
        (1250, 3499, 55.0),
        (1250, 3500 + 1000, 55.0 + 20.0),  # 1/50 beyond 3,500 m (class B)
        (1250, 16499, 55.0 + 12999 / 50),
        (1250, 20000, 55.0 + 260.0),
        (1250, 24010, np.inf),
    ],
)
def test_surfaces_have_the_slopes_of_the_ordinance(x: float, y: float, height: float) -> None:
    assert lowest(flat_runway(), x, y) == pytest.approx(height, abs=1e-6)


def test_beside_the_approach_the_transitional_surface_rises_from_its_edge() -> None:
    surfaces = flat_runway()
    along = 1000.0
    edge = 150.0 + along * (600.0 - 150.0) / 3000.0
    at_edge = lowest(surfaces, 2560 + along, edge - 1e-6)
    assert at_edge == pytest.approx(10.0 + along / 50)
    assert lowest(surfaces, 2560 + along, edge + 35.0) == pytest.approx(at_edge + 5.0)
    # it ends where it meets the horizontal surface
    reach = (45.0 - along / 50) * 7
    assert lowest(surfaces, 2560 + along, edge + reach - 0.01) == pytest.approx(55.0, abs=0.01)
    assert lowest(surfaces, 2560 + along, edge + reach + 1.0) == pytest.approx(55.0)


def test_transitional_surfaces_meet_without_a_gap() -> None:
    sides = [s for s in flat_runway() if s.kind == "transitional"]
    assert len(sides) == 6
    joined = shapely.union_all([s.footprint for s in sides if s.footprint.centroid.y > 0])
    assert joined.geom_type == "Polygon"
    for y in (160.0, 300.0, 450.0):
        near, far = (lowest(sides, 2560 + d, y) for d in (-1e-6, 1e-6))
        assert near == pytest.approx(far, abs=1e-4)


def test_a_runway_that_climbs_has_strip_sides_that_climb() -> None:
    surfaces = flat_runway(start_height=6.0, end_height=16.0)
    assert lowest(surfaces, 2560 + 50, 0) == pytest.approx(17.0)
    assert lowest(surfaces, -60 - 50, 0) == pytest.approx(7.0)
    assert lowest(surfaces, 1250, 151) == pytest.approx(11.0 + 1 / 7)
    assert lowest(surfaces, 1250, 150 + 7 * 44 + 3) == pytest.approx(55.0)


def test_without_precision_approaches_slopes_are_steeper_and_nothing_lies_outside() -> None:
    surfaces = flat_runway(is_precision=False, has_outer=False, landing_class="H")
    assert {s.kind for s in surfaces} == {"approach", "transitional", "horizontal"}
    assert lowest(surfaces, 2560 + 100, 0) == pytest.approx(10.0 + 5.0)
    assert lowest(surfaces, 1250, 799) == pytest.approx(55.0)
    assert lowest(surfaces, 1250, 801) == np.inf


def test_about_a_busy_aerodrome_the_air_below_is_restricted_too() -> None:
    quiet, busy = (
        {i: r for i, r in rules_of(aerodromes(is_busy=flag)).items() if r.kind == "airport"} for flag in (False, True)
    )
    assert quiet.keys() == busy.keys()
    for name, rule in busy.items():
        is_column = "-approach-" in name or "-transitional-" in name
        assert (rule.slope is None) == is_column
        assert quiet[name].slope is not None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"landing_class": "Z"}, "浜空港: landing_class 'Z' is unknown"),
        ({"elevation": "low"}, "row 0: elevation: 'low' is no number"),
        ({"strip_width": 0.0}, "row 0: strip_width: is 0"),
        ({"elevation": np.nan}, "row 0: elevation: is missing"),
    ],
)
def test_a_bad_aerodrome_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerError, match=f"{message}"):
        rules_of(aerodromes(**changes))


def test_a_runway_must_be_a_line_with_its_columns() -> None:
    layer = aerodromes()
    with pytest.raises(LayerError, match="has no column 'landing_class'"):
        runways_of(layer.table.drop(columns="landing_class"), "x")
    with pytest.raises(LayerError, match="row 0: is a Point"):
        runways_of(layer.table.set_geometry([shapely.Point(0, 0)]), "x")
