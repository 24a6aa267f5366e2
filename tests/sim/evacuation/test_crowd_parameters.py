"""Files of parameters and of speeds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sim.evacuation.crowd import read_groups, read_parameters
from twin.errors import ScenarioError


def test_people_draw_their_speeds_from_their_group():
    group = read_groups()["weidmann"]
    drawn = group.draw(20_000, np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(1.34, abs=0.01)
    assert drawn.std() == pytest.approx(0.26, abs=0.01)
    assert group.low <= drawn.min() < 0.7
    assert 2.0 < drawn.max() <= group.high


def test_a_file_of_ones_own_replaces_the_parameters(tmp_path):
    own = dataclasses.asdict(read_parameters()) | {"time_gap": 1.2}
    path = tmp_path / "own.yaml"
    path.write_text("model:\n" + "".join(f"  {key}: {value}\n" for key, value in own.items()), encoding="utf-8")
    assert read_parameters(path).time_gap == 1.2
    assert read_parameters(path).radius == read_parameters().radius


@pytest.mark.parametrize(
    "change", [{"time_gap": 0.0}, {"radius": -1.0}, {"unrest": 1.5}, {"anticipation": 2.0}, {"range": float("nan")}]
)
def test_parameters_that_make_no_sense_are_refused(change):
    with pytest.raises(ScenarioError, match=next(iter(change))):
        dataclasses.replace(read_parameters(), **change)


@pytest.mark.parametrize(
    "text", ["", "model: 3", "model: {time_gap: 1.0}", "model: {time_gap: [}", "groups: {a: {kind: normal}}"]
)
def test_a_file_that_is_none_is_refused(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"bad\.yaml"):
        read_parameters(path)


@pytest.mark.parametrize(
    "group",
    ["{kind: normal, low: 1, high: 2}", "{kind: odd, low: 1, high: 2}", "{kind: uniform, low: 2, high: 1}", "{low: 1}"],
)
def test_a_group_without_a_distribution_is_refused(tmp_path, group):
    path = tmp_path / "groups.yaml"
    path.write_text(f"groups: {{a: {group}}}", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"groups\.a"):
        read_groups(path)
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_groups(tmp_path / "absent.yaml")
