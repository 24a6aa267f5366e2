"""What a scenario's runs show, on the whole page: layer list, permalink, details."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from sim.service import Service
from tests import runs, town
from tests.browser.conftest import Watched
from tests.serving import listening
from viewer.server import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")]

VISIBLE = "id => window.__view.overlays()[id]?.visible"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("overlays")
    catalog = town.write_town(folder)
    service = Service(folder / "runs", catalog=catalog, scenario_folder=folder / "scenarios")
    runs.write_group(service.store, folder)
    with listening(create_app(service)) as url:
        yield url


@pytest.fixture
def group(address: str, browser: Browser) -> Iterator[Watched]:
    """A page that shows nothing yet; whatever went wrong fails the test at its end."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="ja-JP")
    watched = Watched(context.new_page(), address)
    watched.listen()
    yield watched
    context.close()
    assert watched.trouble == []


def test_a_link_restores_which_overlays_are_shown_and_switching_one_is_kept_in_it(group: Watched) -> None:
    group.open("?lang=ja&run=groupaccess&t=900&layers=evacuation.agents:0,evacuation.links:0.6")
    page = group.page
    assert page.evaluate(VISIBLE, "evacuation.links") is True
    assert page.evaluate(VISIBLE, "evacuation.agents") is False
    page.get_by_role("tab", name="表示").click()
    page.get_by_role("switch", name="避難する人").dispatch_event("click")
    page.wait_for_function("window.__view.overlays()['evacuation.agents'].visible")
    expect(page).to_have_url(re.compile(r"evacuation\.agents:1"))
    expect(page).to_have_url(re.compile(r"evacuation\.links:0\.6"))


def test_every_overlay_of_the_scenario_is_in_the_list_in_the_reader_s_language(group: Watched) -> None:
    group.open("?lang=en&run=groupflood&t=900")
    page = group.page
    page.get_by_role("tab", name="Display").click()
    for name in ("People on the way and after", "Airspace zones", "Routes", "Flights"):
        expect(page.get_by_role("switch", name=name, exact=True)).to_have_count(1)


def test_a_click_on_a_shelter_tells_how_full_it_is(group: Watched) -> None:
    group.open("?lang=ja&run=groupevacuation&t=3600&layers=buildings:0")
    name, capacity, (x, y) = runs.SHELTERS[1]
    west, south, east, north = town.AREA
    group.click_at(x - (west + east) / 2, y - (south + north) / 2, float(town.ground(x, y)))
    details = group.page.locator("#details")
    expect(details).to_contain_text(name)
    expect(details).to_contain_text(f"{capacity} 人")
    expect(group.page).to_have_url(re.compile(r"sel=evacuation\.shelters:1"))
