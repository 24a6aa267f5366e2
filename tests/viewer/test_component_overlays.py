"""What the view draws of a scenario's runs: the API's own packs in a real Chromium; no server, no network."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from sim.service import Service
from tests import runs, town
from tests.viewer.component import BASE, PAGE, SCRIPTS, picture, show
from viewer.api import RunShelf, SceneShelf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")]

WEST, SOUTH, EAST, NORTH = town.AREA
COLORS = {0: "#8A8F98", 1: "#0072B2", 2: "#009E73", 3: "#E69F00", 4: "#000000"}
ORIGIN = np.array([(WEST + EAST) / 2, (SOUTH + NORTH) / 2])
FROM_ABOVE = {"position": [-80, -0.5, 560], "target": [-80, 0, 0]}
"""Everything is right of the legend."""
ALONE = {name: {"visible": False} for name in ("buildings", "shelters", "water", "terrain")}
"""Settings that leave overlays alone in the picture."""
NOBODY = {name: {"visible": False} for name in ("evacuation.agents", "evacuation.waiting", "evacuation.shelters")}


class Shelves:
    """The API's answers without a server."""

    def __init__(self, folder: Path) -> None:
        catalog = town.write_town(folder)
        self.folder = folder
        self.service = Service(folder / "runs", catalog=catalog, scenario_folder=folder / "scenarios")
        self.scene = SceneShelf(self.service)
        self.runs = RunShelf(self.service, self.scene)
        self.keys = runs.write_group(self.service.store, folder)
        self.asked: list[str] = []

    def answer(self, route: Route) -> None:
        url = urlsplit(route.request.url.removeprefix(BASE))
        self.asked.append(route.request.url.removeprefix(BASE))
        part = url.path.strip("/").split("/")
        first = int(parse_qs(url.query).get("from", ["0"])[0])
        if url.path in SCRIPTS:
            text = SCRIPTS[url.path].read_text(encoding="utf-8")
            route.fulfill(body=text, content_type="text/javascript; charset=utf-8")
        elif url.path == "/":
            route.fulfill(body=PAGE, content_type="text/html; charset=utf-8")
        elif part[:2] == ["api", "scene"]:
            route.fulfill(json=self.scene.document())
        elif part[:2] == ["api", "runs"]:
            route.fulfill(json=self.runs.document(part[2]))
        elif part[:2] == ["data", "runs"]:
            route.fulfill(body=gzip.decompress(self._run_pack(part[2], part[3], part[4:], first)))
        else:
            route.fulfill(body=gzip.decompress(self.scene.pack(part[1], part[2].removesuffix(".pack"))))

    def _run_pack(self, key: str, digest: str, rest: list[str], first: int) -> bytes:
        if rest[0] == "overlays":
            return self.runs.overlay(key, digest, rest[1].removesuffix(".pack"))
        if rest[0] == "agents":
            return self.runs.agents(key, digest, first)[0]
        if rest[0] == "frames":
            return self.runs.frames(key, digest, first)[0]
        return self.runs.bed(key, digest)[0] if rest[0] == "bed.pack" else self.runs.buildings(key, digest)


@pytest.fixture(scope="module")
def shelves(tmp_path_factory: pytest.TempPathFactory) -> Shelves:
    return Shelves(tmp_path_factory.mktemp("overlays"))


@contextmanager
def new_page(browser: Browser, shelves: Shelves) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    context.route(lambda url: not url.startswith("blob:"), shelves.answer)
    page.goto(f"{BASE}/")
    yield page
    assert problems == []
    context.close()


@pytest.fixture(scope="module")
def page(browser: Browser, shelves: Shelves) -> Iterator[Page]:
    """One page for the tests that only look: a scenario is opened once."""
    with new_page(browser, shelves) as page:
        yield page


@pytest.fixture
def fresh(browser: Browser, shelves: Shelves) -> Iterator[Page]:
    """A page that has shown nothing yet."""
    with new_page(browser, shelves) as page:
        yield page


def open_group(page: Page, shelves: Shelves, layers: dict[str, Any] | None = None, **props: Any) -> None:
    """Shows the scenario with these settings, and everything else as it is at first."""
    key = shelves.keys["evacuation"]
    entries = [*shelves.runs.overlays(key), *shelves.scene.document()["packs"], {"id": "water", "visible": True}]
    first = {entry["id"]: {"visible": entry["visible"], "opacity": entry.get("opacity", 1.0)} for entry in entries}
    settings = {name: setting | (layers or {}).get(name, {}) for name, setting in first.items()}
    page.evaluate("props.clickData = null")
    start = {"scene": "/api/scene", "run": f"/api/runs/{key}", "lang": "en", "time": 0, "camera": FROM_ABOVE}
    show(page, **{**start, **props, "layers": settings})


def at_time(page: Page, seconds: float) -> dict[str, Any]:
    """Shows a time; what the overlays draw then."""
    page.evaluate("t => __view.setTime(t)", seconds)
    page.wait_for_function("__view.ready")
    found: dict[str, Any] = page.evaluate("__view.overlays()")
    return found


def rgb(color: str) -> np.ndarray[Any, Any]:
    return np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)])


def pixel(page: Page, place: tuple[float, float, float]) -> tuple[int, int]:
    """Row and column in the picture of a place in the city's frame."""
    x, y, z = place
    px, py = page.evaluate("p => __view.project(p)", [x - ORIGIN[0], y - ORIGIN[1], z])
    return int(py), int(px)


def on_ground(place: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    """The mark of a person: 1.1 m above the ground there."""
    x, y = float(place[0]) + WEST, float(place[1]) + SOUTH
    return x, y, float(town.ground(x, y)) + 1.1


def test_as_many_people_are_drawn_in_each_state_as_the_run_has(page: Page, shelves: Shelves) -> None:
    open_group(page, shelves)
    for time in runs.TIMES:
        facts = at_time(page, time)
        counts = facts["evacuation.agents"]["counts"] | facts["evacuation.waiting"]["counts"]
        assert counts == {str(state): int((runs.states(time) == state).sum()) for state in COLORS}
    assert facts["evacuation.agents"]["frames"] == len(runs.TIMES)


@pytest.mark.parametrize("time", [600.0, 1050.0, 2400.0])
def test_everybody_stands_where_the_run_says_in_the_colour_of_the_state(
    page: Page, shelves: Shelves, time: float
) -> None:
    others = {entry["id"]: {"visible": False} for entry in shelves.runs.overlays(shelves.keys["access"])}
    people = {"evacuation.agents": {"visible": True}, "evacuation.waiting": {"visible": True, "opacity": 1.0}}
    open_group(page, shelves, ALONE | others | people)
    at_time(page, time)
    image = picture(page)
    before = runs.TIMES[int(time // 300)]
    after = min(before + 300, runs.TIMES[-1])
    share = (time - before) / 300
    places = (1 - share) * runs.positions(before) + share * runs.positions(after)
    free = page.evaluate("document.querySelector('.tv-legend').getBoundingClientRect().right")
    seen = 0
    for person, state in enumerate(runs.states(before)):
        row, column = pixel(page, on_ground(places[person]))
        if column < free + 8:
            continue
        near = image[row - 1 : row + 2, column - 1 : column + 2].reshape(-1, 3)
        assert np.abs(near - rgb(COLORS[int(state)])).max(axis=1).min() <= 2, (person, state)
        seen += 1
    assert seen > runs.PEOPLE / 2


def test_people_who_wait_can_be_hidden_alone(page: Page, shelves: Shelves) -> None:
    layers = ALONE | {"evacuation.waiting": {"visible": False}}
    open_group(page, shelves, layers)
    facts = at_time(page, 600)
    assert (facts["evacuation.waiting"]["visible"], facts["evacuation.agents"]["visible"]) == (False, True)
    waiting = int(np.flatnonzero(runs.states(600) == 0)[-6])
    row, column = pixel(page, on_ground(runs.positions(600)[waiting]))
    hidden = picture(page)[row, column]
    show(page, layers={"evacuation.waiting": {"visible": True, "opacity": 1.0}})
    shown = picture(page)[row, column]
    assert np.abs(shown - rgb(COLORS[0])).max() <= 2
    assert np.abs(hidden - shown).max() > 10


@pytest.mark.parametrize(
    ("overlay", "word"),
    [
        ("airspace.zones", "Prohibited"),
        ("access.routes", "Manual wheelchair"),
        ("evacuation.links", "under 0.31"),
        ("airspace.volumes", "Reserved volume"),
    ],
)
def test_a_layer_that_is_switched_off_disappears_and_its_legend_with_it(
    page: Page, shelves: Shelves, overlay: str, word: str
) -> None:
    layers = NOBODY | {"buildings": {"visible": False}, "airspace.flights": {"visible": False}}
    open_group(page, shelves, layers | {overlay: {"visible": True, "opacity": 1.0}})
    at_time(page, 1500)
    assert word in page.inner_text(".tv-legend")
    with_layer = picture(page)
    show(page, layers={overlay: {"visible": False}})
    assert word not in page.inner_text(".tv-legend")
    assert (np.abs(with_layer - picture(page)).max(axis=2) > 20).sum() > 150


def test_a_zone_is_seen_only_while_it_is_in_force(page: Page, shelves: Shelves) -> None:
    layers = NOBODY | ALONE | {"airspace.flights": {"visible": False}, "airspace.zones": {"opacity": 1.0}}
    open_group(page, shelves, layers)
    second = pixel(page, (WEST + 80, NORTH - 60, 150.0))
    orange, seen = rgb("#EE7733"), {}
    for time, shown in ((1199, [0]), (1201, [0, 1]), (1900, [0]), (2399, [0, 1]), (2401, [0])):
        assert at_time(page, time)["airspace.zones"]["shown"] == shown
        seen[time] = bool(np.abs(picture(page)[second] - orange).max() <= 2)
    assert seen == {1199: False, 1201: True, 1900: False, 2399: True, 2401: False}


def test_flights_are_on_their_tracks_at_every_time(page: Page, shelves: Shelves) -> None:
    open_group(page, shelves)
    for time in (0.0, 450.0, 1234.0, 2700.0, 3300.0):
        facts = at_time(page, time)["airspace.flights"]
        flying = [k for k in range(2) if 600 * k <= time <= 600 * k + 2400]
        assert facts["flying"] == flying
        for flight, place in zip(flying, facts["at"], strict=True):
            x, y, z = runs.flight_place(flight, time)
            assert place == pytest.approx([x - ORIGIN[0], y - ORIGIN[1], z], abs=0.05)


def test_shelters_say_how_many_they_hold_and_turn_full_and_flooded(page: Page, shelves: Shelves) -> None:
    open_group(page, shelves)
    for time in (0.0, 1500.0, 3600.0):
        facts = at_time(page, time)["evacuation.shelters"]
        gauges = runs.people_gauges(time)
        load = [gauges[f"shelter:{name}"] for name, _, _ in runs.SHELTERS]
        assert facts["load"] == load
        full = [int(n >= capacity) for n, (_, capacity, _) in zip(load, runs.SHELTERS, strict=True)]
        assert facts["states"] == [full[0], 2 if time >= 2400 else full[1]]
        labels = page.locator(".tv-label").all_inner_texts()
        assert f"避難所 東 {load[0]:.0f} / 40" in labels


def test_routes_and_their_barriers_follow_the_departure(page: Page, shelves: Shelves) -> None:
    open_group(page, shelves)
    expected = {0: ([0, 2], [3]), 1799: ([0, 2], [3]), 1801: ([1], [0, 2]), 3599: ([1], [0, 2]), 3600: ([], [])}
    for time, (routes, barriers) in expected.items():
        facts = at_time(page, time)
        assert (facts["access.routes"]["shown"], facts["access.barriers"]["shown"]) == (routes, barriers)


def test_sites_change_with_the_water_and_conflicts_come_and_go(page: Page, shelves: Shelves) -> None:
    open_group(page, shelves)
    assert at_time(page, 1499)["airspace.sites"]["classes"] == [0, 0]
    assert at_time(page, 1500)["airspace.sites"]["classes"] == [1, 0]
    conflicts = {t: at_time(page, t)["airspace.conflicts"]["shown"] for t in (800, 900, 1000)}
    assert conflicts == {800: [], 900: [0], 1000: []}


def test_moving_through_time_asks_the_server_for_nothing(page: Page, shelves: Shelves) -> None:
    open_group(page, shelves)
    before = len(shelves.asked)
    for time in np.linspace(0, 3600, 25):
        at_time(page, float(time))
    assert len(shelves.asked) == before


def test_what_is_hidden_at_first_is_fetched_when_it_is_wanted(fresh: Page, shelves: Shelves) -> None:
    open_group(fresh, shelves)
    seen = len(shelves.asked)
    assert not any("reach_0" in url for url in shelves.asked[-30:])
    show(fresh, layers={"access.reach_0": {"visible": True}})
    assert [url for url in shelves.asked[seen:] if "access.reach_0" in url] != []
    assert fresh.evaluate("__view.overlays()['access.reach_0'].shown") == [0, 1, 2, 3, 4]
    show(fresh, layers={"access.reach_0": {"visible": False}})
    show(fresh, layers={"access.reach_0": {"visible": True}})
    assert len([url for url in shelves.asked[seen:] if "access.reach_0" in url]) == 1


@pytest.mark.parametrize(
    ("time", "place", "expected"),
    [
        (900.0, (*runs.SHELTERS[1][2], 1.5), ("evacuation.shelters", 1)),
        (300.0, (WEST + 115, SOUTH + 90, 3.5), ("access.routes", 0)),
        (900.0, runs.flight_place(1, 900.0), ("airspace.flights", 1)),
        (2000.0, (WEST + 30, SOUTH + 170, 0.0), ("access.barriers", 0)),
        (2000.0, (EAST - 40, SOUTH + 120, 2.0), ("airspace.sites", 1)),
        (1500.0, (WEST + 100, NORTH - 30, 150.0), ("airspace.zones", 1)),
    ],
)
def test_a_click_tells_which_thing_it_met(
    page: Page, shelves: Shelves, time: float, place: tuple[float, float, float], expected: tuple[str, int]
) -> None:
    open_group(page, shelves, {"buildings": {"visible": False}})
    at_time(page, time)
    row, column = pixel(page, place)
    page.mouse.click(column, row)
    page.wait_for_function("props.clickData")
    data = page.evaluate("props.clickData")
    assert data["overlay"] == {"id": expected[0], "feature": expected[1]}
    assert (data["building"], data["feature"], data["terrain"]) == (None, None, False)
    assert np.hypot(data["x"] + ORIGIN[0] - place[0], data["y"] + ORIGIN[1] - place[1]) < 8


def test_a_click_beside_everything_is_a_place_on_the_ground(page: Page, shelves: Shelves) -> None:
    open_group(page, shelves, NOBODY)
    row, column = pixel(page, (WEST + 330, SOUTH + 60, 2.0))
    page.mouse.click(column, row)
    page.wait_for_function("props.clickData")
    data = page.evaluate("props.clickData")
    assert data["overlay"] is None
    assert data["terrain"] or data["building"] is not None


@pytest.mark.parametrize(("lang", "words"), [("ja", "段差 8 cm（限度 2 cm）"), ("en", "Step of 8 cm (limit 2 cm)")])
def test_a_barrier_says_what_it_is_under_the_pointer(page: Page, shelves: Shelves, lang: str, words: str) -> None:
    open_group(page, shelves, {"buildings": {"visible": False}})
    show(page, lang=lang)
    at_time(page, 2000)
    row, column = pixel(page, (WEST + 30, SOUTH + 170, 0.0))
    tip = page.locator(".tv-tip")
    assert not tip.is_visible()
    page.mouse.move(column, row)
    tip.wait_for()
    assert tip.inner_text() == words
    page.mouse.move(column + 60, row + 60)
    tip.wait_for(state="hidden")


def test_the_legend_names_states_and_restrictions_in_both_languages(page: Page, shelves: Shelves) -> None:
    open_group(page, shelves)
    english = page.inner_text(".tv-legend")
    show(page, lang="ja")
    japanese = page.inner_text(".tv-legend")
    for ja, en in (("待機中", "Waiting"), ("避難完了", "Safe"), ("飛行禁止", "Prohibited"), ("満員", "Full")):
        assert en in english
        assert ja in japanese
    assert english.count("Waiting") == 1, "people are one block"
    assert "Everywhere: 150 m and more" in english


def test_an_evacuation_that_is_being_computed_grows_on_the_page(fresh: Page, shelves: Shelves) -> None:
    store = shelves.service.store
    writer = runs.begin(store, shelves.folder, {"evacuation": "growing"}, "evacuation")
    runs.write_people(writer, 0)
    runs.write_people(writer, 1)
    show(fresh, scene="/api/scene", run="/api/runs/growing", lang="en")
    fresh.wait_for_function("__view.overlays()['evacuation.agents'].frames === 2")
    assert fresh.evaluate("__view.time()") == runs.TIMES[1], "it follows the newest output"
    runs.write_people(writer, 2)
    fresh.wait_for_function("__view.overlays()['evacuation.agents'].frames === 3 && __view.time() === 600")
    counts = fresh.evaluate("__view.overlays()['evacuation.agents'].counts")
    assert counts["1"] == int((runs.states(600) == 1).sum())
    show(fresh, run=None)
    store.remove("growing")


def test_leaving_a_run_takes_its_overlays_away(fresh: Page, shelves: Shelves) -> None:
    open_group(fresh, shelves)
    assert fresh.locator(".tv-label").count() > 2
    show(fresh, run=None)
    assert fresh.evaluate("__view.overlays()") == {}
    assert "Safe" not in fresh.inner_text(".tv-legend")
    labels = fresh.locator(".tv-label").all_inner_texts()
    assert not any("避難所" in label for label in labels)
