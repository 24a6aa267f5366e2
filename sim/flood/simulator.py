"""The flood simulator: checks, allocation, results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sim.flood.fields  # noqa: F401  registers what the model stores
from sim.flood.scenario import FloodSection
from twin.errors import ScenarioError
from twin.memory import require_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.flood.surface import SurfaceModel
    from sim.protocol import Model
    from sim.stage import Products, StageInput

__all__ = ["SCHEMES", "FloodSimulator"]


def _local_inertial(stage: StageInput, section: FloodSection) -> SurfaceModel:
    from sim.flood.ground import lay_ground
    from sim.flood.model import BYTES_PER_CELL, FloodModel

    _require_memory(stage, BYTES_PER_CELL[section.precision])
    return FloodModel(section, lay_ground(stage, section), stage.files)


def _shallow_water(stage: StageInput, section: FloodSection) -> SurfaceModel:
    from sim.flood.ground import lay_ground
    from sim.flood.shallow_model import BYTES_PER_CELL, ShallowWaterModel

    _require_memory(stage, BYTES_PER_CELL[section.precision])
    return ShallowWaterModel(section, lay_ground(stage, section), stage.files)


def _require_memory(stage: StageInput, bytes_per_cell: int) -> None:
    ny, nx = stage.grid.shape
    require_memory(stage.grid.size * bytes_per_cell, where=f"a flood on {ny} x {nx} cells")


SCHEMES: dict[str, Callable[[StageInput, FloodSection], SurfaceModel]] = {
    "local_inertial": _local_inertial,
    "shallow_water": _shallow_water,
}
"""Makers of models by the section's ``scheme``."""


class FloodSimulator:
    """Flood over the city's ground; a ``sim.protocol.Simulator``."""

    name = "flood"
    section = FloodSection

    def needs(self, section: FloodSection) -> tuple[str, ...]:
        """Layers of the city that it reads."""
        assert isinstance(section, FloodSection)
        population = section.evaluation.population
        optional = () if population is None else (population,)
        return ("terrain", "buildings", *optional, *section.structures.layers())

    def prepare(self, stage: StageInput) -> SurfaceModel:
        """Check the scenario against the city and allocate the model.

        Raises
        ------
        ScenarioError, LayerError
            Naming the field, the value and the remedy.
        """
        section = stage.section
        assert isinstance(section, FloodSection)
        if section.scheme not in SCHEMES:
            raise ScenarioError(
                f"scheme {section.scheme!r} does not exist yet",
                where="flood.scheme",
                remedy=f"There is: {', '.join(SCHEMES)}.",
            )
        from sim.flood.consequence.table import Consequence

        # before the water: a table that is wrong must not cost a run
        consequence = Consequence.prepare(stage, section)
        model = SCHEMES[section.scheme](stage, section)
        model.consequence = consequence
        return model

    def horizon(self, section: FloodSection) -> tuple[float, float]:
        """(until, every) [s]."""
        return section.duration, section.output_every

    def summarise(self, model: Model) -> Products:
        """Maps, tables and figures of a finished run."""
        from sim.flood.outputs import summarise
        from sim.flood.surface import SurfaceModel

        assert isinstance(model, SurfaceModel)
        return summarise(model)
