"""The report holds what the runs hold, in both languages, as Markdown and as a PDF that can be printed."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rasterio

from sim.service import Service
from tests import runs, town
from twin.errors import StoreError
from viewer.document import report_document, write_report
from viewer.document.blocks import Document, Heading, Paragraph, Picture, Steps, Table
from viewer.document.markdown import markdown
from viewer.document.pdf import write_pdf
from viewer.document.quantity import clock_text, figure_text

LETTERS = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    """A store with a computed flood and the other three stages of its scenario."""
    folder = tmp_path_factory.mktemp("report")
    town.write_town(folder)
    service = Service(folder / "runs", catalog=folder / "catalog.yaml", scenario_folder=folder / "scenarios")
    (flood,) = service.run_scenario(town.surge())
    keys = {stage: f"report{stage}" for stage in ("evacuation", "access", "airspace")} | {"flood": flood}
    runs._register()
    summaries = {
        "evacuation": {"people_count": 60.0, "safe_count": 56.0, "stranded_count": 3.0, "t50_s": 1500.0},
        "access": {"journeys_count": 2.0, "feasible_count": 1.0},
        "airspace": {"planned_count": 2.0, "conflicts_before_count": 1.0, "conflicts_after_count": 0.0},
    }
    writers = {"evacuation": runs._evacuation, "access": runs._access, "airspace": runs._airspace}
    for stage, write in writers.items():
        writer = runs.begin(service.store, folder, keys, stage)
        write(writer)
        writer.finish(summary=summaries[stage], budget={}, wall_s=12.5, peak_memory_bytes=345_600_000)
    return service


def _document(service: Service, lang: Any) -> Document:
    return report_document(service, "reportevacuation", lang)


def _tables(document: Document, caption: str) -> list[Table]:
    return [block for block in document.blocks if isinstance(block, Table) and caption in block.caption]


def test_every_stage_has_a_chapter_and_the_drawings_that_belong_to_it(service: Service) -> None:
    document = _document(service, "en")
    chapters = [block.text for block in document.blocks if isinstance(block, Heading) and block.level == 1]
    assert set(chapters[:4]) == {"Flood", "Evacuation", "Barrier-free routes", "Drone operations"}
    assert chapters[4:] == ["Sources", "What this report does not say"]
    assert {block.name for block in document.blocks if isinstance(block, Picture)} == {
        "flood-depth", "flood-arrival", "flood-duration", "flood-vulnerability",
        "evacuation-shelters-load", "evacuation-stranded", "evacuation-people",
        "evacuation-queue", "access-routes", "access-reach-1", "access-departures", "airspace-plan",
        "airspace-airborne", "airspace-conflicts",
    }  # fmt: skip


def test_figures_are_those_of_the_manifests(service: Service) -> None:
    document = _document(service, "en")
    flood = service.open_run(next(job.key for job in service.list_runs() if job.stage == "flood")).manifest()
    text = markdown(document)
    assert f"| Largest depth on land | {flood['summary']['max_depth_on_land_m']:,.2f} m |" in text
    assert "| Stranded | 3 |" in text
    (cost,) = _tables(document, "Size and cost")
    rows = {row[0]: row for row in cost.rows}
    assert rows["Evacuation"][2:] == ("60 people", "13", "12.5 s", "346 MB")
    assert float(rows["Flood"][5].split()[0].replace(",", "")) > 50, "the peak memory of the flood was measured"


def test_what_was_assumed_is_listed_as_the_form_shows_it(service: Service) -> None:
    assert "| 浸水: 水位・潮位ピーク T.P.（m） | 2.5 |" in markdown(_document(service, "ja"))


def test_the_limits_of_a_flood_are_those_of_its_scheme(service: Service) -> None:
    flood = next(job.key for job in service.list_runs() if job.stage == "flood")
    text = markdown(report_document(service, flood, "en"))
    assert "leave out advection" in text
    assert "those of shallow water" not in text


def test_full_shelters_and_routes_beyond_limits_stand_out(service: Service) -> None:
    document = _document(service, "ja")
    (shelters,) = [table for table in _tables(document, "") if table.head[0] == "名称" and "収容人数" in table.head]
    assert [shelters.rows[row][0] for row in shelters.strong] == ["避難所 北"]
    (routes,) = _tables(document, "経路の一覧")
    assert [routes.rows[row][8] for row in routes.strong] == ["段差 8 cm"]


def test_the_last_safe_departure_is_said(service: Service) -> None:
    said = [block.text for block in _document(service, "en").blocks if isinstance(block, Paragraph)]
    assert "通院 (Manual wheelchair): whoever leaves by 0:30 arrives." in said


def test_every_text_is_in_the_language(service: Service) -> None:
    english = markdown(_document(service, "en"))
    names = ("通院", "避難所", "病院の上空", "駅", "西", "東", "指定", "巡視", "医薬品", "北", "水害", "国土", "詳細")
    names += ("治水",)
    left = [line for line in english.splitlines() if LETTERS.search(line) and not any(name in line for name in names)]
    assert left == []
    assert not re.search(r"\breport\.[a-z_]+", english.replace("report.pdf", ""))


def test_both_files_are_written_and_the_pictures_beside_them(service: Service, tmp_path: Path) -> None:
    text, sheet = write_report(service, "reportairspace", tmp_path / "out", "ja")
    shown = re.findall(r"!\[.*\]\((.*)\)", text.read_text(encoding="utf-8"))
    assert len(shown) == 14
    for name in shown:
        with rasterio.open(text.parent / name) as picture:
            values = picture.read()
        assert values.std() > 5, f"{name} is empty"
    pages = _pages(sheet.read_bytes())
    assert 8 <= pages <= 20
    before = sheet.read_bytes()
    with pytest.raises(StoreError, match="--overwrite"):
        write_report(service, "reportairspace", tmp_path / "out", "ja")
    assert sheet.read_bytes() == before


def _pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", pdf))


def test_the_pdf_is_a4_with_page_numbers_and_the_typeface_embedded(tmp_path: Path) -> None:
    document = Document(
        "ja",
        "題名",
        "副題",
        [Heading(1, "章"), *(Paragraph("長い文章です。" * 60) for _ in range(12)), Steps(("東へ進む", "北へ曲がる"))],
    )
    write_pdf(document, tmp_path / "a.pdf")
    content = (tmp_path / "a.pdf").read_bytes()
    assert b"/MediaBox [0 0 595.28 841.89]" in content
    assert b"IPAexGothic" in content
    assert b"/FontFile2" in content
    assert _pages(content) > 1
    streams = [zlib.decompress(part) for part in re.findall(rb"/FlateDecode.*?stream\n(.*?)\nendstream", content, re.S)]
    assert any(b"Tj" in stream or b"TJ" in stream for stream in streams)


def test_markdown_shows_text_as_it_stands() -> None:
    table = Table(("a|b", "c"), [("*x*", "1\n2"), ("<b>", "3")], numeric=frozenset({1}), strong=frozenset({1}))
    text = markdown(Document("en", "# title", "sub", [table, Heading(2, "[x]")]))
    assert "\\# title" in text
    assert "| a\\|b | c |\n| --- | ---: |\n| \\*x\\* | 1 2 |\n| **\\<b\\>** | **3** |" in text
    assert "### \\[x\\]" in text


def test_a_stage_that_failed_says_why(service: Service, tmp_path: Path) -> None:
    store = replace(service.store, root=tmp_path / "runs")
    keys = runs.write_group(store, Path(service.store.root).parent, "part")
    store.remove(keys["access"])
    writer = runs.begin(store, Path(service.store.root).parent, keys, "access")
    writer.note(reason="")
    from twin.store import Status

    writer.abandon(Status.FAILED, "the network has no elevator")
    text = markdown(report_document(Service(store.root), keys["flood"], "en"))
    assert "This stage is not finished (Failed). the network has no elevator" in text


def test_a_scenario_of_which_nothing_is_finished_has_no_report(service: Service, tmp_path: Path) -> None:
    store = replace(service.store, root=tmp_path / "runs")
    runs.begin(store, tmp_path, {"flood": "x" * 8}, "flood").note()
    with pytest.raises(StoreError, match="no stage of the scenario is finished"):
        report_document(Service(store.root), "x" * 8, "en")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("max_depth_m", 2.345, "2.35 m"),
        ("flooded_area_ha", 1234.5, "1,234.5 ha"),
        ("people_count", 41000.0, "41,000"),
        ("max_speed_m_s", 4.1, "4.10 m/s"),
        ("t50_s", 5400.0, "1 h 30 min"),
        ("surveyed_share", 0.982, "98.2 %"),
        ("t50_s", float("inf"), "–"),
        ("max_depth_m", float("nan"), "–"),
    ],
)
def test_a_figure_is_said_in_the_unit_of_its_name(name: str, value: float, text: str) -> None:
    assert figure_text("en", name, value) == text


def test_the_last_safe_departure_is_never_said_too_late() -> None:
    said = [clock_text("en", seconds, at_latest=True) for seconds in (2819.0, 2879.9, 2879.99, 2880.0)]
    assert said == ["0:46", "0:47", "0:48", "0:48"]


def test_times_on_the_clock() -> None:
    assert [clock_text("en", seconds) for seconds in (0.0, 5430.0, float("inf"))] == ["0:00", "1:31", "–"]
