"""The evacuation simulator: checks, allocation, results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sim.evacuation.fields  # noqa: F401  registers what the model stores
from sim.evacuation.scenario import EvacuationSection

if TYPE_CHECKING:
    from sim.evacuation.model import EvacuationModel
    from sim.protocol import Model
    from sim.stage import Products, StageInput

__all__ = ["EvacuationSimulator"]


class EvacuationSimulator:
    """People leave their buildings for shelters; a ``sim.protocol.Simulator``."""

    name = "evacuation"
    section = EvacuationSection

    def needs(self, section: EvacuationSection) -> tuple[str, ...]:
        """Layers of the city that it reads."""
        names = [section.network, section.buildings, section.terrain]
        if section.population is not None:
            names.append(section.population)
        if section.zone is not None:
            names.append(section.zone)
        if isinstance(section.shelters, str):
            names.append(section.shelters)
        for room in section.crowd:
            names += [room.floors, room.entrances]
        return tuple(dict.fromkeys(names))

    def prepare(self, stage: StageInput) -> EvacuationModel:
        """Check the scenario against the city and put everybody in place.

        Raises
        ------
        ScenarioError, LayerError
            Naming the field, the value and the remedy.
        """
        from sim.evacuation.assembly import assemble

        section = stage.section
        assert isinstance(section, EvacuationSection)
        return assemble(stage, section)

    def horizon(self, section: EvacuationSection) -> tuple[float, float]:
        """(until, every) [s]."""
        return section.duration, section.output_every

    def summarise(self, model: Model) -> Products:
        """Tables and figures of a finished run."""
        from sim.evacuation.model import EvacuationModel
        from sim.evacuation.outputs import summarise

        assert isinstance(model, EvacuationModel)
        return summarise(model)
