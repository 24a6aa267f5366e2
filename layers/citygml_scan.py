"""One pass over the bytes of a CityGML document: coordinates, polygons, references and the places of attribute texts.

The kernels know XML and the roles of elements, not their names: names come in as a table made by
`layers.citygml` from the prefixes that the file declares. Rows go out, one int64 table a kind; the columns are the
constants below. Nothing is copied out of the document but numbers: texts are (begin, end) byte positions.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

# --- roles of elements
NONE: Final = 0
FEATURE: Final = 1  # building, road: one row of the result
PART: Final = 2  # building part: its polygons belong to the feature
SKIP: Final = 3  # subtree that is left out (installations, rooms)
PROPERTY: Final = 4  # lod1Solid ...; argument = lod * 16 + kind
SURFACE: Final = 5  # WallSurface ...; argument = surface code
RECORD: Final = 6  # TsunamiRiskAttribute ...; argument = kind of record
POLYGON: Final = 7
INTERIOR: Final = 8
RING: Final = 9
POSITIONS: Final = 10  # posList, pos
CONTAINER: Final = 11  # Solid, CompositeSurface ...: may be referred to by gml:id
LEAF: Final = 12  # text of interest; argument = column
IMAGE: Final = 13  # texture image, wherever it stands
UNSUPPORTED: Final = 14  # geometry that cannot be read

# --- roles of attributes = row in `found`
A_ID: Final = 0
A_HREF: Final = 1
A_EXTRA: Final = 2  # codeSpace, uom
A_NAME: Final = 3
A_SRS: Final = 4
A_DIMENSION: Final = 5
N_ATTRIBUTES: Final = 6

# --- outcome
OK: Final = 0
FULL: Final = 1  # an output table is too small
TRUNCATED: Final = 2
MISMATCH: Final = 3  # closing tag without its opening one
MALFORMED: Final = 4
DOCTYPE: Final = 5
DEEP: Final = 6
NUMBER: Final = 7
UNREADABLE: Final = 8  # role UNSUPPORTED met inside a polygon
UNEVEN: Final = 9  # gml:pos of different lengths in one ring

# --- columns of the tables
(P_FEATURE, P_PROPERTY, P_SURFACE, P_RECORD, P_ID, P_ID_END, P_RING) = range(7)
(R_POLYGON, R_INTERIOR, R_VALUE, R_DIMENSION, R_AT) = range(5)
(F_ID, F_ID_END, F_AT, F_PARTS) = range(4)
(C_FEATURE, C_KIND, C_PARENT, C_NAME, C_NAME_END, C_POLYGON) = range(6)
(T_FEATURE, T_RECORD, T_COLUMN, T_BEGIN, T_END, T_EXTRA, T_EXTRA_END, T_FLAGS) = range(8)
(X_FEATURE, X_PROPERTY, X_SURFACE, X_RECORD, X_BEGIN, X_END, X_AT) = range(7)
(G_ID, G_ID_END, G_POLYGON, G_POLYGON_END, G_FEATURE) = range(5)
(S_BEGIN, S_END, S_DIMENSION, S_AT) = range(4)
(B_BEGIN, B_END, B_AT) = range(3)

# --- flags of a text
MESSY: Final = 1  # holds an entity, a comment or CDATA
INNER: Final = 2  # stands in a part or a surface, not directly in the feature

# --- what `counts` tells
(
    N_VALUES,
    N_RINGS,
    N_POLYGONS,
    N_FEATURES,
    N_RECORDS,
    N_TEXTS,
    N_REFERENCES,
    N_CONTAINERS,
    N_SYSTEMS,
    N_BINDINGS,
    N_PARTS,
    N_SKIPPED,
    N_COUNTS,
) = range(13)

MAX_DEPTH: Final = 256
_IS_NAME = np.array([c > 32 and c not in b"<>/" for c in range(256)])
_POWERS = np.array([10.0**k for k in range(23)])

# columns of the stack
(_NAME, _LENGTH, _ROLE, _ARGUMENT, _BEFORE, _DIMENSION, _TEXT) = range(7)


@njit(cache=True, error_model="numpy", nogil=True)
def find_name(b, begin, end, names, name_start, slots):
    """Entry of the (not empty) name ``b[begin:end]`` in a table of names, -1 if it is not there."""
    length = end - begin
    mask = slots.size - 1
    # length and three bytes tell names apart well enough, and cost less than a walk over the name
    s = (length * 251 + b[end - 1] * 61 + b[begin + length // 2] * 17 + b[begin + length * 3 // 4]) & mask
    while slots[s] >= 0:
        e = slots[s]
        first = name_start[e]
        if name_start[e + 1] - first == length:
            k = 0
            while k < length and names[first + k] == b[begin + k]:
                k += 1
            if k == length:
                return e
        s = (s + 1) & mask
    return -1


@njit(cache=True, error_model="numpy", nogil=True)
def read_number(b, j):
    """(value, position after it, is a number) of the decimal number at `j`; off by at most one unit in the last place.

    The caller makes sure that the document ends with a byte that is no digit.
    """
    negative = b[j] == 45
    if negative or b[j] == 43:
        j += 1
    first = j
    mantissa = np.uint64(0)
    c = b[j]
    while 48 <= c <= 57:
        mantissa = mantissa * np.uint64(10) + np.uint64(c - 48)
        j += 1
        c = b[j]
    digits = j - first
    exponent = 0
    if c == 46:
        j += 1
        point = j
        c = b[j]
        while 48 <= c <= 57:
            mantissa = mantissa * np.uint64(10) + np.uint64(c - 48)
            j += 1
            c = b[j]
        exponent = point - j
        digits += j - point
    if digits == 0:
        return np.nan, j, False
    if digits > 19:  # more than 64 bits hold: read again, keep the first 19 significant digits
        mantissa = np.uint64(0)
        kept = 0
        fraction = False
        exponent = 0
        for k in range(first, j):
            if b[k] == 46:
                fraction = True
            elif kept < 19:
                mantissa = mantissa * np.uint64(10) + np.uint64(b[k] - 48)
                if mantissa > 0:
                    kept += 1
                if fraction:
                    exponent -= 1
            elif not fraction:
                exponent += 1
    if c in (101, 69):
        j += 1
        down = b[j] == 45
        if down or b[j] == 43:
            j += 1
        start = j
        shift = 0
        while 48 <= b[j] <= 57:
            shift = min(shift * 10 + (b[j] - 48), 9999)
            j += 1
        if j == start:
            return np.nan, j, False
        exponent += -shift if down else shift
    value = float(mantissa)
    if exponent < 0:
        value = value / _POWERS[-exponent] if exponent >= -22 else value * 10.0**exponent
    elif exponent > 0:
        value = value * _POWERS[exponent] if exponent <= 22 else value * 10.0**exponent
    return (-value if negative else value), j, np.isfinite(value)


@njit(cache=True, error_model="numpy", nogil=True)
def skip_markup(b, at):
    """Position after the comment, CDATA section or processing instruction at `at`; -1 cut off, -2 something else."""
    n = b.size
    if b[at + 1] == 63:
        k = at + 2
        while k + 1 < n and not (b[k] == 63 and b[k + 1] == 62):
            k += 1
        return k + 2 if k + 1 < n else -1
    if at + 3 < n and b[at + 2] == 45 and b[at + 3] == 45:
        k = at + 4
        while k + 2 < n and not (b[k] == 45 and b[k + 1] == 45 and b[k + 2] == 62):
            k += 1
        return k + 3 if k + 2 < n else -1
    if at + 8 < n and b[at + 2] == 91 and b[at + 3] == 67 and b[at + 8] == 91:
        k = at + 9
        while k + 2 < n and not (b[k] == 93 and b[k + 1] == 93 and b[k + 2] == 62):
            k += 1
        return k + 3 if k + 2 < n else -1
    return -2


@njit(cache=True, error_model="numpy", nogil=True)
def read_positions(b, i, values, n_values):
    """Read the numbers of a position list that begins at `i`: (status, position, number of values in all)."""
    n = b.size
    if i >= n:
        return TRUNCATED, i, n_values
    cdata = False
    while True:
        c = b[i]
        while c <= 32:
            i += 1
            c = b[i]
        if c == 60:
            if b[i + 1] == 47:
                return OK, i, n_values
            if b[i + 1] == 33 and b[i + 2] == 91:
                cdata = True
                i += 9
            else:
                after = skip_markup(b, i)
                if after < 0:
                    return (TRUNCATED if after == -1 else MALFORMED), i, n_values
                i = after
            if i >= n:
                return TRUNCATED, i, n_values
            continue
        if cdata and c == 93:
            cdata = False
            i += 3
            if i >= n:
                return TRUNCATED, i, n_values
            continue
        value, after, is_number = read_number(b, i)
        if not is_number or not (b[after] <= 32 or b[after] == 60 or (cdata and b[after] == 93)):
            return NUMBER, i, n_values
        if n_values >= values.size:
            return FULL, i, n_values
        values[n_values] = value
        n_values += 1
        i = after


@njit(cache=True, error_model="numpy", nogil=True)
def read_attributes(b, i, names, name_start, slots, roles, found, bindings, n_bindings):
    """Read attributes from `i` to the end of a start tag.

    Returns (status, position after the tag, is empty element, number of bindings); `found` gets the values' places,
    `bindings` the places of namespace declarations.
    """
    n = b.size
    found[:, :] = -1
    while True:
        while i < n and b[i] <= 32:
            i += 1
        if i >= n:
            return TRUNCATED, i, False, n_bindings
        if b[i] == 62:
            return OK, i + 1, False, n_bindings
        if b[i] == 47:
            if i + 1 < n and b[i + 1] == 62:
                return OK, i + 2, True, n_bindings
            return MALFORMED, i, False, n_bindings
        name = i
        while i < n and b[i] > 32 and b[i] not in (61, 62, 60):
            i += 1
        name_end = i
        while i < n and b[i] <= 32:
            i += 1
        if i >= n:
            return TRUNCATED, i, False, n_bindings
        if b[i] != 61:
            return MALFORMED, i, False, n_bindings
        i += 1
        while i < n and b[i] <= 32:
            i += 1
        if i >= n:
            return TRUNCATED, i, False, n_bindings
        quote = b[i]
        if quote not in (34, 39):
            return MALFORMED, i, False, n_bindings
        i += 1
        begin = i
        while i < n and b[i] != quote:
            i += 1
        if i >= n:
            return TRUNCATED, i, False, n_bindings
        if name_end == name:
            return MALFORMED, i, False, n_bindings
        e = find_name(b, name, name_end, names, name_start, slots)
        if e >= 0:
            found[roles[e], 0] = begin
            found[roles[e], 1] = i
        elif (
            name_end - name >= 5
            and b[name] == 120
            and b[name + 1] == 109
            and b[name + 2] == 108
            and b[name + 3] == 110
            and b[name + 4] == 115
        ):
            if n_bindings >= bindings.shape[0]:
                return FULL, i, False, n_bindings
            bindings[n_bindings, B_BEGIN] = name
            bindings[n_bindings, B_END] = i + 1
            bindings[n_bindings, B_AT] = name
            n_bindings += 1
        i += 1


@njit(cache=True, error_model="numpy", nogil=True)
def read_text(b, begin, end):
    """(begin, end, flags) of a text without the white space around it."""
    while begin < end and b[begin] <= 32:
        begin += 1
    while end > begin and b[end - 1] <= 32:
        end -= 1
    for k in range(begin, end):
        if b[k] == 38 or b[k] == 60:
            return begin, end, MESSY
    return begin, end, 0


@njit(cache=True, error_model="numpy", nogil=True)
def is_same(b, begin, end, other, other_end):
    """Whether two spans hold the same bytes."""
    if end - begin != other_end - other:
        return False
    k = begin
    while k < end and b[k] == b[other + k - begin]:
        k += 1
    return k == end


@njit(cache=True, error_model="numpy", nogil=True)
def scan_document(
    b,
    begin,
    names,
    name_start,
    slots,
    roles,
    arguments,
    attribute_names,
    attribute_start,
    attribute_slots,
    attribute_roles,
    values,
    rings,
    polygons,
    features,
    records,
    texts,
    references,
    containers,
    systems,
    bindings,
    counts,
):
    """Scan the document `b` from the root's start tag at `begin`.

    b : (n,) uint8              the document; its last byte is ``>``
    names, name_start, slots    names of elements, concatenated, and an open hash table over them
    roles, arguments            what each name means
    attribute_*                 the same for attributes
    values : (m,) float64       out: coordinates as they stand in the file
    rings ... bindings          out: tables of int64, columns as named at the top of the module
    counts : (N_COUNTS,) int64  out: rows filled

    Returns (status, position that the status is about).
    """
    n = b.size
    stack = np.empty((MAX_DEPTH, 7), np.int64)
    found = np.full((N_ATTRIBUTES, 2), -1, np.int64)
    counts[:] = 0
    n_values = n_rings = n_polygons = n_features = n_records = 0
    n_texts = n_references = n_containers = n_systems = n_bindings = 0
    depth = 0
    rooted = False
    feature = polygon = ring = surface = prop = record = -1
    part = skipped = interior = 0
    extra = extra_end = -1
    i = begin
    while True:
        while i < n and b[i] != 60:
            i += 1
        if i >= n:
            break
        at = i
        i += 1
        if i >= n:
            return TRUNCATED, at
        c = b[i]
        if c in (33, 63):
            i = skip_markup(b, at)
            if i == -1:
                return TRUNCATED, at
            if i == -2:
                return DOCTYPE, at
            continue
        if c == 47:
            if depth == 0:
                return MISMATCH, at
            top = depth - 1
            i += 1
            name = stack[top, _NAME]
            length = stack[top, _LENGTH]
            if i + length >= n:
                return TRUNCATED, at
            for k in range(length):
                if b[i + k] != b[name + k]:
                    return MISMATCH, at
            i += length
            while i < n and b[i] <= 32:
                i += 1
            if i >= n:
                return TRUNCATED, at
            if b[i] != 62:
                return MISMATCH, at
            i += 1
            is_closed = True
        else:
            if depth == 0 and rooted:
                return MALFORMED, at
            if depth == MAX_DEPTH:
                return DEEP, at
            rooted = True
            top = depth
            name = i
            while _IS_NAME[c]:
                i += 1
                c = b[i]
            length = i - name
            if length == 0 or c == 60:
                return MALFORMED, at
            is_closed = False
            has_attributes = c != 62
            if has_attributes:
                status, i, is_closed, n_bindings = read_attributes(
                    b,
                    i,
                    attribute_names,
                    attribute_start,
                    attribute_slots,
                    attribute_roles,
                    found,
                    bindings,
                    n_bindings,
                )
                if status != OK:
                    return status, at
                if depth == 0:
                    n_bindings = 0  # the root's declarations are known to the caller
            else:
                i += 1
            stack[top, _NAME] = name
            stack[top, _LENGTH] = length
            stack[top, _BEFORE] = 0
            stack[top, _TEXT] = -1
            dimension = 0
            if depth > 0:
                dimension = stack[depth - 1, _DIMENSION]
                stack[depth - 1, _TEXT] = -1  # an element with children has no text of its own
            depth += 1

            e = find_name(b, name, name + length, names, name_start, slots)
            role = NONE
            argument = 0
            if e >= 0:
                role = roles[e]
                argument = arguments[e]
                if feature < 0:
                    if role not in (FEATURE, IMAGE):
                        role = NONE
                elif (skipped > 0 and role not in (SKIP, IMAGE)) or role == FEATURE:
                    role = NONE

            if has_attributes and found[A_DIMENSION, 0] >= 0:
                number, _, is_number = read_number(b, found[A_DIMENSION, 0])
                if is_number:
                    dimension = int(number)
            stack[top, _DIMENSION] = dimension
            if has_attributes and found[A_SRS, 0] >= 0:
                before = n_systems - 1
                is_new = before < 0 or not is_same(
                    b, found[A_SRS, 0], found[A_SRS, 1], systems[before, S_BEGIN], systems[before, S_END]
                )
                if is_new and n_systems >= systems.shape[0]:
                    return FULL, at
                if is_new:
                    systems[n_systems, S_BEGIN] = found[A_SRS, 0]
                    systems[n_systems, S_END] = found[A_SRS, 1]
                    systems[n_systems, S_DIMENSION] = dimension
                    systems[n_systems, S_AT] = at
                    n_systems += 1

            if role == NONE:
                pass
            elif role == RING:
                if polygon >= 0 and ring < 0:
                    if n_rings >= rings.shape[0]:
                        return FULL, at
                    ring = n_rings
                    rings[ring, R_POLYGON] = polygon
                    rings[ring, R_INTERIOR] = interior
                    rings[ring, R_VALUE] = n_values
                    rings[ring, R_DIMENSION] = dimension
                    rings[ring, R_AT] = at
                    n_rings += 1
                else:
                    role = NONE
            elif role == POSITIONS:
                if ring >= 0 and not is_closed:
                    before = n_values
                    status, i, n_values = read_positions(b, i, values, n_values)
                    if status != OK:
                        return status, i
                    if argument == 1:  # gml:pos: its length is the dimension
                        if rings[ring, R_DIMENSION] == 0:
                            rings[ring, R_DIMENSION] = n_values - before
                        elif rings[ring, R_DIMENSION] != n_values - before:
                            return UNEVEN, at
                    elif dimension != 0:
                        rings[ring, R_DIMENSION] = dimension
            elif role == POLYGON:
                if prop >= 0 and polygon < 0:
                    if n_polygons >= polygons.shape[0]:
                        return FULL, at
                    polygon = n_polygons
                    polygons[polygon, P_FEATURE] = feature
                    polygons[polygon, P_PROPERTY] = prop
                    polygons[polygon, P_SURFACE] = surface
                    polygons[polygon, P_RECORD] = record
                    polygons[polygon, P_ID] = found[A_ID, 0] if has_attributes else -1
                    polygons[polygon, P_ID_END] = found[A_ID, 1] if has_attributes else -1
                    polygons[polygon, P_RING] = n_rings
                    n_polygons += 1
                else:
                    role = NONE
            elif role == INTERIOR:
                if polygon >= 0:
                    interior = 1
                else:
                    role = NONE
            elif role in (LEAF, IMAGE):
                if prop < 0 and not is_closed:
                    stack[top, _TEXT] = i
                    extra = found[A_EXTRA, 0] if has_attributes else -1
                    extra_end = found[A_EXTRA, 1] if has_attributes else -1
                else:
                    role = NONE
            elif role == RECORD and surface >= 0:  # what is said about a wall is not said about its building
                role = NONE
            elif role == RECORD:
                if n_records >= records.shape[0]:
                    return FULL, at
                records[n_records, C_FEATURE] = feature
                records[n_records, C_KIND] = argument
                records[n_records, C_PARENT] = record
                records[n_records, C_NAME] = found[A_NAME, 0] if has_attributes else -1
                records[n_records, C_NAME_END] = found[A_NAME, 1] if has_attributes else -1
                records[n_records, C_POLYGON] = n_polygons
                stack[top, _BEFORE] = record
                record = n_records
                n_records += 1
            elif role == PROPERTY:
                stack[top, _BEFORE] = prop
                prop = argument
            elif role == SURFACE:
                stack[top, _BEFORE] = surface
                surface = argument
            elif role == FEATURE:
                if n_features >= features.shape[0]:
                    return FULL, at
                feature = n_features
                features[feature, F_ID] = found[A_ID, 0] if has_attributes else -1
                features[feature, F_ID_END] = found[A_ID, 1] if has_attributes else -1
                features[feature, F_AT] = at
                features[feature, F_PARTS] = 0
                n_features += 1
            elif role == PART:
                part += 1
                features[feature, F_PARTS] += 1
                counts[N_PARTS] += 1
            elif role == SKIP:
                if skipped == 0:
                    counts[N_SKIPPED] += 1
                skipped += 1
            elif role == CONTAINER:
                if prop >= 0 and has_attributes and found[A_ID, 0] >= 0:
                    if n_containers >= containers.shape[0]:
                        return FULL, at
                    containers[n_containers, G_ID] = found[A_ID, 0]
                    containers[n_containers, G_ID_END] = found[A_ID, 1]
                    containers[n_containers, G_POLYGON] = n_polygons
                    containers[n_containers, G_POLYGON_END] = n_polygons
                    containers[n_containers, G_FEATURE] = feature
                    stack[top, _BEFORE] = n_containers
                    n_containers += 1
                else:
                    role = NONE
            elif role == UNSUPPORTED and polygon >= 0:
                return UNREADABLE, at
            stack[top, _ROLE] = role
            stack[top, _ARGUMENT] = argument

            if has_attributes and found[A_HREF, 0] >= 0 and feature >= 0 and prop >= 0 and polygon < 0 and skipped == 0:
                if n_references >= references.shape[0]:
                    return FULL, at
                references[n_references, X_FEATURE] = feature
                references[n_references, X_PROPERTY] = prop
                references[n_references, X_SURFACE] = surface
                references[n_references, X_RECORD] = record
                references[n_references, X_BEGIN] = found[A_HREF, 0]
                references[n_references, X_END] = found[A_HREF, 1]
                references[n_references, X_AT] = at
                n_references += 1

        if is_closed:
            depth -= 1
            role = stack[top, _ROLE]
            if role == NONE:
                pass
            elif role in (LEAF, IMAGE):
                if stack[top, _TEXT] >= 0:
                    first, last, flags = read_text(b, stack[top, _TEXT], at)
                    if last > first:
                        if n_texts >= texts.shape[0]:
                            return FULL, at
                        if part > 0 or surface >= 0:
                            flags |= INNER
                        texts[n_texts, T_FEATURE] = feature
                        texts[n_texts, T_RECORD] = record
                        texts[n_texts, T_COLUMN] = stack[top, _ARGUMENT]
                        texts[n_texts, T_BEGIN] = first
                        texts[n_texts, T_END] = last
                        texts[n_texts, T_EXTRA] = extra
                        texts[n_texts, T_EXTRA_END] = extra_end
                        texts[n_texts, T_FLAGS] = flags
                        n_texts += 1
            elif role == RING:
                ring = -1
            elif role == POLYGON:
                polygon = -1
            elif role == INTERIOR:
                interior = 0
            elif role == RECORD:
                record = stack[top, _BEFORE]
            elif role == PROPERTY:
                prop = stack[top, _BEFORE]
            elif role == SURFACE:
                surface = stack[top, _BEFORE]
            elif role == CONTAINER:
                containers[stack[top, _BEFORE], G_POLYGON_END] = n_polygons
            elif role == FEATURE:
                feature = -1
            elif role == PART:
                part -= 1
            elif role == SKIP:
                skipped -= 1

    counts[N_VALUES] = n_values
    counts[N_RINGS] = n_rings
    counts[N_POLYGONS] = n_polygons
    counts[N_FEATURES] = n_features
    counts[N_RECORDS] = n_records
    counts[N_TEXTS] = n_texts
    counts[N_REFERENCES] = n_references
    counts[N_CONTAINERS] = n_containers
    counts[N_SYSTEMS] = n_systems
    counts[N_BINDINGS] = n_bindings
    if depth > 0 or not rooted:
        return TRUNCATED, n - 1
    return OK, n


@njit(cache=True, error_model="numpy", nogil=True)
def read_numbers(b, begin, end):
    """Numbers in spans: (values : (n,) float64, is_bad : (n,) bool); NaN for an empty span and where no number is."""
    values = np.full(begin.size, np.nan)
    is_bad = np.zeros(begin.size, np.bool_)
    for r in range(begin.size):
        if begin[r] >= 0 and end[r] > begin[r]:
            value, after, is_number = read_number(b, begin[r])
            if is_number and after == end[r]:
                values[r] = value
            else:
                is_bad[r] = True
    return values, is_bad


@njit(cache=True, error_model="numpy", nogil=True)
def read_years(b, begin, end):
    """Years at the head of dates (``2017``, ``2017-03-01``): (values, is_bad) as in `read_numbers`."""
    values = np.full(begin.size, np.nan)
    is_bad = np.zeros(begin.size, np.bool_)
    for r in range(begin.size):
        if begin[r] >= 0 and end[r] > begin[r]:
            k = begin[r]
            year = 0
            while k < end[r] and k < begin[r] + 4 and 48 <= b[k] <= 57:
                year = year * 10 + (b[k] - 48)
                k += 1
            if k == begin[r] + 4 and (k == end[r] or not 48 <= b[k] <= 57):
                values[r] = year
            else:
                is_bad[r] = True
    return values, is_bad
