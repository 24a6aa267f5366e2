"""A run is whole or not there; the manifest says the truth about a job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from twin import FIELDS, Grid, StoreError, register_field
from twin.store import Run, RunWriter, Status, Store

GRID = Grid((6, 8), 5.0, -100.0, 200.0)
MANIFEST = {"name": "trial", "stage": "dust", "key": "k"}

if "trial_cell" not in FIELDS:
    register_field("trial_cell", ("y", "x"), "m", "A field of these tests", standard_name="depth")


def _write(writer: RunWriter, outputs: int) -> None:
    writer.create_fields(GRID, [0.0, 10.0, 20.0], {"trial_cell": np.zeros(GRID.shape)})
    for number in range(outputs):
        writer.write_output(number, {"trial_cell": np.full(GRID.shape, number)}, {"a_m": number / 3})


def test_a_finished_run_is_read_back_with_units_and_coordinates(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    writer = store.begin("aa11", MANIFEST)
    _write(writer, 3)
    writer.write_map("trial_cell", GRID, np.arange(48, dtype=float).reshape(GRID.shape))
    job = writer.finish(summary={"x": 1.0})
    assert job.status is Status.DONE
    fields = job.fields()
    assert fields["trial_cell"].attrs == {
        "units": "m",
        "long_name": "A field of these tests",
        "standard_name": "depth",
    }
    np.testing.assert_array_equal(fields["trial_cell"][:, 0, 0], [0, 1, 2])
    np.testing.assert_array_equal(fields["x"], GRID.x_cell)
    assert job.grid == GRID
    assert job.gauges()["time_s"].tolist() == [0, 10, 20]
    assert sorted(p.name for p in job.folder.iterdir()) == [
        "fields.zarr",
        "gauges.csv",
        "manifest.json",
        "trial_cell.tif",
    ]


def test_the_map_is_a_cog_that_other_programs_place_right(tmp_path: Path) -> None:
    import rasterio

    writer = Store(tmp_path).begin("aa", MANIFEST)
    _write(writer, 1)
    values = np.arange(48, dtype=float).reshape(GRID.shape)
    writer.write_map("trial_cell", GRID, values)
    with rasterio.open(writer.folder / "trial_cell.tif") as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert tuple(raster.bounds) == GRID.bounds
        np.testing.assert_array_equal(raster.read(1), values)


def test_a_run_under_way_shows_only_whole_outputs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    writer = store.begin("aa", MANIFEST)
    _write(writer, 2)
    job = store.open("aa")
    assert job.status is Status.RUNNING
    assert job.fields().sizes["time"] == 2
    assert not (tmp_path / "aa").exists()


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_what_did_not_end_well_leaves_its_reason_and_no_data(tmp_path: Path, status: Status) -> None:
    store = Store(tmp_path)
    writer = store.begin("aa", MANIFEST)
    _write(writer, 2)
    writer.abandon(status, "the bed has a hole")
    job = store.open("aa")
    assert job.status is status
    assert job.manifest()["reason"] == "the bed has a hole"
    assert [p.name for p in job.folder.iterdir()] == ["manifest.json"]


def test_a_job_whose_process_is_gone_is_lost(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from twin.store import Store\n"
        f"Store(Path({str(tmp_path)!r})).begin('aa', {MANIFEST!r}).note(progress=0.4)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
    assert Store(tmp_path).open("aa").status is Status.LOST


def test_a_job_without_a_heartbeat_is_lost(tmp_path: Path) -> None:
    store = Store(tmp_path)
    writer = store.begin("aa", MANIFEST)
    writer.note()
    os.utime(writer.folder / "heartbeat", (0, 0))
    assert store.open("aa").status is Status.LOST


def test_a_run_that_is_being_computed_is_not_begun_twice(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.begin("aa", MANIFEST).note()
    with pytest.raises(StoreError, match="another process"):
        store.begin("aa", MANIFEST)


def test_an_interrupted_run_is_taken_up_at_its_checkpoint(tmp_path: Path) -> None:
    store = Store(tmp_path)
    writer = store.begin("aa", MANIFEST)
    _write(writer, 2)
    writer.save_checkpoint({"h": np.arange(3.0)})
    writer.write_output(2, {"trial_cell": np.full(GRID.shape, 9)}, {"a_m": 9.0})
    os.utime(writer.folder / "heartbeat", (0, 0))
    again = store.begin("aa", MANIFEST)
    taken = again.load_checkpoint()
    assert taken is not None
    done, state = taken
    assert done == 2
    np.testing.assert_array_equal(state["h"], np.arange(3.0))
    again.write_output(2, {"trial_cell": np.full(GRID.shape, 2)}, {"a_m": 2 / 3})
    job = again.finish()
    np.testing.assert_array_equal(job.fields()["trial_cell"][:, 0, 0], [0, 1, 2])
    assert job.gauges()["a_m"].tolist() == pytest.approx([0, 1 / 3, 2 / 3])


def test_a_beginning_of_the_key_is_enough_if_it_is_the_only_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for key in ("ab12", "ab34"):
        store.begin(key, MANIFEST).finish()
    assert store.open("ab1").key == "ab12"
    with pytest.raises(StoreError, match="2 runs begin with 'ab'"):
        store.open("ab")
    with pytest.raises(StoreError, match="no run 'zz'"):
        store.open("zz")


def test_the_path_of_a_run_stands_for_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store(Path("runs"))
    for key in ("ab12", "ab34"):
        store.begin(key, MANIFEST).finish()
    for path in ("runs/ab12", "runs/ab12/", str(tmp_path / "runs" / "ab12"), "runs/ab1"):
        assert store.open(path).key == "ab12"
    with pytest.raises(StoreError, match="no run 'elsewhere/ab12'"):
        store.open("elsewhere/ab12")


def test_a_store_that_cannot_be_written_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match=r"cannot be written.*--store"):
        Store(tmp_path / "file" / "runs").begin("aa", MANIFEST)


def test_a_field_that_nobody_registered_is_not_stored(tmp_path: Path) -> None:
    writer = Store(tmp_path).begin("aa", MANIFEST)
    with pytest.raises(StoreError, match="not registered"):
        writer.create_fields(GRID, [0.0], {"mystery": np.zeros(GRID.shape)})


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    job = Store(tmp_path).begin("aa", MANIFEST).finish()
    (job.folder / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match=r"aa/manifest\.json"):
        _ = job.status


def test_a_name_has_one_meaning() -> None:
    with pytest.raises(StoreError, match="another meaning"):
        register_field("trial_cell", ("y", "x"), "s", "Something else")


def test_the_manifest_is_plain_json(tmp_path: Path) -> None:
    job: Run = Store(tmp_path).begin("aa", {**MANIFEST, "title": {"ja": "高潮"}}).finish()
    assert "高潮" in (job.folder / "manifest.json").read_text(encoding="utf-8")
    assert json.loads((job.folder / "manifest.json").read_text(encoding="utf-8"))["status"] == "done"
