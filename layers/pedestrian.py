"""Pedestrian networks in one form, whoever surveyed them: what every link says, and how both directions are made.

Every network that a pedestrian reader (``mlit_walk``, ``osm_walk``) returns has **all** attributes of this table, in
the direction of the link (:data:`ATTRIBUTES` holds the same as data). Where the source says nothing, ``known`` is False
and the value is the neutral one of the last column: an interval that holds everything, NaN, -1 for a code.

============== ===== ======== ================================================================================ ========
name           units dtype    meaning                                                                          unknown
============== ===== ======== ================================================================================ ========
kind           1     int8     :class:`twin.network.LinkKind`: what somebody on foot does there                 12 OTHER
structure      1     int8     LinkKind of the place that a link is part of: FOOTWAY, ROAD, CROSSING,           12 OTHER
                              UNDERGROUND, BRIDGE, INDOOR, OTHER (stairs of a footbridge: BRIDGE)
marked         1     int8     a crossing has road markings: 1, 0 (only where structure is CROSSING)            -1
width          m     float64  the narrowest place is at least this wide; never an elevator's door              0
width_most     m     float64  ... and at most this (inf: no bound)                                             inf
slope          1     float64  steepest gradient, rise over run, up positive; surveyed, else of the terrain      NaN
slope_least    1     float64  the steepest gradient, signed, is at least this, by the survey alone ...         -inf
slope_most     1     float64  ... and at most this; -0.05 to 0.05 where a class gives no direction             inf
climb          1     float64  steepest rise over 10 m, >= 0, from the terrain (:mod:`layers.slope`)            NaN
descent        1     float64  steepest fall over 10 m, <= 0, from the terrain                                  NaN
step_least     m     float64  the highest step (kerb) is at least this high ...                                0
step_most      m     float64  ... and at most this                                                             inf
crossfall      1     float64  steepest gradient across, >= 0                                                   NaN
stairs         1     int16    number of stairs                                                                 -1
handrail       1     int8     :class:`Handrail`, seen in the link's direction                                  -1
tactile        1     int8     tactile paving: 1, 0                                                             -1
signal         1     int8     :class:`Signal`                                                                  -1
audible        1     int8     :class:`Audible`: sound of the signal                                            -1
roof           1     int8     covered: 1, 0                                                                    -1
elevator       1     int8     :class:`Elevator`: whom the elevator is fit for                                  -1
door_width     m     float64  the elevator's door is at least this wide                                        0
door           1     int8     :class:`Door` that must be passed                                                -1
wheelchair     1     int8     :class:`Wheelchair`: what the source says as a whole                             -1
surface        1     int8     :class:`Surface`: whether wheels roll on it                                      -1
restriction    1     int8     :class:`Restriction`: who may pass                                               -1
level          1     float64  floor of the lower end: 0 ground, 1 first deck, -1 first basement, .5 mezzanine  0
opens          s     float64  second of the day from which it is open ...                                      0
closes         s     float64  ... and at which it closes; ``closes <= opens`` means after midnight             86400
closed_days    1     uint8    bit 0 Monday ... bit 6 Sunday: closed                                            0
============== ===== ======== ================================================================================ ========

Rules that hold for every reader:

- The intervals are honest: the truth lies in ``[least, most]`` whether the value is known or not. A step is known good
  if ``step_most <= limit``, else known bad if ``step_least >= limit`` (classes are open below: over 2 cm), else
  unknown; a width is known good if ``width >= limit``, else known bad if ``width_most <= limit``. Numbers are float64,
  so that a limit of 0.05 meets the bound 0.05 of a class exactly.
- An opposite link has ``slope -> -slope``, ``(slope_least, slope_most) -> (-slope_most, -slope_least)``,
  ``(climb, descent) -> (-descent, -climb)`` and its handrails changed over; all else is the same both ways.
- Width, step and slope of an elevator are unknown: its door is ``door_width``.
- ``level`` is known where both ends say their floor. A link with ``level < 0`` lies underground; the stairs from the
  street down have the lower end's level and are underground as well, those up to a deck have level 0.
- Nothing stated about hours means always open, and ``known`` is False.
- ``attribute.source`` names the columns it came from, or says ``not surveyed``. What the source says literally is in
  the layer's ``links`` under ``source_<column>``: ``"99"`` is said to be unknown, ``""`` is not said, and a column that
  is not there was not surveyed.

``links`` has a row a feature: ``id``, ``start`` and ``end`` (rows of ``nodes``), ``kind`` (name of the LinkKind),
``name``, ``length`` [m], ``elevator_group`` (links with the same number are one elevator, -1 none: wait once, and an
outage closes them all), then the source's columns, and the line from start to end. ``nodes`` has a row a node: ``id``,
``floor`` (NaN unknown), ``in_out`` (1 outside, 2 border, 3 inside, 0 unknown), ``elevation`` (NaN unknown), then the
source's columns. Heights of ``network.node_xyz`` and of the lines are those of the terrain where the reader is given
one (:func:`layers.slope.with_slope`); else elevations as stated and 5 m a floor, with a note.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from twin.errors import LayerError
from twin.network import Attribute, LinkKind, Network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = [
    "ATTRIBUTES",
    "Audible",
    "Column",
    "Door",
    "Elevator",
    "Handrail",
    "Restriction",
    "Signal",
    "Surface",
    "Wheelchair",
    "directed",
]


class Handrail(IntEnum):
    """Where the handrail is, seen in the link's direction."""

    NONE = 0
    RIGHT = 1
    LEFT = 2
    BOTH = 3


class Signal(IntEnum):
    """Signal of a crossing."""

    NONE = 0
    PEDESTRIAN_PHASE = 1
    """Pedestrians and vehicles have separate phases (歩車分離式)."""
    PUSH_BUTTON = 2
    OTHER = 3


class Audible(IntEnum):
    """Sound of a signal."""

    NONE = 0
    ALWAYS = 1
    PUSH_BUTTON = 2
    OTHER = 3


class Elevator(IntEnum):
    """Whom an elevator is fit for."""

    NONE = 0
    PLAIN = 1
    """There is one, without facilities for wheelchairs or the blind."""
    WHEELCHAIR = 2
    BLIND = 3
    BOTH = 4


class Door(IntEnum):
    """Door that must be passed."""

    NONE = 0
    AUTOMATIC = 1
    BUTTON = 2
    """Automatic, opened by a button."""
    SLIDING = 3
    SWING = 4
    REVOLVING = 5
    OTHER = 6


class Surface(IntEnum):
    """Whether wheels roll on it."""

    GOOD = 0
    HARD = 1
    """Earth, gravel, sand, cobbles: hard going for wheels."""


class Wheelchair(IntEnum):
    """Whether the source says that a wheelchair gets along: OSM's ``wheelchair``, a Z in the rank of 2024."""

    NO = 0
    LIMITED = 1
    YES = 2


class Restriction(IntEnum):
    """Who may pass."""

    FREE = 0
    PRIVATE = 1
    """Private ground: with permission, or customers only."""
    TOLL = 2


class _Spec(NamedTuple):
    units: str
    dtype: str
    unknown: float


ATTRIBUTES: dict[str, _Spec] = {
    "kind": _Spec("1", "int8", LinkKind.OTHER),
    "structure": _Spec("1", "int8", LinkKind.OTHER),
    "marked": _Spec("1", "int8", -1),
    "width": _Spec("m", "float64", 0.0),
    "width_most": _Spec("m", "float64", np.inf),
    "slope": _Spec("1", "float64", np.nan),
    "slope_least": _Spec("1", "float64", -np.inf),
    "slope_most": _Spec("1", "float64", np.inf),
    "climb": _Spec("1", "float64", np.nan),
    "descent": _Spec("1", "float64", np.nan),
    "step_least": _Spec("m", "float64", 0.0),
    "step_most": _Spec("m", "float64", np.inf),
    "crossfall": _Spec("1", "float64", np.nan),
    "stairs": _Spec("1", "int16", -1),
    "handrail": _Spec("1", "int8", -1),
    "tactile": _Spec("1", "int8", -1),
    "signal": _Spec("1", "int8", -1),
    "audible": _Spec("1", "int8", -1),
    "roof": _Spec("1", "int8", -1),
    "elevator": _Spec("1", "int8", -1),
    "door_width": _Spec("m", "float64", 0.0),
    "door": _Spec("1", "int8", -1),
    "wheelchair": _Spec("1", "int8", -1),
    "surface": _Spec("1", "int8", -1),
    "restriction": _Spec("1", "int8", -1),
    "level": _Spec("1", "float64", 0.0),
    "opens": _Spec("s", "float64", 0.0),
    "closes": _Spec("s", "float64", 86400.0),
    "closed_days": _Spec("1", "uint8", 0),
}
"""Units, number type and neutral value of every attribute of a pedestrian network."""


class Column(NamedTuple):
    """One attribute of every feature, in the direction of the feature's line.

    Parameters
    ----------
    values : ndarray (n_features,)
        Taken only where `known`.
    known : ndarray of bool (n_features,)
    source : str
        Column or rule it came from.
    """

    values: NDArray[Any]
    known: NDArray[np.bool_]
    source: str


def directed(
    node_xyz: NDArray[np.float64],
    *,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    length: NDArray[np.float64],
    forward: NDArray[np.bool_],
    backward: NDArray[np.bool_],
    columns: Mapping[str, Column],
) -> Network:
    """Directed network of features that can be walked from start to end, back, or both ways.

    Parameters
    ----------
    node_xyz : ndarray (n_nodes, 3)
        Positions [m].
    start, end : ndarray of int (n_features,)
        Nodes of every feature.
    length : ndarray (n_features,)
        Lengths [m].
    forward, backward : ndarray of bool (n_features,)
        Ways in which it may be walked; a feature with neither has no link.
    columns : mapping of str to Column
        What is known, by the names of :data:`ATTRIBUTES`; the others are not surveyed.

    Raises
    ------
    LayerError
        If a feature begins and ends at the same node (it corrupts hierarchies of a graph), or names none.

    Examples
    --------
    >>> up = Column(np.array([0.06]), np.array([True]), "survey")
    >>> ends = np.array([0]), np.array([1])
    >>> both = np.array([True])
    >>> xyz = np.array([[0.0, 0, 0], [10, 0, 0]])
    >>> net = directed(
    ...     xyz, start=ends[0], end=ends[1], length=np.array([10.0]), forward=both, backward=both, columns={"slope": up}
    ... )
    >>> net.attributes["slope"].values.tolist(), net.attributes["width_most"].values.tolist()
    ([0.06, -0.06], [inf, inf])
    """
    loops = np.flatnonzero((start == end) & (forward | backward))
    if loops.size:
        raise LayerError(
            f"{loops.size} links begin and end at one node, the first is feature {loops[0]}",
            where="network",
            remedy="Leave self-loops out: nobody gets anywhere on them.",
        )
    ahead, back = np.flatnonzero(forward), np.flatnonzero(backward)
    feature = np.concatenate([ahead, back])
    is_reversed = np.repeat([False, True], [len(ahead), len(back)])
    full = {name: _filled(name, columns.get(name), len(start)) for name in ATTRIBUTES}
    opposite = _opposite(full)
    attributes = {
        name: Attribute(
            np.concatenate([own.values[ahead], opposite[name].values[back]]),
            np.concatenate([own.known[ahead], opposite[name].known[back]]),
            ATTRIBUTES[name].units,
            own.source,
        )
        for name, own in full.items()
    }
    return Network.from_links(
        node_xyz,
        tail=np.concatenate([start[ahead], end[back]]),
        head=np.concatenate([end[ahead], start[back]]),
        length=length[feature],
        feature=feature,
        is_reversed=is_reversed,
        attributes=attributes,
    )


def _filled(name: str, column: Column | None, count: int) -> Column:
    """`column` in its number type, with the neutral value where nothing is known."""
    spec = ATTRIBUTES[name]
    if column is None:
        return Column(np.full(count, spec.unknown, dtype=spec.dtype), np.zeros(count, dtype=np.bool_), "not surveyed")
    values = np.where(column.known, column.values, spec.unknown).astype(spec.dtype)
    return Column(values, np.asarray(column.known, dtype=np.bool_), column.source)


_CHANGED_OVER = np.array([Handrail.NONE, Handrail.LEFT, Handrail.RIGHT, Handrail.BOTH, -1], dtype=np.int8)
"""Handrail as seen by somebody who comes the other way; the last one is reached by -1, unknown."""


def _opposite(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The same features walked from end to start."""
    least, most = columns["slope_least"], columns["slope_most"]
    climb, descent = columns["climb"], columns["descent"]
    slope, handrail = columns["slope"], columns["handrail"]
    return {
        **columns,
        "slope": slope._replace(values=-slope.values),
        "slope_least": most._replace(values=-most.values),
        "slope_most": least._replace(values=-least.values),
        "climb": descent._replace(values=-descent.values),
        "descent": climb._replace(values=-climb.values),
        "handrail": handrail._replace(values=_CHANGED_OVER[handrail.values.astype(np.int64)]),
    }
