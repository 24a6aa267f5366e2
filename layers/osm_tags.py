"""What the tags of a way say to somebody on foot: rules of ``layers/tables/osm_walk.yaml`` and readings of values."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Literal

from layers.pedestrian import Elevator, Restriction, Signal
from layers.replaceable_table import TablePart, read_replaceable_table
from twin.network import LinkKind

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "RULE_TAGS",
    "OsmTables",
    "facts_of",
    "gradient",
    "is_walked",
    "levels",
    "metres",
    "read_osm_tables",
    "step_of",
]

RULE_TAGS = (
    "highway", "foot", "access", "bridge", "tunnel", "indoor", "level", "width", "incline", "incline:across", "kerb",
    "kerb:height", "surface", "smoothness", "wheelchair", "step_count", "handrail", "tactile_paving", "covered",
    "crossing", "crossing:markings", "crossing:signals", "button_operated", "traffic_signals:sound", "conveying",
    "oneway:foot", "toll", "ramp",
)  # fmt: skip
"""Tags that rules read."""


class OsmTables(TablePart):
    """Contents of ``layers/tables/osm_walk.yaml``."""

    highway: dict[str, Literal["FOOTWAY", "ROAD", "INDOOR", "OTHER"]]
    by_invitation: tuple[str, ...]
    invitations: dict[str, tuple[str, ...]]
    closed: tuple[str, ...]
    private: tuple[str, ...]
    kerb: dict[str, tuple[float, float]]
    surface: dict[str, int]
    smoothness: dict[str, int]
    tactile_paving: dict[str, int]
    wheelchair: dict[str, int]
    handrail: dict[str, int]
    covered: dict[str, int]
    marked: dict[str, int]
    sound: dict[str, int]
    conveying: dict[str, Literal["forward", "backward", "both"]]
    barriers: tuple[str, ...]
    keep: tuple[str, ...]


def read_osm_tables(uri: str | None = None) -> OsmTables:
    """The tables that come with the twin, or others of the same form.

    Raises
    ------
    LayerError
        If the file is not of that form.
    """
    return read_replaceable_table(OsmTables, "osm_walk.yaml", uri, "tags")


def is_walked(tags: Mapping[str, str], tables: OsmTables) -> bool:
    """Whether people may walk a way."""
    highway = tags.get("highway", "")
    if highway not in tables.highway or tags.get("foot", tags.get("access", "")) in tables.closed:
        return False
    if highway not in tables.by_invitation:
        return True
    return any(tags.get(key) in values for key, values in tables.invitations.items())


def facts_of(tags: Mapping[str, str], tables: OsmTables) -> dict[str, float]:
    """Attributes that tags state, by the names of :data:`layers.pedestrian.ATTRIBUTES`; one not stated is not in it."""
    structure = _structure(tags, tables)
    kind = _kind(tags, structure)
    facts: dict[str, float] = {"kind": kind, "structure": structure}
    facts.update(_codes(tags, tables))
    if structure == LinkKind.CROSSING:
        facts.update(_crossing(tags, tables))
    if kind == LinkKind.ELEVATOR:
        facts.update(_elevator(tags))
    else:
        facts["elevator"] = Elevator.NONE
        width = metres(tags.get("width", ""))
        if width is not None:
            facts["width"] = facts["width_most"] = width
        facts.update(_slope(tags.get("incline", "")))
        step = step_of(tags, tables)
        if step is not None:
            facts["step_least"], facts["step_most"] = step
    across = gradient(tags.get("incline:across", ""))
    if across is not None:
        facts["crossfall"] = abs(across)
    if re.fullmatch(r"\d{1,4}", tags.get("step_count", "")):
        facts["stairs"] = int(tags["step_count"])
    level = _level(tags)
    if level is not None:
        facts["level"] = level
    return facts


def _structure(tags: Mapping[str, str], tables: OsmTables) -> LinkKind:
    floors = levels(tags.get("level", ""))
    if "crossing" in (tags.get("footway"), tags.get("path"), tags.get("cycleway"), tags.get("highway")):
        return LinkKind.CROSSING
    if tags.get("bridge", "no") != "no":
        return LinkKind.BRIDGE
    is_tunnel = tags.get("tunnel", "no") not in ("no", "building_passage")
    if is_tunnel or tags.get("location") == "underground" or (floors and max(floors) < 0):
        return LinkKind.UNDERGROUND
    if tags.get("indoor", "no") != "no":
        return LinkKind.INDOOR
    return LinkKind[tables.highway[tags["highway"]]]


def _kind(tags: Mapping[str, str], structure: LinkKind) -> LinkKind:
    conveys = tags.get("conveying", "no") != "no"
    if tags["highway"] == "elevator":
        return LinkKind.ELEVATOR
    if tags["highway"] == "steps":
        return LinkKind.ESCALATOR if conveys else LinkKind.STAIRS
    if conveys:
        return LinkKind.MOVING_WALKWAY
    return LinkKind.RAMP if tags.get("ramp") == "yes" and structure != LinkKind.CROSSING else structure


def _codes(tags: Mapping[str, str], tables: OsmTables) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, key, meaning in (
        ("surface", "surface", tables.surface),
        ("surface", "smoothness", tables.smoothness),
        ("tactile", "tactile_paving", tables.tactile_paving),
        ("wheelchair", "wheelchair", tables.wheelchair),
        ("handrail", "handrail", tables.handrail),
        ("roof", "covered", tables.covered),
    ):
        if tags.get(key) in meaning:
            found[name] = meaning[tags[key]]
    if tags.get("tunnel", "no") != "no" or tags.get("indoor", "no") != "no" or tags["highway"] == "corridor":
        found["roof"] = 1
    who = tags.get("foot", tags.get("access", ""))
    if who in tables.private:
        found["restriction"] = Restriction.PRIVATE
    elif tags.get("toll") == "yes":
        found["restriction"] = Restriction.TOLL
    elif who:
        found["restriction"] = Restriction.FREE
    return found


def _crossing(tags: Mapping[str, str], tables: OsmTables) -> dict[str, float]:
    found: dict[str, float] = {}
    crossing, markings = tags.get("crossing", ""), tags.get("crossing:markings", "")
    if markings:
        found["marked"] = float(markings != "no")
    elif crossing in tables.marked:
        found["marked"] = tables.marked[crossing]
    has_signals = tags.get("crossing:signals", "yes" if crossing == "traffic_signals" else "")
    if has_signals == "yes":
        found["signal"] = Signal.PUSH_BUTTON if tags.get("button_operated") == "yes" else Signal.OTHER
    elif has_signals == "no" or crossing:
        found["signal"] = Signal.NONE
    if tags.get("traffic_signals:sound") in tables.sound:
        found["audible"] = tables.sound[tags["traffic_signals:sound"]]
    return found


def _elevator(tags: Mapping[str, str]) -> dict[str, float]:
    found: dict[str, float] = {}
    speaks = "yes" in (tags.get("speech_output"), tags.get("tactile_writing:braille"))
    wheelchair = tags.get("wheelchair", "")
    if wheelchair in ("yes", "designated"):
        found["elevator"] = Elevator.BOTH if speaks else Elevator.WHEELCHAIR
    elif wheelchair == "no":
        found["elevator"] = Elevator.BLIND if speaks else Elevator.PLAIN
    door = metres(tags.get("door:width", ""))
    if door is not None:
        found["door_width"] = door
    return found


def _slope(text: str) -> dict[str, float]:
    if text in ("up", "down"):
        return {"slope_least": 0.0} if text == "up" else {"slope_most": 0.0}
    value = gradient(text)
    return {} if value is None else {"slope": value, "slope_least": value, "slope_most": value}


def _level(tags: Mapping[str, str]) -> float | None:
    floors = levels(tags.get("level", ""))
    if floors:
        return min(floors)
    layer = levels(tags.get("layer", "")) or (0.0,)
    if tags.get("bridge", "no") != "no" and tags["highway"] != "steps":
        return max(1.0, layer[0])
    if tags.get("tunnel", "no") not in ("no", "building_passage"):
        return min(-1.0, layer[0])
    return None


def step_of(tags: Mapping[str, str], tables: OsmTables) -> tuple[float, float] | None:
    """Least and greatest height of the highest step [m] that tags of a kerb state."""
    height = metres(tags.get("kerb:height", "")) if "kerb:height" in tags else metres(tags.get("height", ""))
    if tags.get("kerb") not in tables.kerb and tags.get("barrier") != "kerb" and "kerb:height" not in tags:
        return None
    return (height, height) if height is not None else tables.kerb.get(tags.get("kerb", ""))


def metres(text: str) -> float | None:
    """Length in a tag: ``2.5``, ``2,5 m``, ``80 cm``, ``6'``, ``5'6"``, of several the least; None where it is none.

    Examples
    --------
    >>> [metres(t) for t in ("2.5", "80 cm", "2 m;3 m", "narrow")]
    [2.5, 0.8, 2.0, None]
    """
    found = []
    for part in text.split(";"):
        plain = part.strip().replace(",", ".")
        imperial = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:'|ft)\s*(?:(\d+(?:\.\d+)?)\s*(?:\"|in))?", plain)
        metric = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(mm|cm|m|)", plain)
        if imperial:
            found.append(float(imperial[1]) * 0.3048 + float(imperial[2] or 0) * 0.0254)
        elif metric:
            found.append(float(metric[1]) / {"mm": 1000, "cm": 100, "m": 1, "": 1}[metric[2]])
    return min(found, default=None)


def gradient(text: str) -> float | None:
    """Rise over run in a tag: ``5%``, ``-4.5 %``, ``7°``, ``30‰``, ``1:12``; None where it is none.

    Examples
    --------
    >>> [gradient(t) for t in ("5%", "-10 %", "50‰", "0", "up")]
    [0.05, -0.1, 0.05, 0.0, None]
    """
    plain = text.strip().replace(",", ".").replace("−", "-")
    ratio = re.fullmatch(r"([+-]?)(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)", plain)
    if ratio and float(ratio[3]) > 0:
        return (-1 if ratio[1] == "-" else 1) * float(ratio[2]) / float(ratio[3])
    found = re.fullmatch(r"([+-]?\d+(?:\.\d+)?)\s*(%|°|‰)", plain)
    if not found:
        return 0.0 if re.fullmatch(r"0(\.0+)?", plain) else None
    value = float(found[1])
    if found[2] == "°":
        return math.tan(math.radians(value)) if abs(value) < 60 else None
    return value / (100.0 if found[2] == "%" else 1000.0)


def levels(text: str) -> tuple[float, ...]:
    """Floors in a tag: ``-1``, ``0;1``, ``0-2``, ``-1.5``; none where it is something else.

    Examples
    --------
    >>> levels("0;-1"), levels("0-2"), levels("-2--1"), levels("mezzanine")
    ((0.0, -1.0), (0.0, 1.0, 2.0), (-2.0, -1.0), ())
    """
    found: list[float] = []
    for part in filter(None, (p.strip() for p in text.split(";"))):
        span = re.fullmatch(r"(-?\d+)-(-?\d+)", part)
        if span and abs(int(span[2]) - int(span[1])) <= 200:
            low, high = sorted((int(span[1]), int(span[2])))
            found += [float(floor) for floor in range(low, high + 1)]
        elif re.fullmatch(r"-?\d+(\.\d+)?", part):
            found.append(float(part))
        else:
            return ()
    return tuple(found)
