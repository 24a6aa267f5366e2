"""The airspace simulator: checks, planning, results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sim.airspace.fields  # noqa: F401  registers what the model stores
from sim.airspace.scenario import AirspaceSection, Delivery
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from sim.airspace.model import AirspaceModel
    from sim.protocol import Model
    from sim.stage import Products, StageInput

__all__ = ["AirspaceSimulator"]


class AirspaceSimulator:
    """Drones over the city; a ``sim.protocol.Simulator``."""

    name = "airspace"
    section = AirspaceSection

    def needs(self, section: AirspaceSection) -> tuple[str, ...]:
        """Layers of the city that it reads; all but terrain and buildings are taken if they are there."""
        goals = [m.to if isinstance(m, Delivery) else m.area for m in section.missions]
        places = [goal for goal in goals if isinstance(goal, str)]
        rules = ("did", "no_fly_sites", "aerodromes")
        return tuple(dict.fromkeys(("terrain", "buildings", *section.zones, section.landing_sites, *places, *rules)))

    def prepare(self, stage: StageInput) -> AirspaceModel:
        """Compile the airspace, plan every flight and look for its emergency landings.

        Raises
        ------
        ScenarioError, LayerError
            Naming the field, the value and the remedy.
        """
        import numpy as np
        import shapely

        from sim.airspace.airway import Airways
        from sim.airspace.compiler import AirspaceOptions, EmergencyArea, compile_airspace
        from sim.airspace.contingency import find_escapes
        from sim.airspace.energy import read_aircraft
        from sim.airspace.mission import draw_up
        from sim.airspace.model import AirspaceModel
        from sim.airspace.program import make_programme
        from sim.airspace.site import read_sites
        from twin.grid import Grid
        from twin.layer import VectorLayer

        section = stage.section
        assert isinstance(section, AirspaceSection)
        city = stage.city
        if city is None:
            raise ScenarioError(
                "there is no city to fly over", where="airspace", remedy="Name a catalogue (`city:`) in the scenario."
            )
        stage.require_renamed(self.name, "zones", "landing_sites")
        grid = Grid.from_bounds(stage.scenario.area.bbox, section.planning.cell_size, stage.grid.frame)
        emergency = tuple(
            EmergencyArea(shapely.Polygon(e.polygon), e.start, np.inf if e.until is None else e.until)
            for e in section.emergency
        )
        air = compile_airspace(
            city,
            grid,
            start=stage.scenario.start,
            horizon=section.duration,
            options=AirspaceOptions(
                level_height=section.levels.level_height,
                top_agl=section.levels.top,
                zones=section.zones,
                granted=section.granted,
                emergency=emergency,
            ),
        )
        airways = Airways(air, section)
        flood = stage.upstream.get("flood")
        table = stage.files.path(section.aircraft_table) if section.aircraft_table is not None else None
        layer = city.require(section.landing_sites, VectorLayer) if section.landing_sites in city else None
        sites = read_sites(layer, section.sites, air, flood, section.wet_depth)
        plan = draw_up(section, city, airways, sites, read_aircraft(table), flood)
        programme = make_programme(plan.errands, sites, airways, section)
        flying = [(f.flown, f.errand.aircraft) for f in programme.flights if f.flown is not None]
        found = iter(find_escapes(flying, sites, airways, section.wind.velocity, section.planning.reserve))
        escapes = [next(found) if flight.flown is not None else None for flight in programme.flights]
        return AirspaceModel(section, stage.grid, airways, sites, plan, programme, escapes)

    def horizon(self, section: AirspaceSection) -> tuple[float, float]:
        """(until, every) [s]."""
        return section.duration, section.output_every

    def summarise(self, model: Model) -> Products:
        """Tables and figures of a finished run."""
        from sim.airspace.model import AirspaceModel
        from sim.airspace.outputs import summarise

        assert isinstance(model, AirspaceModel)
        return summarise(model)
