"""Ways of OpenStreetMap divided into links: where they meet, at kerbs and barriers, and elevators between floors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from layers.osm_tags import facts_of, is_walked, levels, step_of
from twin.network import LinkKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from layers.osm_elements import Elements, Tags, Way
    from layers.osm_tags import OsmTables

__all__ = ["NodeKey", "Piece", "divide"]

NodeKey = tuple[int, str]
"""Number of a node of the map, and which of the places that stand for it: a closed gate has one a way, an elevator one
a floor."""
STOREY = 5.0
"""Travel of an elevator from floor to floor [m]."""


@dataclass(slots=True)
class Piece:
    """A link to be: part of a way between two nodes.

    Parameters
    ----------
    id : str
    way : int
        Number of the way, 0 for an elevator.
    start, end : NodeKey
    nodes : tuple of int
        Nodes along it.
    tags : mapping
        Of the way, or of the node for an elevator.
    facts : dict
        Attributes stated, in the direction of the way.
    forward, backward : bool
        Ways in which it may be walked.
    """

    id: str
    way: int
    start: NodeKey
    end: NodeKey
    nodes: tuple[int, ...]
    tags: Mapping[str, str]
    facts: dict[str, float]
    forward: bool = True
    backward: bool = True


def divide(elements: Elements, tables: OsmTables, notes: list[str]) -> list[Piece]:
    """Links of all ways that people may walk.

    Parameters
    ----------
    elements : Elements
    tables : OsmTables
    notes : list of str
        What was left out is added to it.
    """
    walked = [way for way in elements.ways if is_walked(way.tags, tables)]
    special = {n: tags for n, tags in elements.node_tags.items() if _is_special(tags, tables)}
    used = Counter(node for way in walked for node in way.nodes)
    pieces: list[Piece] = []
    cut = 0
    for way in walked:
        runs = _present(way, elements)
        cut += len(way.nodes) - sum(len(run) for run in runs)
        ends = used.keys() & special.keys() | {node for node in way.nodes if used[node] > 1}
        facts, ways = facts_of(way.tags, tables), _ways(way.tags, tables)
        for number, nodes in enumerate(part for run in runs for part in _parts(run, ends)):
            name = f"w{way.id}-{number}"
            pieces.append(Piece(name, way.id, (nodes[0], ""), (nodes[-1], ""), nodes, way.tags, dict(facts), *ways))
    if cut:
        notes.append(f"{cut} nodes of ways lie beyond the edge of the extract: the ways end there")
    _apply_nodes(pieces, elements.node_tags, special, tables, notes)
    return [piece for piece in pieces if piece.start != piece.end]


def _is_special(tags: Tags, tables: OsmTables) -> bool:
    return (
        tags.get("highway") == "elevator"
        or tags.get("barrier") == "kerb"
        or "kerb" in tags
        or tags.get("barrier") in tables.barriers
        or _is_closed(tags, tables)
    )


def _is_closed(tags: Tags, tables: OsmTables) -> bool:
    if "barrier" not in tags and "entrance" not in tags:
        return False
    return tags.get("foot", tags.get("access", "")) in tables.closed or tags.get("locked") == "yes"


def _ways(tags: Mapping[str, str], tables: OsmTables) -> tuple[bool, bool]:
    conveys = tables.conveying.get(tags.get("conveying", ""), "both")
    one = {"yes": "forward", "-1": "backward"}.get(tags.get("oneway:foot", ""), conveys)
    return one != "backward", one != "forward"


def _present(way: Way, elements: Elements) -> list[tuple[int, ...]]:
    """Runs of nodes whose places are known."""
    runs: list[list[int]] = [[]]
    for node in way.nodes:
        if node in elements.place:
            if not runs[-1] or runs[-1][-1] != node:
                runs[-1].append(node)
        elif runs[-1]:
            runs.append([])
    return [tuple(run) for run in runs if len(run) > 1]


def _parts(run: tuple[int, ...], ends: set[int]) -> Iterable[tuple[int, ...]]:
    """Parts of a run between `ends`; a part that comes back to its beginning is halved, so that it has two ends."""
    stops = [0, *(k for k in range(1, len(run) - 1) if run[k] in ends), len(run) - 1]
    for first, last in pairwise(stops):
        part = run[first : last + 1]
        if part[0] != part[-1]:
            yield part
        elif len(part) > 2:
            middle = len(part) // 2
            yield part[: middle + 1]
            yield part[middle:]


def _apply_nodes(
    pieces: list[Piece], node_tags: Mapping[int, Tags], special: Mapping[int, Tags], tables: OsmTables, notes: list[str]
) -> None:
    """What nodes say: kerbs, barriers, crossings, closed gates, elevators."""
    around: dict[int, list[Piece]] = {}
    for piece in pieces:
        for node in {piece.start[0], piece.end[0]}:
            if node in special:
                around.setdefault(node, []).append(piece)
        if piece.facts["structure"] == LinkKind.CROSSING:
            for node in piece.nodes:
                if node_tags.get(node, {}).get("highway") == "crossing":
                    merged = {**node_tags[node], **piece.tags}
                    piece.facts.update(facts_of({**merged, "highway": piece.tags["highway"]}, tables))
    closed = 0
    kerbs: Counter[int] = Counter()
    for node, touching in around.items():
        tags = special[node]
        if tags.get("highway") == "elevator":
            pieces += _elevator(node, tags, touching, tables)
        elif _is_closed(tags, tables):
            closed += 1
            for number, piece in enumerate(touching):
                _detach(piece, node, str(number))
        if tags.get("barrier") in tables.barriers:
            for piece in touching:
                piece.facts["wheelchair"] = 0
        kerbs.update(_apply_kerb(tags, touching, tables))
    for piece in pieces:
        # the kerb on the other side of the road is not on the map: it may be higher
        if kerbs[piece.way] == 1:
            piece.facts.pop("step_most", None)
    if closed:
        notes.append(f"{closed} gates and other barriers are closed to people: the ways end there")


def _apply_kerb(tags: Tags, touching: list[Piece], tables: OsmTables) -> set[int]:
    """A kerb is stepped over on the crossing that it belongs to; where there is none, on every way that meets it.

    Returns the ways of the crossings.
    """
    step = step_of(tags, tables)
    if step is None:
        return set()
    crossings = [piece for piece in touching if piece.facts["structure"] == LinkKind.CROSSING]
    for piece in crossings or touching:
        # the highest of a link's kerbs counts; one unknown leaves the other's bound
        piece.facts["step_least"] = max(step[0], piece.facts.get("step_least", 0.0))
        piece.facts["step_most"] = max(step[1], piece.facts.get("step_most", 0.0))
    if "tactile_paving" in tags:
        for piece in crossings:
            piece.facts.setdefault("tactile", tables.tactile_paving.get(tags["tactile_paving"], 0))
    return {piece.way for piece in crossings}


def _detach(piece: Piece, node: int, place: str) -> None:
    if piece.start[0] == node:
        piece.start = (node, place)
    if piece.end[0] == node:
        piece.end = (node, place)


def _elevator(node: int, tags: Tags, touching: list[Piece], tables: OsmTables) -> list[Piece]:
    """Links of an elevator drawn as a node: one between neighbouring floors, each way joined to its floor."""
    own = levels(tags.get("level", ""))
    floor_of = []
    for piece in touching:
        stated = levels(piece.tags.get("level", "")) or (0.0,)
        shared = [floor for floor in stated if floor in own] or list(stated)
        floor_of.append(min(shared))
    served = sorted(set(floor_of))
    if len(served) < 2:
        return []
    for piece, floor in zip(touching, floor_of, strict=True):
        _detach(piece, node, f"{floor:g}")
    out = []
    for low, high in pairwise(served):
        facts = facts_of({**tags, "highway": "elevator"}, tables)
        facts["level"] = low
        facts["rise"] = high - low
        out.append(Piece(f"n{node}-{low:g}", 0, (node, f"{low:g}"), (node, f"{high:g}"), (node, node), tags, facts))
    return out
