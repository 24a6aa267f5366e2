"""Ensembles of real floods on workers: the same whatever computes them, also when a worker is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import yaml

from sim.ensemble import draw_members, read_ensemble, run_ensemble
from sim.executor import DaskExecutor
from sim.flood.scenario import FloodSection
from sim.scenario import sections
from sim.service import Service
from twin.errors import StoreError
from twin.store import Status, Store

if TYPE_CHECKING:
    from twin.store import Run


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rain on a valley, as uncertain as its roughness: four floods of a second or two."""
    folder = tmp_path_factory.mktemp("floods")
    rows = "\n".join(" ".join(f"{0.02 * abs(c - 40):.2f}" for c in range(80)) for _ in range(60))
    head = "ncols 80\nnrows 60\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n"
    (folder / "bed.asc").write_text(head + rows + "\n")
    (folder / "bed.prj").write_text("EPSG:6674")
    flood = {"duration": 200, "output_every": 10, "bed": "bed.asc", "max_dt": 0.05, "rain": 400}
    content = {"schema": 1, "name": "rain", "area": {"bbox": [0, 0, 80, 60], "cell_size": 1}, "flood": flood}
    (folder / "rain.yaml").write_text(yaml.safe_dump(content))
    ensemble = {
        "schema": 1,
        "name": "rains",
        "scenario": "rain.yaml",
        "members": 4,
        "thresholds": [0.01, 0.05],
        "uncertain": {
            "rain": {"path": "flood.rain", "factor": {"kind": "uniform", "low": 0.5, "high": 2}},
            "n": {"path": "flood.roughness", "factor": {"kind": "lognormal", "median": 1, "sigma": 0.2}},
        },
    }
    path = folder / "ensemble.yaml"
    path.write_text(yaml.safe_dump(ensemble))
    return path


@pytest.fixture(scope="module")
def alone(file: Path) -> Run:
    """The ensemble, computed in this process."""
    service = Service(file.parent / "alone")
    return service.open_run(run_ensemble(service, read_ensemble(file), file.parent).key)


def _first_running(store: Store) -> int:
    """Process of a member that has written outputs."""
    end = time.monotonic() + 100
    while time.monotonic() < end:
        for job in store:
            with suppress(StoreError):
                manifest = job.manifest()
                if job.status is Status.RUNNING and manifest["outputs_done"] >= 2:
                    return int(manifest["owner"]["pid"])
        time.sleep(0.02)
    raise AssertionError("nothing ran")


def test_a_killed_worker_costs_nothing_and_the_result_is_that_of_one_process(file: Path, alone: Run) -> None:
    service = Service(file.parent / "workers", executor=DaskExecutor(workers=2))
    done: list[Any] = []
    thread = threading.Thread(target=lambda: done.append(run_ensemble(service, read_ensemble(file), file.parent)))
    try:
        thread.start()
        os.kill(_first_running(service.store), signal.SIGKILL)
        thread.join(180)
        assert not thread.is_alive()
    finally:
        service.close()
    run = service.open_run(done[0].key)
    assert run.key == alone.key
    names = sorted(path.stem for path in alone.folder.glob("*.tif"))
    assert names
    for name in names:
        np.testing.assert_array_equal(run.map(name), alone.map(name), err_msg=name)
    for name in ("exceedance", "convergence", "buildings", "uncertain"):
        pd.testing.assert_frame_equal(run.table(name), alone.table(name))
    assert run.manifest()["summary"] == alone.manifest()["summary"]


def test_areas_are_those_of_the_members_own_summaries(alone: Run) -> None:
    table = alone.table("members")
    np.testing.assert_allclose(table["flooded_area_0.05m_ha"], table["flood.flooded_area_ha"], rtol=1e-9)
    assert table["flooded_area_0.05m_ha"].nunique() > 1


def test_what_was_computed_is_what_was_drawn(file: Path, alone: Run) -> None:
    drawn = draw_members(read_ensemble(file), file.parent)
    for member, factor in zip(drawn, alone.table("members")["rain"], strict=True):
        flood = dict(sections(member.scenario))["flood"]
        assert isinstance(flood, FloodSection)
        assert flood.rain == pytest.approx(400 * factor)


def test_the_ensembles_of_the_sample_can_be_drawn() -> None:
    folder = Path(__file__).resolve().parents[3] / "sample_data" / "scenarios" / "ensembles"
    wanted = [path for path in sorted(folder.glob("*.yaml")) if "uncertain" in path.read_text(encoding="utf-8")]
    assert wanted
    for path in wanted:
        ensemble = read_ensemble(path)
        members = draw_members(ensemble, folder)
        assert len(members) == ensemble.members
        assert len({str(dict(sections(member.scenario))["flood"]) for member in members}) == len(members)
