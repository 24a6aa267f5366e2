"""Kernels on spans (begin, end) of a byte buffer: grouping, matching, gathering, numbers, and laying out rings.

A span with a negative begin, or an end not after its begin, is empty: nothing stands there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    U1 = NDArray[np.uint8]
    I8 = NDArray[np.int64]
    F8 = NDArray[np.float64]
    B1 = NDArray[np.bool_]

# --- how a member's value is written by `compose_objects`
WHOLE: Final = 0
TEXT: Final = 1
NUMBER: Final = 2


@njit(cache=True, error_model="numpy", nogil=True)
def hash_span(b: U1, begin: int, end: int, h: int) -> int:
    """FNV-1a over a span, going on from `h`; kept to 63 bits so that it stays an int64."""
    for k in range(begin, end):
        h = ((h ^ b[k]) * 1099511628211) & 0x7FFFFFFFFFFFFFFF
    return h ^ (h >> 29)


@njit(cache=True, error_model="numpy", nogil=True)
def is_equal(b: U1, begin: int, end: int, c: U1, other: int, other_end: int) -> bool:
    """Whether ``b[begin:end]`` and ``c[other:other_end]`` hold the same bytes."""
    if end - begin != other_end - other:
        return False
    k = begin
    while k < end and b[k] == c[other + k - begin]:
        k += 1
    return k == end


@njit(cache=True, error_model="numpy", nogil=True)
def group_pairs(b: U1, begin: I8, end: I8, extra: I8, extra_end: I8) -> tuple[I8, I8]:
    """Number the distinct pairs of spans (text, extra) in order of appearance.

    Returns group : (n,) int64, -1 for an empty text, and first : (n_groups,) int64, a row of each group.
    """
    n = begin.size
    size = 16
    while size < 2 * n:
        size *= 2
    slots = np.full(size, -1, np.int64)
    mask = size - 1
    group = np.full(n, -1, np.int64)
    first = np.empty(n, np.int64)
    n_groups = 0
    for r in range(n):
        if begin[r] < 0 or end[r] <= begin[r]:
            continue
        h = hash_span(b, begin[r], end[r], 1469598103934665603)
        # names of code lists are long and few: their end tells them apart well enough
        s = hash_span(b, max(extra_end[r] - 8, extra[r], 0), extra_end[r], h) & mask
        while True:
            g = slots[s]
            if g < 0:
                slots[s] = n_groups
                first[n_groups] = r
                group[r] = n_groups
                n_groups += 1
                break
            q = first[g]
            if is_equal(b, begin[r], end[r], b, begin[q], end[q]) and is_equal(
                b, extra[r], extra_end[r], b, extra[q], extra_end[q]
            ):
                group[r] = g
                break
            s = (s + 1) & mask
    return group, first[:n_groups].copy()


@njit(cache=True, error_model="numpy", nogil=True)
def match_spans(b: U1, key: I8, key_end: I8, query: I8, query_end: I8) -> I8:
    """Row of the first key that equals each query, -1 where there is none (or the query is empty)."""
    size = 16
    while size < 2 * key.size:
        size *= 2
    slots = np.full(size, -1, np.int64)
    mask = size - 1
    for r in range(key.size):
        if key[r] < 0 or key_end[r] <= key[r]:
            continue
        s = hash_span(b, key[r], key_end[r], 1469598103934665603) & mask
        while slots[s] >= 0 and not is_equal(b, key[r], key_end[r], b, key[slots[s]], key_end[slots[s]]):
            s = (s + 1) & mask
        if slots[s] < 0:
            slots[s] = r
    found = np.full(query.size, -1, np.int64)
    for r in range(query.size):
        if query[r] < 0 or query_end[r] <= query[r]:
            continue
        s = hash_span(b, query[r], query_end[r], 1469598103934665603) & mask
        while slots[s] >= 0:
            if is_equal(b, query[r], query_end[r], b, key[slots[s]], key_end[slots[s]]):
                found[r] = slots[s]
                break
            s = (s + 1) & mask
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def gather_spans(b: U1, begin: I8, end: I8) -> tuple[I8, U1]:
    """Copy spans into one buffer: (start : (n + 1,) int64, data : (m,) uint8)."""
    n = begin.size
    start = np.zeros(n + 1, np.int64)
    for r in range(n):
        length = end[r] - begin[r] if begin[r] >= 0 and end[r] > begin[r] else 0
        start[r + 1] = start[r] + length
    data = np.empty(start[n], np.uint8)
    for r in range(n):
        for k in range(start[r + 1] - start[r]):
            data[start[r] + k] = b[begin[r] + k]
    return start, data


@njit(cache=True, error_model="numpy", nogil=True)
def place_texts(texts: I8, rows: I8, first_column: int, out: I8) -> None:
    """Put each text where it belongs: the first one of a row and a column wins.

    texts : (n, 8) int64          as `citygml_scan.scan_document` gives them
    rows : (n,) int64             row of the table that each text belongs to, -1 for none
    first_column : int            column number of ``out[0]``
    out : (n_columns, n_rows, 4)  in/out: begin, end, begin and end of codeSpace or uom; -1 where empty
    """
    for t in range(texts.shape[0]):
        column = texts[t, 2] - first_column
        r = rows[t]
        if r >= 0 and 0 <= column < out.shape[0] and out[column, r, 0] < 0:
            for k in range(4):
                out[column, r, k] = texts[t, 3 + k]


@njit(cache=True, error_model="numpy", nogil=True)
def is_json_number(b: U1, begin: int, end: int) -> bool:
    """Whether a span is a number as JSON writes it."""
    k = begin
    if k < end and b[k] == 45:
        k += 1
    if k >= end:
        return False
    if b[k] == 48:
        k += 1
    else:
        first = k
        while k < end and 48 <= b[k] <= 57:
            k += 1
        if k == first:
            return False
    if k < end and b[k] == 46:
        k += 1
        first = k
        while k < end and 48 <= b[k] <= 57:
            k += 1
        if k == first:
            return False
    if k < end and b[k] in (69, 101):
        k += 1
        if k < end and b[k] in (43, 45):
            k += 1
        first = k
        while k < end and 48 <= b[k] <= 57:
            k += 1
        if k == first:
            return False
    return k == end


@njit(cache=True, error_model="numpy", nogil=True)
def find_entities(b: U1, begin: I8, end: I8) -> B1:
    """Whether each span holds an ampersand."""
    found = np.zeros(begin.size, np.bool_)
    for r in range(begin.size):
        for k in range(begin[r], end[r]):
            if b[k] == 38:
                found[r] = True
                break
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def find_escapes(b: U1, begin: I8, end: I8) -> B1:
    """Whether each span holds a byte that JSON wants escaped: quote, backslash, control character."""
    found = np.zeros(begin.size, np.bool_)
    for r in range(begin.size):
        for k in range(begin[r], end[r]):
            if b[k] < 32 or b[k] == 34 or b[k] == 92:
                found[r] = True
                break
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def compose_objects(
    n_rows: int, row: I8, head: I8, head_start: I8, heads: U1, form: I8, b: U1, begin: I8, end: I8
) -> tuple[I8, U1]:
    """Write one JSON object a row from its members.

    row : (n,) int64         row of each member, ascending
    head : (n,) int64        text before the value, by number: ``heads[head_start[k]:head_start[k + 1]]``
    form : (n,) int64        WHOLE: the head holds the value too; TEXT: quote it; NUMBER: quote it if it is none
    begin, end : (n,) int64  value in `b`

    Returns start : (n_rows + 1,) int64, data : uint8; nothing is written for a row without members.
    """
    size = 0
    for m in range(row.size):
        size += 6 + head_start[head[m] + 1] - head_start[head[m]]
        if form[m] != WHOLE:
            size += max(end[m] - begin[m], 0)
    data = np.empty(size, np.uint8)
    start = np.zeros(n_rows + 1, np.int64)
    at = 0
    m = 0
    for r in range(n_rows):
        first = m
        while m < row.size and row[m] == r:
            if m == first:
                data[at] = 123
                at += 1
            else:
                data[at] = 44
                data[at + 1] = 32
                at += 2
            for k in range(head_start[head[m]], head_start[head[m] + 1]):
                data[at] = heads[k]
                at += 1
            if form[m] != WHOLE:
                is_quoted = form[m] == TEXT or not is_json_number(b, begin[m], end[m])
                if is_quoted:
                    data[at] = 34
                    at += 1
                for k in range(begin[m], end[m]):
                    data[at] = b[k]
                    at += 1
                if is_quoted:
                    data[at] = 34
                    at += 1
            m += 1
        if m > first:
            data[at] = 125
            at += 1
        start[r + 1] = at
    return start, data[:at].copy()


@njit(cache=True, error_model="numpy", nogil=True)
def lay_rings(values: F8, first: I8, last: I8, dimension: I8) -> tuple[F8, I8, B1]:
    """Vertices of rings without the repeated closing vertex.

    values : (m,) float64        coordinates as in the file: north, east, height
    first, last : (n,) int64     places of each ring's values
    dimension : (n,) int64       2 or 3; a missing height is 0

    Returns vertices : (k, 3) float64 (x, y, z), start : (n + 1,) int64, is_open : (n,) bool (no closing vertex).
    """
    n = first.size
    start = np.zeros(n + 1, np.int64)
    is_open = np.zeros(n, np.bool_)
    for r in range(n):
        d = dimension[r]
        count = (last[r] - first[r]) // d
        is_open[r] = True
        if count > 1:
            same = True
            for k in range(d):
                same &= values[first[r] + k] == values[last[r] - d + k]
            if same:
                count -= 1
                is_open[r] = False
        start[r + 1] = start[r] + count
    vertices = np.empty((start[n], 3), np.float64)
    for r in range(n):
        d = dimension[r]
        for k in range(start[r + 1] - start[r]):
            at = first[r] + k * d
            vertices[start[r] + k, 0] = values[at + 1]
            vertices[start[r] + k, 1] = values[at]
            vertices[start[r] + k, 2] = values[at + 2] if d > 2 else 0.0
    return vertices, start, is_open


@njit(cache=True, error_model="numpy", nogil=True)
def find_outside(vertices: F8, west: float, south: float, east: float, north: float) -> int:
    """First vertex that does not lie in a box, -1 if all do."""
    for v in range(vertices.shape[0]):
        if not (west <= vertices[v, 0] <= east and south <= vertices[v, 1] <= north):
            return v
    return -1


@njit(cache=True, error_model="numpy", nogil=True)
def number_points(vertices: F8) -> tuple[I8, I8]:
    """Number the distinct (x, y) of `vertices`: (number : (n,) int64, first : (n_distinct,) int64)."""
    n = vertices.shape[0]
    size = 16
    while size < 2 * n:
        size *= 2
    slots = np.full(size, -1, np.int32)
    mask = size - 1
    number = np.empty(n, np.int64)
    first = np.empty(n, np.int64)
    n_distinct = 0
    bits = vertices.view(np.int64)
    for v in range(n):
        h = (bits[v, 0] * 7046029254386353131) ^ (bits[v, 1] * 2685821657736338717)
        s = (h ^ (h >> 32)) & mask
        while True:
            p = slots[s]
            if p < 0:
                slots[s] = n_distinct
                first[n_distinct] = v
                number[v] = n_distinct
                n_distinct += 1
                break
            q = first[p]
            if vertices[q, 0] == vertices[v, 0] and vertices[q, 1] == vertices[v, 1]:
                number[v] = p
                break
            s = (s + 1) & mask
    return number, first[:n_distinct].copy()


@njit(cache=True, error_model="numpy", nogil=True)
def bound_features(
    n_features: int, polygon_feature: I8, polygon_start: I8, ring_start: I8, vertices: F8, use: B1
) -> F8:
    """(n_features, 6) west, south, low, east, north, high of the polygons in `use`; NaN for a feature without any."""
    bounds = np.full((n_features, 6), np.nan)
    for p in range(polygon_feature.size):
        if not use[p]:
            continue
        f = polygon_feature[p]
        for v in range(ring_start[polygon_start[p]], ring_start[polygon_start[p + 1]]):
            for k in range(3):
                value = vertices[v, k]
                if not bounds[f, k] <= value:  # also true for NaN
                    bounds[f, k] = value
                if not bounds[f, 3 + k] >= value:
                    bounds[f, 3 + k] = value
    return bounds
