"""The page in a real Chromium, over a real server, store and simulator."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
import rasterio
from playwright.sync_api import expect

from layers.pack import read_pack
from twin.store import Status
from viewer.component.twin_view import BUILD
from viewer.strings import table

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Served, Watched

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")]

HOURS = "計算時間（時間）"


def _pixels(page: Page) -> Any:
    """The canvas as (height, width, 3)."""
    with rasterio.MemoryFile(page.locator("#view canvas").screenshot()) as file, file.open() as picture:
        return np.moveaxis(picture.read([1, 2, 3]), 0, -1)


def _wait_for_frame(page: Page, seconds: float) -> None:
    """Show a time and wait until it is drawn."""
    page.evaluate("t => { window.__before = window.__view.renderedFrame; window.__view.setTime(t); }", seconds)
    page.wait_for_function("window.__view.renderedFrame > window.__before")


def _slow_run(page: Page, hours: str = "200") -> None:
    """Start a run that takes long; no two tests start the same one."""
    page.get_by_label(HOURS).fill(hours)
    page.get_by_label("出力間隔（分）").fill("60")
    page.get_by_role("button", name="実行").click()
    page.locator(".job[data-status=running]").wait_for(timeout=60_000)


def _cancel_everything(served: Served) -> None:
    with httpx.Client(base_url=served.url, trust_env=False, timeout=30) as client:
        for job in client.get("/api/runs").json():
            if job["status"] in {"queued", "running"}:
                client.delete(f"/api/runs/{job['key']}")
        until = time.monotonic() + 20
        while any(job["status"] in {"queued", "running"} for job in client.get("/api/runs").json()):
            assert time.monotonic() < until


def test_the_page_loads_and_draws_the_city(view: Watched) -> None:
    view.open()
    page = view.page
    assert page.evaluate("window.__view.build") == BUILD
    expect(page.get_by_role("heading", level=1)).to_have_text("試験町")
    pixels = _pixels(page)
    assert pixels.reshape(-1, 3).std(axis=0).max() > 10
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 200
    assert page.evaluate("document.documentElement.lang") == "ja"


def test_a_closed_layer_is_not_offered(view: Watched) -> None:
    view.open()
    assert "residents" not in view.page.content()


def test_time_moves_without_a_request(view: Watched, served: Served) -> None:
    view.open(f"?run={served.key}&t=0")
    page = view.page
    assert page.evaluate("window.__view.frames()") == 13
    view.quiet()
    before, requests = page.evaluate("window.__view.renderedFrame"), len(view.requests)
    for k in range(13):
        _wait_for_frame(page, 300.0 * k + 60)
    assert page.evaluate("window.__view.renderedFrame") >= before + 13
    assert view.requests[requests:] == []
    page.get_by_role("button", name="再生", exact=True).click()
    page.wait_for_function("t => window.__view.time() !== t", arg=page.evaluate("window.__view.time()"))
    page.get_by_role("button", name="一時停止", exact=True).click()


def _building(served: Served) -> tuple[int, list[float], float]:
    """A wet building: row, a point on its roof [local m], maximum depth in the store."""
    scene = served.get("/api/scene")
    url = next(pack["url"] for pack in scene["packs"] if pack["kind"] == "buildings")
    with httpx.Client(base_url=served.url, trust_env=False) as client:
        _, arrays = read_pack(client.get(url).content)
    found = served.store.open(served.key).table("buildings").set_index("feature")["max_depth"]
    row = int(found.idxmax())
    number = arrays["feature"].tolist().index(row)
    ((ox, oy, *_),) = arrays["tiles"].tolist()
    own = arrays["positions"][arrays["positions"][:, 3] == number].astype(float) * 0.1
    low, high = own.min(axis=0), own.max(axis=0)
    return row, [ox + (low[0] + high[0]) / 2, oy + (low[1] + high[1]) / 2, high[2]], float(found[row])


def test_a_click_on_a_building_tells_its_attributes_and_the_depth_of_the_store(view: Watched, served: Served) -> None:
    view.open(f"?run={served.key}")
    page = view.page
    row, roof, depth = _building(served)
    view.click_at(*roof)
    value = page.locator("#details .big-value")
    value.wait_for()
    assert float(value.get_attribute("data-value")) == depth
    assert value.inner_text() == f"{depth:.2f} m"
    details = page.locator("#details")
    expect(details).to_contain_text("浸水の到達")
    expect(details).to_contain_text("1987")
    expect(details.locator(".chip")).to_have_text(re.compile("m"))
    expect(page).to_have_url(re.compile(f"sel=b{row}"))
    page.get_by_role("button", name="閉じる").click()
    expect(details).to_be_hidden()


def test_a_click_on_the_ground_tells_the_depth_there(view: Watched, served: Served) -> None:
    view.open(f"?run={served.key}&t=1800")
    page = view.page
    scene = served.get("/api/scene")
    x, y = scene["bounds"][0] + 35, 5.0  # the middle of a cell
    place = {"run": served.key, "x": x + scene["origin"][0], "y": y + scene["origin"][1], "t": 1800}
    answer = served.get("/api/depth", **place)
    view.click_at(x, y, answer["bed_m"])
    value = page.locator("#details .big-value")
    value.wait_for()
    assert float(value.get_attribute("data-value")) == pytest.approx(answer["value_m"], abs=0.06)
    expect(page.locator("#details")).to_contain_text("T.P.")
    page.locator("#details .recharts-area-area, #details .recharts-area").first.wait_for(state="attached")


SEA = [0x7F, 0xB2, 0xD9]
"""Colour of what is sea from the start, outside the classes."""


def test_water_has_the_colour_of_its_class_in_the_legend_and_the_sea_is_blue(view: Watched, served: Served) -> None:
    document = served.get(f"/api/runs/{served.key}")
    flood = document["flood"]
    depth = served.store.open(served.key).fields()["h_cell"].to_numpy()
    scene = served.get("/api/scene")
    layers = ",".join(f"{pack['id']}:{1 if pack['id'] == 'terrain' else 0}" for pack in scene["packs"])
    view.open(f"?run={served.key}&t=1800&layers=water:1,{layers}")
    page = view.page
    pixels = _pixels(page)
    ratio = pixels.shape[1] / page.locator("#view canvas").bounding_box()["width"]
    bed, sea = served_bed(served, flood)
    edges = [0.01, *(c["upper"] for c in flood["classes"] if c["upper"])]
    checked = set()
    for row in range(2, flood["ny"] - 2):
        for col in range(2, flood["nx"] - 2):
            around = depth[6, row - 1 : row + 2, col - 1 : col + 2]
            classes = np.searchsorted(np.array(edges, np.float32), around, side="right")
            is_sea = sea[row - 1 : row + 2, col - 1 : col + 2]
            if classes.min() != classes.max() or classes.min() == 0 or is_sea.min() != is_sea.max():
                continue
            point = [
                flood["west"] + (col + 0.5) * flood["cell_size"],
                flood["north"] - (row + 0.5) * flood["cell_size"],
                float(bed[row, col] + depth[6, row, col]),
            ]
            px, py = page.evaluate("p => window.__view.project(p)", point)
            if _is_covered(page, px, py):
                continue
            colour = "sea" if is_sea.any() else flood["classes"][int(classes.min()) - 1]["color"]
            expected = SEA if is_sea.any() else [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
            np.testing.assert_allclose(pixels[int(py * ratio), int(px * ratio)], expected, atol=2)
            checked.add(colour)
    assert "sea" in checked
    assert len(checked) >= 3, "no cell was in sight"


_BEDS: dict[str, Any] = {}


def served_bed(served: Served, flood: dict[str, Any]) -> Any:
    """Bed of the run, and what of it is sea, as the page gets them."""
    if flood["bed_url"] not in _BEDS:
        with httpx.Client(base_url=served.url, trust_env=False) as client:
            _BEDS[flood["bed_url"]] = read_pack(client.get(flood["bed_url"]).content)[1]
    arrays = _BEDS[flood["bed_url"]]
    return arrays["z"], arrays["water"]


def _is_covered(page: Page, x: float, y: float) -> bool:
    """Whether a card lies over that place of the canvas, or it is outside."""
    return page.evaluate(
        """([x, y]) => {
            const canvas = document.querySelector('#view canvas');
            const box = canvas.getBoundingClientRect();
            if (x < 4 || y < 4 || x > box.width - 4 || y > box.height - 4) return true;
            return document.elementFromPoint(box.x + x, box.y + y) !== canvas;
        }""",
        [x, y],
    )


def test_a_run_from_the_form_shows_progress_and_its_result(view: Watched, served: Served) -> None:
    view.open("?lang=ja")
    page = view.page
    page.get_by_label(HOURS).fill("20")
    page.get_by_label("潮位ピーク").fill("2.2")
    page.get_by_role("button", name="実行").click()
    card = page.locator(".job.shown")
    card.wait_for(timeout=60_000)
    key = card.get_attribute("data-key")
    seen = []
    until = time.monotonic() + 120
    while card.get_attribute("data-status") != "done":
        text = page.locator(f".job[data-key='{key}'] .per-cent").all_inner_texts()
        seen += [int(found.split()[0]) for found in text]
        assert time.monotonic() < until
    assert seen == sorted(seen), "progress goes back"
    page.wait_for_function("window.__view.frames() > 200", timeout=60_000)
    stage = served.store.open(key).manifest()["scenario"]["flood"]["boundaries"][0]["value"]
    assert max(value for _, value in stage) == 2.2
    expect(page).to_have_url(re.compile(f"run={key}"))


def test_an_identical_scenario_is_served_from_the_store(view: Watched, served: Served) -> None:
    view.open("?lang=ja")
    started = served.store.open(served.key).manifest()["started"]
    view.page.get_by_role("button", name="実行").click()
    view.page.locator(f".job.shown[data-key='{served.key}'][data-status=done]").wait_for()
    assert served.store.open(served.key).manifest()["started"] == started


def test_cards_of_a_run_stay_in_the_page_while_it_advances(view: Watched, served: Served) -> None:
    view.open("?lang=ja")
    page = view.page
    try:
        _slow_run(page, "280")
        card = page.locator(".job[data-status=running]")
        cancel = card.get_by_role("button", name="中止")
        cancel.focus()
        cancel.evaluate("button => { window.__kept = button; }")
        before = card.locator(".per-cent").inner_text()
        page.wait_for_function(
            "before => { const now = document.querySelector('.job[data-status=running] .per-cent');"
            " return now && now.textContent !== before; }",
            arg=before,
            timeout=60_000,
        )
        assert page.evaluate("document.activeElement === window.__kept && window.__kept.isConnected")
        assert card.locator("[role=progressbar]").get_attribute("aria-label") == card.locator(".per-cent").inner_text()
        page.locator(f".job[data-key='{served.key}'] button.job-title").click()
        page.locator(f".job.shown[data-key='{served.key}'] [aria-pressed=true]").wait_for()
        assert page.locator(".job.shown").count() == 1
        assert page.evaluate("window.__kept.isConnected"), "another run is shown: no card is drawn anew"
        cancel.click()
        page.locator(".job[data-status=cancelled]").first.wait_for(timeout=10_000)
    finally:
        _cancel_everything(served)


def test_cancelling_stops_the_run_and_leaves_nothing(view: Watched, served: Served) -> None:
    view.open("?lang=ja")
    page = view.page
    try:
        _slow_run(page, "300")
        card = page.locator(".job[data-status=running]")
        key = card.get_attribute("data-key")
        page.wait_for_function("window.__view.frames() > 0", timeout=60_000)
        card.get_by_role("button", name="中止").click()
        start = time.monotonic()
        page.locator(f".job[data-key='{key}'][data-status=cancelled]").wait_for(timeout=10_000)
        assert time.monotonic() - start < 5, "the page looks once a second, the solver five times"
        run = served.store.find(key)
        assert run is not None
        assert run.status is Status.CANCELLED
        assert [path.name for path in run.folder.iterdir()] == ["manifest.json"]
    finally:
        _cancel_everything(served)


def test_a_reload_takes_up_the_run_again(view: Watched, served: Served) -> None:
    view.open("?lang=ja")
    page = view.page
    try:
        _slow_run(page, "250")
        key = page.locator(".job.shown").get_attribute("data-key")
        page.wait_for_function("window.__view.frames() > 1", timeout=60_000)
        before = int(page.locator(".per-cent").inner_text().split()[0])
        page.reload()
        page.locator(f".job.shown[data-key='{key}'][data-status=running]").wait_for(timeout=30_000)
        page.wait_for_function("window.__view && window.__view.frames() > 2", timeout=60_000)
        assert int(page.locator(".per-cent").inner_text().split()[0]) >= before
    finally:
        _cancel_everything(served)


def test_the_other_language_changes_every_sentence(view: Watched, served: Served) -> None:
    row, _, _ = _building(served)
    view.open(f"?lang=ja&run={served.key}&sel=b{row}")
    page = view.page
    page.locator("#details .big-value").wait_for()
    page.get_by_text("English", exact=True).click()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()
    expect(page.locator("#details")).to_contain_text("Maximum depth")
    expect(page.get_by_role("heading", level=1)).to_have_text("Test town")
    assert page.evaluate("document.documentElement.lang") == "en"
    for tab in ("Simulate", "Display"):
        page.get_by_role("tab", name=tab).click()
        shown = page.locator("body").inner_text()
        japanese = {text for text in table("ja").values() if re.search("[\u3040-\u9fff]", text) and "{" not in text}
        assert {text for text in japanese if text in shown.split("\n")} == set()
        assert not re.search(r"\b(form|runs|layers|detail|page|tab|status|attribute)\.[a-z_]+\b", shown)


def test_a_permalink_restores_the_view(view: Watched, served: Served) -> None:
    row, roof, _ = _building(served)
    camera = f"{roof[0]},{roof[1] - 300},{roof[2] + 220},{roof[0]},{roof[1]},{roof[2]}"
    view.open(
        f"?lang=en&run={served.key}&t=900&cam={camera}&layers=water:0.5,terrain:1,buildings:0.8,shelters:1&color=height&sel=b{row}"
    )
    page = view.page
    page.locator("#details .big-value").wait_for()
    assert page.evaluate("window.__view.time()") == 900
    assert page.get_by_label("Show this run").count() <= 1
    visible = {entry["id"]: entry["visible"] for entry in page.evaluate("window.__view.info().layers")}
    assert visible["shelters"]
    x, y = page.evaluate("p => window.__view.project(p)", roof)
    size = page.locator("#view canvas").bounding_box()
    assert abs(x - size["width"] / 2) < 2
    assert abs(y - size["height"] / 2) < 2
    expect(page).to_have_url(re.compile("color=height"))
    address = page.evaluate("window.location.search")
    page.reload()
    view.ready()
    page.locator("#details .big-value").wait_for()
    expect(page).to_have_url(re.compile(re.escape(address)))


def test_a_bad_number_is_explained_in_the_page(view: Watched) -> None:
    view.open("?lang=ja")
    page = view.page
    page.get_by_label("出力間隔（分）").fill("600")
    page.get_by_role("button", name="実行").click()
    alert = page.locator("#form-error")
    expect(alert).to_contain_text("output_every")
    expect(alert).to_contain_text("処理できませんでした")
    page.get_by_label("出力間隔（分）").fill("")
    page.get_by_role("button", name="実行").click()
    expect(alert).to_contain_text("数値を入力してください")


def test_layers_are_switched_from_the_page(view: Watched) -> None:
    view.open("?lang=ja")
    page = view.page
    page.get_by_role("tab", name="表示").click()
    page.get_by_role("switch", name="建物").focus()
    page.keyboard.press("Space")
    page.wait_for_function("window.__view.info().layers.some((l) => l.id === 'buildings' && !l.visible)")
    expect(page).to_have_url(re.compile("buildings:0"))
    page.get_by_role("button", name=re.compile("「建物」の出典.*CC0-1.0")).focus()
    expect(page.get_by_role("tooltip")).to_contain_text("CC0-1.0")


def test_every_control_has_a_name_and_is_reached_by_keyboard(view: Watched, served: Served) -> None:
    view.open(f"?lang=ja&run={served.key}")
    page = view.page
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, a, [role=slider]')]
            .filter((e) => e.offsetParent !== null && e.type !== 'hidden')
            .filter((e) => !(e.innerText || '').trim() && !e.getAttribute('aria-label') && !e.getAttribute('title')
                && !(e.labels && e.labels.length) && !e.getAttribute('aria-labelledby') && e.tabIndex >= 0)
            .map((e) => e.outerHTML.slice(0, 160))"""
    )
    assert nameless == []
    seen = set()
    page.keyboard.press("Tab")
    for _ in range(60):
        seen.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
        page.keyboard.press("Tab")
    fields = {f'{{"path":"flood.{name}","type":"field"}}' for name in ("duration", "output_every", "boundaries")}
    assert {"panel-button", "run", "scenario", "submit"} | fields <= seen


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_nothing_overlaps_or_is_cut_off(view: Watched, served: Served, width: int) -> None:
    view.page.set_viewport_size({"width": width, "height": 800})
    view.open(f"?lang=ja&run={served.key}")
    boxes = view.page.evaluate(
        """() => ['.brand h1', '#run', '#language', '#panel-button'].map((s) => {
            const b = document.querySelector(s).getBoundingClientRect();
            return [b.left, b.top, b.right, b.bottom];
        })"""
    )
    for left, top, right, bottom in boxes:
        assert left >= 0
        assert right <= width
        assert right > left
        assert bottom > top
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    assert view.page.evaluate("document.documentElement.scrollWidth") <= width
