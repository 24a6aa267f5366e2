"""The web API over a small town and a real run: what it says is what the store and the layers hold."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest

from layers.pack import read_pack
from sim.service import Service
from tests import town
from tests.serving import listening
from twin.store import Status
from viewer.api.classes import depth_classes, depth_code
from viewer.server import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    folder = tmp_path_factory.mktemp("town")
    catalog = town.write_town(folder)
    return Service(folder / "runs", catalog=catalog, scenario_folder=folder / "scenarios")


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    (path, _), *_ = service.scenarios()
    (only,) = service.run_scenario(path)
    return only


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    with listening(create_app(service)) as url, httpx.Client(base_url=url, timeout=60, trust_env=False) as found:
        yield found


@pytest.fixture(scope="module")
def scene(client: httpx.Client) -> dict[str, Any]:
    return json.loads(client.get("/api/scene").content)


def _arrays(client: httpx.Client, url: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    answer = client.get(url)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    return read_pack(answer.content)


def test_the_scene_shows_open_layers_only(scene: dict[str, Any]) -> None:
    assert [pack["id"] for pack in scene["packs"]] == ["terrain", "buildings", "shelters"]
    assert scene["title"] == {"ja": "試験町", "en": "Test town"}
    west, south, east, north = scene["bounds"]
    x0, y0 = scene["origin"]
    assert (west + x0, south + y0, east + x0, north + y0) == town.AREA


def test_a_personal_layer_is_nowhere(client: httpx.Client, scene: dict[str, Any]) -> None:
    digest = scene["packs"][0]["url"].split("/")[2]
    assert client.get(f"/data/{digest}/residents.pack").status_code == 404
    assert "residents" not in client.get("/api/layers").text
    assert "residents" not in client.get("/api/scene").text


def test_no_folder_of_the_machine_is_told(client: httpx.Client, service: Service) -> None:
    folder = str(service.store.root.parent)
    for url in ("/api/scene", "/api/layers", "/api/buildings/0", "/api/runs"):
        assert folder not in client.get(url).text


def test_packs_are_compressed_kept_for_ever_and_the_same_without_compression(
    client: httpx.Client, scene: dict[str, Any]
) -> None:
    for pack in scene["packs"]:
        squeezed = client.get(pack["url"], headers={"accept-encoding": "gzip"})
        plain = client.get(pack["url"], headers={"accept-encoding": "identity"})
        assert squeezed.headers["content-encoding"] == "gzip"
        assert "immutable" in squeezed.headers["cache-control"]
        assert "content-encoding" not in plain.headers
        assert squeezed.content == plain.content
        assert int(squeezed.headers["content-length"]) < len(plain.content)


def test_another_state_of_the_city_is_refused(client: httpx.Client) -> None:
    answer = client.get("/data/0123456789abcdef0123/terrain.pack")
    assert answer.status_code == 404
    assert answer.json()["error"].keys() == {"what", "where", "remedy"}


def test_buildings_stand_where_the_layer_says(client: httpx.Client, service: Service, scene: dict[str, Any]) -> None:
    pack = next(pack for pack in scene["packs"] if pack["kind"] == "buildings")
    meta, arrays = _arrays(client, pack["url"])
    layer = service.city()["buildings"]
    assert meta["n"] == town.COLUMNS * town.ROWS == len(layer.table)
    ((ox, oy, *_),) = arrays["tiles"].tolist()
    for number in (0, 5, 40):
        row = int(arrays["feature"][number])
        own = arrays["positions"][arrays["positions"][:, 3] == number].astype(float) * 0.1
        place = own[:, :2].min(axis=0) + np.array([ox, oy]) + np.array(scene["origin"])
        which = int(layer.table["id"].iloc[row].removeprefix("b"))
        np.testing.assert_allclose(place, town.corner(which), atol=0.06)
        assert np.ptp(own[:, 2]) == pytest.approx(town.size(which)[2], abs=0.11)


def test_the_terrain_is_the_ground(client: httpx.Client, scene: dict[str, Any]) -> None:
    meta, arrays = _arrays(client, scene["packs"][0]["url"])
    x = meta["west"] + scene["origin"][0] + (np.arange(meta["nx"]) + 0.5) * meta["cell_size"]
    y = meta["north"] + scene["origin"][1] - (np.arange(meta["ny"]) + 0.5) * meta["cell_size"]
    np.testing.assert_allclose(arrays["z"], town.ground(*np.meshgrid(x, y)), atol=0.01)


def test_a_building_tells_all_it_knows_in_both_languages(client: httpx.Client, service: Service) -> None:
    table = service.city()["buildings"].table
    row = int(np.flatnonzero(table["id"] == f"b{town.NAMED}")[0])
    document = client.get(f"/api/buildings/{row}").json()
    by_key = {entry["key"]: entry for entry in document["attributes"]}
    assert by_key["name"]["value"] == "試験町役場"
    assert by_key["year_of_construction"]["value"] == 1987
    assert by_key["measured_height"]["label"] == {"ja": "計測高さ", "en": "Measured height"}
    assert by_key["measured_height"]["value"] == pytest.approx(town.size(town.NAMED)[2])
    (risk,) = document["risk"]
    assert (risk["hazard"], risk["depth_m"], risk["hazard_name"]["ja"]) == ("river_flood", 1.25, "洪水")
    assert document["source"]["licence"] == "CC0-1.0"
    assert document["result"] is None


@pytest.mark.parametrize(
    "url", ["/api/buildings/100000", "/api/buildings/-1", "/api/runs/none", "/api/x", "/data/x/y/z"]
)
def test_what_is_not_there_is_said_as_json(client: httpx.Client, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 404
    assert answer.json()["error"]["what"]


def test_a_malformed_request_says_which_part_is_wrong(client: httpx.Client, key: str) -> None:
    answer = client.get("/api/depth", params={"run": key, "x": "here", "y": 1})
    assert answer.status_code == 422
    assert "x" in answer.json()["error"]["where"]


def test_the_run_document_follows_the_contract(client: httpx.Client, service: Service, key: str) -> None:
    document = client.get(f"/api/runs/{key}").json()
    assert (document["status"], document["progress"]) == ("done", 1.0)
    flood = document["flood"]
    assert flood["nt_total"] == flood["n_frames"] == len(flood["times_s"]) == 13
    assert len(flood["code_depth"]) == 256
    assert flood["code_depth"][0] == 0
    grid = service.open_run(key).grid
    assert (flood["ny"], flood["nx"]) == grid.shape
    assert [entry["upper"] for entry in flood["classes"]] == [0.3, 0.5, 1.0, 3.0, 5.0, 10.0, 20.0, None]


def test_every_shown_class_is_the_class_of_the_stored_depth(client: httpx.Client, service: Service, key: str) -> None:
    document = client.get(f"/api/runs/{key}").json()
    meta, arrays = _arrays(client, document["flood"]["frames_url"] + "0")
    depth = service.open_run(key).fields()["h_cell"].to_numpy()
    assert (meta["first"], meta["count"]) == (0, len(depth))
    assert arrays["codes"].shape == depth.shape
    edges = np.array([0.01, *(c["upper"] for c in depth_classes() if c["upper"])], dtype=np.float32)
    shown = np.searchsorted(edges, depth_code().shown[arrays["codes"]], side="right")
    np.testing.assert_array_equal(shown, np.searchsorted(edges, np.nan_to_num(depth), side="right"))
    assert len(np.unique(shown)) >= 4, "the run has several classes, or this test says nothing"


def test_the_zones_of_a_flood_are_as_large_as_its_exposure_says(
    client: httpx.Client, service: Service, key: str
) -> None:
    document = client.get(f"/api/runs/{key}").json()
    shown = {entry["name"]["en"]: entry for entry in document["overlays"] if entry["id"].startswith("flood.zones")}
    assert "Classes of the largest depth" in shown
    assert not any(entry["visible"] for entry in shown.values())
    exposure = service.open_run(key).table("exposure")
    for name, table in {"Classes of the largest depth": "depth", "Hazard to people": "rating"}.items():
        meta, arrays = _arrays(client, shown[name]["url"])
        corners = arrays["positions"].reshape(-1, 3)[arrays["indices"]].reshape(-1, 3, 3).astype(np.float64)
        a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        area = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2e4
        kind = arrays["vclass"][arrays["indices"].reshape(-1, 3)[:, 0]]
        rows = exposure[exposure["table"] == table]
        assert [entry["color"] for entry in meta["classes"]] == rows["color"].to_list()
        by_class = np.bincount(kind, area, minlength=len(rows))
        np.testing.assert_allclose(by_class, rows["area_ha"], atol=2e-4 * area.sum())
        assert (by_class > 0).sum() >= 2, "the run has several classes, or this test says nothing"


def test_frames_from_a_number_on_are_the_rest(client: httpx.Client, key: str) -> None:
    url = client.get(f"/api/runs/{key}").json()["flood"]["frames_url"]
    _, whole = _arrays(client, url + "0")
    meta, rest = _arrays(client, url + "9")
    assert (meta["first"], meta["count"]) == (9, 4)
    np.testing.assert_array_equal(rest["codes"], whole["codes"][9:])


def test_the_bed_has_the_run_s_grid(client: httpx.Client, service: Service, key: str) -> None:
    flood = client.get(f"/api/runs/{key}").json()["flood"]
    meta, arrays = _arrays(client, flood["bed_url"])
    assert (meta["nx"], meta["ny"]) == (flood["nx"], flood["ny"])
    known = np.isfinite(arrays["z"])
    grid = service.open_run(key).grid
    expected = town.ground(*np.meshgrid(grid.x_cell, grid.y_cell))
    np.testing.assert_allclose(arrays["z"][known], expected[known], atol=0.1)


def test_results_at_buildings_are_in_the_order_of_their_pack(
    client: httpx.Client, service: Service, key: str, scene: dict[str, Any]
) -> None:
    pack = next(pack for pack in scene["packs"] if pack["kind"] == "buildings")
    _, city = _arrays(client, pack["url"])
    _, result = _arrays(client, client.get(f"/api/runs/{key}").json()["buildings_url"])
    table = service.open_run(key).table("buildings").set_index("feature")
    for number, row in enumerate(city["feature"].tolist()):
        assert result["max_depth"][number] == np.float32(table["max_depth"].get(row, np.nan))
    assert np.nanmax(result["max_depth"]) > 0.5


def test_the_series_beside_a_building_peaks_at_its_maximum_between_outputs(
    client: httpx.Client, service: Service, key: str
) -> None:
    from viewer.api import RunShelf, SceneShelf

    shelf = RunShelf(service, SceneShelf(service))
    wet = 0
    for row in range(len(service.city()["buildings"].table)):
        peak = client.get(f"/api/buildings/{row}", params={"run": key}).json()["result"]["max_depth_m"]
        series = shelf.beside(key, row)
        if series is None:
            assert peak == 0, "a building in the sea has no land beside it"
            continue
        highest = max(series["depth_m"])
        assert highest <= peak + 1e-6
        wet += highest > 0.8 * peak > 0.05
    assert wet > 5


def test_the_depth_at_a_point_is_the_float_of_the_store(client: httpx.Client, service: Service, key: str) -> None:
    run = service.open_run(key)
    x, y = run.grid.x_cell[12], run.grid.y_cell[9]
    answer = client.get("/api/depth", params={"run": key, "x": x, "y": y, "t": 1500}).json()
    stored = run.fields()["h_cell"].to_numpy()[:, 9, 12]
    assert (answer["row"], answer["col"]) == (9, 12)
    assert answer["depth_m"] == [float(v) for v in stored]
    assert answer["value_m"] == float(stored[5])
    assert answer["time_s"] == 1500


def test_a_point_outside_the_run_is_refused(client: httpx.Client, key: str) -> None:
    answer = client.get("/api/depth", params={"run": key, "x": 0, "y": 0})
    assert answer.status_code == 404
    assert "outside" in answer.json()["error"]["what"]


def test_a_job_that_has_not_begun_holds_no_depths_yet(client: httpx.Client, service: Service, key: str) -> None:
    job = service.store.announce("0" * 16, service.open_run(key).manifest() | {"fields": [], "grid": None})
    try:
        answer = client.get("/api/depth", params={"run": job.key, "x": 0, "y": 0})
        assert answer.status_code == 404
        assert "no depths yet" in answer.json()["error"]["what"]
        names = [("detail-body", "children"), ("details", "hidden"), ("view", "selected")]
        inputs: dict[str, Any] = {
            "selection.data": {"x": 0, "y": 0},
            "run.value": job.key,
            "run-state.data": f"{job.key}:queued",
        }
        inputs |= {"language.value": "en", "view.time": 600}
        body = {
            "output": f"..{'...'.join(f'{name}.{prop}' for name, prop in names)}..",
            "outputs": [{"id": name, "property": prop} for name, prop in names],
            "inputs": [
                dict(zip(("id", "property"), name.split("."), strict=True)) | {"value": value}
                for name, value in inputs.items()
            ],
            "state": [{"id": "restored", "property": "data", "value": True}],
            "changedPropIds": ["run.value"],
        }
        panel = client.post("/_dash-update-component", json=body)
        assert panel.status_code == 200
        assert "holds no depths yet" in panel.text
        assert "Depth at this time" not in panel.text
    finally:
        service.store.discard_claim(job.key)


@pytest.mark.parametrize(("host", "status"), [("localhost", 200), ("127.0.0.1:1", 200), ("elsewhere.example", 400)])
def test_only_names_of_this_machine_are_answered(client: httpx.Client, host: str, status: int) -> None:
    assert client.get("/api/runs", headers={"host": host}).status_code == status


def test_a_scenario_is_started_and_an_identical_one_is_served_from_the_store(
    client: httpx.Client, service: Service, key: str
) -> None:
    before = service.status(key).started
    answer = client.post("/api/runs", json=town.surge())
    assert answer.status_code == 202
    assert answer.json()["keys"] == [key]
    assert service.status(key).started == before


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"flood": {"duration": -1, "output_every": 60}}, "duration"),
        ({"name": "no name"}, "name"),
        ({"area": {"bbox": [0, 0, -1, 1]}}, "bbox"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"flood": None}, "asks for nothing"),
    ],
)
def test_a_bad_scenario_is_refused_with_the_field_s_name_and_leaves_nothing(
    client: httpx.Client, service: Service, change: dict[str, Any], word: str
) -> None:
    before = [job.key for job in service.list_runs()]
    answer = client.post("/api/runs", json={**town.surge(), **change})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert word in error["what"] + error["where"]
    assert error["remedy"]
    assert [job.key for job in service.list_runs()] == before


def test_a_run_with_a_levee_shows_it_in_its_bed(client: httpx.Client, service: Service) -> None:
    line = [[town.AREA[0] + 100, town.AREA[1]], [town.AREA[0] + 100, town.AREA[3]]]
    scenario = town.surge(duration=600) | {"edits": [{"kind": "levee", "line": line, "crest": 6.0, "width": 12.0}]}
    (run,) = client.post("/api/runs", json=scenario).json()["keys"]
    assert service.status(run).status is Status.DONE
    _, arrays = _arrays(client, client.get(f"/api/runs/{run}").json()["flood"]["bed_url"])
    assert (arrays["z"] == 6.0).any(axis=1).all(), "the levee crosses every row"


def test_documents_have_a_tag_and_are_not_sent_twice(client: httpx.Client) -> None:
    first = client.get("/api/scene")
    again = client.get("/api/scene", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


def test_the_api_describes_itself(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/api/scene", "/api/buildings/{feature}", "/api/depth", "/api/runs", "/api/runs/{key}"} <= paths.keys()
    assert not any(path.startswith("/_dash") for path in paths)


def test_compressed_bytes_are_the_same_every_time(service: Service, scene: dict[str, Any]) -> None:
    from viewer.api import SceneShelf

    pack = scene["packs"][1]
    digest = pack["url"].split("/")[2]
    one, two = (SceneShelf(service).pack(digest, pack["id"]) for _ in range(2))
    assert one == two
    assert gzip.decompress(one)[:4]


def test_the_page_is_there_and_everything_it_names_is_local(client: httpx.Client) -> None:
    text = client.get("/").text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text
