"""Simulators by name: one line each, imported when they are used."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from twin.errors import ScenarioError

if TYPE_CHECKING:
    from sim.protocol import Simulator

__all__ = ["SIMULATORS", "simulator", "simulator_names"]

SIMULATORS: dict[str, str] = {
    "flood": "sim.flood.simulator:FloodSimulator",
    "evacuation": "sim.evacuation.simulator:EvacuationSimulator",
    "access": "sim.access.simulator:AccessSimulator",
    "airspace": "sim.airspace.simulator:AirspaceSimulator",
}
"""Section name -> ``module:class``.

Other distributions add theirs under the entry point group ``osaka_twin.simulators``.
"""


def simulator_names() -> tuple[str, ...]:
    """Names of every simulator, ours first."""
    return (*SIMULATORS, *(point.name for point in entry_points(group="osaka_twin.simulators")))


@cache
def simulator(name: str) -> Simulator:
    """The simulator of a section.

    Raises
    ------
    ScenarioError
        If nobody registered one of that name.
    """
    if name in SIMULATORS:
        module, _, attribute = SIMULATORS[name].partition(":")
        made: Simulator = getattr(import_module(module), attribute)()
        return made
    for point in entry_points(group="osaka_twin.simulators", name=name):
        made = point.load()()
        return made
    raise ScenarioError(
        f"there is no simulator {name!r}", where="scenario", remedy=f"There are: {', '.join(simulator_names())}."
    )
