"""The form in a real Chromium: stages, figures, places on the map, what is wrong, progress stage by stage."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml
from playwright.sync_api import expect

from tests import town

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.conftest import Served, Watched

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")]


@pytest.fixture(scope="module", autouse=True)
def two_stages(served: Served) -> None:
    """A scenario with a breach and a second stage, for which the town has no network."""
    breach = {"name": "西堤", "at": [-51950, -145750], "width": 30, "invert": -1.5, "start": 600}
    request = {"name": "通院", "profile": ["wheelchair_manual"], "from": [-51900, -145800], "departures": [0, 600]}
    content = {
        **town.surge(breaches=[breach], duration=36000),
        "name": "two-stages",
        "title": {"ja": "二段階の試験", "en": "Two stages"},
        "access": {"after": "flood", "requests": [request]},
    }
    path = served.folder / "scenarios" / "two-stages.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def _choose(page: Page, title: str) -> None:
    page.locator("#scenario").click()
    page.get_by_role("option", name=title).click()
    page.get_by_label("出発（分後）").wait_for()


def _stage_rows(card: Locator) -> dict[str, str]:
    names = card.locator(".stage-row .stage-name").all_inner_texts()
    ends = card.locator(".stage-row > :last-child").all_inner_texts()
    return dict(zip(names, ends, strict=True))


def test_the_form_follows_the_scenario(view: Watched) -> None:
    view.open("?lang=ja")
    page = view.page
    expect(page.get_by_label("潮位ピーク")).to_have_value("2.5")
    assert page.get_by_label("出発（分後）").count() == 0
    _choose(page, "二段階の試験")
    expect(page.get_by_label("幅（m）")).to_have_value("30")
    expect(page.get_by_label("位置", exact=True)).to_have_value("-51950.0, -145750.0")
    expect(page.get_by_label("目的地", exact=True)).to_have_value("最寄りの避難所")
    expect(page.get_by_role("switch", name="バリアフリー経路")).to_be_checked()


def test_the_other_language_keeps_what_was_typed(view: Watched) -> None:
    view.open("?lang=ja")
    page = view.page
    _choose(page, "二段階の試験")
    page.get_by_label("幅（m）").fill("44")
    page.get_by_role("checkbox", name="西堤：決壊させる").uncheck()
    page.get_by_role("switch", name="バリアフリー経路").uncheck()
    page.get_by_text("English", exact=True).click()
    expect(page.get_by_role("checkbox", name="西堤: levee fails")).not_to_be_checked()
    expect(page.get_by_role("switch", name="Barrier-free routes")).not_to_be_checked()
    page.get_by_role("checkbox", name="西堤: levee fails").check()
    expect(page.get_by_label("width (m)")).to_have_value("44")


def test_a_place_is_chosen_on_the_map_and_no_building_is_selected(view: Watched, served: Served) -> None:
    view.open("?lang=ja")
    page = view.page
    _choose(page, "二段階の試験")
    scene = served.get("/api/scene")
    x, y = scene["bounds"][0] + 35, 5.0
    page.get_by_role("button", name="「通院：出発地」を地図で選ぶ").click()
    expect(page.locator("#pick-note")).to_be_visible()
    z = float(town.ground(x + scene["origin"][0], y + scene["origin"][1]))
    view.click_at(x, y, z)
    field = page.get_by_label("出発地", exact=True)
    expect(field).not_to_have_value("-51900.0, -145800.0")
    place = [float(part) for part in field.input_value().split(",")]
    assert place == pytest.approx([x + scene["origin"][0], y + scene["origin"][1]], abs=2.0)
    expect(page.locator("#pick-note")).to_be_hidden()
    expect(page.locator("#details")).to_be_hidden()


def test_what_is_wrong_is_named_as_the_form_names_it(view: Watched) -> None:
    view.open("?lang=ja")
    page = view.page
    _choose(page, "二段階の試験")
    alert = page.locator("#form-error")
    page.get_by_label("出発（分後）").fill("0, あとで")
    page.get_by_role("button", name="実行").click()
    expect(alert).to_contain_text("バリアフリー経路 – 通院：出発（分後）")
    page.get_by_role("switch", name="バリアフリー経路").uncheck()
    page.get_by_role("switch", name="浸水").uncheck()
    page.get_by_role("button", name="実行").click()
    expect(alert).to_contain_text("asks for nothing")


def test_a_stage_that_fails_says_why_in_its_row_and_the_others_stay(view: Watched, served: Served) -> None:
    view.open("?lang=ja")
    page = view.page
    _choose(page, "二段階の試験")
    page.get_by_role("button", name="実行").click()
    card = page.locator(".job.shown[data-status=failed]")
    card.wait_for(timeout=90_000)
    rows = _stage_rows(card)
    assert rows["バリアフリー経路"] == "失敗"
    assert re.fullmatch(r"\d+秒", rows["浸水"])
    expect(card.locator(".job-reason")).to_contain_text("walk")
    page.wait_for_function("window.__view.frames() > 2", timeout=60_000)


def test_a_stage_that_is_off_is_not_computed(view: Watched, served: Served) -> None:
    view.open("?lang=ja")
    page = view.page
    _choose(page, "二段階の試験")
    page.get_by_role("switch", name="バリアフリー経路").uncheck()
    page.get_by_role("checkbox", name="西堤：決壊させる").uncheck()
    page.get_by_role("button", name="実行").click()
    card = page.locator(".job.shown[data-status=done]")
    card.wait_for(timeout=90_000)
    key = card.get_attribute("data-key")
    assert key is not None
    scenario = served.store.open(key).manifest()["scenario"]
    assert "access" not in scenario
    assert scenario["flood"]["breaches"] == []
    assert card.locator(".stage-row").count() == 0
