"""A directed graph as compressed sparse rows, with attributes that may be unknown."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Attribute", "LinkKind", "Network"]


class LinkKind(IntEnum):
    """What a link is for somebody on foot (codes of the attribute ``kind``)."""

    ROAD = 0
    """Carriageway without a footway of its own: people walk on it, in a disaster at least."""
    FOOTWAY = 1
    CROSSING = 2
    STAIRS = 3
    ESCALATOR = 4
    ELEVATOR = 5
    RAMP = 6
    MOVING_WALKWAY = 7
    BRIDGE = 8
    """Footbridge or deck."""
    UNDERGROUND = 9
    INDOOR = 10
    RAIL_CROSSING = 11
    OTHER = 12


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of every link.

    Parameters
    ----------
    values : ndarray (n_links,)
    known : ndarray of bool (n_links,)
        False where the source says nothing: neither a yes nor a no.
    units : str
        Unit of the values, ``"1"`` for codes.
    source : str
        Column or rule it came from.
    """

    values: NDArray[np.generic]
    known: NDArray[np.bool_]
    units: str
    source: str


@dataclass(frozen=True, slots=True)
class Network:
    """Nodes with positions, directed links in CSR order (sorted by tail node).

    Parameters
    ----------
    node_xyz : ndarray (n_nodes, 3)
        Positions [m] in the layer's frame.
    link_start : ndarray (n_nodes + 1,)
        Links of node ``i`` are ``link_start[i]:link_start[i + 1]``.
    link_head : ndarray (n_links,)
        Node that a link leads to.
    link_length : ndarray (n_links,)
        Length [m].
    link_feature : ndarray (n_links,)
        Row of the source table; both directions of a two-way link share it.
    link_reversed : ndarray of bool (n_links,)
        Whether the link runs against the geometry of its row.
    attributes : mapping of str to Attribute
        One value a link. Names that every reader uses where it knows the thing: ``kind`` (:class:`LinkKind`),
        ``width`` [m], ``slope`` [1, rise over run in the link's direction, up positive], ``level`` [1, floor: 0 ground,
        -1 first basement].

    Examples
    --------
    >>> net = Network.from_links([[0, 0, 0], [3, 4, 0]], tail=[0, 1], head=[1, 0])
    >>> net.n_links, net.link_length.tolist()
    (2, [5.0, 5.0])
    """

    node_xyz: NDArray[np.float64]
    link_start: NDArray[np.int64]
    link_head: NDArray[np.int64]
    link_length: NDArray[np.float64]
    link_feature: NDArray[np.int64]
    link_reversed: NDArray[np.bool_]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    @classmethod
    def from_links(
        cls,
        node_xyz: ArrayLike,
        *,
        tail: ArrayLike,
        head: ArrayLike,
        length: ArrayLike | None = None,
        feature: ArrayLike | None = None,
        is_reversed: ArrayLike | None = None,
        attributes: Mapping[str, Attribute] | None = None,
    ) -> Network:
        """Build from directed links in any order; lengths default to the straight distance.

        Raises
        ------
        LayerError
            If a link names a node that does not exist or a length is negative or not finite.
        """
        xyz = np.asarray(node_xyz, dtype=np.float64).reshape(-1, 3)
        tails, heads = np.asarray(tail, dtype=np.int64), np.asarray(head, dtype=np.int64)
        ends = np.concatenate([tails, heads])
        if ends.size and (ends.min() < 0 or ends.max() >= len(xyz)):
            raise LayerError(
                f"a link names node {int(ends.max())}, there are {len(xyz)} nodes",
                where="network",
                remedy="Give node numbers from 0 to n_nodes - 1.",
            )
        lengths = (
            np.linalg.norm(xyz[heads] - xyz[tails], axis=1) if length is None else np.asarray(length, dtype=np.float64)
        )
        if not np.all(np.isfinite(lengths) & (lengths >= 0)):
            raise LayerError("a link has a negative or unknown length", where="network", remedy="Give lengths in m.")
        features = np.arange(len(tails)) if feature is None else np.asarray(feature, dtype=np.int64)
        against = (
            np.zeros(len(tails), dtype=np.bool_) if is_reversed is None else np.asarray(is_reversed, dtype=np.bool_)
        )
        order = np.argsort(tails, kind="stable")
        start = np.zeros(len(xyz) + 1, dtype=np.int64)
        np.cumsum(np.bincount(tails, minlength=len(xyz)), out=start[1:])
        sorted_attributes = {
            name: Attribute(a.values[order], a.known[order], a.units, a.source)
            for name, a in (attributes or {}).items()
        }
        return cls(xyz, start, heads[order], lengths[order], features[order], against[order], sorted_attributes)

    @property
    def link_tail(self) -> NDArray[np.int64]:
        """Node that each link starts from, (n_links,)."""
        return np.repeat(np.arange(self.n_nodes), np.diff(self.link_start))

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.node_xyz)

    @property
    def n_links(self) -> int:
        """Number of directed links."""
        return len(self.link_head)
