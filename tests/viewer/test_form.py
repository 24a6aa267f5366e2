"""The form: what a scenario says in a few figures, and those figures put back into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sim.scenario import validate_scenario
from tests import town
from twin.errors import ScenarioError
from viewer.dash.form import asked, content_of, form_parts
from viewer.fields import ScenarioField, fields_of, shown_value, with_values

SCENARIOS = Path(__file__).resolve().parents[2] / "sample_data" / "scenarios"
LEVEE = [[-51990, -145700], [-51980, -145680]]


def _content(**flood: Any) -> dict[str, Any]:
    scenario = validate_scenario(town.surge(**flood), where="test")
    return dict(scenario.model_dump(mode="json", by_alias=True, exclude_none=True))


def _values(content: dict[str, Any]) -> dict[str, Any]:
    return {field.id: field.get(content) for field in fields_of(content)}


def _two_stages() -> dict[str, Any]:
    request = {"name": "a", "profile": ["walker"], "from": [0, 0], "to": [[1, 2], [3, 4]], "departures": [0, 600]}
    content = {
        **town.surge(breaches=[
            {"name": "first", "line": LEVEE, "width": 20, "invert": 0, "start": 600},
            {"name": "second", "at": [-51950, -145750], "width": 30, "invert": 0},
        ]),
        "access": {"after": "flood", "requests": [request, {**request, "name": "b", "to": "nearest"}]},
    }  # fmt: skip
    scenario = validate_scenario(content, where="test")
    return dict(scenario.model_dump(mode="json", by_alias=True, exclude_none=True))


def test_the_form_shows_what_the_scenario_says() -> None:
    assert _values(_content(rain=[[0, 20], [600, 55], [1200, 5]])) == {
        "flood.duration": 1.0,
        "flood.output_every": 5.0,
        "flood.boundaries": 2.5,
        "flood.rain": 55.0,
        "flood.scheme": "local_inertial",
        "flood.buildings": "hole",
        "flood.infiltration": 0.0,
        "flood.drainage": 0.0,
    }


def test_pumps_barriers_and_shutters_can_be_changed_and_taken_away() -> None:
    content = _content(
        structures={
            "pumps": [{"name": "p", "at": LEVEE[0], "capacity": 5, "fails_at": 1200}],
            "barriers": [{"name": "b", "line": LEVEE, "crest": 3.5, "up_at": 600}],
            "underground": [{
                "name": "mall", "floors": [{"height": -5, "area": 900, "ceiling": 3}],
                "entrances": [{"at": LEVEE[0], "width": 4, "shutter": True}], "shutters_close": 1800,
            }],
        },
    )  # fmt: skip
    values = {id_: value for id_, value in _values(content).items() if "structures" in id_}
    assert values == {
        "flood.structures.pumps.0": True,
        "flood.structures.pumps.0.capacity": 5.0,
        "flood.structures.pumps.0.fails_at": 20.0,
        "flood.structures.barriers.0": True,
        "flood.structures.barriers.0.line": "-51985.0, -145690.0",
        "flood.structures.barriers.0.crest": 3.5,
        "flood.structures.barriers.0.up_at": 10.0,
        "flood.structures.underground.0.shutters_close": 30.0,
        "flood.structures.underground.0.shutter_height": 0.5,
    }
    asked_for = {"flood.structures.pumps.0": False, "flood.structures.underground.0.shutters_close": 15}
    changed = with_values(content, {**values, **asked_for}, {"flood": True})
    assert changed["flood"]["structures"]["pumps"] == []
    assert changed["flood"]["structures"]["underground"][0]["shutters_close"] == 900
    assert changed["flood"]["structures"]["barriers"] == content["flood"]["structures"]["barriers"]
    validate_scenario(changed, where="test")


def test_entries_of_lists_are_named_and_stay_together() -> None:
    fields = [field for field in fields_of(_two_stages()) if field.id.startswith("flood.breaches")]
    assert [field.id.removeprefix("flood.breaches.") for field in fields] == [
        "0", "0.line", "0.start", "0.width", "0.invert", "1", "1.at", "1.start", "1.width", "1.invert",
    ]  # fmt: skip
    assert fields[3].label("en") == "first: width (m)"
    assert fields[1].get(_two_stages()) == "-51985.0, -145690.0"


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_untouched_figures_leave_every_scenario_as_it_is(path: Path) -> None:
    content = content_of(path)
    assert with_values(content, _values(content), {}) == content


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_figure_can_be_put_back_as_it_is_shown(path: Path) -> None:
    content = content_of(path)
    for field in fields_of(content):
        if field.kind == "keep":
            continue
        shown = field.get(content)
        field.put(content, shown)
        assert field.get(content) == shown
        assert shown_value("en", field, shown)
    validate_scenario(content, where=path.name)


def test_every_section_of_a_scenario_with_four_stages_has_figures() -> None:
    content = content_of(SCENARIOS / "levee-breach-night.yaml")
    assert {field.stage for field in fields_of(content)} == {"flood", "evacuation", "access", "airspace"}


def test_a_new_peak_keeps_the_foot_and_the_times_of_the_surge() -> None:
    content = _content()
    changed = with_values(content, {"flood.duration": 2, "flood.output_every": 10, "flood.boundaries": 5.0}, {})
    assert changed["flood"]["boundaries"][0]["value"] == [[0, 0.0], [1800, 5.0], [3600, 2.0]]
    assert (changed["flood"]["duration"], changed["flood"]["output_every"]) == (7200, 600)
    assert content == _content(), "the original is not touched"


@given(st.floats(0, 300), st.floats(1, 200))
def test_rain_gets_the_peak_that_was_asked_for_in_its_own_shape(new: float, old: float) -> None:
    content = _content(rain=[[0, old / 2], [600, old], [1200, 0.0]])
    changed = with_values(content, {"flood.rain": new}, {})
    (_, first), (_, second), (_, third) = changed["flood"]["rain"]
    assert (first, second, third) == pytest.approx((new / 2, new, 0.0))


def test_rain_on_a_polygon_keeps_the_polygon() -> None:
    ring = [[town.AREA[0], town.AREA[1]], [town.AREA[2], town.AREA[1]], [town.AREA[2], town.AREA[3]]]
    changed = with_values(_content(rain={"intensity": 40, "polygon": ring}), {"flood.rain": 80.0}, {})
    assert changed["flood"]["rain"] == {"intensity": 80.0, "polygon": ring, "factor": 1.0}


def test_a_levee_moves_as_a_whole() -> None:
    changed = with_values(_two_stages(), {"flood.breaches.0.line": "-51900, -145600.5"}, {})
    (x0, y0), (x1, y1) = changed["flood"]["breaches"][0]["line"]
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == (-51900, -145600.5)
    assert (x1 - x0, y1 - y0) == (10, 20)


def test_what_is_switched_off_is_gone_and_nothing_waits_for_it() -> None:
    content = _two_stages()
    changed = with_values(content, {"flood.breaches.0": False, "access.requests.1": False}, {})
    assert [breach["name"] for breach in changed["flood"]["breaches"]] == ["second"]
    assert [request["name"] for request in changed["access"]["requests"]] == ["a"]
    alone = with_values(content, {}, {"flood": False})
    assert "flood" not in alone
    assert alone["access"]["after"] == []
    validate_scenario(alone, where="test")


def test_figures_of_an_entry_before_one_that_goes_reach_the_right_entry() -> None:
    changed = with_values(_two_stages(), {"flood.breaches.0": False, "flood.breaches.1.width": 77}, {})
    assert [(breach["name"], breach["width"]) for breach in changed["flood"]["breaches"]] == [("second", 77.0)]


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("access.requests.0.departures", "0, 15、30", [0.0, 900.0, 1800.0]),
        ("access.requests.0.profile", ["stroller", "elderly"], ["stroller", "elderly"]),
        ("access.requests.0.from", "shelters:S1", "shelters:S1"),
        ("access.requests.0.from", "12.5, -3", [12.5, -3.0]),
        ("access.requests.1.to", "最寄りの避難所", "nearest"),
        ("access.requests.0.to", "1, 2; shelters:S2", [[1.0, 2.0], "shelters:S2"]),
    ],
)
def test_text_becomes_what_the_scenario_needs(name: str, value: Any, stored: Any) -> None:
    changed = with_values(_two_stages(), {name: value}, {})
    entry: Any = changed
    for step in name.split("."):
        entry = entry[int(step) if step.isdigit() else step]
    assert entry == stored
    validate_scenario(changed, where="test")


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("flood.duration", 0, "計算時間（時間）"),
        ("flood.duration", "", "数値を入力してください"),
        ("flood.output_every", float("nan"), "出力間隔（分）"),
        ("flood.output_every", 600, "output_every"),
        ("flood.output_every", 600, "浸水 – 出力間隔（分）"),
        ("flood.breaches.1.width", -5, "second：幅（m）"),
        ("flood.breaches.1.at", "somewhere, else", "second：位置"),
        ("flood.breaches.1.at", "5", "second：位置"),
        ("access.requests.0.from", "", "a：出発地"),
        ("access.requests.0.departures", "0, soon", "a：出発（分後）"),
        ("access.requests.0.departures", "0,,5", "commas"),
    ],
)
def test_a_figure_that_cannot_be_is_named_as_the_form_names_it(name: str, value: Any, named: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        asked("ja", _two_stages(), {name: value}, {})
    assert named in str(caught.value)


def test_a_stage_that_is_off_is_not_checked_and_none_at_all_is_refused() -> None:
    wanted = asked("en", _two_stages(), {"access.requests.0.from": ""}, {"access": False})
    assert "access" not in wanted
    with pytest.raises(ScenarioError, match="asks for nothing"):
        asked("en", _two_stages(), {}, {"access": False, "flood": False})


def test_bounds_come_from_the_scenario_s_own_schema() -> None:
    content = content_of(SCENARIOS / "levee-breach-night.yaml")
    fields: dict[str, ScenarioField] = {field.id: field for field in fields_of(content)}
    assert (fields["evacuation.share"].low, fields["evacuation.share"].high) == (0, 100)
    assert fields["airspace.missions.0.count"].low == 1
    with pytest.raises(ScenarioError, match="up to 100"):
        with_values(content, {"evacuation.share": 120}, {})


def test_the_form_keeps_what_was_typed_and_what_was_switched_off() -> None:
    from plotly.io.json import to_json_plotly

    drawn = to_json_plotly(form_parts("en", _two_stages(), {"flood.duration": 7.25}, {"access": False}))
    assert "7.25" in drawn
    tree = yaml.safe_load(drawn)
    switches = {part["props"]["children"][0]["props"]["id"]["stage"]: part["props"]["children"][0] for part in tree}
    assert {name: switch["props"]["checked"] for name, switch in switches.items()} == {"flood": True, "access": False}
