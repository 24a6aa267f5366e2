"""Makes flood models in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

import sim.flood.fields  # noqa: F401  registers the names that products use
from sim.flood.ground import Ground
from sim.flood.model import FloodModel
from sim.flood.scenario import FloodSection
from sim.inputs import InputFiles
from twin.grid import Grid


class MakeModel(Protocol):
    def __call__(
        self, bed: Any, cell_size: float = 5.0, *, n: Any = 0.03, depth: Any = None, **section: Any
    ) -> Any: ...


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """Model on a bed given as an array; the south-western corner is (0, 0)."""
    folder = tmp_path_factory.mktemp("flood")

    def make(
        bed: Any, cell_size: float = 5.0, *, n: Any = 0.03, depth: Any = None, folder: Path = folder, **section: Any
    ) -> FloodModel:
        ground = section.pop("ground", None)
        grid = Grid(np.shape(bed), cell_size, 0.0, np.shape(bed)[0] * cell_size)
        given = {"duration": 600.0, "output_every": 600.0} | section
        made = Ground.bare(grid, bed, n, depth) if ground is None else ground
        return FloodModel(FloodSection(**given), made, InputFiles(folder))

    return make


@pytest.fixture(scope="session")
def rough_bed() -> Any:
    """Noise of 1 m: dry islands, pits and steps everywhere."""
    return np.random.default_rng(7).normal(0.0, 1.0, (48, 130))
