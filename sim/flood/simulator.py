"""The flood simulator: checks, allocation, results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sim.flood.fields  # noqa: F401  registers what the model stores
from sim.flood.scenario import FloodSection
from twin.errors import ScenarioError
from twin.memory import require_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.flood.model import FloodModel
    from sim.protocol import Model
    from sim.stage import Products, StageInput

__all__ = ["SCHEMES", "FloodSimulator"]


def _local_inertial(stage: StageInput, section: FloodSection) -> FloodModel:
    from sim.flood.ground import lay_ground
    from sim.flood.model import FloodModel

    return FloodModel(section, lay_ground(stage, section), stage.files)


SCHEMES: dict[str, Callable[[StageInput, FloodSection], FloodModel]] = {"local_inertial": _local_inertial}
"""Makers of models by the section's ``scheme``."""


class FloodSimulator:
    """Flood over the city's ground; a ``sim.protocol.Simulator``."""

    name = "flood"
    section = FloodSection

    def needs(self, section: FloodSection) -> tuple[str, ...]:
        """Layers of the city that it reads."""
        del section
        return ("terrain", "buildings")

    def prepare(self, stage: StageInput) -> FloodModel:
        """Check the scenario against the city and allocate the model.

        Raises
        ------
        ScenarioError, LayerError
            Naming the field, the value and the remedy.
        """
        from sim.flood.model import BYTES_PER_CELL

        section = stage.section
        assert isinstance(section, FloodSection)
        if section.scheme not in SCHEMES:
            raise ScenarioError(
                f"scheme {section.scheme!r} does not exist yet",
                where="flood.scheme",
                remedy=f"There is: {', '.join(SCHEMES)}.",
            )
        require_memory(
            stage.grid.size * BYTES_PER_CELL[section.precision],
            where=f"a flood on {stage.grid.shape[0]} x {stage.grid.shape[1]} cells",
        )
        return SCHEMES[section.scheme](stage, section)

    def horizon(self, section: FloodSection) -> tuple[float, float]:
        """(until, every) [s]."""
        return section.duration, section.output_every

    def summarise(self, model: Model) -> Products:
        """Maps, tables and figures of a finished run."""
        from sim.flood.model import FloodModel
        from sim.flood.outputs import summarise

        assert isinstance(model, FloodModel)
        return summarise(model)
