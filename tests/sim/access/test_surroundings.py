"""What the routing takes from other stages' stored runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

import sim.flood.fields  # noqa: F401  registers the names that a flood stores
from sim.access.scenario import AccessSection, RepairRequest
from sim.access.surroundings import gather_conditions, is_night, lay_network
from sim.inputs import InputFiles
from sim.scenario import sections, validate_scenario
from sim.stage import StageInput
from twin.city import CityModel
from twin.errors import LayerError
from twin.frame import OSAKA
from twin.grid import Grid
from twin.layer import Provenance, RasterLayer, VectorLayer
from twin.network import LinkKind
from twin.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.layer import NetworkLayer
    from twin.store import Run

GRID = Grid((40, 40), 10.0, 0.0, 400.0)
SOURCE = Provenance("test", "CC0")


@pytest.fixture(scope="module")
def city(make_layer: Callable[..., NetworkLayer]) -> CityModel:
    """A street, stairs down, a passage below; a floor of 1,000 m2 with one entrance of 2 m."""
    walk = make_layer(
        [(50, 200), (150, 200), (150, 205), (250, 205)],
        [
            (0, 1, {"kind": LinkKind.FOOTWAY, "level": 0.0}),
            (1, 2, {"kind": LinkKind.STAIRS, "level": -1.0}),
            (2, 3, {"kind": LinkKind.UNDERGROUND, "level": -1.0}),
        ],
    )
    floors = gpd.GeoDataFrame(
        {"floor": [-1], "area_m2": [1000.0], "volume_m3": [3000.0]},
        geometry=[shapely.box(140, 195, 260, 215)],
        crs=OSAKA.horizontal,
    )
    entrances = gpd.GeoDataFrame(
        {"floor": [-1], "step_height": [0.1], "width": [2.0]}, geometry=[shapely.Point(150, 202)], crs=OSAKA.horizontal
    )
    layers = {
        "walk": walk,
        "underground": VectorLayer("underground", OSAKA, SOURCE, floors),
        "entrances": VectorLayer("entrances", OSAKA, SOURCE, entrances),
    }
    return CityModel({"en": "test"}, OSAKA, GRID.bounds, layers)


@pytest.fixture(scope="module")
def flood(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Dry for ten minutes, then 0.6 m everywhere."""
    store = Store(tmp_path_factory.mktemp("runs"))
    writer = store.begin("a" * 32, {"stage": "flood"})
    still = np.zeros(GRID.shape, dtype=np.float32)
    states = [{"h_cell": still + depth, "u_cell": still, "v_cell": still} for depth in (0.0, 0.0, 0.6, 0.6)]
    writer.create_fields(GRID, [0.0, 600.0, 601.0, 1800.0], states[0])
    for number, state in enumerate(states):
        writer.write_output(number, {name: values.astype(np.float32) for name, values in state.items()}, {})
    writer.write_map("z_cell", GRID, still)
    writer.write_map("h_max_cell", GRID, still + np.float32(0.6))
    return writer.finish()


def stage(city: CityModel, upstream: dict[str, Run], start: str | None = None, **given: Any) -> StageInput:
    content = {"schema": 1, "name": "t", "area": {"bbox": [0, 0, 400, 400]}} | ({"start": start} if start else {})
    section = {"repairs": {"profile": "walker"}} | given
    scenario = validate_scenario(content | {"access": section}, where="t")
    return StageInput(scenario, dict(sections(scenario))["access"], GRID, city, InputFiles(Path()), upstream)


def conditions(city: CityModel, upstream: dict[str, Run], **given: Any) -> Any:
    made = stage(city, upstream, **given)
    assert isinstance(made.section, AccessSection)
    return gather_conditions(made, made.section, lay_network(city, made.section))


def test_without_other_stages_everything_is_dry_and_empty(city: CityModel) -> None:
    calm = conditions(city, {})
    assert not calm.depth.any()
    assert not calm.density.any()


def test_the_street_floods_at_once_and_the_floor_below_fills_through_its_entrance(city: CityModel, flood: Run) -> None:
    wet = conditions(city, {"flood": flood})
    at_ten, at_half_hour = wet.depth[1], wet.depth[-1]
    assert not wet.depth[0].any()
    assert at_half_hour[0] == pytest.approx(0.6)
    # the stairs carry the street's water down before the floor is full
    assert at_ten[1] == pytest.approx(0.6)
    # a broad-crested weir of 2 m under 0.5 m of head for 1,200 s, on 1,000 m2
    assert at_half_hour[2] == pytest.approx(1.70 * 2.0 * 0.5**1.5 * 1200 / 1000, rel=0.01)
    assert at_ten[2] < at_half_hour[2]


def test_without_the_floors_the_passage_stays_dry(city: CityModel, flood: Run) -> None:
    wet = conditions(city, {"flood": flood}, underground="none")
    assert wet.depth[-1, 0] == pytest.approx(0.6)
    assert not wet.depth[:, 1:].any()


def test_an_elevator_that_is_out_takes_its_whole_group_along(make_layer: Any) -> None:
    lift = {"kind": LinkKind.ELEVATOR}
    walk = make_layer([(0, 0), (0, 1), (0, 2), (9, 9)], [(0, 1, lift), (1, 2, lift), (2, 3, lift)])
    walk.links["elevator_group"] = [4, 4, -1]
    layered = CityModel({"en": "t"}, OSAKA, GRID.bounds, {"walk": walk})
    assert conditions(layered, {}, elevators_out="L1").out == (0, 1)
    assert conditions(layered, {}, elevators_out="L2").out == (2,)


@pytest.mark.parametrize(
    ("start", "said", "expected"),
    [
        (None, None, False),
        ("2026-09-01T15:00:00+09:00", None, False),
        ("2026-09-01T20:00:00+09:00", None, True),
        ("2026-09-01T05:59:00+09:00", None, True),
        ("2026-09-01T20:00:00+09:00", False, False),
        (None, True, True),
    ],
)
def test_night_goes_by_the_start_unless_it_is_said(
    city: CityModel, start: str | None, said: bool | None, expected: bool
) -> None:
    made = stage(city, {}, start=start, night=said)
    assert isinstance(made.section, AccessSection)
    assert is_night(made, made.section) is expected


def test_the_terrain_gives_gradients_to_a_network_without_any(city: CityModel) -> None:
    slope = np.repeat(np.linspace(0.0, 40.0, 40, dtype=np.float32)[None, :], 40, axis=0)
    hilly = city.with_layer(RasterLayer("terrain", OSAKA, SOURCE, GRID, slope, "m"))
    network = lay_network(hilly, AccessSection(repairs=RepairRequest(profile="walker"))).network
    climb = network.attributes["slope"]
    street = (network.link_feature == 0) & ~network.link_reversed
    assert climb.known[street].all()
    assert climb.values[street] == pytest.approx(0.1025, rel=0.05)


def test_a_layer_that_is_no_network_is_refused(city: CityModel) -> None:
    with pytest.raises(LayerError, match="NetworkLayer"):
        lay_network(city, AccessSection(network="underground", repairs=RepairRequest(profile="walker")))
