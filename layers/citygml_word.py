"""What the elements of CityGML mean, and the tables of names in which the scanner looks them up.

CityGML 1.0 to 3.0 and i-UR 2.0 to 4.0 (PLATEAU) share one vocabulary.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from layers import citygml_scan as cg
from layers.citygml_namespace import canonical_namespace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["GEOMETRY", "Vocabulary", "Word", "compile_names"]


class Word(NamedTuple):
    """An element's meaning: canonical namespace, local name, role and argument (see `layers.citygml_scan`)."""

    namespace: str
    name: str
    role: int
    argument: int = 0


Vocabulary = tuple[Word, ...]

GEOMETRY: Final[Vocabulary] = (
    *(Word("gml", name, cg.POLYGON) for name in ("Polygon", "Triangle", "Rectangle", "PolygonPatch")),
    Word("gml", "interior", cg.INTERIOR),
    Word("gml", "LinearRing", cg.RING),
    Word("gml", "posList", cg.POSITIONS, 0),
    Word("gml", "pos", cg.POSITIONS, 1),
    *(Word("gml", name, cg.UNSUPPORTED) for name in ("coordinates", "Ring", "pointProperty", "pointRep")),
    *(
        Word("gml", name, cg.CONTAINER)
        for name in (
            *("Solid", "CompositeSolid", "MultiSolid", "Shell", "CompositeSurface", "MultiSurface", "Surface"),
            *("OrientableSurface", "PolyhedralSurface", "TriangulatedSurface", "GeometricComplex"),
        )
    ),
    Word("app", "imageURI", cg.IMAGE, -2),
)
"""Words of GML geometry, the same for every kind of feature."""

_ATTRIBUTES: Final[Vocabulary] = (
    Word("gml", "id", cg.A_ID),
    Word("xlink", "href", cg.A_HREF),
    Word("", "codeSpace", cg.A_EXTRA),
    Word("", "uom", cg.A_EXTRA),
    Word("", "name", cg.A_NAME),
    Word("", "srsName", cg.A_SRS),
    Word("", "srsDimension", cg.A_DIMENSION),
)


_Names = tuple["NDArray[np.uint8]", "NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]"]


@lru_cache(maxsize=64)
def compile_names(
    bindings: tuple[tuple[str, str], ...], vocabulary: Vocabulary
) -> tuple[_Names, tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Tables of qualified names as this document's prefixes spell them."""
    prefixes: dict[str, list[str]] = {}
    for prefix, uri in bindings:
        if name := canonical_namespace(uri):
            prefixes.setdefault(name, []).append(prefix)
    elements = [
        (f"{prefix}:{word.name}" if prefix else word.name, word.role, word.argument)
        for word in vocabulary
        for prefix in dict.fromkeys(prefixes.get(word.namespace, ()))
    ]
    attributes = [
        (f"{prefix}:{word.name}" if prefix else word.name, word.role, 0)
        for word in _ATTRIBUTES
        for prefix in (dict.fromkeys(prefixes.get(word.namespace, ())) if word.namespace else ("",))
        if bool(word.namespace) == bool(prefix)  # the default namespace does not reach attributes
    ]
    return _hash_names(elements), _hash_names(attributes)[:4]


def _hash_names(entries: Sequence[tuple[str, int, int]]) -> _Names:
    """Open hash table over names, with the hash of `citygml_scan.find_name`."""
    raw = [name.encode() for name, _, _ in entries]
    size = 16
    while size < 8 * len(raw):
        size *= 2
    slots = np.full(size, -1, np.int64)
    for number, name in enumerate(raw):
        length = len(name)
        s = length * 251 + name[-1] * 61 + name[length // 2] * 17 + name[length * 3 // 4] & (size - 1)
        while slots[s] >= 0:
            s = (s + 1) & (size - 1)
        slots[s] = number
    start = np.cumsum([0, *(len(name) for name in raw)], dtype=np.int64)
    return (
        np.frombuffer(b"".join(raw), np.uint8),
        start,
        slots,
        np.array([role for _, role, _ in entries], np.int64),
        np.array([argument for _, _, argument in entries], np.int64),
    )
