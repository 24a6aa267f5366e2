"""The charts of a scenario in a real Chromium: drawn from its runs, with the time of the view, in both languages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests import runs

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Served, Watched

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")]


@pytest.fixture(scope="module")
def key(served: Served) -> str:
    """A run of a scenario with all four stages."""
    return runs.write_group(served.store, served.folder, "charts")["evacuation"]


def _show(page: Page, seconds: float) -> None:
    page.evaluate("t => window.__view.setTime(t)", seconds)


def _loads(page: Page) -> list[str]:
    return page.locator("#charts .load-text").all_inner_texts()


def test_every_chart_of_the_scenario_is_drawn(view: Watched, served: Served, key: str) -> None:
    view.open(f"?lang=ja&run={key}&t=0")
    page = view.page
    page.get_by_role("tab", name="グラフ").click()
    page.locator("#charts .recharts-surface").first.wait_for()
    expected = [chart["id"] for chart in served.get(f"/api/runs/{key}/charts")["charts"]]
    assert page.locator("#charts .chart").evaluate_all("es => es.map((e) => e.dataset.chart)") == expected
    assert {"evacuation.people", "evacuation.shelters", "access.departures", "airspace.airborne"} <= set(expected)
    expect(page.locator("[data-chart='evacuation.people']")).to_contain_text("避難の状況")
    expect(page.locator("[data-chart='evacuation.people'] .recharts-area-area")).to_have_count(5)
    expect(page.locator("[data-chart='access.departures'] .recharts-reference-line")).to_have_count(2)


def test_shelters_fill_and_the_line_moves_with_the_time_without_a_request(
    view: Watched, served: Served, key: str
) -> None:
    view.open(f"?lang=ja&run={key}&t=0")
    page = view.page
    page.get_by_role("tab", name="グラフ").click()
    page.locator("#charts .recharts-surface").first.wait_for()
    view.quiet()
    requests = len(view.requests)
    capacity = {name: limit for name, limit, _ in runs.SHELTERS}
    for time in (0.0, 1500.0, 3600.0):
        _show(page, time)
        gauges = runs.people_gauges(time)
        wanted = {name: f"{gauges[f'shelter:{name}']:.0f} / {limit}" for name, limit in capacity.items()}
        for name, text in wanted.items():
            row = page.locator(".load-list li", has_text=name)
            expect(row.locator(".load-text")).to_have_text(text)
        now = page.locator("[data-chart='evacuation.people'] .chart-cursor").evaluate(
            "e => Number(e.style.getPropertyValue('--now'))"
        )
        assert now == pytest.approx(time / 3600.0, abs=0.01)
    assert view.requests[requests:] == []


def test_charts_speak_the_other_language(view: Watched, key: str) -> None:
    view.open(f"?lang=ja&run={key}")
    page = view.page
    page.get_by_role("tab", name="グラフ").click()
    page.locator("#charts .recharts-surface").first.wait_for()
    page.get_by_text("English", exact=True).click()
    expect(page.locator("[data-chart='evacuation.people'] h3")).to_have_text("Progress of the evacuation")
    expect(page.locator("[data-chart='evacuation.shelters'] .note")).to_contain_text("capacity")
    assert not re.search("[ぁ-ん]", page.locator("[data-chart='airspace.airborne']").inner_text())


def test_a_page_without_a_run_says_that_there_are_no_charts(view: Watched) -> None:
    view.open("?lang=en")
    page = view.page
    page.get_by_role("tab", name="Charts").click()
    expect(page.locator("#charts")).to_contain_text("no charts")


def test_the_list_shows_a_scenario_once_with_its_stages_in_order(view: Watched, key: str) -> None:
    view.open(f"?lang=ja&run={key}")
    card = view.page.locator(".job.shown")
    expect(card).to_have_count(1)
    names = card.locator(".stage-name").all_inner_texts()
    assert sorted(names) == sorted(["浸水", "避難", "バリアフリー経路", "ドローン運航"])
    assert names[0] == "浸水"


def test_what_a_run_shows_is_switched_in_the_layer_list(view: Watched, key: str) -> None:
    view.open(f"?lang=ja&run={key}&t=1500")
    page = view.page
    page.get_by_role("tab", name="表示").click()
    page.get_by_role("switch", name="避難する人").focus()
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile(r"evacuation\.agents:0"))


def test_a_link_to_a_shelter_of_a_run_opens_its_attributes(view: Watched, key: str) -> None:
    view.open(f"?lang=ja&run={key}&sel=evacuation.shelters:1")
    details = view.page.locator("#details")
    expect(details.locator("h2")).to_have_text("避難所 北")
    expect(details).to_contain_text("収容人数")
