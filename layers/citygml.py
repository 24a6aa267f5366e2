"""CityGML documents: namespaces, the meaning of element names, and one scanned document with typed errors.

Elements are known by namespace URI and local name, never by prefix: every document's declarations are mapped to
canonical namespaces before it is scanned. CityGML 1.0 to 3.0 and i-UR 2.0 to 4.0 (PLATEAU) share one vocabulary.
"""

from __future__ import annotations

import codecs
import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.sax.saxutils import unescape

import numpy as np

from layers import citygml_scan as cg
from layers.citygml_spans import find_entities
from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["GEOMETRY", "Document", "Vocabulary", "Word", "decode_text", "read_document"]

_PATTERNS: Final = (
    ("core", re.compile(r"http://www\.opengis\.net/citygml/\d\.\d")),
    ("bldg", re.compile(r"http://www\.opengis\.net/citygml/building/\d\.\d")),
    ("con", re.compile(r"http://www\.opengis\.net/citygml/construction/\d\.\d")),
    ("tran", re.compile(r"http://www\.opengis\.net/citygml/transportation/\d\.\d")),
    ("wtr", re.compile(r"http://www\.opengis\.net/citygml/waterbody/\d\.\d")),
    ("gen", re.compile(r"http://www\.opengis\.net/citygml/generics/\d\.\d")),
    ("app", re.compile(r"http://www\.opengis\.net/citygml/appearance/\d\.\d")),
    ("gml", re.compile(r"http://www\.opengis\.net/gml(/3\.[0-9.]+)?")),
    ("xlink", re.compile(r"http://www\.w3\.org/1999/xlink")),
    ("uro", re.compile(r"https?://www\.geospatial\.jp/iur/ur[oc]/\d+\.\d+")),
)
_KNOWN_IUR: Final = re.compile(r".*/ur[oc]/(2\.0|3\.0|3\.1|3\.2|4\.0)")


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
        return _place(self.where, self.text, at)

    def plain(self, begin: int, end: int) -> str:
        """Text of a span of `texts`, of a feature's id or of a record's name: entities are resolved already."""
        return _utf8(self.text[begin:end].tobytes(), self.where)

    def string(self, begin: int, end: int) -> str:
        """Text of any other attribute value's span."""
        return decode_text(self.text[begin:end].tobytes(), self.where)


def decode_text(raw: bytes, where: str) -> str:
    """Text of raw XML character data: comments dropped, CDATA and entities resolved, white space around it cut.

    Raises
    ------
    LayerError
        If the bytes are not UTF-8 or an entity is unknown.
    """
    text = _utf8(raw, where)
    if "&" in text or "<" in text:
        pieces = re.split(r"(<!\[CDATA\[.*?\]\]>|<!--.*?-->|<\?.*?\?>)", text, flags=re.DOTALL)
        text = "".join(
            piece[9:-3] if piece.startswith("<![CDATA[") else "" if piece.startswith("<") else _resolve(piece, where)
            for piece in pieces
        )
    return text.strip(" \t\r\n")  # what XML calls white space; a no-break space is text


def _utf8(raw: bytes, where: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise LayerError(
            f"text is not UTF-8 ({raw[:40]!r})", where=where, remedy="Save the file as UTF-8 (or declare its encoding)."
        ) from error


def _resolve(text: str, where: str) -> str:
    """Replace the entities of `text`."""

    def character(match: re.Match[str]) -> str:
        code = match.group(1)
        number = int(code[1:], 16) if code[0] in "xX" else int(code)
        if not 0 < number < 0x110000:
            raise LayerError(f"entity {match.group(0)} is no character", where=where, remedy="Mend the file.")
        return chr(number)

    unknown = re.search(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#[xX][0-9a-fA-F]+);)[^;\s]{0,20};?", text)
    if unknown:
        raise LayerError(
            f"entity {unknown.group(0)!r} is unknown", where=where, remedy="Write & as &amp; or mend the file."
        )
    # numeric ones first and &amp; last would resolve twice: split so that each is seen once
    return "".join(
        re.sub(r"&#([xX]?[0-9a-fA-F]+);", character, piece)
        if piece.startswith("&#")
        else unescape(piece, {"&quot;": '"', "&apos;": "'"})
        for piece in re.split(r"(&#[xX]?[0-9a-fA-F]+;)", text)
    )


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
    data = _as_utf8(data, where)
    end = data.rfind(b">") + 1
    begin, bindings = _root(data, where)
    text = np.frombuffer(data, np.uint8, count=end)
    if data[end:].strip():
        raise _error(cg.TRUNCATED, where, text, end - 1)
    notes = [
        f"i-UR namespace {uri} is newer or older than those known (2.0 to 4.0): read as if it were one of them"
        for _, uri in bindings
        if canonical_namespace(uri) == "uro" and not _KNOWN_IUR.fullmatch(uri)
    ]
    tables = _scan(text, begin, bindings, vocabulary, where)
    local = _local_bindings(tables.bindings, text, bindings, where)
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


def canonical_namespace(uri: str) -> str:
    """Short name of a namespace that matters, "" for any other."""
    return next((name for name, pattern in _PATTERNS if pattern.fullmatch(uri)), "")


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
    elements, attributes = _compile(tuple(bindings), vocabulary)
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
        raise _error(status, where, text, int(at))
    # cut to length and copied: the scratch goes to the next document
    rows = {name: table[: counts[k + 1]].copy() for k, (name, table) in enumerate(tables.items())}
    return _Tables(values=values[: counts[cg.N_VALUES]].copy(), counts=counts, **rows)


_Names = tuple["NDArray[np.uint8]", "NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]"]


@lru_cache(maxsize=64)
def _compile(
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


def _as_utf8(data: bytes, where: str) -> bytes:
    """The document in UTF-8."""
    encoding = ""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        encoding = "utf-16"
    elif declared := re.match(rb"\s*(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._\-]+)", data[:200]):
        encoding = declared.group(1).decode()
    if encoding.lower() in ("", "utf-8", "utf8", "us-ascii", "ascii"):
        return data
    try:
        return data.decode(encoding).encode()
    except (LookupError, UnicodeError) as error:
        raise LayerError(
            f"the document is not readable as {encoding} ({error})", where=where, remedy="Save it as UTF-8."
        ) from error


_START: Final = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_ROOT: Final = re.compile(
    rb"<(?:([^\s:<>/=\"']+):)?([^\s:<>/=\"']+)((?:\s+[^\s=<>]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*/?>"
)
_BINDING: Final = re.compile(rb"\sxmlns(?::([^\s=]+))?\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


def _root(data: bytes, where: str) -> tuple[int, list[tuple[str, str]]]:
    """Place of the root's start tag and the namespaces that it declares."""
    start = _START.match(data)
    begin = start.end() if start else 0
    if data.startswith(b"<!DOCTYPE", begin):
        raise _error(cg.DOCTYPE, where, np.frombuffer(data, np.uint8), begin)
    root = _ROOT.match(data, begin)
    line = data.count(b"\n", 0, begin) + 1
    if root is None:
        raise LayerError(
            "this is not an XML document"
            if not data.startswith(b"<", begin)
            else "the root element is cut off or broken",
            where=f"{where}: line {line}",
            remedy="Give a CityGML file; fetch it again if it was cut short.",
        )
    bindings = [
        ((prefix or b"").decode(errors="replace"), (double or single).decode(errors="replace").strip())
        for prefix, double, single in _BINDING.findall(root.group(3))
    ]
    uri = dict(bindings).get((root.group(1) or b"").decode(errors="replace"), "")
    if root.group(2) != b"CityModel" or canonical_namespace(uri) != "core":
        raise LayerError(
            f"the root element is {root.group(0)[1:60].split()[0].decode(errors='replace')} of {uri or 'no namespace'}",
            where=f"{where}: line {line}",
            remedy="Give a CityGML file (root element CityModel).",
        )
    return begin, bindings


def _local_bindings(
    rows: NDArray[np.int64], text: NDArray[np.uint8], bindings: Sequence[tuple[str, str]], where: str
) -> list[tuple[str, str]]:
    """Namespaces that are declared below the root and matter to the reader.

    Raises
    ------
    LayerError
        If a prefix changes its meaning within the document: the scanner knows one meaning a prefix.
    """
    declared = dict(bindings)
    found: dict[str, str] = {}
    for begin, end, at in rows:
        match = _BINDING.match(b" " + text[begin:end].tobytes())
        if match is None:
            continue
        prefix = (match.group(1) or b"").decode(errors="replace")
        uri = (match.group(2) or match.group(3) or b"").decode(errors="replace").strip()
        before = found.get(prefix, declared.get(prefix))
        if before is not None and before != uri and (canonical_namespace(uri) or canonical_namespace(before)):
            raise LayerError(
                f"prefix {prefix!r} means {before} and {uri} in one document",
                where=_place(where, text, int(at)),
                remedy="Declare the namespaces at the root, one prefix each.",
            )
        found[prefix] = uri
    return [(prefix, uri) for prefix, uri in found.items() if prefix not in declared and canonical_namespace(uri)]


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
                where=_place(where, text, int(at)),
                remedy="Convert the file to EPSG:6697 (or 6668, 10162 to 10174), or mend its srsName.",
            )
        codes.setdefault(code, int(dimension))
        if len(codes) > 1:
            raise LayerError(
                f"the document mixes EPSG:{' and EPSG:'.join(map(str, codes))}",
                where=_place(where, text, int(at)),
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
        raw = decode_text(text[begin:end].tobytes(), _place(where, text, int(begin))).encode()
        pieces += [raw, b"<"]  # a byte that ends every number
        table[row, column : column + 2] = at, at + len(raw)
        at += len(raw) + 1
    return np.concatenate([text, np.frombuffer(b"".join(pieces), np.uint8)])


_REASONS: Final = {
    cg.TRUNCATED: ("the document ends before its elements are closed", "Fetch the file again, it was cut short."),
    cg.MISMATCH: ("a closing tag does not fit the open element", "Mend the XML (xmllint shows the place)."),
    cg.MALFORMED: ("this is not well-formed XML", "Mend the XML (xmllint shows the place)."),
    cg.DOCTYPE: ("the document has a DOCTYPE or other declaration", "Remove it: CityGML needs none."),
    cg.DEEP: (f"elements are nested more than {cg.MAX_DEPTH} deep", "Give a CityGML file."),
    cg.NUMBER: ("a coordinate is not a finite number", "Mend the position list."),
    cg.UNREADABLE: ("this kind of geometry is not read", "Write rings as gml:LinearRing with gml:posList or gml:pos."),
    cg.UNEVEN: ("gml:pos elements of one ring differ in length", "Give 2 or 3 numbers in each of them."),
}


def _error(status: int, where: str, text: NDArray[np.uint8], at: int) -> LayerError:
    what, remedy = _REASONS[status]
    if status == cg.NUMBER:
        token = text[at : at + 24].tobytes().split(maxsplit=1)[0].split(b"<")[0].decode(errors="replace")
        what = f"coordinate {token!r} is not a finite number"
    return LayerError(what, where=_place(where, text, at), remedy=remedy)


def _place(where: str, text: NDArray[np.uint8], at: int) -> str:
    line = int(np.count_nonzero(text[:at] == 10)) + 1
    before = text[max(0, at - 100_000) : at + 1].tobytes()
    after = text[at + 1 : at + 200].tobytes()
    tag = before.rfind(b"<")
    name = re.match(rb"</?([^\s<>/]+)", before[tag:] + after) if tag >= 0 else None
    element = f", element {name.group(1).decode(errors='replace')}" if name else ""
    return f"{where}: line {line}{element}"
