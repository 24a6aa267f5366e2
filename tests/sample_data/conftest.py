"""The sample ward, made once for all its tests: as objects, and as files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from sample_data.bridges import Deck, decks
from sample_data.buildings import Building, make_buildings
from sample_data.generate import write_sample_city
from sample_data.plan import Plan, make_plan
from sample_data.terrain import Terrain, make_terrain
from sample_data.underground import Mall, make_mall
from sample_data.walk_levels import WalkGraph, make_walk_graph
from sample_data.water import Inundation, inundations

if TYPE_CHECKING:
    from pathlib import Path

SEED = 7


@dataclass(frozen=True)
class SampleWard:
    plan: Plan
    terrain: Terrain
    buildings: list[Building]
    waters: dict[str, Inundation]
    bridges: list[Deck]
    mall: Mall
    walk: WalkGraph


@pytest.fixture(scope="session")
def sample() -> SampleWard:
    plan = make_plan(SEED)
    terrain = make_terrain(plan, SEED)
    bridges = decks(plan, terrain)
    mall = make_mall(plan, terrain, SEED)
    return SampleWard(
        plan,
        terrain,
        make_buildings(plan, terrain, SEED),
        inundations(plan, terrain),
        bridges,
        mall,
        make_walk_graph(plan, terrain, bridges, mall),
    )


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample_city(tmp_path_factory.mktemp("sample") / "suito", SEED).parent
