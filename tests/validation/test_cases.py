"""Published cases through the service, as `osaka-twin validate` runs them; the slow ones where they are asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sim.flood.simulator import SCHEMES
from sim.service import Service
from sim.validation import Case, check_case, choose_cases

SLOW = "OSAKA_TWIN_SLOW_CASES"
KNOWN = {
    # without dispersion a solitary wave of half the depth breaks and loses its crest before the first gauges
    "conical_shelf_lab-solitary": {"stage.peak", "stage.peak_m_worst"},
    "conical_shelf_lab-peer": {"stage.peak", "velocity.peak_worst"},
}
"""Bars that are known to be missed, and why; the page says so as well."""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cases")


CASES = [
    pytest.param(case, marks=[pytest.mark.slow] if case.cost == "slow" else [], id=case.name) for case in choose_cases()
]


@pytest.mark.parametrize("case", CASES)
def test_a_case_keeps_to_its_bars(case: Case, shared: Path, work: Path) -> None:
    if case.cost == "slow" and not os.environ.get(SLOW):
        pytest.skip(f"takes up to a minute; `.ci/run` computes it: set {SLOW}=1")
    assert case.scheme in SCHEMES
    result, _ = check_case(case, shared / "cases", work, Service(work / "runs"))
    assert set(result.missed) <= KNOWN.get(case.name, set()), result.figures
    assert result.figures["volume.error"] <= 1e-6


def test_every_published_case_has_a_scenario(shared: Path) -> None:
    folders = {folder.name for folder in (shared / "cases").iterdir() if folder.is_dir()}
    assert folders == {case.folder for case in choose_cases()}
