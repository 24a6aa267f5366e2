"""The routing simulator: checks, allocation, results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.access.scenario import NEAREST, AccessSection
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sim.access.model import AccessModel, Ends
    from sim.access.place import Place, Placer
    from sim.access.profile import Profile
    from sim.access.scenario import PlaceInput
    from sim.protocol import Model
    from sim.stage import Products, StageInput
    from twin.city import CityModel

__all__ = ["AccessSimulator"]


class AccessSimulator:
    """Barrier-free routing; a ``sim.protocol.Simulator`` of one step."""

    name = "access"
    section = AccessSection

    def needs(self, section: AccessSection) -> tuple[str, ...]:
        """Layers of the city that it reads."""
        places: list[PlaceInput] = [request.from_ for request in section.requests]
        places += [request.from_ for request in section.reach]
        for request in section.requests:
            places += _several(request.to)
        named = [place.partition(":")[0] for place in places if isinstance(place, str) and ":" in place]
        own = (section.network, section.terrain, section.shelters, section.underground, section.entrances)
        return tuple(dict.fromkeys((*own, *named)))

    def prepare(self, stage: StageInput) -> AccessModel:
        """Check the scenario against the city and bring every place onto the network.

        Raises
        ------
        ScenarioError, LayerError
            Naming the field, the value and the remedy.
        """
        from sim.access.appraisal import read_conveyances
        from sim.access.model import AccessModel
        from sim.access.place import Placer
        from sim.access.surroundings import gather_conditions, is_night, lay_network

        section = stage.section
        assert isinstance(section, AccessSection)
        if stage.city is None:
            raise ScenarioError("needs a city", where="access", remedy="Name the catalogue: city: catalog.yaml.")
        stage.require_renamed(self.name, "terrain", "underground", "entrances")
        layer = lay_network(stage.city, section)
        profiles = _profiles(stage, section)
        ends = _ends(stage, section, stage.city, Placer(layer, stage.city, section.snap_within))
        conveyances = read_conveyances(stage.files.path(section.conveyances) if section.conveyances else None)
        return AccessModel(
            section,
            layer,
            ends,
            profiles,
            conveyances,
            gather_conditions(stage, section, layer),
            is_night=is_night(stage, section),
            seed=stage.scenario.seed,
        )

    def horizon(self, section: AccessSection) -> tuple[float, float]:
        """(until, every): one step."""
        del section
        return 1.0, 1.0

    def summarise(self, model: Model) -> Products:
        """Tables and figures of a finished run."""
        from sim.access.model import AccessModel
        from sim.access.outputs import summarise

        assert isinstance(model, AccessModel)
        return summarise(model)


def _several(to: PlaceInput | tuple[PlaceInput, ...]) -> list[PlaceInput]:
    """Goals as a list; a point is a tuple of two numbers."""
    if isinstance(to, tuple) and not isinstance(to[0], float | int):
        return [place for place in to if isinstance(place, str | tuple)]
    return [to]


def _profiles(stage: StageInput, section: AccessSection) -> Mapping[str, Profile]:
    from sim.access.profile import read_profiles

    known = read_profiles(stage.files.path(section.profiles) if section.profiles else None)
    for name in section.profile_names:
        if name not in known:
            raise ScenarioError(
                f"there is no profile {name!r}", where="access", remedy=f"There are: {', '.join(known)}."
            )
    return {name: known[name] for name in section.profile_names}


def _ends(stage: StageInput, section: AccessSection, city: CityModel, placer: Placer) -> Ends:
    from sim.access.model import Ends

    requests = []
    for number, request in enumerate(section.requests):
        where = f"access.requests.{number}"
        origin = placer.place(request.from_, request.from_level, f"{where}.from")
        requests.append((origin, _goals(stage, section, number, city, placer)))
    reach = [
        placer.place(request.from_, request.from_level, f"access.reach.{number}.from")
        for number, request in enumerate(section.reach)
    ]
    return Ends(requests, reach)


def _goals(stage: StageInput, section: AccessSection, number: int, city: CityModel, placer: Placer) -> list[Place]:
    from sim.access.place import shelter_places
    from twin.layer import VectorLayer

    request, where = section.requests[number], f"access.requests.{number}.to"
    if request.to == NEAREST:
        shelters = city.require(section.shelters, VectorLayer)
        return shelter_places(placer, shelters, section.shelter_purpose, where, stage.upstream.get("evacuation"))
    return [placer.place(place, request.to_level, where) for place in _several(request.to)]
