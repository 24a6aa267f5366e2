"""CityGML documents: one scanned document with typed errors.

What its elements mean is in `layers.citygml_word`, their namespaces in `layers.citygml_namespace`, the scanner in
`layers.citygml_scan`.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from layers import citygml_scan as cg
from layers.citygml_namespace import KNOWN_IUR, canonical_namespace, find_local_bindings, read_root
from layers.citygml_spans import find_entities
from layers.citygml_text import as_utf8, decode_text, place_in, scan_error, utf8_text
from layers.citygml_word import compile_names
from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from layers.citygml_word import Vocabulary

__all__ = ["Document", "read_document"]

_SYSTEMS: Final[dict[int, tuple[str, int]]] = {
    6697: ("EPSG:6668", 3),
    6668: ("EPSG:6668", 2),
    **{10162 + k: (f"EPSG:{6669 + k}", 3) for k in range(13)},
    **{6669 + k: (f"EPSG:{6669 + k}", 2) for k in range(19)},
}
"""EPSG code of a file -> (horizontal system, coordinates a point). All of them write north before east, heights are
T.P.; 10162 to 10174 are the plane-rectangular zones I to XIII with heights (EPSG registry)."""


@dataclass(frozen=True, slots=True)
class Document:
    """A scanned document: rows as `layers.citygml_scan` describes them, and the bytes that they point into.

    Parameters
    ----------
    where : str
        Name for messages.
    text : ndarray of uint8
        The document, then decoded copies of the texts that hold entities, comments or CDATA.
    horizontal : str
        Horizontal system, axes to be taken as (north, east).
    dimension : int
        Coordinates a point where the file does not say.
    values, rings, polygons, features, records, texts, references, containers : ndarray
        Output of `citygml_scan.scan_document`, cut to length.
    n_parts, n_skipped : int
        Building parts, and subtrees that were left out.
    images : tuple of str
        Texture images that are named, as written.
    notes : tuple of str
        What was taken for granted.
    """

    where: str
    text: NDArray[np.uint8]
    horizontal: str
    dimension: int
    values: NDArray[np.float64]
    rings: NDArray[np.int64]
    polygons: NDArray[np.int64]
    features: NDArray[np.int64]
    records: NDArray[np.int64]
    texts: NDArray[np.int64]
    references: NDArray[np.int64]
    containers: NDArray[np.int64]
    n_parts: int
    n_skipped: int
    images: tuple[str, ...]
    notes: tuple[str, ...]

    def place(self, at: int) -> str:
        """File, line and element at a byte position, for messages."""
        return place_in(self.where, self.text, at)

    def plain(self, begin: int, end: int) -> str:
        """Text of a span of `texts`, of a feature's id or of a record's name: entities are resolved already."""
        return utf8_text(self.text[begin:end].tobytes(), self.where)

    def string(self, begin: int, end: int) -> str:
        """Text of any other attribute value's span."""
        return decode_text(self.text[begin:end].tobytes(), self.where)


def read_document(data: bytes, where: str, vocabulary: Vocabulary) -> Document:
    """Scan a document.

    Parameters
    ----------
    data : bytes
        The whole document.
    where : str
        Name for messages.
    vocabulary : tuple of Word
        The elements that matter.

    Raises
    ------
    LayerError
        If the bytes are not a well-formed CityModel, a position list does not hold finite numbers, or the
        coordinate system is unknown; the message names file, line and element.
    """
    data = as_utf8(data, where)
    end = data.rfind(b">") + 1
    begin, bindings = read_root(data, where)
    text = np.frombuffer(data, np.uint8, count=end)
    if data[end:].strip():
        raise scan_error(cg.TRUNCATED, where, text, end - 1)
    notes = [
        f"i-UR namespace {uri} is newer or older than those known (2.0 to 4.0): read as if it were one of them"
        for _, uri in bindings
        if canonical_namespace(uri) == "uro" and not KNOWN_IUR.fullmatch(uri)
    ]
    tables = _scan(text, begin, bindings, vocabulary, where)
    local = find_local_bindings(tables.bindings, text, bindings, where)
    if local:
        tables = _scan(text, begin, bindings + local, vocabulary, where)
    horizontal, dimension = _system(tables.systems, text, where, notes)
    is_image = tables.texts[:, cg.T_COLUMN] == -2
    images = tuple(
        dict.fromkeys(
            decode_text(text[row[cg.T_BEGIN] : row[cg.T_END]].tobytes(), where) for row in tables.texts[is_image]
        )
    )
    texts = tables.texts[~is_image] if is_image.any() else tables.texts
    text = _tidy(text, texts, tables.records, tables.features, where)
    return Document(
        where=where,
        text=text,
        horizontal=horizontal,
        dimension=dimension,
        values=tables.values,
        rings=tables.rings,
        polygons=tables.polygons,
        features=tables.features,
        records=tables.records,
        texts=texts,
        references=tables.references,
        containers=tables.containers,
        n_parts=int(tables.counts[cg.N_PARTS]),
        n_skipped=int(tables.counts[cg.N_SKIPPED]),
        images=images,
        notes=tuple(notes),
    )


class _Tables(NamedTuple):
    values: NDArray[np.float64]
    rings: NDArray[np.int64]
    polygons: NDArray[np.int64]
    features: NDArray[np.int64]
    records: NDArray[np.int64]
    texts: NDArray[np.int64]
    references: NDArray[np.int64]
    containers: NDArray[np.int64]
    systems: NDArray[np.int64]
    bindings: NDArray[np.int64]
    counts: NDArray[np.int64]


# (columns, bytes of the document a row): a generous guess; a document that needs more is scanned again with more room
_ROOM: Final = {
    "values": (1, 24),
    "rings": (5, 300),
    "polygons": (7, 300),
    "features": (4, 1200),
    "records": (6, 300),
    "texts": (8, 150),
    "references": (7, 400),
    "containers": (5, 1000),
    "systems": (4, 4000),
    "bindings": (3, 4000),
}


class _Scratch(threading.local):
    """Output tables of the scanner, one set a thread, used again for the next document.

    Fresh memory costs more time than it seems, since the system clears every page. They go when the thread ends.
    """

    def __init__(self) -> None:
        self._values = np.empty(0)
        self._tables: dict[str, NDArray[np.int64]] = {}

    def take(self, rows: dict[str, int]) -> tuple[NDArray[np.float64], dict[str, NDArray[np.int64]]]:
        """Coordinates and the tables by name, with room for at least so many rows."""
        if len(self._values) < rows["values"]:
            self._values = np.empty(rows["values"])
        for name, (columns, _) in _ROOM.items():
            if name != "values" and len(self._tables.get(name, ())) < rows[name]:
                self._tables[name] = np.empty((rows[name], columns), np.int64)
        return self._values, self._tables


_SCRATCH: Final = _Scratch()


def _scan(
    text: NDArray[np.uint8], begin: int, bindings: Sequence[tuple[str, str]], vocabulary: Vocabulary, where: str
) -> _Tables:
    elements, attributes = compile_names(tuple(bindings), vocabulary)
    counts = np.zeros(cg.N_COUNTS, np.int64)
    room = 1
    while True:
        values, tables = _SCRATCH.take(
            {name: 64 * room + text.size * room // each for name, (_, each) in _ROOM.items()}
        )
        arguments = (text, begin, *elements, *attributes, values, *tables.values(), counts)
        status, at = cg.scan_document(*arguments)
        if status != cg.FULL:
            break
        room *= 2
    if status != cg.OK:
        raise scan_error(status, where, text, int(at))
    # cut to length and copied: the scratch goes to the next document
    rows = {name: table[: counts[k + 1]].copy() for k, (name, table) in enumerate(tables.items())}
    return _Tables(values=values[: counts[cg.N_VALUES]].copy(), counts=counts, **rows)


def _system(systems: NDArray[np.int64], text: NDArray[np.uint8], where: str, notes: list[str]) -> tuple[str, int]:
    """Horizontal system and dimension of the document."""
    if not len(systems):
        notes.append("no srsName: coordinates are taken as EPSG:6697 (latitude, longitude, T.P. height)")
        return _SYSTEMS[6697]
    codes: dict[int, int] = {}
    for begin, end, dimension, at in systems:
        name = decode_text(text[begin:end].tobytes(), where)
        match = re.search(r"epsg.*?(\d{4,5})$", name, re.IGNORECASE)
        code = int(match.group(1)) if match else 0
        if code not in _SYSTEMS:
            raise LayerError(
                f"coordinate system {name!r} is not one that PLATEAU uses",
                where=place_in(where, text, int(at)),
                remedy="Convert the file to EPSG:6697 (or 6668, 10162 to 10174), or mend its srsName.",
            )
        codes.setdefault(code, int(dimension))
        if len(codes) > 1:
            raise LayerError(
                f"the document mixes EPSG:{' and EPSG:'.join(map(str, codes))}",
                where=place_in(where, text, int(at)),
                remedy="Keep one coordinate system a file.",
            )
    (code, dimension), *_ = codes.items()
    horizontal, natural = _SYSTEMS[code]
    return horizontal, dimension if dimension in (2, 3) else natural


def _tidy(
    text: NDArray[np.uint8],
    texts: NDArray[np.int64],
    records: NDArray[np.int64],
    features: NDArray[np.int64],
    where: str,
) -> NDArray[np.uint8]:
    """Decode texts that hold entities, comments or CDATA; their spans are changed to point behind the document."""
    todo = [(texts, cg.T_BEGIN, row) for row in np.flatnonzero(texts[:, cg.T_FLAGS] & cg.MESSY)]
    for table, column in ((records, cg.C_NAME), (features, cg.F_ID)):
        has_entity = find_entities(text, table[:, column], table[:, column + 1])
        todo += [(table, column, row) for row in np.flatnonzero(has_entity)]
    if not todo:
        return text
    pieces = []
    at = text.size
    for table, column, row in todo:
        begin, end = table[row, column : column + 2]
        raw = decode_text(text[begin:end].tobytes(), place_in(where, text, int(begin))).encode()
        pieces += [raw, b"<"]  # a byte that ends every number
        table[row, column : column + 2] = at, at + len(raw)
        at += len(raw) + 1
    return np.concatenate([text, np.frombuffer(b"".join(pieces), np.uint8)])
