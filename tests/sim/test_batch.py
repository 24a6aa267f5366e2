"""Sweeps: every member once, shared stages once, wrong files refused, what fails said, what died taken up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import yaml

from sim.batch import BatchProgress, run_batch
from sim.executor import DaskExecutor
from sim.service import Service
from sim.sweep import members, read_sweep
from tests import toy
from twin.errors import ScenarioError, StoreError
from twin.store import Status, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOYS = """
class TideSection(Section):
    height: Finite
    duration: float = 1.0


class HarmSection(StageSection):
    people: int = 10


class Tide:
    name, section = "tide", TideSection
    def needs(self, section): return ()
    def horizon(self, section): return section.duration, section.duration
    def prepare(self, stage):
        note(f"tide {stage.section.height}")
        if stage.section.height > 5:
            raise SimulationError("the tide is too high", where="tide.height", remedy="Lower it.")
        return Still(height=stage.section.height)
    def summarise(self, model): return Products(summary={"top_m": model.height})


class Harm:
    name, section = "harm", HarmSection
    def needs(self, section): return ()
    def horizon(self, section): return 1.0, 1.0
    def prepare(self, stage):
        note(f"harm {stage.section.people}")
        return Still(wet=stage.section.people * stage.upstream["tide"].manifest()["summary"]["top_m"])
    def summarise(self, model): return Products(summary={"wet_count": model.wet})
"""

BASE = {
    "schema": 1,
    "name": "toys",
    "area": {"bbox": [0, 0, 20, 10], "cell_size": 10},
    "tide": {"height": 1.0},
    "harm": {"after": ["tide"], "people": 10},
}


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Two registered stages, one after the other, that note when they are computed; the folder with a scenario."""
    (tmp_path / "toys.yaml").write_text(yaml.safe_dump(BASE), encoding="utf-8")
    with toy.registered(tmp_path, "sweep_toys", toy.STILL + TOYS, monkeypatch, tide="Tide", harm="Harm"):
        yield tmp_path


def _sweep(folder: Path, scenario_file: str = "toys.yaml", **parts: Any) -> Path:
    path = folder / "sweep.yaml"
    content = {"schema": 1, "name": "test", "scenario": scenario_file, **parts}
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def _run(path: Path, service: Service, tell: Callable[[BatchProgress], None] | None = None) -> pd.DataFrame:
    return run_batch(service, read_sweep(path), path.parent, tell)


def _computed(folder: Path) -> list[str]:
    return sorted((folder / "log.txt").read_text().splitlines())


PEOPLE_AND_TIDE = {
    "people": {"path": "harm.people", "values": {"few": 10, "many": 1000}},
    "tide": {"path": "tide.height", "values": [0.5, 2]},
}


def test_the_table_has_a_row_a_member_in_the_order_of_the_file(toys: Path) -> None:
    table = _run(_sweep(toys, vary=PEOPLE_AND_TIDE), Service(toys / "runs"))
    assert table[["people", "tide"]].to_numpy().tolist() == [["few", 0.5], ["few", 2], ["many", 0.5], ["many", 2]]
    assert table["harm.wet_count"].tolist() == [5, 20, 500, 2000]
    assert set(table["status"]) == {"done"}
    assert list(table.columns)[:6] == ["member", "people", "tide", "status", "reason", "wall_s"]
    assert (table["wall_s"] == table["tide.wall_s"] + table["harm.wall_s"]).all()


def test_a_stage_that_members_share_is_computed_once(toys: Path) -> None:
    table = _run(_sweep(toys, vary=PEOPLE_AND_TIDE), Service(toys / "runs"))
    assert _computed(toys) == ["harm 10", "harm 10", "harm 1000", "harm 1000", "tide 0.5", "tide 2.0"]
    assert table["tide.key"].nunique() == 2
    assert table["harm.key"].nunique() == 4


def test_a_second_batch_computes_nothing_and_gives_the_same_table(toys: Path) -> None:
    path = _sweep(toys, vary=PEOPLE_AND_TIDE)
    first = _run(path, Service(toys / "runs"))
    before = _computed(toys)
    pd.testing.assert_frame_equal(_run(path, Service(toys / "runs")), first)
    assert _computed(toys) == before


def test_a_member_that_fails_is_recorded_and_the_others_go_on(toys: Path) -> None:
    seen: list[BatchProgress] = []
    path = _sweep(toys, vary={"tide": {"path": "tide.height", "values": [1, 9, 2]}})
    table = _run(path, Service(toys / "runs"), seen.append)
    assert table["status"].tolist() == ["done", "failed", "done"]
    assert "tide: tide.height: the tide is too high. Lower it" in table["reason"][1]
    assert table["harm.status"].tolist() == ["done", "failed", "done"]
    assert table["harm.wet_count"].isna().tolist() == [False, True, False]
    assert (seen[-1].members, seen[-1].done, seen[-1].failed, seen[-1].fraction) == (3, 2, 1, 1.0)


def test_what_failed_is_tried_again_by_the_next_batch(toys: Path) -> None:
    path = _sweep(toys, vary={"tide": {"path": "tide.height", "values": [9]}})
    assert _run(path, Service(toys / "runs"))["status"].tolist() == ["failed"]
    text = (toys / "sweep_toys.py").read_text()
    assert _run(path, Service(toys / "runs"))["status"].tolist() == ["failed"]
    assert _computed(toys).count("tide 9.0") == 2
    assert text == (toys / "sweep_toys.py").read_text()


def test_cases_set_what_they_say_and_null_takes_a_stage_away(toys: Path) -> None:
    cases = [
        {"name": "as it is"},
        {"name": "low", "set": {"tide.height": 0.25, "harm.people": 4}},
        {"name": "no harm", "set": {"harm": None}},
    ]
    table = _run(_sweep(toys, cases=cases), Service(toys / "runs"))
    assert table["case"].tolist() == ["as it is", "low", "no harm"]
    assert table["harm.wet_count"].tolist()[:2] == [10, 1]
    assert pd.isna(table["harm.wet_count"][2])
    assert table["status"].tolist() == ["done"] * 3


def test_dates_can_be_varied_with_and_without_names(toys: Path) -> None:
    nights = [datetime.fromisoformat(f"2025-09-{day}T21:30:00+09:00") for day in (20, 21)]
    for values in (nights, {"first": nights[0], "second": nights[1]}):
        found = members(read_sweep(_sweep(toys, vary={"start": {"path": "start", "values": values}})), toys)
        assert [member.scenario.start for member in found] == nights
        assert len({member.labels["start"] for member in found}) == 2


def test_several_paths_move_together(toys: Path) -> None:
    axis = {"path": ["tide.height", "harm.people"], "values": {"a": [1, 7], "b": [2, 8]}}
    found = members(read_sweep(_sweep(toys, vary={"both": axis})), toys)
    scenarios: list[Any] = [member.scenario for member in found]  # the toys' sections are made at run time
    assert [(each.tide.height, each.harm.people) for each in scenarios] == [(1.0, 7), (2.0, 8)]


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ({}, "neither vary and cases"),
        ({"vary": {"a": {"path": "tide.height", "values": []}}}, "the list is empty"),
        ({"vary": {"a": {"path": "tide.height", "values": 3}}}, "give a list of values"),
        ({"vary": {"a": {"path": "tide.height", "values": [1, 1]}}}, "stands there twice"),
        ({"vary": {"a": {"path": "tides.height", "values": [1]}}}, "'tides.height' leads nowhere at 'tides'"),
        ({"vary": {"a": {"path": "tide.hight", "values": [1]}}}, "tide.hight: this key is unknown"),
        ({"vary": {"a": {"path": "area.bbox.7", "values": [1]}}}, "area.bbox has 4 entries"),
        ({"vary": {"a": {"path": "tide.height.x", "values": [1]}}}, "tide.height is the single value 1.0"),
        ({"vary": {"a": {"path": "tide.height", "values": ["high"]}}}, "test: a high: tide.height"),
        ({"vary": {"a": {"path": ["tide.height", "harm.people"], "values": [1]}}}, "one a path"),
        (
            {
                "vary": {
                    "a": {"path": "tide.height", "values": [1]},
                    "b": {"path": "tide.height", "values": [2]},
                }
            },
            "a and b both change tide.height",
        ),
        (
            {"vary": {"a": {"path": "tide", "values": [None]}, "b": {"path": "tide.height", "values": [2]}}},
            "a and b both change tide.height",
        ),
        ({"cases": [{"name": "x"}, {"name": "x"}]}, "two cases are called x"),
        ({"cases": [{"name": "x"}], "vary": {"a": {"path": "tide.height", "values": [1]}}}, "both vary and cases"),
        ({"cases": [{"name": "x"}], "colour": "red"}, "colour"),
        ({"vary": {"status": {"path": "tide.height", "values": [1]}}}, "the table has a column status of its own"),
        ({"vary": {"a": {"path": "tide.height", "values": list(range(400))},
                   "b": {"path": "harm.people", "values": list(range(400))}}}, "160,000 members are too many"),
    ],
)  # fmt: skip
def test_a_wrong_sweep_is_named_and_nothing_is_computed(toys: Path, parts: dict[str, Any], named: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        _run(_sweep(toys, **parts), Service(toys / "runs"))
    assert named in str(caught.value)
    assert not (toys / "runs").exists()


@pytest.mark.parametrize(
    ("text", "named"), [("[1, 2]", "is no sweep"), ("a: [", "is no YAML"), ("name: x\nscenario: no.yaml\n", "neither")]
)
def test_a_file_that_is_no_sweep_is_refused(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "sweep.yaml").write_text(text)
    with pytest.raises(ScenarioError, match=named):
        read_sweep(tmp_path / "sweep.yaml")


def _floods(folder: Path) -> Path:
    """A sweep of floods on a bed of its own that take seconds each."""
    rows = "\n".join(" ".join(f"{0.01 * abs(c - 60):.2f}" for c in range(120)) for _ in range(100))
    head = "ncols 120\nnrows 100\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n"
    (folder / "bed.asc").write_text(head + rows + "\n")
    (folder / "bed.prj").write_text("EPSG:6674")
    flood = {"duration": 300, "output_every": 10, "bed": "bed.asc", "max_dt": 0.05, "rain": 20}
    content = {"schema": 1, "name": "floods", "area": {"bbox": [0, 0, 120, 100], "cell_size": 1}, "flood": flood}
    (folder / "floods.yaml").write_text(yaml.safe_dump(content))
    return _sweep(folder, "floods.yaml", vary={"rain": {"path": "flood.rain", "values": [20, 40]}})


def _first_running(store: Store, at_least: int) -> Any:
    end = time.monotonic() + 100
    while time.monotonic() < end:
        for job in store:
            with suppress(StoreError):
                manifest = job.manifest()
                if job.status is Status.RUNNING and manifest["outputs_done"] >= at_least:
                    return manifest
        time.sleep(0.02)
    raise AssertionError("nothing ran")


def test_a_killed_worker_costs_no_member(tmp_path: Path) -> None:
    path = _floods(tmp_path)
    service = Service(tmp_path / "runs", executor=DaskExecutor(workers=1))
    tables: list[pd.DataFrame] = []
    thread = threading.Thread(target=lambda: tables.append(_run(path, service)))
    try:
        thread.start()
        os.kill(int(_first_running(service.store, 2)["owner"]["pid"]), signal.SIGKILL)
        thread.join(120)
        assert not thread.is_alive()
    finally:
        service.close()
    (table,) = tables
    assert table["status"].tolist() == ["done"] * 2
    assert table["flood.max_depth_m"].is_monotonic_increasing


def test_after_ctrl_c_the_same_command_goes_on_here_on_a_scheduler_that_is_there(tmp_path: Path) -> None:
    from distributed import LocalCluster

    path = _floods(tmp_path)
    command = [str(Path(sys.executable).with_name("osaka-twin")), "batch", str(path), "--store", str(tmp_path / "runs")]
    options: dict[str, Any] = {"cwd": tmp_path, "text": True, "stderr": subprocess.PIPE, "stdout": subprocess.PIPE}
    english = {**os.environ, "OSAKA_TWIN_LANG": "en"}
    store = Store(tmp_path / "runs")
    with subprocess.Popen([*command, "--workers", "1"], env=english, **options) as process:
        _first_running(store, 1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert not (tmp_path / "sweep.parquet").exists()
    begun = {job.key for job in store}
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        again = subprocess.run(
            [*command, "--scheduler", cluster.scheduler_address], env=english, check=False, timeout=200, **options
        )
    assert again.returncode == 0, again.stderr
    table = pd.read_parquet(tmp_path / "sweep.parquet")
    assert table["status"].tolist() == ["done"] * 2
    assert table["rain"].tolist() == [20, 40]
    assert begun <= set(table["flood.key"])


def test_the_sweeps_of_the_sample_can_be_run() -> None:
    folder = Path(__file__).resolve().parents[2] / "sample_data" / "scenarios" / "sweeps"
    files = sorted(folder.glob("*.yaml"))
    assert files
    for path in files:
        sweep = read_sweep(path)
        assert len(members(sweep, folder)) == len(sweep) >= 4


def test_an_interrupt_while_the_workers_start_waits_until_they_can_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    class Slow:
        def __init__(self, **_: Any) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            done.append("started")

        def close(self) -> None:
            done.append("closed")

    monkeypatch.setattr("distributed.LocalCluster", Slow)
    executor = DaskExecutor(None, 1)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        executor.start()
    executor.close()
    assert done == ["started", "closed"]
    assert signal.getsignal(signal.SIGINT) is before
