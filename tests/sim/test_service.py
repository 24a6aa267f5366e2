"""Jobs: computed whole, cancelled clean, taken up after a kill; here with the flood on a bed of its own."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from sim import pipeline
from sim.executor import DaskExecutor, SerialExecutor
from sim.export import export_run
from sim.service import Service
from sim.worker import dask_setup
from twin.errors import Cancelled, LayerError, ScenarioError, SimulationError, StoreError, TwinError
from twin.store import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.protocol import Model

BASIN: dict[str, Any] = {
    "schema": 1,
    "name": "basin",
    "area": {"bbox": [0, 0, 400, 300], "cell_size": 10},
    "flood": {
        "duration": 600,
        "output_every": 60,
        "bed": "bed.asc",
        "inflows": [{"at": [55, 55], "discharge": 20}],
        "gauges": {"middle": [205, 155]},
    },
}


def _bed(folder: Path, cells: tuple[int, int] = (30, 40), size: float = 10.0) -> None:
    ny, nx = cells
    y, x = np.mgrid[:ny, :nx]
    bed = 0.002 * (x - nx / 2) ** 2 * (40 / nx) + 0.003 * (y - ny / 2) ** 2 * (30 / ny)
    head = f"ncols {nx}\nnrows {ny}\nxllcorner 0\nyllcorner 0\ncellsize {size}\nNODATA_value -9999\n"
    rows = "\n".join(" ".join(f"{v:.4f}" for v in row) for row in bed)
    (folder / "bed.asc").write_text(head + rows + "\n", encoding="utf-8")
    (folder / "bed.prj").write_text("EPSG:6674", encoding="utf-8")


def _scenario(folder: Path, **flood: Any) -> Path:
    path = folder / "basin.yaml"
    path.write_text(yaml.safe_dump({**BASIN, "flood": {**BASIN["flood"], **flood}}), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _bed(tmp_path)
    return tmp_path


def _until(is_true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_a_scenario_file_becomes_a_whole_run(folder: Path) -> None:
    service = Service(folder / "runs")
    (key,) = service.run_scenario(_scenario(folder))
    job = service.open_run(key)
    manifest = job.manifest()
    assert manifest["status"] == "done"
    assert abs(manifest["budget"]["relative_error"]) < 1e-6
    assert manifest["budget"]["inflow_m3"] == pytest.approx(20 * 600, rel=1e-6)
    stored = float(job.fields()["h_cell"][-1].sum()) * 100.0
    assert stored == pytest.approx(20 * 600, rel=1e-4)
    assert list(job.gauges().columns)[:2] == ["time_s", "middle_stage_m"]
    assert {"manifest.json", "fields.zarr", "gauges.csv", "h_max_cell.tif"} <= {p.name for p in job.folder.iterdir()}
    status = service.status(key)
    assert (status.status, status.progress, status.outputs_done, status.outputs) == (Status.DONE, 1.0, 11, 11)


def test_what_a_run_depends_on_is_in_its_key(folder: Path) -> None:
    service = Service(folder / "runs")
    (first,) = (stage.key for stage in service.plan(_scenario(folder)))
    (second,) = (stage.key for stage in service.plan(_scenario(folder, roughness=0.06)))
    _bed(folder, size=10.0)
    (folder / "bed.asc").write_text((folder / "bed.asc").read_text().replace("0.0020", "0.0030"))
    (third,) = (stage.key for stage in service.plan(_scenario(folder)))
    assert len({first, second, third}) == 3


@pytest.mark.parametrize(
    ("change", "kind", "named"),
    [
        ({"bed": "nowhere.asc"}, ScenarioError, r"flood.bed: there is no file .*nowhere.asc"),
        ({"duration": -1}, ScenarioError, "flood.duration"),
        ({"gauges": {"far": [9000, 0]}}, TwinError, "far"),
        ({"rainn": 5}, ScenarioError, "flood.rainn: this key is unknown"),
        ({"output_every": 6000}, ScenarioError, "output_every"),
        ({"output_every": 1e-6}, ScenarioError, "outputs are too many"),
    ],
)
def test_what_is_wrong_is_named_and_no_run_is_left(
    folder: Path, change: dict[str, Any], kind: type[TwinError], named: str
) -> None:
    service = Service(folder / "runs")
    with pytest.raises(kind, match=named):
        service.run_scenario(_scenario(folder, **change))
    assert [job for job in service.list_runs() if job.status is not Status.FAILED] == []
    assert not list((folder / "runs").glob("*/fields.zarr"))


def test_a_catalogue_that_is_not_there_is_named_as_the_scenarios_city(folder: Path) -> None:
    scenario = yaml.safe_load(_scenario(folder).read_text()) | {"city": "nowhere.yaml"}
    with pytest.raises(ScenarioError, match=r"^city: there is no file .*nowhere.yaml"):
        Service(folder / "runs", scenario_folder=folder).run_scenario(scenario)


def test_an_area_beside_the_bed_fails_with_the_reason_in_the_manifest(folder: Path) -> None:
    scenario = yaml.safe_load(_scenario(folder).read_text())
    scenario["area"]["bbox"] = [5000, 5000, 5400, 5300]
    service = Service(folder / "runs", scenario_folder=folder)
    with pytest.raises(LayerError, match="holds no value in the area"):
        service.run_scenario(scenario)
    (job,) = service.list_runs()
    assert job.status is Status.FAILED
    assert "holds no value in the area" in job.reason


def test_a_store_that_is_a_file_is_refused(folder: Path) -> None:
    (folder / "runs").write_text("no folder")
    with pytest.raises(StoreError, match="--store"):
        Service(folder / "runs").run_scenario(_scenario(folder))


class _StopAt:
    """Asks for a stop when the run has got so far."""

    def __init__(self, fraction: float) -> None:
        self.fraction, self.reached = fraction, 0.0

    def progress(self, model: Model, fraction: float) -> None:
        self.reached = fraction

    def is_cancelled(self) -> bool:
        return self.reached >= self.fraction


@pytest.fixture
def long_scenario(tmp_path: Path) -> Path:
    """A run of several seconds."""
    _bed(tmp_path, (300, 400), 1.0)
    return _scenario(tmp_path, duration=1800, output_every=60, max_dt=0.05)


def test_cancelling_leaves_the_reason_and_no_data(long_scenario: Path) -> None:
    service = Service(long_scenario.parent / "runs", executor=SerialExecutor(_StopAt(0.01)))
    with pytest.raises(Cancelled):
        service.run_scenario(long_scenario)
    (job,) = service.list_runs()
    assert job.status is Status.CANCELLED
    assert [p.name for p in service.open_run(job.key).folder.iterdir()] == ["manifest.json"]


class _Interrupt(_StopAt):
    """Ctrl-C when the run has got so far."""

    def is_cancelled(self) -> bool:
        if super().is_cancelled():
            raise KeyboardInterrupt
        return False


def test_an_interrupted_run_goes_on_from_its_checkpoint_to_the_same_bytes(
    long_scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "CHECKPOINT_EVERY", 0.0)
    folder = long_scenario.parent
    straight = Service(folder / "straight")
    (key,) = straight.run_scenario(long_scenario)
    interrupted = Service(folder / "runs", executor=SerialExecutor(_Interrupt(0.4)))
    with pytest.raises(KeyboardInterrupt):
        interrupted.run_scenario(long_scenario)
    assert interrupted.status(key).status is Status.LOST
    done = interrupted.status(key).outputs_done
    assert done >= 2
    again = Service(folder / "runs")
    assert again.run_scenario(long_scenario) == (key,)
    assert again.open_run(key).manifest()["resumed_at"] == done
    for name in ("h_cell", "u_cell"):
        np.testing.assert_array_equal(again.open_run(key).fields()[name], straight.open_run(key).fields()[name])


def test_a_result_is_never_stored_under_the_key_of_other_inputs(folder: Path) -> None:
    service = Service(folder / "runs")
    (stage,) = service.plan(_scenario(folder))
    (folder / "bed.asc").write_text((folder / "bed.asc").read_text().replace("0.0020", "0.5020"))
    with pytest.raises(ScenarioError, match="inputs changed"):
        pipeline.compute_stage(stage)
    assert service.status(stage.key).status is Status.FAILED


def test_a_stage_does_not_run_after_one_that_failed(folder: Path) -> None:
    service = Service(folder / "runs")
    (stage,) = service.plan(_scenario(folder))
    service.store.begin("before", stage.manifest()).abandon(Status.FAILED, "no")
    with pytest.raises(SimulationError, match="which it comes after, is failed"):
        pipeline.compute_stage(replace(stage, upstream={"rain": "before"}))
    assert not list((folder / "runs").glob("*/fields.zarr"))


def test_a_defect_is_said_in_the_manifest_and_raised(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("nobody thought of it")

    service = Service(folder / "runs")
    scenario = _scenario(folder)
    (stage,) = service.plan(scenario)
    monkeypatch.setattr(pipeline, "output_count", broken)
    with pytest.raises(KeyError):
        pipeline.compute_stage(stage)
    status = service.status(stage.key)
    assert (status.status, status.reason) == (Status.FAILED, "KeyError: 'nobody thought of it'")


def test_a_series_in_another_encoding_is_named_with_a_remedy(folder: Path) -> None:
    (folder / "rain.csv").write_bytes("時刻,雨量\n0,10\n".encode("cp932"))
    with pytest.raises(LayerError, match=r"rain\.csv: is no UTF-8 text.*CSV UTF-8"):
        Service(folder / "runs").run_scenario(_scenario(folder, rain="rain.csv"))


def test_a_second_caller_waits_for_the_first_instead_of_computing_twice(folder: Path) -> None:
    service = Service(folder / "runs")
    scenario = _scenario(folder, max_dt=0.2)
    keys: list[tuple[str, ...]] = []
    threads = [threading.Thread(target=lambda: keys.append(service.run_scenario(scenario))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keys[0] == keys[1]
    assert service.status(keys[0][0]).status is Status.DONE


def test_dask_gives_the_same_bytes_as_this_process_even_when_its_worker_is_killed(
    long_scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "CHECKPOINT_EVERY", 0.0)
    folder = long_scenario.parent
    straight = Service(folder / "straight")
    (key,) = straight.run_scenario(long_scenario)
    expected = straight.open_run(key)

    killed = Service(folder / "killed", executor=DaskExecutor(workers=1))
    try:
        assert killed.submit(long_scenario) == (key,)
        _until(lambda: killed.status(key).outputs_done >= 2)
        os.kill(int(killed.open_run(key).manifest()["owner"]["pid"]), signal.SIGKILL)
        _until(lambda: killed.status(key).status is Status.DONE, 120)
    finally:
        killed.close()
    job = killed.open_run(key)
    np.testing.assert_array_equal(job.fields()["h_cell"], expected.fields()["h_cell"])
    assert (job.folder / "gauges.csv").read_bytes() == (expected.folder / "gauges.csv").read_bytes()


def test_cancelling_on_a_cluster_stops_the_worker_and_progress_never_goes_back(long_scenario: Path) -> None:
    service = Service(long_scenario.parent / "runs", executor=DaskExecutor(workers=1))
    try:
        (key,) = service.submit(long_scenario)
        seen: list[float] = []

        def has_begun() -> bool:
            seen.append(service.status(key).progress)
            return seen[-1] > 0

        _until(has_begun)
        service.cancel(key)
        _until(lambda: service.status(key).status is Status.CANCELLED)
        assert seen == sorted(seen)
        _until(lambda: [p.name for p in service.open_run(key).folder.iterdir()] == ["manifest.json"], 5)
    finally:
        service.close()


def test_a_scheduler_that_does_not_answer_is_named(folder: Path) -> None:
    service = Service(folder / "runs", executor=DaskExecutor("tcp://127.0.0.1:9"))
    with pytest.raises(SimulationError, match=r"127\.0\.0\.1:9"):
        service.submit(_scenario(folder))


def test_exports_are_read_back_by_other_programs(folder: Path) -> None:
    import rasterio
    import xarray as xr

    service = Service(folder / "runs")
    job = service.open_run(service.run_scenario(_scenario(folder))[0])
    with xr.open_dataset(export_run(job, folder / "out.nc")) as exported:
        np.testing.assert_array_equal(exported["h_cell"], job.fields()["h_cell"])
    with rasterio.open(export_run(job, folder / "depth.tif")) as raster:
        assert raster.crs.to_epsg() == 6674
        assert raster.read(1).max() == pytest.approx(job.manifest()["summary"]["max_depth_m"])
    assert export_run(job, folder / "gauges.csv").read_bytes() == (job.folder / "gauges.csv").read_bytes()


@pytest.mark.parametrize(
    ("name", "what", "message"),
    [("out.xyz", "", "is no format"), ("out.tif", "nothing", "has no nothing.tif"), ("out.nc", "nothing", "no field")],
)
def test_an_export_that_cannot_be_is_refused_and_leaves_nothing(
    folder: Path, name: str, what: str, message: str
) -> None:
    service = Service(folder / "runs")
    job = service.open_run(service.run_scenario(_scenario(folder))[0])
    with pytest.raises(StoreError, match=message):
        export_run(job, folder / "exports" / name, what=what)
    assert not list(folder.glob("exports/*"))


def test_only_the_heartbeat_that_a_closed_scheduler_cuts_is_kept_from_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = logging.getLogger("distributed.worker")
    before = list(log.filters)
    dask_setup(None)
    try:
        log.error("Failed to communicate with scheduler during heartbeat.")
        log.error("Compute Failed")
    finally:
        for added in set(log.filters) - set(before):
            log.removeFilter(added)
    assert caplog.messages == ["Compute Failed"]
