"""Profiles: their table, their laws, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.access.appraisal import read_conveyances
from sim.access.profile import SlopeSpeed, read_profiles
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from pathlib import Path

PROFILES = read_profiles()
WHOLE = "x: {name: {en: X}, speed: 1, slope_speed: {up: 1, down: 1}, water: {depth: 1, factors: [[0, 1]]}, "


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_has_a_name_in_both_languages(name: str) -> None:
    assert PROFILES[name].title("ja") != PROFILES[name].title("en")


@given(st.sampled_from(sorted(PROFILES)), st.floats(0, 3), st.floats(0, 3), st.floats(0, 1), st.floats(0, 1))
def test_more_or_faster_water_makes_nobody_faster(name: str, h: float, u: float, dh: float, du: float) -> None:
    water = PROFILES[name].water
    assert water.factor(h + dh, u + du) <= water.factor(h, u)


def test_dry_ground_slows_nobody_and_deep_water_stops_everybody() -> None:
    for profile in PROFILES.values():
        assert profile.water.factor(0.0, 0.0) == 1.0
        assert profile.water.factor(profile.water.depth + 0.01, 0.0) == 0.0
    # a shallow torrent: u^2 h/g + h^2/2 = 0.13
    assert PROFILES["walker"].water.factor(0.2, 2.5) == 0.0


def test_a_fifth_of_the_best_speed_is_left_at_both_limits() -> None:
    law = SlopeSpeed(best=-0.0087, up=0.083, down=0.10)
    for limit in (0.083, -0.10):
        assert law.factor(limit) / law.factor(-0.0087) == pytest.approx(0.2)
    assert law.factor(0.0) == pytest.approx(1.0)
    assert np.all(np.diff(law.factor(np.linspace(-0.0087, 0.3, 50))) <= 0)
    assert np.all(np.diff(law.factor(np.linspace(-0.3, -0.0087, 50))) >= 0)


def test_a_file_adds_profiles_and_replaces_those_of_the_same_name(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        "walker: {name: {en: Slow}, speed: 0.5, slope_speed: {up: 0.4, down: 0.4},"
        " water: {depth: 0.3, factors: [[0, 1]]}}",
        encoding="utf-8",
    )
    own = read_profiles(file)
    assert own["walker"].speed == 0.5
    assert own["stroller"] == PROFILES["stroller"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("walker: {speed: 0}", "speed"),
        ("{broken", "cannot be read"),
        (WHOLE + "limits: {step: {soft: 0.1, hard: 0.05}}}", "comes before the soft"),
        (WHOLE + "limits: {width: {soft: 0.8, hard: 1.0}}}", "comes before the soft"),
        ("walker: {water: {depth: 1, factors: [[0, 0.5], [1, 0.6]]}}", "deeper water makes nobody faster"),
        ("walker: {blocked: [dragons]}", "blocked"),
        ("walker: {slope_speed: {best: 0.5, up: 0.1, down: 0.1}}", "not between"),
    ],
)
def test_a_bad_file_is_refused_with_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=message):
        read_profiles(file)


def test_a_bad_table_of_conveyances_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("escalator_speed: -1", encoding="utf-8")
    with pytest.raises(ScenarioError, match="escalator_speed"):
        read_conveyances(file)
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_conveyances(tmp_path / "none.yaml")
