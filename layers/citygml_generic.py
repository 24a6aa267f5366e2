"""Generic attributes (gen:*) and key-value pairs (uro:KeyValuePairAttribute) as one JSON object a feature."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np

from layers import citygml_scan as cg
from layers.citygml_spans import NUMBER, TEXT, WHOLE, compose_objects, find_escapes
from layers.citygml_word import Vocabulary, Word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layers.citygml import Document
    from layers.citygml_table import CodeBook, TextColumn

__all__ = ["GENERIC", "N_COLUMNS", "append_generics"]

# kinds of record
_TEXT_RECORD: Final = 1
_NUMBER_RECORD: Final = 2
_SET: Final = 3
_PAIR: Final = 4

# columns of a record
KEY: Final = 64
CODE_VALUE: Final = 65
VALUE: Final = 66
NAME: Final = 67
N_COLUMNS: Final = 4

GENERIC: Final[Vocabulary] = (
    # CityGML 2.0 writes stringAttribute, 3.0 StringAttribute in a property
    *(Word("gen", f"{kind}Attribute", cg.RECORD, _TEXT_RECORD) for kind in ("string", "date", "uri", "code")),
    *(Word("gen", f"{kind}Attribute", cg.RECORD, _TEXT_RECORD) for kind in ("String", "Date", "Uri", "Code")),
    *(Word("gen", f"{kind}Attribute", cg.RECORD, _NUMBER_RECORD) for kind in ("int", "double", "measure")),
    *(Word("gen", f"{kind}Attribute", cg.RECORD, _NUMBER_RECORD) for kind in ("Int", "Double", "Measure")),
    Word("gen", "genericAttributeSet", cg.RECORD, _SET),
    Word("gen", "GenericAttributeSet", cg.RECORD, _SET),
    Word("gen", "value", cg.LEAF, VALUE),
    Word("gen", "name", cg.LEAF, NAME),
    Word("uro", "KeyValuePairAttribute", cg.RECORD, _PAIR),
    Word("uro", "key", cg.LEAF, KEY),
    Word("uro", "codeValue", cg.LEAF, CODE_VALUE),
    *(Word("uro", f"{kind}Value", cg.LEAF, VALUE) for kind in ("string", "int", "double", "measured", "date", "uri")),
)
"""Words of generic attributes; other words of a vocabulary must use other kinds and columns."""


def append_generics(
    document: Document, member: str, spans: NDArray[np.int64], book: CodeBook, column: TextColumn
) -> None:
    """Append the JSON object of each feature of a document, "" for a feature without generic attributes.

    Numbers stay numbers, a name that comes twice gets a list, a set becomes an object, keys and codes are labels.
    Units of measures are not kept.

    Parameters
    ----------
    document : Document
    member : str
        Path of the document in its data set, which code lists are relative to.
    spans : ndarray (N_COLUMNS, n_records, 4)
        Texts of the records, first column KEY.
    book : CodeBook
    column : TextColumn
        What is appended to.
    """
    records, text = document.records, document.text
    kind, parent = records[:, cg.C_KIND], records[:, cg.C_PARENT]
    rows = np.flatnonzero((kind == _TEXT_RECORD) | (kind == _NUMBER_RECORD) | (kind == _PAIR))
    key = book.encode(document, member, _name_spans(document, spans)[rows])
    coded = book.encode(document, member, spans[CODE_VALUE - KEY, rows])
    begin, end = (np.maximum(spans[VALUE - KEY, rows, k], 0) for k in (0, 1))
    form = np.where(kind[rows] == _NUMBER_RECORD, NUMBER, TEXT)
    form[coded > 0] = WHOLE
    base = int(coded.max(initial=0)) + 1
    pairs, head = np.unique(key * base + coded, return_inverse=True)
    heads = [
        _json(book.label(pair // base)) + b": " + (_json(book.label(pair % base)) if pair % base else b"")
        for pair in pairs.tolist()
    ]
    feature = records[rows, cg.C_FEATURE]

    is_odd = find_escapes(text, begin, end)
    is_odd |= (parent[rows] >= 0) & (kind[np.maximum(parent[rows], 0)] == _SET)
    order = np.lexsort((key, feature))
    is_twice = (np.diff(feature[order]) == 0) & (np.diff(key[order]) == 0)
    is_odd[order[1:][is_twice]] = True
    odd = np.unique(feature[is_odd])
    if len(odd):
        names = _name_spans(document, spans)
        numbers = {int(row): (int(k), int(c)) for row, k, c in zip(rows, key, coded, strict=True)}
        first = len(heads)
        for f in odd:
            members = rows[feature == f]
            heads.append(_nested(document, spans, names, numbers, members, book))
        keep = ~np.isin(feature, odd)
        feature = np.concatenate([feature[keep], odd])
        order = np.argsort(feature, kind="stable")
        added = np.zeros(len(odd), np.int64)
        feature = feature[order]
        head = np.concatenate([head[keep], first + np.arange(len(odd))])[order]
        form = np.concatenate([form[keep], added + WHOLE])[order]
        begin = np.concatenate([begin[keep], added])[order]
        end = np.concatenate([end[keep], added])[order]
    start, data = compose_objects(
        len(document.features),
        feature,
        head,
        np.cumsum([0, *map(len, heads)], dtype=np.int64),
        np.frombuffer(b"".join(heads), np.uint8),
        form,
        text,
        begin,
        end,
    )
    column.append(start, data, document.where)


def _name_spans(document: Document, spans: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n_records, 4) spans of what names each record: its key, its name element or its name attribute."""
    records = document.records
    names = np.where(spans[KEY - KEY, :, :1] >= 0, spans[KEY - KEY], spans[NAME - KEY])
    attribute = np.full((len(records), 4), -1, np.int64)
    attribute[:, :2] = records[:, [cg.C_NAME, cg.C_NAME_END]]
    return np.where(names[:, :1] >= 0, names, attribute)


def _nested(
    document: Document,
    spans: NDArray[np.int64],
    names: NDArray[np.int64],
    numbers: dict[int, tuple[int, int]],
    rows: NDArray[np.int64],
    book: CodeBook,
) -> bytes:
    """Members of one feature's object, the long way: sets, names that come twice, texts that want escapes."""
    tree: dict[str, object] = {}
    for row in rows:
        key, coded = numbers[int(row)]
        value: object = ""
        if coded:
            value = book.label(coded)
        elif spans[VALUE - KEY, row, 0] >= 0:
            value = document.plain(*spans[VALUE - KEY, row, :2])
            if document.records[row, cg.C_KIND] == _NUMBER_RECORD:
                value = _number(str(value))
        branch = tree
        for step in _path(document, row):
            group = document.plain(*names[step, :2]) if names[step, 0] >= 0 else ""
            inner = branch.setdefault(group, {})
            if not isinstance(inner, dict):
                inner = branch[group] = {"": inner}
            branch = inner
        name = book.label(key)
        if name in branch:
            before = branch[name]
            branch[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            branch[name] = value
    return _json(tree)[1:-1]


def _path(document: Document, row: int) -> list[int]:
    """Sets that a record stands in, outermost first."""
    path: list[int] = []
    parent = int(document.records[row, cg.C_PARENT])
    while parent >= 0:
        if document.records[parent, cg.C_KIND] == _SET:
            path.insert(0, parent)
        parent = int(document.records[parent, cg.C_PARENT])
    return path


def _number(text: str) -> object:
    try:
        return json.loads(text, parse_constant=str)
    except json.JSONDecodeError:
        return text


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
