"""Namespaces of a CityGML document: which matter, and where the document declares them.

Elements are known by namespace URI and local name, never by prefix: every document's declarations are mapped to
canonical namespaces before it is scanned.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from layers import citygml_scan as cg
from layers.citygml_text import place_in, scan_error
from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["KNOWN_IUR", "canonical_namespace", "find_local_bindings", "read_root"]

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
KNOWN_IUR: Final = re.compile(r".*/ur[oc]/(2\.0|3\.0|3\.1|3\.2|4\.0)")
"""Versions of i-UR that were looked at; others are read as if they were one of them."""
_START: Final = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_ROOT: Final = re.compile(
    rb"<(?:([^\s:<>/=\"']+):)?([^\s:<>/=\"']+)((?:\s+[^\s=<>]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*/?>"
)
_BINDING: Final = re.compile(rb"\sxmlns(?::([^\s=]+))?\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


def canonical_namespace(uri: str) -> str:
    """Short name of a namespace that matters, "" for any other."""
    return next((name for name, pattern in _PATTERNS if pattern.fullmatch(uri)), "")


def read_root(data: bytes, where: str) -> tuple[int, list[tuple[str, str]]]:
    """Place of the root's start tag and the namespaces that it declares.

    Raises
    ------
    LayerError
        If the document is no XML or its root no CityModel.
    """
    start = _START.match(data)
    begin = start.end() if start else 0
    if data.startswith(b"<!DOCTYPE", begin):
        raise scan_error(cg.DOCTYPE, where, np.frombuffer(data, np.uint8), begin)
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


def find_local_bindings(
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
                where=place_in(where, text, int(at)),
                remedy="Declare the namespaces at the root, one prefix each.",
            )
        found[prefix] = uri
    return [(prefix, uri) for prefix, uri in found.items() if prefix not in declared and canonical_namespace(uri)]
