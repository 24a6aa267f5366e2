"""An ensemble in the page, in the report and in a folder: what the store holds, in both languages."""

from __future__ import annotations

import gzip
import io
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
import yaml

from layers.pack import read_pack
from sim.ensemble import read_ensemble, run_ensemble
from sim.service import Service
from tests import town
from twin.errors import StoreError
from viewer.api import RunShelf, SceneShelf
from viewer.api.ensemble import probability_class
from viewer.api.overlays import overlay_styles
from viewer.dash.charts import chart_panel
from viewer.document import report_document, require_free, write_ensemble
from viewer.document.blocks import Document, Heading, Picture, Table
from viewer.document.markdown import markdown

if TYPE_CHECKING:
    from twin.store import Run

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

TIDE = {"tide": {"path": "flood.boundaries.0.value", "stretch": {"kind": "uniform", "low": 0.4, "high": 1.2}}}


def _write(folder: Path, **parts: Any) -> Path:
    content = {"schema": 1, "name": "tides", "scenario": "surge.yaml", "members": 4, "thresholds": [0.3, 0.5],
               "percentiles": [50, 95], "uncertain": TIDE, **parts}  # fmt: skip
    path = folder / "tides.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    folder = tmp_path_factory.mktemp("ensemble")
    catalog = town.write_town(folder)
    return Service(folder / "runs", catalog=catalog, scenario_folder=folder / "scenarios")


@pytest.fixture(scope="module")
def run(service: Service) -> Run:
    path = _write(service.scenario_folder)
    return service.open_run(run_ensemble(service, read_ensemble(path), path.parent).key)


@pytest.fixture(scope="module")
def shelf(service: Service) -> RunShelf:
    return RunShelf(service, SceneShelf(service))


def test_the_page_lists_the_run_and_shows_the_first_threshold(run: Run, service: Service, shelf: RunShelf) -> None:
    assert run.key in {job.key for job in service.list_runs()}
    document = shelf.document(run.key)
    assert (document["status"], document["progress"], document["flood"]) == ("done", 1.0, None)
    assert document["name"] == {"ja": "試験の高潮", "en": "Test surge"}
    shown = {entry["id"]: entry for entry in document["overlays"]}
    assert list(shown) == ["ensemble.probability_030", "ensemble.probability_050"]
    assert [entry["visible"] for entry in shown.values()] == [False, True]
    assert shown["ensemble.probability_050"]["name"]["en"] == "Probability of 0.5 m and more"
    assert all(set(entry) == {"name", "color"} for entry in shown["ensemble.probability_050"]["classes"])


def test_the_areas_of_the_page_are_the_cells_of_the_map(run: Run, shelf: RunShelf) -> None:
    entry = next(e for e in shelf.document(run.key)["overlays"] if e["id"] == "ensemble.probability_030")
    digest = entry["url"].split("/")[4]
    meta, arrays = read_pack(gzip.decompress(shelf.overlay(run.key, digest, entry["id"])))
    corners = arrays["positions"].reshape(-1, 3)[arrays["indices"]].reshape(-1, 3, 3).astype(np.float64)
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]) / 2
    kind = arrays["vclass"][arrays["indices"].reshape(-1, 3)[:, 0]]
    probability = run.map("probability_030_cell")
    lowers = [0.0, 0.1, 0.33, 0.66, 0.9, 2.0]
    assert len(meta["classes"]) == 5
    for k, (low, high) in enumerate(itertools.pairwise(lowers)):
        cells = ((probability > 0) & (probability >= low) & (probability < high)).sum()
        assert area[kind == k].sum() == pytest.approx(100.0 * cells, abs=2.0)
    assert (kind == 4).any()


def test_a_share_on_the_edge_of_a_class_belongs_to_the_upper_one() -> None:
    shares = np.array([np.nan, 0.0, 0.05, 0.1, 0.33, 0.66, 0.9, 1.0], dtype=np.float32)
    kinds = probability_class(shares, overlay_styles()["ensemble.probability"])
    assert kinds.tolist() == [-1, -1, 0, 1, 2, 3, 4, 4]


def test_an_unknown_threshold_or_state_is_refused(run: Run, shelf: RunShelf) -> None:
    digest = shelf.document(run.key)["overlays"][0]["url"].split("/")[4]
    with pytest.raises(StoreError, match="shows no"):
        shelf.overlay(run.key, digest, "ensemble.links_030")
    with pytest.raises(StoreError):
        shelf.overlay(run.key, digest, "ensemble.probability_777")
    with pytest.raises(StoreError, match="another state"):
        shelf.overlay(run.key, "0" * 16, "ensemble.probability_030")


def test_curves_are_those_of_the_tables(run: Run, shelf: RunShelf) -> None:
    charts = {chart["id"]: chart for chart in shelf.charts(run.key)["charts"]}
    assert set(charts) == {"ensemble.area", "ensemble.convergence"}, "the town counts no people"
    table = run.table("exceedance")
    for series, (_, rows) in zip(charts["ensemble.area"]["series"], table.groupby("threshold_m"), strict=True):
        assert series["x"] == [0, 25, 50, 75, 100]
        assert series["y"] == [*rows["value"], rows["value"].iloc[-1]]
    mean = charts["ensemble.convergence"]["series"][0]
    steps = run.table("convergence")
    np.testing.assert_allclose(mean["y"], steps.loc[steps["threshold_m"] == 0.5, "mean"])
    for lang in ("ja", "en"):
        panel = str(chart_panel(lang, list(charts.values())))
        assert "clock" not in panel, "no axis of these is a time"


def _blocks(document: Document, kind: type) -> list[Any]:
    return [block for block in document.blocks if isinstance(block, kind)]


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_report_has_maps_figures_and_what_was_uncertain(run: Run, service: Service, lang: Any) -> None:
    document = report_document(service, run.key, lang)
    assert {block.name for block in _blocks(document, Picture)} == {
        "ensemble-probability", "ensemble-depth-50", "ensemble-depth-95", "ensemble-arrival-50", "ensemble-area",
        "ensemble-convergence",
    }  # fmt: skip
    text = markdown(document)
    summary = run.manifest()["summary"]
    assert f"| {summary['mean_area_0.5m_ha']:,.1f} ha |" in text
    assert {"ja": "失敗したケースはありません", "en": "No member failed"}[lang] in text
    assert {"ja": "一様分布: low 0.4, high 1.2", "en": "uniform: low 0.4, high 1.2"}[lang] in text
    assert {"ja": "アンサンブル", "en": "Ensemble"}[lang] in {block.text for block in _blocks(document, Heading)}


def test_failed_members_stand_in_the_report_with_their_reason(service: Service) -> None:
    uncertain = {"step": {"path": "flood.roughness", "choose": {"values": [0.03, "none.tif"]}}}
    path = service.scenario_folder / "bad.yaml"
    (service.scenario_folder / "none.tif").write_bytes(b"no raster")
    content = yaml.safe_load(_write(service.scenario_folder).read_text()) | {
        "uncertain": uncertain,
        "sampling": "latin",
    }
    path.write_text(yaml.safe_dump(content))
    done = run_ensemble(service, read_ensemble(path), path.parent)
    assert sorted(done.members["status"]) == ["done"] * 2 + ["failed"] * 2
    (table,) = (t for t in _blocks(report_document(service, done.key, "en"), Table) if t.head == ("Member", "Reason"))
    assert [row[0] for row in table.rows] == [str(k) for k in done.members.index[done.members["status"] == "failed"]]
    assert all("none.tif" in row[1] for row in table.rows)


def test_the_folder_holds_maps_tables_overview_and_report(run: Run, service: Service, tmp_path: Path) -> None:
    out = tmp_path / "out"
    require_free(out)
    written = write_ensemble(service, run.key, out, "ja")
    assert all(path.exists() for path in written)
    with rasterio.open(out / "probability_050_cell.tif") as source:
        np.testing.assert_array_equal(source.read(1), run.map("probability_050_cell"))
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert source.units == ("1",)
    from PIL import Image

    with Image.open(io.BytesIO((out / "overview.png").read_bytes())) as picture:
        assert min(picture.size) > 1000
    assert {path.stem for path in out.glob("*.parquet")} == {
        "members", "exceedance", "convergence", "uncertain", "buildings"
    }  # fmt: skip
    assert not list(out.rglob("*.part*"))
    with pytest.raises(StoreError, match="holds an ensemble already"):
        require_free(out)
    with pytest.raises(StoreError, match="is there already"):
        write_ensemble(service, run.key, out, "ja")
    assert write_ensemble(service, run.key, out, "en", overwrite=True)


def test_the_command_goes_from_the_file_to_the_folder(run: Run, service: Service, tmp_path: Path) -> None:
    program, file = Path(sys.executable).with_name("osaka-twin"), service.scenario_folder / "tides.yaml"
    command = [program, "ensemble", file, "--store", service.store.root, "--workers", "1", "--out", tmp_path / "out"]
    english = {**os.environ, "OSAKA_TWIN_LANG": "en"}

    def call() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=english, capture_output=True, text=True, check=False, timeout=300)

    first = call()
    assert first.returncode == 0, first.stderr
    assert "4 of 4 done" in first.stderr
    assert run.key in first.stdout, "what is in the store is not computed again"
    assert re.search(r"failed_count +0\n", first.stdout)
    assert (tmp_path / "out" / "report.pdf").is_file()
    second = call()
    assert second.returncode == 1
    assert "holds an ensemble already" in second.stderr
    assert "Traceback" not in second.stderr
