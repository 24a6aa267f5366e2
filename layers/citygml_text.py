"""Texts of a CityGML document: encodings, entities, and where in the file something is, for messages."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import unescape

import numpy as np

from layers import citygml_scan as cg
from twin.errors import LayerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["as_utf8", "decode_text", "place_in", "scan_error", "utf8_text"]


def as_utf8(data: bytes, where: str) -> bytes:
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


def decode_text(raw: bytes, where: str) -> str:
    """Text of raw XML character data: comments dropped, CDATA and entities resolved, white space around it cut.

    Raises
    ------
    LayerError
        If the bytes are not UTF-8 or an entity is unknown.
    """
    text = utf8_text(raw, where)
    if "&" in text or "<" in text:
        pieces = re.split(r"(<!\[CDATA\[.*?\]\]>|<!--.*?-->|<\?.*?\?>)", text, flags=re.DOTALL)
        text = "".join(
            piece[9:-3] if piece.startswith("<![CDATA[") else "" if piece.startswith("<") else _resolve(piece, where)
            for piece in pieces
        )
    return text.strip(" \t\r\n")  # what XML calls white space; a no-break space is text


def utf8_text(raw: bytes, where: str) -> str:
    """Text of bytes in UTF-8.

    Raises
    ------
    LayerError
        If they are in another encoding.
    """
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


def scan_error(status: int, where: str, text: NDArray[np.uint8], at: int) -> LayerError:
    """What a status of `layers.citygml_scan` other than OK means, and where the scanner met it."""
    what, remedy = _REASONS[status]
    if status == cg.NUMBER:
        token = text[at : at + 24].tobytes().split(maxsplit=1)[0].split(b"<")[0].decode(errors="replace")
        what = f"coordinate {token!r} is not a finite number"
    return LayerError(what, where=place_in(where, text, at), remedy=remedy)


def place_in(where: str, text: NDArray[np.uint8], at: int) -> str:
    """File, line and element at a byte position, for messages."""
    line = int(np.count_nonzero(text[:at] == 10)) + 1
    before = text[max(0, at - 100_000) : at + 1].tobytes()
    after = text[at + 1 : at + 200].tobytes()
    tag = before.rfind(b"<")
    name = re.match(rb"</?([^\s<>/]+)", before[tag:] + after) if tag >= 0 else None
    element = f", element {name.group(1).decode(errors='replace')}" if name else ""
    return f"{where}: line {line}{element}"
