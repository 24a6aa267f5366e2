"""What the page computes without a browser: scenario numbers, permalink, words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.scenario import validate_scenario
from tests import town
from twin.errors import ScenarioError
from viewer.dash.form import FormValues, values_of, with_values
from viewer.dash.link import parse
from viewer.dash.words import clock, duration


def _content(**flood: Any) -> dict[str, Any]:
    scenario = validate_scenario(town.surge(**flood), where="test")
    return dict(scenario.model_dump(mode="json", by_alias=True, exclude_none=True))


def test_the_form_shows_what_the_scenario_says() -> None:
    assert values_of(_content(rain=[[0, 20], [600, 55], [1200, 5]])) == FormValues(1.0, 5.0, 2.5, 55.0)


def test_untouched_numbers_leave_the_scenario_as_it_is() -> None:
    content = _content(rain={"intensity": 30})
    assert with_values(content, values_of(content)) == content


def test_a_new_peak_keeps_the_foot_and_the_times_of_the_surge() -> None:
    content = _content()
    changed = with_values(content, FormValues(2.0, 10.0, 5.0, None))
    assert changed["flood"]["boundaries"][0]["value"] == [[0, 0.0], [1800, 5.0], [3600, 2.0]]
    assert (changed["flood"]["duration"], changed["flood"]["output_every"]) == (7200, 600)
    assert content == _content(), "the original is not touched"


@given(st.floats(0, 300), st.floats(1, 200))
def test_rain_gets_the_peak_that_was_asked_for_in_its_own_shape(new: float, old: float) -> None:
    content = _content(rain=[[0, old / 2], [600, old], [1200, 0.0]])
    changed = with_values(content, FormValues(1.0, 5.0, 2.5, new))
    (_, first), (_, second), (_, third) = changed["flood"]["rain"]
    assert (first, second, third) == pytest.approx((new / 2, new, 0.0))


def test_rain_on_a_polygon_keeps_the_polygon() -> None:
    ring = [[town.AREA[0], town.AREA[1]], [town.AREA[2], town.AREA[1]], [town.AREA[2], town.AREA[3]]]
    changed = with_values(_content(rain={"intensity": 40, "polygon": ring}), FormValues(1.0, 5.0, 2.5, 80.0))
    assert changed["flood"]["rain"] == {"intensity": 80.0, "polygon": ring}


@pytest.mark.parametrize(("hours", "minutes"), [(0.0, 5.0), (1.0, -5.0), (float("nan"), 5.0)])
def test_a_time_that_is_not_positive_is_refused(hours: float, minutes: float) -> None:
    with pytest.raises(ScenarioError, match="positive"):
        with_values(_content(), FormValues(hours, minutes, 2.5, None))


def test_a_scenario_without_a_flood_is_refused() -> None:
    with pytest.raises(ScenarioError, match="no flood"):
        values_of({"name": "walk"})


def test_a_permalink_says_everything() -> None:
    link = parse("?lang=en&run=abc&t=1500&cam=1,2,3,4,5,6&layers=roads:0,water:0.5&color=height&sel=b12")
    assert (link.lang, link.run, link.time, link.colour) == ("en", "abc", 1500, "height")
    assert link.camera == {"position": [1, 2, 3], "target": [4, 5, 6]}
    assert link.layers == {"roads": {"visible": False, "opacity": 1.0}, "water": {"visible": True, "opacity": 0.5}}
    assert link.selection == {"feature": 12}
    assert parse("?sel=-3.25,8").selection == {"x": -3.25, "y": 8}


@given(st.text(max_size=60))
def test_no_address_breaks_the_page(text: str) -> None:
    parse(f"?{text}")
    parse(f"?lang={text}&t={text}&cam={text}&layers={text}&sel={text}&color={text}")


def test_what_an_address_says_wrongly_is_ignored() -> None:
    link = parse("?lang=fr&t=soon&cam=1,2&layers=a:b&sel=bx&color=red&t=nan")
    assert (link.lang, link.time, link.camera, link.layers, link.selection, link.colour) == (None,) * 3 + (
        {},
        None,
        None,
    )


def test_times_in_words() -> None:
    assert duration("en", 40) == "40 s"
    assert duration("ja", 7500) == "2時間05分"
    assert clock(5370) == "1:30"
