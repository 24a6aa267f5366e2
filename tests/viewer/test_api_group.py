"""What the runs of a scenario say together: one document, packs that hold the stored values, charts, attributes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from layers.pack import read_pack
from sim.service import Service
from tests import runs, town
from tests.serving import listening
from viewer.api import RunShelf, SceneShelf, make_router
from viewer.api.agents import HIDDEN, chunk_size
from viewer.api.answer import add_error_answers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

STAGES = ["flood", "evacuation", "access", "airspace"]
STEP = 0.06
"""Half a step of positions, and a little for single precision [m]."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    folder = tmp_path_factory.mktemp("group")
    catalog = town.write_town(folder)
    return Service(folder / "runs", catalog=catalog, scenario_folder=folder / "scenarios")


@pytest.fixture(scope="module")
def keys(service: Service) -> dict[str, str]:
    assert service.catalog is not None
    return runs.write_group(service.store, service.catalog.parent)


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    app = FastAPI()
    add_error_answers(app)
    scene = SceneShelf(service)
    app.include_router(make_router(service, scene, RunShelf(service, scene)))
    with listening(app) as url, httpx.Client(base_url=url, timeout=60, trust_env=False) as found:
        yield found


@pytest.fixture(scope="module")
def document(client: httpx.Client, keys: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/runs/{keys['access']}").json()
    return found


@pytest.fixture(scope="module")
def origin(client: httpx.Client) -> NDArray[np.float64]:
    return np.array(client.get("/api/scene").json()["origin"])


def _pack(client: httpx.Client, url: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    answer = client.get(url)
    assert answer.status_code == 200, answer.text
    return read_pack(answer.content)


def _overlay(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in document["overlays"] if entry["id"] == name)


def test_any_run_of_a_scenario_leads_to_all_of_them(client: httpx.Client, keys: dict[str, str]) -> None:
    documents = {stage: client.get(f"/api/runs/{key}").json() for stage, key in keys.items()}
    for stage, document in documents.items():
        assert document["key"] == keys[stage]
        assert {entry["stage"]: entry["key"] for entry in document["stages"]} == keys
        assert (document["status"], document["progress"]) == ("done", 1.0)
        assert document["flood"]["n_frames"] == len(runs.TIMES)
        assert document["overlays"] == documents["flood"]["overlays"]


def test_a_run_that_is_gone_is_left_out(client: httpx.Client, service: Service) -> None:
    assert service.catalog is not None
    others = runs.write_group(service.store, service.catalog.parent, "holed")
    service.store.remove(others["evacuation"])
    document = client.get(f"/api/runs/{others['flood']}").json()
    assert {entry["stage"] for entry in document["stages"]} == {*STAGES} - {"evacuation"}
    assert not any(entry["stage"] == "evacuation" for entry in document["overlays"])
    for key in others.values():
        service.store.remove(key)


def test_the_clock_has_the_times_of_what_moves(document: dict[str, Any]) -> None:
    times = {entry["stage"]: entry["times_s"] for entry in document["stages"]}
    assert times["flood"] == times["evacuation"] == times["airspace"] == list(runs.TIMES)
    assert times["access"] == [0.0, 1800.0, 3600.0], "routes change with their departures"


def test_overlays_have_names_and_classes_in_both_languages_and_ids_that_fit_a_permalink(
    document: dict[str, Any],
) -> None:
    ids = [entry["id"] for entry in document["overlays"]]
    assert len(set(ids)) == len(ids) >= 12
    for entry in document["overlays"]:
        assert not set(entry["id"]) & set(",:&=")
        texts = [entry["name"], *(style["name"] for style in entry["classes"])]
        assert all(text["ja"] and text["en"] and text["ja"] != text["en"] for text in texts)
        assert (entry["url"] is None) != (entry["frames"] is None)


def test_what_the_layer_list_offers_is_what_the_document_has(service: Service, document: dict[str, Any]) -> None:
    listed = RunShelf(service, SceneShelf(service)).overlays(document["key"])
    assert [entry["id"] for entry in listed] == [entry["id"] for entry in document["overlays"]]


def _places(meta: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Local places (count, n, 3) [m] of the codes, as the page decodes them."""
    codes = [np.cumsum(arrays[name], axis=0, dtype=np.uint16) for name in "xyz"]
    return np.stack(codes, axis=-1) * np.array(meta["step"]) + np.array(meta["offset"])


def test_people_are_where_the_run_says_and_in_its_states(
    client: httpx.Client, document: dict[str, Any], origin: NDArray[np.float64]
) -> None:
    frames = _overlay(document, "evacuation.agents")["frames"]
    meta, arrays = _pack(client, frames["url"] + "0")
    assert (meta["first"], meta["count"], meta["n"]) == (0, len(runs.TIMES), runs.PEOPLE)
    places = _places(meta, arrays)
    for number, time in enumerate(runs.TIMES):
        np.testing.assert_array_equal(arrays["state"][number], runs.states(time))
        expected = runs.positions(time) + np.array(town.AREA[:2]) - origin
        np.testing.assert_allclose(places[number, :, :2], expected, atol=STEP)


def test_people_from_an_output_on_are_the_rest(client: httpx.Client, document: dict[str, Any]) -> None:
    url = _overlay(document, "evacuation.agents")["frames"]["url"]
    whole = _pack(client, url + "0")
    rest = _pack(client, url + "9")
    assert (rest[0]["first"], rest[0]["count"]) == (9, 4)
    np.testing.assert_allclose(_places(*rest), _places(*whole)[9:], atol=1e-6)


def test_forty_thousand_people_come_in_parts_that_a_browser_takes() -> None:
    assert 40 <= chunk_size(40_000) <= 60
    assert chunk_size(3_000_000) == 1


def test_somebody_without_a_place_is_hidden(client: httpx.Client, service: Service) -> None:
    assert service.catalog is not None
    folder = service.catalog.parent
    writer = runs.begin(service.store, folder, {"evacuation": "nowhere"}, "evacuation")
    place = np.array([10.0, np.nan], dtype=np.float32)
    fields: dict[str, NDArray[Any]] = {
        **dict.fromkeys(("x_agent", "y_agent", "z_agent"), place),
        "state_agent": np.array([1, 1], np.uint8),
        "load_link": np.zeros(1, np.float32),
    }
    writer.create_fields(runs.grid(), [0.0], fields)
    writer.write_output(0, fields, {})
    document = client.get("/api/runs/nowhere").json()
    assert document["status"] == "running"
    frames = _overlay(document, "evacuation.agents")["frames"]
    answer = client.get(frames["url"] + "0")
    assert answer.headers["cache-control"] == "no-store", "more will come"
    _, arrays = read_pack(answer.content)
    assert arrays["state"].tolist() == [[1, HIDDEN]]
    service.store.remove("nowhere")


def test_shelters_fill_as_the_gauges_say(client: httpx.Client, document: dict[str, Any]) -> None:
    meta, arrays = _pack(client, _overlay(document, "evacuation.shelters")["url"])
    assert [label["ja"] for label in meta["labels"]] == [name for name, _, _ in runs.SHELTERS]
    assert arrays["capacity"].tolist() == [40, 15]
    for number, time in enumerate(runs.TIMES):
        gauges = runs.people_gauges(time)
        assert arrays["load"][number].tolist() == [gauges[f"shelter:{name}"] for name, _, _ in runs.SHELTERS]


def test_streets_have_the_class_of_their_crowding_and_empty_ones_none(
    client: httpx.Client, service: Service, keys: dict[str, str], document: dict[str, Any]
) -> None:
    entry = _overlay(document, "evacuation.links")
    meta, arrays = _pack(client, entry["url"])
    table = service.open_run(keys["evacuation"]).table("links")
    assert meta["rows"] == [0, 1], "nobody used the third"
    edges = [0.31, 0.43, 0.72, 1.08, 2.17]
    for number, time in enumerate(runs.TIMES):
        moving = runs.states(time) == 1
        for column, load in enumerate((moving.sum(), moving[::2].sum())):
            density = load / (table["width_m"][column] * table["length_m"][column])
            expected = 255 if load == 0 else sum(density >= edge for edge in edges)
            assert arrays["codes"][number, column] == expected
    assert len(np.unique(arrays["codes"])) >= 3
    assert len(entry["classes"]) == len(edges) + 1


def test_a_route_is_shown_from_its_departure_to_the_next_and_dashed_beyond_limits(
    client: httpx.Client, document: dict[str, Any]
) -> None:
    entry = _overlay(document, "access.routes")
    _, arrays = _pack(client, entry["url"])
    windows = [(float(a), float(b)) for a, b in zip(arrays["from"], arrays["until"], strict=True)]
    assert windows[0][0] < -1e30
    assert windows[0][1] == 1800
    assert windows[1] == (1800, 3600)
    dashed = [entry["classes"][kind].get("dash", False) for kind in arrays["vclass"]]
    assert dashed == [False, True, False]
    shown = [style["name"]["en"] for style in entry["classes"] if not style["hidden"]]
    assert shown == ["Walker", "Manual wheelchair", "Manual wheelchair (beyond limits)"]


def test_lines_with_heights_keep_them_and_their_length(
    client: httpx.Client, document: dict[str, Any], service: Service, keys: dict[str, str]
) -> None:
    _, arrays = _pack(client, _overlay(document, "access.routes")["url"])
    table = service.open_run(keys["access"]).table("routes")
    assert np.ptp(arrays["positions"][:, 2]) < 0.01
    for row, length in enumerate(table["length_m"]):
        assert arrays["along"][arrays["item"] == row].max() == pytest.approx(length, rel=1e-5)


def test_reach_bands_hold_the_times_of_their_links(client: httpx.Client, document: dict[str, Any]) -> None:
    entry = _overlay(document, "access.reach_0")
    _, arrays = _pack(client, entry["url"])
    uppers = [int("".join(filter(str.isdigit, style["name"]["en"]))) * 60 for style in entry["classes"]]
    for seconds, band in zip([30.0, 100.0, 170.0, 250.0, 400.0], arrays["vclass"], strict=True):
        assert seconds <= uppers[band]
        assert band == 0 or seconds > uppers[band - 1]


def test_a_volume_stands_on_the_ground_where_its_limits_count_from_it(
    client: httpx.Client, document: dict[str, Any], origin: NDArray[np.float64]
) -> None:
    _, arrays = _pack(client, _overlay(document, "airspace.zones")["url"])
    places = arrays["positions"].astype(np.float64)
    first = places[arrays["item"] == 0]
    ground = town.ground(*(first[:, :2] + origin).T)
    above = first[:, 2] - ground
    # The ground that volumes follow is coarse: within the relief of one of its cells.
    assert np.all((np.abs(above) < 1.0) | (np.abs(above - 120) < 1.0))
    second = places[arrays["item"] == 1][:, 2]
    assert second.min() == pytest.approx(30, abs=0.2)
    assert second.max() > 140, "without an upper limit it is drawn up to 150 m above the ground"


def test_a_zone_in_force_at_two_times_is_two_volumes_and_one_over_everything_is_named(
    client: httpx.Client, document: dict[str, Any]
) -> None:
    meta, arrays = _pack(client, _overlay(document, "airspace.zones")["url"])
    assert meta["rows"] == [0, 1, 1]
    assert (arrays["from"].tolist(), arrays["until"].tolist()) == ([0, 1200, 2000], [10800, 1800, 2400])
    assert meta["note"] == {"ja": "全域に及ぶもの: 地表150m以上", "en": "Everywhere: 150 m and more"}


def test_of_a_row_of_barriers_of_one_kind_the_worst_is_marked(client: httpx.Client, document: dict[str, Any]) -> None:
    meta, arrays = _pack(client, _overlay(document, "access.barriers")["url"])
    assert meta["rows"] == [0, 2, 3], "the second stands 20 m from a higher step of its route"
    assert arrays["vclass"].tolist() == [0, 2, 0]
    assert arrays["from"].tolist()[:2] == [1800, 1800]


def test_volumes_are_closed_and_as_large_as_their_polygons(client: httpx.Client, document: dict[str, Any]) -> None:
    _, arrays = _pack(client, _overlay(document, "airspace.volumes")["url"])
    places, faces = arrays["positions"].astype(np.float64), arrays["indices"].reshape(-1, 3)
    a, b, c = (places[faces[:, k]] for k in range(3))
    plan = np.abs(np.cross(b - a, c - a)[:, 2]) / 2
    radius = 15.0
    one = 2 * radius * 240 + np.pi * radius**2
    assert plan.sum() == pytest.approx(2 * 2 * one, rel=0.01), "two volumes, a lid above and one below"
    assert (arrays["from"].tolist(), arrays["until"].tolist()) == ([0, 600], [2400, 3000])


def test_tracks_pass_through_the_stored_points_in_order_of_time(
    client: httpx.Client, document: dict[str, Any], origin: NDArray[np.float64]
) -> None:
    _, arrays = _pack(client, _overlay(document, "airspace.flights")["url"])
    assert arrays["start"].tolist() == [0, 3, 6]
    for flight in range(2):
        for k in range(3 * flight, 3 * flight + 3):
            x, y, z = runs.flight_place(flight, float(arrays["time"][k]))
            expected = (x - origin[0], y - origin[1], z)
            np.testing.assert_allclose(arrays["positions"][k], expected, atol=0.02)
        assert np.all(np.diff(arrays["time"][3 * flight : 3 * flight + 3]) > 0)


def test_sites_turn_wet_and_conflicts_show_around_their_time(client: httpx.Client, document: dict[str, Any]) -> None:
    _, sites = _pack(client, _overlay(document, "airspace.sites")["url"])
    assert sites["switch"][0] == 1500
    assert sites["switch"][1] > 1e30
    _, conflicts = _pack(client, _overlay(document, "airspace.conflicts")["url"])
    assert conflicts["from"][0] < 900 < conflicts["until"][0]


def test_packs_of_finished_runs_are_kept_for_ever(client: httpx.Client, document: dict[str, Any]) -> None:
    for entry in document["overlays"]:
        answer = client.get(entry["url"] or entry["frames"]["url"] + "0")
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    "path",
    [
        "/data/runs/groupevacuation/0000/overlays/evacuation.shelters.pack",
        "/data/runs/groupevacuation/{digest}/overlays/airspace.zones.pack",
        "/data/runs/groupevacuation/{digest}/overlays/evacuation.nothing.pack",
        "/data/runs/groupflood/{digest}/agents",
        "/data/runs/groupaccess/live/agents",
        "/api/runs/none/charts",
        "/api/runs/groupflood/features/evacuation.shelters/99",
        "/api/runs/groupflood/features/nothing/0",
    ],
)
def test_what_is_not_there_is_said_with_a_remedy(client: httpx.Client, document: dict[str, Any], path: str) -> None:
    digest = _overlay(document, "evacuation.shelters")["url"].split("/")[4]
    answer = client.get(path.format(digest=digest))
    assert answer.status_code == 404
    assert answer.json()["error"]["remedy"]


def test_depth_and_buildings_are_asked_through_any_run(client: httpx.Client, keys: dict[str, str]) -> None:
    place = {"x": town.AREA[0] + 205, "y": town.AREA[1] + 155, "t": 3600}
    depths = [client.get("/api/depth", params={"run": key, **place}).json()["value_m"] for key in keys.values()]
    assert depths == [depths[0]] * 4
    assert depths[0] > 0.3


def _charts(client: httpx.Client, key: str) -> dict[str, dict[str, Any]]:
    return {chart["id"]: chart for chart in client.get(f"/api/runs/{key}/charts").json()["charts"]}


def test_curves_of_people_add_up_and_are_the_data(client: httpx.Client, keys: dict[str, str]) -> None:
    chart = _charts(client, keys["airspace"])["evacuation.people"]
    series = {one["id"]: one for one in chart["series"]}
    assert list(series) == list(runs.STATES)
    times = [150.0 * k for k in range(25)]
    assert series["safe"]["x"] == times, "the run's own curve is finer than its outputs"
    assert np.sum([one["y"] for one in series.values()], axis=0).tolist() == [runs.PEOPLE] * len(times)
    assert series["stranded"]["y"] == [float((runs.states(t) == 3).sum()) for t in times]


def test_shelters_have_their_capacity_as_limit(client: httpx.Client, keys: dict[str, str]) -> None:
    chart = _charts(client, keys["evacuation"])["evacuation.shelters"]
    assert {one["id"]: one["limit"] for one in chart["series"]} == {name: float(cap) for name, cap, _ in runs.SHELTERS}


def test_departures_have_a_gap_where_nothing_can_be_reached_and_mark_the_last_safe_one(
    client: httpx.Client, keys: dict[str, str]
) -> None:
    chart = _charts(client, keys["flood"])["access.departures"]
    wheelchair = next(one for one in chart["series"] if "wheelchair" in one["id"])
    assert wheelchair["x"] == [0.0, 1800.0, 3600.0]
    assert wheelchair["y"] == [250.0, 280.0, None]
    assert wheelchair["marks"] == [1800.0]


def test_every_chart_can_be_read_in_both_languages(client: httpx.Client, keys: dict[str, str]) -> None:
    charts = _charts(client, keys["flood"])
    assert {"flood.gauges", "evacuation.queue", "airspace.airborne", "airspace.conflicts"} <= charts.keys()
    for chart in charts.values():
        texts = [chart["title"], chart["x"]["label"], chart["y"]["label"], *(one["name"] for one in chart["series"])]
        assert all(text["ja"] and text["en"] for text in texts)
        assert all(len(one["x"]) == len(one["y"]) for one in chart["series"])


def test_a_half_written_line_of_gauges_is_not_read(client: httpx.Client, service: Service) -> None:
    assert service.catalog is not None
    writer = runs.begin(service.store, service.catalog.parent, {"evacuation": "halfway"}, "evacuation")
    for number in range(3):
        runs.write_people(writer, number)
    with (writer.folder / "gauges.csv").open("a", encoding="utf-8") as lines:
        lines.write("900,1")
    chart = _charts(client, "halfway")["evacuation.people"]
    assert chart["series"][0]["x"] == list(runs.TIMES[:3])
    assert "evacuation.shelters" in _charts(client, "halfway"), "shelters have curves before they have a table"
    service.store.remove("halfway")


@pytest.mark.parametrize(
    ("overlay", "number", "words"),
    [
        ("evacuation.shelters", 1, ["15 persons", "00:25:00"]),
        ("access.routes", 1, ["Manual wheelchair", "8.0 cm", "step of 8 cm", "no"]),
        ("access.barriers", 0, ["Step of 8 cm (limit 2 cm)"]),
        ("access.reach_0", 2, ["00:02:50"]),
        ("airspace.flights", 0, ["Survey", "40 %", "80 Wh", "西", "東"]),
        ("airspace.zones", 1, ["Above the event", "Authorisation needed"]),
        ("airspace.sites", 0, ["西", "00:25:00"]),
        ("airspace.conflicts", 0, ["F1", "40.0 m"]),
    ],
)
def test_a_thing_tells_what_its_table_says(
    client: httpx.Client, keys: dict[str, str], overlay: str, number: int, words: list[str]
) -> None:
    found = client.get(f"/api/runs/{keys['flood']}/features/{overlay}/{number}").json()
    assert (found["overlay"], found["feature"]) == (overlay, number)
    said = [found["title"]["en"], *(entry["text"]["en"] for entry in found["attributes"])]
    assert set(words) <= set(said)
    assert all(entry["label"]["ja"] and entry["text"]["ja"] for entry in found["attributes"])


def test_a_time_that_never_comes_is_left_out(client: httpx.Client, keys: dict[str, str]) -> None:
    first = client.get(f"/api/runs/{keys['flood']}/features/evacuation.shelters/0").json()
    assert "flooded_s" not in {entry["key"] for entry in first["attributes"]}
    assert "Infinity" not in json.dumps(first)


def test_a_route_comes_with_its_instructions_in_order(client: httpx.Client, keys: dict[str, str]) -> None:
    steps = client.get(f"/api/runs/{keys['flood']}/features/access.routes/0").json()["steps"]
    assert [step["en"] for step in steps] == ["Go east", "Turn north"]
