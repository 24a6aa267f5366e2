"""What the runs of a scenario show over the city: a list for the page, and one pack each.

An overlay in the run document::

    {"id": "evacuation.agents", "stage": "evacuation", "key": "<run>", "kind": "agents", "name": {ja, en},
     "visible": true, "opacity": 1.0, "classes": [{"name", "color", "dash"?, "hidden"?}], "states": [1, 2, 3, 4],
     "shape": "disc"|"triangle"|"square"|"diamond", "labels": false, "url": null,
     "frames": {"url": "/data/…?from=", "n_frames": 12, "times_s": [0.0, …]}}

`kind` says how its pack is read: ``agents`` (frames), ``shelters``, ``links``, ``lines``, ``markers``, ``surfaces``,
``volumes``, ``flights``. Things that are shown for a time carry ``from`` and ``until`` [s].
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from layers.pack import write_pack
from twin.errors import StoreError
from viewer.api import access, agents, airspace, ensemble, evacuation, flood
from viewer.api.answer import squeeze
from viewer.api.kept import Kept
from viewer.api.scene import encoder_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from viewer.api.group import Member, RunGroup
    from viewer.api.scene import SceneShelf

__all__ = ["OverlayShelf", "overlay_styles"]

MOST_KEPT = 256_000_000
"""Bytes of packs that are kept in memory."""
TABLES = {
    "flood.zones": "exposure",
    "evacuation.shelters": "shelters",
    "evacuation.links": "links",
    "access.routes": "routes",
    "access.barriers": "barriers",
    "access.reach": "reach",
    "airspace.flights": "flight_points",
    "airspace.volumes": "volumes",
    "airspace.zones": "zones",
    "airspace.sites": "sites",
    "airspace.conflicts": "conflicts",
    "ensemble.probability": "exceedance",
    "ensemble.links": "links",
}
"""The table without which there is nothing to show."""
REACH = "access.reach"
ZONES = "flood.zones"
ENSEMBLE, PROBABILITY = "ensemble", "ensemble.probability"


class OverlayShelf:
    """Overlays of the runs of a store.

    Parameters
    ----------
    scene : SceneShelf
        Gives the origin, the bounds and the ground.
    """

    def __init__(self, scene: SceneShelf) -> None:
        self._scene = scene
        self._kept = Kept(MOST_KEPT)

    def entries(self, group: RunGroup) -> list[dict[str, Any]]:
        """What the runs of a scenario can show now, in the order of the layer list."""
        made: list[dict[str, Any]] = []
        for overlay, style in overlay_styles().items():
            member = group.get(overlay.partition(".")[0])
            if member is None:
                continue
            if style["kind"] == "agents":
                made += self._agents(member, overlay, style)
            elif member.has_table(TABLES[overlay]):
                made += self._tables(member, overlay, style)
        return made

    def pack(self, member: Member, digest: str, overlay: str) -> bytes:
        """The compressed pack of an overlay.

        Raises
        ------
        StoreError
            If the run shows no such thing, or the address is of another state.
        """
        if digest != self.digest(member):
            raise StoreError(
                "this address is of another state",
                where=f"run {member.run.key}",
                remedy="Load the run document again.",
            )
        base, _, number = overlay.partition("_")
        if base not in TABLES or not member.has_table(TABLES[base]) or (number and not number.isdigit()):
            raise StoreError(f"shows no {overlay!r}", where=f"run {member.run.key}", remedy="See the run document.")
        name = (member.run.key, digest, overlay)
        return self._kept.get(name, lambda: squeeze(write_pack(*self._arrays(member, base, int(number or 0)))))

    def agents(self, member: Member, digest: str, first: int) -> tuple[bytes, bool]:
        """Compressed positions of people from an output on, and whether that is for ever.

        Raises
        ------
        StoreError
            If the run has no people, or the address is of another state.
        """
        is_final = member.is_done and digest == self.digest(member)
        if not is_final and digest != "live":
            raise StoreError(
                "this address is of another state",
                where=f"run {member.run.key}",
                remedy="Load the run document again.",
            )
        if not member.has_field(agents.STATE):
            raise StoreError("shows no people yet", where=f"run {member.run.key}", remedy="Wait for its first output.")

        def make() -> bytes:
            return squeeze(write_pack(*agents.agent_frames(member, first, self._scene.origin)))

        if not is_final:
            return make(), False
        return self._kept.get((member.run.key, digest, "agents", str(first)), make), True

    def digest(self, member: Member) -> str:
        """Names the content of a finished run: what it was computed from, and the code that encodes it."""
        parts = f"{member.run.key}:{member.manifest.get('started')}:{encoder_digest()}:{self._scene.origin}"
        return hashlib.sha256(parts.encode()).hexdigest()[:16]

    def _agents(self, member: Member, overlay: str, style: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not member.has_field(agents.STATE):
            return
        address = self.digest(member) if member.is_done else "live"
        frames = {
            "url": f"/data/runs/{member.run.key}/{address}/agents?from=",
            "n_frames": member.outputs_done,
            "times_s": member.times,
        }
        yield self._entry(member, overlay, style) | {"frames": frames, "states": style["states"]}

    def _tables(self, member: Member, overlay: str, style: dict[str, Any]) -> Iterator[dict[str, Any]]:
        base = f"/data/runs/{member.run.key}/{self.digest(member)}/overlays"
        if overlay == REACH:
            for number in range(len(access.reaches(member))):
                name, classes = access.reach_classes(member, number, style)
                own = {"id": f"{overlay}_{number}", "name": name, "classes": classes}
                yield self._entry(member, overlay, style) | own | {"url": f"{base}/{overlay}_{number}.pack"}
            return
        if overlay == ZONES:
            # the tables of a run that is still being written cannot be read
            for number, zones in enumerate(flood.zones(member, style) if member.is_done else ()):
                own = {"id": f"{overlay}_{number}", "name": zones.name, "classes": zones.classes}
                yield self._entry(member, overlay, style) | own | {"url": f"{base}/{overlay}_{number}.pack"}
            return
        if member.stage == ENSEMBLE:
            first = ensemble.shown_first(member, overlay)
            for depth in ensemble.thresholds(member) if overlay == PROBABILITY else [first]:
                address = f"{overlay}_{round(depth * 100):03d}"
                name = {lang: text.format(depth=f"{depth:g}") for lang, text in style["name"].items()}
                shown = {"id": address, "name": name, "visible": overlay == PROBABILITY and depth == first}
                yield self._entry(member, overlay, style) | shown | {"url": f"{base}/{address}.pack"}
            return
        own = {"classes": access.route_classes(member, style)} if overlay == "access.routes" else {}
        yield self._entry(member, overlay, style) | own | {"url": f"{base}/{overlay}.pack"}

    def _entry(self, member: Member, overlay: str, style: dict[str, Any]) -> dict[str, Any]:
        classes = [
            {k: v for k, v in entry.items() if k not in ("values", "lower")} for entry in style.get("classes", ())
        ]
        return {
            "id": overlay,
            "stage": member.stage,
            "key": member.run.key,
            "kind": style["kind"],
            "name": style["name"],
            "visible": style["visible"],
            "opacity": style.get("opacity", 1.0),
            "classes": classes,
            "shape": style.get("shape", "disc"),
            "labels": style.get("labels", False),
            "url": None,
            "frames": None,
        }

    def _arrays(self, member: Member, overlay: str, number: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        scene, style = self._scene, overlay_styles()[overlay]
        origin, ground, bounds = scene.origin, scene.ground, scene.city.area
        if overlay == ZONES:
            return flood.zone_pack(member, number, style, origin)
        if overlay == "evacuation.shelters":
            return evacuation.shelter_pack(member, origin, ground)
        if overlay == "evacuation.links":
            return evacuation.link_pack(member, style, origin, ground)
        if overlay == "access.routes":
            return access.route_pack(member, origin, ground)
        if overlay == "access.barriers":
            return access.barrier_pack(member, origin, ground)
        if overlay == REACH:
            return access.reach_pack(member, number, style, origin, ground)
        if overlay == PROBABILITY:
            return ensemble.probability_pack(member, number / 100, style, origin, ground)
        if overlay == "ensemble.links":
            return ensemble.link_pack(member, number / 100, style, origin, ground)
        if overlay == "airspace.flights":
            return airspace.flight_pack(member, style, origin, ground)
        if overlay == "airspace.volumes":
            return airspace.volume_pack(member, bounds, origin, ground)
        if overlay == "airspace.zones":
            return airspace.zone_pack(member, style, bounds, origin, ground)
        if overlay == "airspace.sites":
            return airspace.site_pack(member, origin, ground)
        return airspace.conflict_pack(member, origin, ground)


@cache
def overlay_styles() -> dict[str, dict[str, Any]]:
    """What ``overlay.yaml`` says about every overlay."""
    content: dict[str, dict[str, Any]] = yaml.safe_load(files("viewer.api").joinpath("overlay.yaml").read_text("utf-8"))
    return content
