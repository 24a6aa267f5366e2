"""The 3D view in a real Chromium, fed with packs made here; no server, no network."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, Route

from tests.viewer.component import BASE, PAGE, SCRIPTS, picture, show
from viewer.component import twin_view

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")]

# Lower edges [m] and colours of the depth classes of the ministry's flood-hazard manual.
EDGES = [0.01, 0.3, 0.5, 1, 3, 5, 10, 20]
COLORS = ["#FFFFB3", "#F7F5A9", "#F8E1A6", "#FFD8C0", "#FFB7B7", "#FF9191", "#F285C9", "#DC7ADC"]
CODE_DEPTH = [0.0]
for lower, upper in pairwise([*EDGES, 40.0]):
    CODE_DEPTH += np.linspace(lower, upper, 20, endpoint=False).tolist()
CODES = len(CODE_DEPTH)
NX, NY, CELL, FRAMES = 40, 30, 10.0, 6
DTYPES = {"float32": "f4", "uint32": "u4", "uint16": "u2", "int16": "i2", "uint8": "u1"}


def pack(meta: dict[str, Any], **arrays: NDArray[Any]) -> bytes:
    header: dict[str, Any] = {}
    block = b""
    for name, array in arrays.items():
        block += b"\0" * (-len(block) % 8)
        header[name] = {"dtype": DTYPES[array.dtype.name], "shape": array.shape, "offset": len(block)}
        block += array.tobytes()
    text = json.dumps({"meta": meta, "arrays": header}).encode()
    text += b" " * (-(4 + len(text)) % 8)
    return struct.pack("<I", len(text)) + text + block


# More than the legend of a small page has room for.
USAGES = [{"code": k, "name": {"ja": f"用途{k}", "en": f"use {k}"}, "color": "#D0C0A0"} for k in range(30)]


def boxes() -> bytes:
    """Twelve blocks of 20 m x 20 m x (10 + 5 k) m in a row, in two tiles."""
    tiles, vertices, index = [], [], []
    for tile in range(2):
        center = -100.0 + 200.0 * tile
        own: list[tuple[int, int, int, int]] = []
        faces: list[int] = []
        for local in range(6):
            x, top, at = -80.0 + 32 * local, 10.0 + 5 * (6 * tile + local), len(own)
            for z in (0.0, top):
                own += [
                    (round(10 * (x + dx)), round(10 * dy), round(10 * z), local)
                    for dx, dy in ((-10, -10), (10, -10), (10, 10), (-10, 10))
                ]
            for k in range(4):
                m = (k + 1) % 4
                faces += [at + k, at + m, at + 4 + m, at + k, at + 4 + m, at + 4 + k]
            faces += [at + 4, at + 5, at + 6, at + 4, at + 6, at + 7]
        tiles.append([center, 0, 48 * tile, 48, 180 * tile, 180, 6 * tile, 6, 0, 70])
        vertices += own
        index += faces
    return pack(
        {"n": 12, "scale": 0.1, "usages": USAGES},
        tiles=np.array(tiles, np.float32),
        positions=np.array(vertices, np.int16),
        indices=np.array(index, np.uint16),
        usage=np.zeros(12, np.uint8),
        height=np.arange(10, 70, 5, dtype=np.float32),
        feature=np.arange(500, 512, dtype=np.uint32),
    )


RANDOM_CODES = np.random.default_rng(7).integers(0, CODES, (FRAMES, NY, NX)).astype(np.uint8)
GRID = {"nx": NX, "ny": NY, "cell_size": CELL, "west": -200.0, "north": 150.0}
GROUND = pack(GRID, z=np.zeros((NY, NX), np.float32))


class Server:
    """Answers of a server, by path; `frames` is how many a live run has so far."""

    def __init__(self) -> None:
        self.frames = FRAMES
        self.asked: list[str] = []
        self.codes = RANDOM_CODES
        self.bed = GROUND

    def run(self) -> dict[str, Any]:
        names = [{"ja": f"区分{k}", "en": f"class {k}"} for k in range(8)]
        uppers = [*EDGES[1:], None]
        times = [60.0 * k for k in range(FRAMES)]
        stage = {"stage": "flood", "key": "k", "outputs_done": self.frames, "outputs": FRAMES, "times_s": times}
        return {
            "stages": [stage | {"status": "done" if self.frames == FRAMES else "running", "progress": 0.0}],
            "overlays": [],
            "key": "k",
            "name": "run",
            "status": "done" if self.frames == FRAMES else "running",
            "progress": self.frames / FRAMES,
            "flood": GRID
            | {
                "nt_total": FRAMES,
                "n_frames": self.frames,
                "times_s": times,
                "code_depth": [*CODE_DEPTH, *[CODE_DEPTH[-1]] * (256 - CODES)],
                "classes": [{"upper": u, "color": c, "name": n} for u, c, n in zip(uppers, COLORS, names, strict=True)],
                "frames_url": "/frames/",
                "bed_url": "/bed",
            },
            "buildings_url": None,
        }

    def scene(self) -> dict[str, Any]:
        packs = [
            {"id": kind, "kind": kind, "url": f"/{kind}", "name": {"ja": kind, "en": kind}, "visible": True}
            | {"source": "test", "licence": "CC0"}
            for kind in ("terrain", "buildings")
        ]
        title = {"ja": "試験", "en": "test"}
        return {"title": title, "origin": [0, 0], "frame": "", "bounds": [-200, -150, 200, 150], "packs": packs}

    def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(BASE)
        self.asked.append(path)
        if path.startswith("/frames/"):
            first = int(path.removeprefix("/frames/"))
            codes = self.codes[first : self.frames]
            route.fulfill(body=pack({"first": first, "count": len(codes)}, codes=codes))
        elif path in (documents := {"/scene": self.scene, "/run": self.run}):
            route.fulfill(json=documents[path]())
        elif path in (packs := {"/terrain": GROUND, "/bed": self.bed, "/buildings": boxes()}):
            route.fulfill(body=packs[path])
        elif path in SCRIPTS:
            body = SCRIPTS[path].read_text(encoding="utf-8")
            route.fulfill(body=body, content_type="text/javascript; charset=utf-8")
        elif path == "/":
            route.fulfill(body=PAGE, content_type="text/html; charset=utf-8")
        else:
            route.fulfill(status=404, body="")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    context.route(lambda url: not url.startswith("blob:"), server.answer)
    page.goto(f"{BASE}/")
    yield page
    assert len(problems) <= page.evaluate("window.expected ?? 0"), problems
    context.close()


FROM_ABOVE = {"position": [0, -0.5, 620], "target": [0, 0, 0]}
OBLIQUE = {"position": [0, -330, 260], "target": [0, 0, 10]}


def test_page_runs_the_bundle_that_lies_beside_its_sources(page: Page) -> None:
    show(page, scene="/scene")
    assert page.evaluate("__view.build") == twin_view.BUILD


def test_every_cell_shows_the_legend_colour_of_its_depth(page: Page) -> None:
    layers = {"water": {"opacity": 1}, "buildings": {"visible": False}}
    show(page, scene="/scene", run="/run", camera=FROM_ABOVE, layers=layers)
    legend = np.array([[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in COLORS])
    uppers = np.array(EDGES[1:])
    checked = 0
    for frame in (0, 3, FRAMES - 1):
        page.evaluate("t => __view.setTime(t)", 60.0 * frame)
        page.wait_for_function("__view.ready")
        pixels = picture(page)
        for row in range(2, NY - 2):
            for col in range(2, NX - 2):
                code = int(RANDOM_CODES[frame, row, col])
                depth = CODE_DEPTH[code]
                # Tall neighbours lean over a shallow cell in perspective: only cells near the middle are looked at.
                x, y = -200 + CELL * (col + 0.5), 150 - CELL * (row + 0.5)
                if code == 0 or np.hypot(x, y) > 90:
                    continue
                expected = legend[np.searchsorted(uppers, depth, side="right")]
                px, py = page.evaluate("p => __view.project(p)", [x, y, depth])
                assert np.abs(pixels[int(py), int(px)] - expected).max() <= 2, (frame, row, col, depth)
                checked += 1
    assert checked > 300


def test_sea_and_river_are_blue_to_the_edge_of_their_cells_and_others_keep_their_class(
    page: Page, server: Server
) -> None:
    sea = np.random.default_rng(3).random((NY, NX)) < 0.5
    code = 50  # the same water everywhere: flat, so that any point of a cell can be looked at
    server.codes = np.full_like(RANDOM_CODES, code)
    server.bed = pack(GRID, z=np.zeros((NY, NX), np.float32), water=sea.astype(np.uint8))
    layers = {"water": {"opacity": 1}, "buildings": {"visible": False}}
    show(page, scene="/scene", run="/run", camera=FROM_ABOVE, layers=layers)
    flooded = next(c for c, upper in zip(COLORS, [*EDGES[1:], np.inf], strict=True) if CODE_DEPTH[code] < upper)
    pixels = picture(page)
    for row in range(8, NY - 8):
        for col in range(12, NX - 12):
            name = "#7FB2D9" if sea[row, col] else flooded
            expected = np.array([int(name[k : k + 2], 16) for k in (1, 3, 5)])
            for dx, dy in ((0.5, 0.5), (0.15, 0.15), (0.85, 0.15), (0.15, 0.85), (0.85, 0.85)):
                point = [-200 + CELL * (col + dx), 150 - CELL * (row + dy), CODE_DEPTH[code]]
                px, py = page.evaluate("p => __view.project(p)", point)
                assert np.abs(pixels[int(py), int(px)] - expected).max() <= 2, (row, col, dx, dy)


@pytest.mark.parametrize(("water", "is_listed"), [(None, False), (0, False), (1, True)])
def test_legend_lists_sea_and_river_where_the_run_has_them(
    page: Page, server: Server, water: int | None, is_listed: bool
) -> None:
    marks = {} if water is None else {"water": np.full((NY, NX), water, np.uint8)}
    server.bed = pack(GRID, z=np.zeros((NY, NX), np.float32), **marks)
    show(page, scene="/scene", run="/run")
    assert ("海・川" in page.inner_text(".tv-legend")) == is_listed
    show(page, lang="en", layers={"water": {"visible": False}})
    assert "Sea, river" not in page.inner_text(".tv-legend")


def test_marks_of_sea_that_do_not_fit_the_grid_give_a_sentence(page: Page, server: Server) -> None:
    page.evaluate("window.expected = 1")
    server.bed = pack(GRID, z=np.zeros((NY, NX), np.float32), water=np.ones((NY, NX - 1), np.uint8))
    show(page, scene="/scene", run="/run")
    page.wait_for_function("props.status && props.status.phase === 'error'")
    assert "do not fit the grid" in page.evaluate("__view.lastError")


def test_each_body_is_named_once_with_its_licence(page: Page, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    credits_of = {
        "a": ("sample generator (fictional): /home/someone/dem.tif", "CC0-1.0"),
        "b": ("sample generator (fictional): /home/someone/buildings.zip", "CC0-1.0"),
        "c": ("sample generator (fictional): roads.zip", "CC BY 4.0"),
        "d": ("/home/someone/levees.gpkg", "CC BY 4.0"),
        "e": ("C:\\data\\levees.gpkg", "CC BY 4.0"),
        "f": ("国土地理院 5m/10m メッシュ", ""),
        "g": ("", ""),
    }
    scene = server.scene()
    first = scene["packs"][0]
    scene["packs"] = [first | {"id": k, "source": s, "licence": c} for k, (s, c) in credits_of.items()]
    monkeypatch.setattr(server, "scene", lambda: scene)
    show(page, scene="/scene", lang="en")
    assert page.inner_text(".tv-sources").removeprefix("Sources: ").split(" · ") == [
        "sample generator (fictional) (CC0-1.0)",
        "sample generator (fictional) (CC BY 4.0)",
        "levees.gpkg (CC BY 4.0)",
        "国土地理院 5m/10m メッシュ",
    ]


def box(page: Page, selector: str) -> tuple[float, float, float, float]:
    """Left, top, right and bottom [px]."""
    found = page.locator(selector).bounding_box()
    assert found is not None
    return found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"]


def corners(page: Page) -> NDArray[np.float64]:
    """Where the four corners of the ground are on the page, (4, 2)."""
    js = "__view.project([x, y, 0])"
    return np.array(page.evaluate(f"[-200, 200].flatMap(x => [-150, 150].map(y => {js}))"))


@pytest.mark.parametrize("run", [None, "/run"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (976, 744), (900, 420), (420, 800)])
def test_first_view_fills_what_the_cards_leave_free(page: Page, width: int, height: int, run: str | None) -> None:
    page.set_viewport_size({"width": width, "height": height})
    show(page, scene="/scene", run=run)
    is_open = page.evaluate("document.querySelector('.tv-legend').open")
    assert is_open == (width >= 700)
    left = box(page, ".tv-legend")[2] if is_open else 0
    bottom = box(page, ".tv-time")[1] if run else height
    seen = corners(page)
    low, high = seen.min(axis=0), seen.max(axis=0)
    assert (low >= [left, 0]).all()
    assert (high <= [width, bottom]).all()
    assert max((high - low) / [width - left, bottom]) >= 0.85

    page.focus("canvas")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    assert np.abs(corners(page) - seen).max() > 20
    page.keyboard.press("Home")
    assert corners(page) == pytest.approx(seen, abs=0.5)


def test_first_view_follows_the_cards_and_the_page_until_the_camera_is_moved(page: Page) -> None:
    show(page, scene="/scene")
    beside = corners(page)[:, 0].min()
    page.click(".tv-legend > summary")
    page.wait_for_function(f"__view.ready && __view.project([-200, -150, 0])[0] < {beside - 50}")
    page.focus("canvas")
    page.keyboard.press("+")
    placed = page.evaluate("__view.info().camera")
    page.click(".tv-legend > summary")
    show(page, run="/run")
    page.set_viewport_size({"width": 800, "height": 600})
    page.wait_for_function("__view.canvas.clientWidth === 800 && __view.ready")
    assert page.evaluate("__view.info().camera") == placed


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (900, 420), (420, 800)])
def test_legend_covers_at_most_sixty_percent_of_the_height(page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    show(page, scene="/scene")
    page.evaluate("document.querySelectorAll('.tv-legend, .tv-fold').forEach(e => { e.open = true })")
    _, top, _, bottom = box(page, ".tv-legend")
    assert bottom - top <= 0.6 * height
    hidden = page.evaluate("(b => b.scrollHeight - b.clientHeight)(document.querySelector('.tv-legend-body'))")
    assert hidden > 0, "this page is meant to have more classes than room"


def test_building_classes_are_folded_away_while_depths_are_listed(page: Page) -> None:
    is_open = "document.querySelector('.tv-fold').open"
    show(page, scene="/scene")
    assert page.evaluate(is_open)
    show(page, run="/run")
    assert not page.evaluate(is_open)
    page.click(".tv-fold summary")
    show(page, lang="en")
    assert page.evaluate(is_open), "what the user opened stays open"


def test_codes_of_the_page_are_those_that_were_sent(page: Page) -> None:
    show(page, scene="/scene", run="/run")
    js = """([frames, ny, nx]) => [...Array(frames * ny * nx).keys()].map(
        k => __view.depthCodeAt(k % nx, Math.floor(k / nx) % ny, Math.floor(k / (nx * ny))))"""
    assert page.evaluate(js, [FRAMES, NY, NX]) == RANDOM_CODES.ravel().tolist()


def test_pick_finds_the_building_drawn_there(page: Page) -> None:
    show(page, scene="/scene", camera=OBLIQUE)
    for building in range(12):
        tile, local = divmod(building, 6)
        roof = [-180.0 + 200 * tile + 32 * local, 0.0, 10.0 + 5 * building]
        px, py = page.evaluate("p => __view.project(p)", roof)
        assert page.evaluate("([x, y]) => __view.pick(x, y)", [px, py]) == building


def test_click_reports_feature_and_place_and_highlights(page: Page) -> None:
    show(page, scene="/scene", camera=OBLIQUE)
    roof = [-180.0 + 32 * 3, 0.0, 25.0]
    px, py = page.evaluate("p => __view.project(p)", roof)
    page.mouse.click(px, py)
    page.wait_for_function("props.clickData && __view.ready")
    click = page.evaluate("props.clickData")
    assert {k: click[k] for k in ("building", "feature", "terrain", "n")} == {
        "building": 3,
        "feature": 503,
        "terrain": False,
        "n": 1,
    }
    assert [click["x"], click["y"], click["z"]] == pytest.approx(roof, abs=0.6)
    assert page.evaluate("props.selected") == 3
    red, _, blue = picture(page)[int(py), int(px)]
    assert red > 200
    assert blue < 100


def test_live_run_grows_and_never_goes_back(page: Page, server: Server) -> None:
    server.frames = 2
    show(page, scene="/scene", run="/run")
    assert (page.evaluate("__view.frames()"), page.evaluate("__view.time()")) == (2, 60.0)
    server.frames = FRAMES
    page.wait_for_function(f"__view.frames() === {FRAMES} && __view.ready")
    assert page.evaluate("__view.time()") == 60.0 * (FRAMES - 1)
    seen = page.evaluate("reports.filter(r => r.status && r.status.progress !== null).map(r => r.status.progress)")
    assert seen == sorted(seen)
    assert [path for path in server.asked if path.startswith("/frames/")] == ["/frames/0", "/frames/2"]


def test_the_knob_of_a_growing_run_stands_where_its_time_is_and_cannot_be_pulled_ahead(
    page: Page, server: Server
) -> None:
    server.frames = 2
    show(page, scene="/scene", run="/run")
    slider = page.locator(".tv-slider")
    page.wait_for_function("document.querySelector('.tv-slider').value === '60'")
    assert float(slider.get_attribute("max") or 0) == 60.0 * (FRAMES - 1)
    slider.fill(str(60.0 * (FRAMES - 1)))
    assert slider.input_value() == "60"
    assert page.evaluate("__view.time()") == 60.0


def test_scrubbing_asks_the_server_for_nothing(page: Page, server: Server) -> None:
    show(page, scene="/scene", run="/run", time=0)
    before = len(server.asked)
    page.focus(".tv-slider")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("__view.ready")
    assert page.evaluate("[__view.time(), props.time]") == [180.0, 180.0]
    assert len(server.asked) == before


@pytest.mark.parametrize(("lang", "words"), [("ja", "データを取得できません"), ("en", "could not be fetched")])
def test_missing_document_gives_a_sentence_not_a_crash(page: Page, lang: str, words: str) -> None:
    page.evaluate("window.expected = 2")  # one of Chromium, one of the view
    show(page, scene="/nothing-here", lang=lang)
    page.wait_for_function("props.status && props.status.phase === 'error'")
    assert words in page.inner_text(".tv-message")
    assert words in page.evaluate("props.status.error")
    show(page, scene="/scene")
    page.wait_for_function("props.status.phase === 'ready' && props.status.error === null")


def test_hidden_view_leaves_nothing_behind(page: Page) -> None:
    show(page, scene="/scene", run="/run")
    canvas = page.evaluate_handle("__view.canvas")
    page.evaluate("hide()")
    page.wait_for_function("window.__view === undefined && document.getElementById('root').childElementCount === 0")
    assert page.evaluate("c => c.getContext('webgl2').isContextLost()", canvas)


def test_controls_have_names_in_both_languages(page: Page) -> None:
    show(page, scene="/scene", run="/run", lang="ja")
    js = "[...document.querySelectorAll('canvas,button,input,select')].map(e => e.getAttribute('aria-label'))"
    japanese = page.evaluate(js)
    show(page, lang="en")
    english = page.evaluate(js)
    assert all(japanese)
    assert all(english)
    assert all(a != b for a, b in zip(japanese, english, strict=True))


def test_layer_that_cannot_be_had_leaves_the_others_shown(
    page: Page, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.evaluate("window.expected = 2")
    scene = server.scene()
    scene["packs"][1]["url"] = "/gone"
    monkeypatch.setattr(server, "scene", lambda: scene)
    show(page, scene="/scene", lang="en")
    page.wait_for_function("__view.info().layers.length === 1 && props.status.phase === 'error'")
    assert "/gone" in page.inner_text(".tv-message")
    assert page.evaluate("__view.info().layers") == [{"id": "terrain", "visible": True}]


def test_browser_without_webgl_gets_a_sentence(page: Page) -> None:
    page.evaluate("window.expected = 1; HTMLCanvasElement.prototype.getContext = () => null; show({lang: 'en'})")
    page.wait_for_function("props.status && props.status.phase === 'error'")
    assert "WebGL 2" in page.inner_text("#root")
