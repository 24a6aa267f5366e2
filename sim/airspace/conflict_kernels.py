"""Kernels of conflict detection: closest approach of straight flights, spatial hash with time bins, reservations.

A trajectory is rows (x, y, z, t) of ``points[start[i]:start[i + 1]]``, straight and at constant speed between two
rows, times ascending. Two flights are in conflict at a moment when both fly, less than ``horizontal`` apart in the
plane and less than ``vertical`` in height.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

__all__ = ["detect_states", "detect_states_brute", "examine_pairs", "find_free_delay", "find_pairs", "find_pairs_brute",
           "reserve"]  # fmt: skip

PLACES = 0xFFFFF
"""Bits of a place in one direction."""


@njit(cache=True, error_model="numpy", inline="always")
def _state_conflict(dx, dy, dz, du, dv, dw, horizontal, vertical, lookahead):
    """(in conflict, entry, time and distance of closest approach) of relative motion from now to `lookahead`."""
    a = du * du + dv * dv
    b = dx * du + dy * dv
    c = dx * dx + dy * dy - horizontal * horizontal
    enter, leave, closest = -np.inf, np.inf, 0.0
    if a < 1e-12:
        if c >= 0.0:
            return False, 0.0, 0.0, 0.0
    else:
        root = b * b - a * c
        if root <= 0.0:
            return False, 0.0, 0.0, 0.0
        root = math.sqrt(root)
        enter, leave, closest = (-b - root) / a, (-b + root) / a, -b / a
    if abs(dw) < 1e-12:
        if abs(dz) >= vertical:
            return False, 0.0, 0.0, 0.0
    else:
        p, q = (-vertical - dz) / dw, (vertical - dz) / dw
        enter, leave = max(enter, min(p, q)), min(leave, max(p, q))
    if not (enter < leave and leave > 0.0 and enter < lookahead):
        return False, 0.0, 0.0, 0.0
    apart = math.sqrt(max(0.0, dx * dx + dy * dy + 2.0 * b * closest + a * closest * closest))
    return True, max(enter, 0.0), closest, apart


@njit(cache=True, error_model="numpy")
def detect_states_brute(x, y, z, u, v, w, horizontal, vertical, lookahead, pair, told):
    """Every pair; as `detect_states`."""
    m = 0
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            hit, enter, closest, apart = _state_conflict(
                x[j] - x[i], y[j] - y[i], z[j] - z[i], u[j] - u[i], v[j] - v[i], w[j] - w[i], horizontal, vertical,
                lookahead,
            )  # fmt: skip
            if hit:
                if m < len(pair):
                    pair[m, 0], pair[m, 1] = i, j
                    told[m, 0], told[m, 1], told[m, 2] = enter, closest, apart
                m += 1
    return m


@njit(cache=True, error_model="numpy")
def detect_states(x, y, z, u, v, w, horizontal, vertical, lookahead, pair, told):
    """Pairs of aircraft that will be in conflict if all keep their velocity, over a grid of swept midpoints.

    x .. w : (n,)                 position [m] and velocity [m/s]
    pair : (m, 2) int32 out       in no order
    told : (m, 3) out             entry, time of closest approach [s], distance then [m]

    Returns the number of pairs, which may be more than there is room for.
    """
    n = len(x)
    fastest = 0.0
    for i in range(n):
        fastest = max(fastest, math.hypot(u[i], v[i]))
    # two aircraft meet only if the midpoints of what they sweep are this near
    reach = (horizontal + fastest * lookahead) * (1.0 + 1e-9) + 1e-6
    sub = 4
    size = reach / sub
    mx, my = x + u * (0.5 * lookahead), y + v * (0.5 * lookahead)
    west, south = mx.min(), my.min()
    # few aircraft over a wide land: no more cells than four an aircraft
    span_x, span_y = mx.max() - west, my.max() - south
    while (span_x / size + 1.0) * (span_y / size + 1.0) > 4.0 * n + 64.0:
        size *= 2.0
    sub = math.ceil(reach / size)
    nx, ny = int(span_x / size) + 1, int(span_y / size) + 1
    cell = np.empty(n, np.int64)
    first = np.zeros(nx * ny + 1, np.int64)
    for i in range(n):
        c = int((mx[i] - west) / size) * ny + int((my[i] - south) / size)
        cell[i] = c
        first[c + 1] += 1
    for c in range(nx * ny):
        first[c + 1] += first[c]
    fill = first.copy()
    state = np.empty((n, 7))
    for i in range(n):
        p = fill[cell[i]]
        fill[cell[i]] += 1
        state[p, 0], state[p, 1], state[p, 2] = x[i], y[i], z[i]
        state[p, 3], state[p, 4], state[p, 5] = u[i], v[i], w[i]
        state[p, 6] = i
    m = 0
    half = 0.5 * lookahead
    near = horizontal * horizontal
    for cx in range(nx):
        for cy in range(ny):
            a0, a1 = first[cx * ny + cy], first[cx * ny + cy + 1]
            if a0 == a1:
                continue
            for ex in range(cx, min(nx, cx + sub + 1)):
                low = cy if ex == cx else max(0, cy - sub)
                b0, b1 = first[ex * ny + low], first[ex * ny + min(ny - 1, cy + sub) + 1]
                for a in range(a0, a1):
                    xa, ya, za = state[a, 0], state[a, 1], state[a, 2]
                    ua, va, wa = state[a, 3], state[a, 4], state[a, 5]
                    for b in range(max(b0, a + 1), b1):
                        dz, dw = state[b, 2] - za, state[b, 5] - wa
                        if abs(dz + dw * half) > vertical + abs(dw) * half + 1e-6:
                            continue
                        dx, dy = state[b, 0] - xa, state[b, 1] - ya
                        du, dv = state[b, 3] - ua, state[b, 4] - va
                        if dx * du + dy * dv >= 0.0 and dx * dx + dy * dy > near * (1.0 + 1e-9):
                            continue
                        hit, enter, closest, apart = _state_conflict(
                            dx, dy, dz, du, dv, dw, horizontal, vertical, lookahead
                        )
                        if hit:
                            if m < len(pair):
                                i, j = int(state[a, 6]), int(state[b, 6])
                                pair[m, 0], pair[m, 1] = min(i, j), max(i, j)
                                told[m, 0], told[m, 1], told[m, 2] = enter, closest, apart
                            m += 1
    return m


@njit(cache=True, error_model="numpy", inline="always")
def _meeting(points, k, q, m, horizontal, vertical):
    """First moment at which segments k of `points` and m of `q` are in conflict (nan: never), and the closest.

    Returns (first, time of the least horizontal distance while in conflict, that distance, vertical distance then).
    """
    s, e = max(points[k, 3], q[m, 3]), min(points[k + 1, 3], q[m + 1, 3])
    if not e > s:
        return np.nan, 0.0, 0.0, 0.0
    da, db = points[k + 1, 3] - points[k, 3], q[m + 1, 3] - q[m, 3]
    fa, fb = (s - points[k, 3]) / da, (s - q[m, 3]) / db
    au, av = (points[k + 1, 0] - points[k, 0]) / da, (points[k + 1, 1] - points[k, 1]) / da
    bu, bv = (q[m + 1, 0] - q[m, 0]) / db, (q[m + 1, 1] - q[m, 1]) / db
    aw, bw = (points[k + 1, 2] - points[k, 2]) / da, (q[m + 1, 2] - q[m, 2]) / db
    dx = (q[m, 0] + (q[m + 1, 0] - q[m, 0]) * fb) - (points[k, 0] + (points[k + 1, 0] - points[k, 0]) * fa)
    dy = (q[m, 1] + (q[m + 1, 1] - q[m, 1]) * fb) - (points[k, 1] + (points[k + 1, 1] - points[k, 1]) * fa)
    dz = (q[m, 2] + (q[m + 1, 2] - q[m, 2]) * fb) - (points[k, 2] + (points[k + 1, 2] - points[k, 2]) * fa)
    du, dv, dw = bu - au, bv - av, bw - aw
    enter, leave = 0.0, e - s
    if abs(dw) < 1e-12:
        if abs(dz) >= vertical:
            return np.nan, 0.0, 0.0, 0.0
    else:
        low, high = (-vertical - dz) / dw, (vertical - dz) / dw
        enter, leave = max(enter, min(low, high)), min(leave, max(low, high))
    a, b, c = du * du + dv * dv, dx * du + dy * dv, dx * dx + dy * dy - horizontal * horizontal
    if a < 1e-12:
        if c >= 0.0:
            return np.nan, 0.0, 0.0, 0.0
        closest = enter
    else:
        root = b * b - a * c
        if root <= 0.0:
            return np.nan, 0.0, 0.0, 0.0
        root = math.sqrt(root)
        enter, leave = max(enter, (-b - root) / a), min(leave, (-b + root) / a)
        closest = min(max(-b / a, enter), leave)
    if not enter < leave:
        return np.nan, 0.0, 0.0, 0.0
    apart = math.hypot(dx + du * closest, dy + dv * closest)
    return s + enter, s + closest, apart, abs(dz + dw * closest)


@njit(cache=True, error_model="numpy", inline="always")
def _walk(points, start, i, j, horizontal, vertical, out):
    """Whether flights i and j meet; writes first and closest moment and the two distances then into `out`."""
    k, m = start[i], start[j]
    is_hit = False
    while k < start[i + 1] - 1 and m < start[j + 1] - 1:
        first, closest, apart, above = _meeting(points, k, points, m, horizontal, vertical)
        if not math.isnan(first):
            if not is_hit:
                out[0] = first
            if not is_hit or apart < out[2]:
                out[1], out[2], out[3] = closest, apart, above
            is_hit = True
        if points[k + 1, 3] < points[m + 1, 3]:
            k += 1
        else:
            m += 1
    return is_hit


@njit(cache=True, error_model="numpy")
def examine_pairs(points, start, pair, horizontal, vertical, out):
    """Look at given pairs of flights from their first to their last moment together.

    pair : (n, 2)       flights
    out : (n, 4) out    first moment in conflict [s], moment of the least horizontal distance while in conflict, that
                        distance and the vertical one then [m]; nan where the flights never meet
    """
    for n in range(len(pair)):
        out[n, :] = np.nan
        _walk(points, start, min(pair[n, 0], pair[n, 1]), max(pair[n, 0], pair[n, 1]), horizontal, vertical, out[n])


@njit(cache=True, error_model="numpy")
def find_pairs_brute(points, start, horizontal, vertical, pair):
    """Every pair of flights, segment by segment; as `find_pairs`."""
    m = 0
    told = np.empty(4)
    for i in range(len(start) - 1):
        for j in range(i + 1, len(start) - 1):
            if _walk(points, start, i, j, horizontal, vertical, told):
                if m < len(pair):
                    pair[m, 0], pair[m, 1] = i, j
                m += 1
    return m


@njit(cache=True, error_model="numpy", inline="always")
def _bin(value, size):
    return np.int64(math.floor(value / size))


@njit(cache=True, error_model="numpy", inline="always")
def _key(t, cx, cy):
    """Bin and place as one number; places repeat after a million bins, far beyond any separation."""
    return (t << 40) | ((cx & PLACES) << 20) | (cy & PLACES)


@njit(cache=True, error_model="numpy", inline="always")
def _slot(t, cx, cy, mask):
    cx, cy = cx & PLACES, cy & PLACES
    h = t * np.int64(0x9E3779B1) ^ cx * np.int64(0x85EBCA6B) ^ cy * np.int64(0xC2B2AE35)
    return (h ^ (h >> 15)) & mask


@njit(cache=True, error_model="numpy")
def find_pairs(points, start, horizontal, vertical, span, pair):
    """Pairs of flights in conflict: segments are cut at bins of time and hashed by bin and place of their middle.

    The cuts only propose: whether two flights meet is decided on their whole segments, as in `find_pairs_brute`.

    span : float                bin of time [s]
    pair : (m, 2) int32 out     with repetitions

    Returns the number of hits, which may be more than there is room for.
    """
    n = len(start) - 1
    fastest, pieces = 0.0, 0
    for i in range(n):
        for k in range(start[i], start[i + 1] - 1):
            dt = points[k + 1, 3] - points[k, 3]
            if dt > 0.0:
                far = math.hypot(points[k + 1, 0] - points[k, 0], points[k + 1, 1] - points[k, 1])
                fastest = max(fastest, far / dt)
                pieces += _bin(points[k + 1, 3], span) - _bin(points[k, 3], span) + 1
    size = (horizontal + fastest * span) * (1.0 + 1e-9) + 1e-6
    slots = 64
    while slots < pieces:
        slots *= 2
    slot = np.empty(pieces, np.int64)
    key = np.empty(pieces, np.int64)
    owner = np.empty((pieces, 2), np.int32)
    level = np.empty((pieces, 2))
    first = np.zeros(slots + 1, np.int64)
    p = 0
    for i in range(n):
        for k in range(start[i], start[i + 1] - 1):
            dt = points[k + 1, 3] - points[k, 3]
            if not dt > 0.0:
                continue
            for t in range(_bin(points[k, 3], span), _bin(points[k + 1, 3], span) + 1):
                s, e = max(points[k, 3], t * span), min(points[k + 1, 3], (t + 1) * span)
                fs, fe = (s - points[k, 3]) / dt, (e - points[k, 3]) / dt
                middle = 0.5 * (fs + fe)
                cx = _bin(points[k, 0] + (points[k + 1, 0] - points[k, 0]) * middle, size)
                cy = _bin(points[k, 1] + (points[k + 1, 1] - points[k, 1]) * middle, size)
                za = points[k, 2] + (points[k + 1, 2] - points[k, 2]) * fs
                zb = points[k, 2] + (points[k + 1, 2] - points[k, 2]) * fe
                level[p, 0], level[p, 1] = min(za, zb) - 1e-6, max(za, zb) + 1e-6 + vertical
                owner[p, 0], owner[p, 1] = i, k
                key[p] = _key(t, cx, cy)
                slot[p] = _slot(t, cx, cy, slots - 1)
                first[slot[p] + 1] += 1
                p += 1
    for c in range(slots):
        first[c + 1] += first[c]
    # in the order of the slots: what is compared lies side by side
    fill = first.copy()
    keys = np.empty(pieces, np.int64)
    flight = np.empty((pieces, 2), np.int32)
    height = np.empty((pieces, 2))
    for p in range(pieces):
        c = fill[slot[p]]
        fill[slot[p]] += 1
        keys[c] = key[p]
        flight[c, 0], flight[c, 1] = owner[p, 0], owner[p, 1]
        height[c, 0], height[c, 1] = level[p, 0], level[p, 1]
    m = 0
    for p in range(pieces):
        t, cx, cy = keys[p] >> 40, (keys[p] >> 20) & PLACES, keys[p] & PLACES
        i = flight[p, 0]
        for side in range(5):
            # itself and one half of the neighbours: the others find this one
            ex = (cx + (1 if side > 1 else 0)) & PLACES
            ey = (cy + (1 if side == 1 else side - 3 if side > 1 else 0)) & PLACES
            c = _slot(t, ex, ey, slots - 1)
            wanted = _key(t, ex, ey)
            for q in range(first[c], first[c + 1]):
                if keys[q] != wanted or (side == 0 and q <= p):
                    continue
                j = flight[q, 0]
                if i == j or height[p, 0] > height[q, 1] or height[q, 0] > height[p, 1]:
                    continue
                k, o = (flight[p, 1], flight[q, 1]) if i < j else (flight[q, 1], flight[p, 1])
                first_moment, _, _, _ = _meeting(points, k, points, o, horizontal, vertical)
                if not math.isnan(first_moment):
                    if m < len(pair):
                        pair[m, 0], pair[m, 1] = min(i, j), max(i, j)
                    m += 1
    return m


@njit(cache=True, error_model="numpy")
def reserve(points, owner, span, size, head, piece, link, count):
    """Enter a trajectory into the table of reservations.

    points : (m, 4)                  the trajectory
    owner : int                      written beside its pieces
    span, size : float               bin of time [s] and of place [m]; `size` at least the separation and what the
                                     fastest flies in a bin
    head : (2^k,) int64              first piece of each slot, -1 for none
    piece : (n, 8), link : (n, 3)    (x, y, z, t) of both ends; next piece, owner, place as a hash

    Returns the new count of pieces; there must be room for one a bin of time and segment.
    """
    mask = len(head) - 1
    for k in range(len(points) - 1):
        dt = points[k + 1, 3] - points[k, 3]
        if not dt > 0.0:
            continue
        for t in range(_bin(points[k, 3], span), _bin(points[k + 1, 3], span) + 1):
            s, e = max(points[k, 3], t * span), min(points[k + 1, 3], (t + 1) * span)
            if not e > s:
                continue
            fs, fe = (s - points[k, 3]) / dt, (e - points[k, 3]) / dt
            for axis in range(3):
                along = points[k + 1, axis] - points[k, axis]
                piece[count, axis] = points[k, axis] + along * fs
                piece[count, 4 + axis] = points[k, axis] + along * fe
            piece[count, 3], piece[count, 7] = s, e
            cx = _bin(0.5 * (piece[count, 0] + piece[count, 4]), size)
            cy = _bin(0.5 * (piece[count, 1] + piece[count, 5]), size)
            slot = _slot(t, cx, cy, mask)
            link[count, 0] = head[slot]
            link[count, 1] = owner
            link[count, 2] = _key(t, cx, cy)
            head[slot] = count
            count += 1
    return count


@njit(cache=True, error_model="numpy")
def find_free_delay(points, delays, horizontal, vertical, span, size, head, piece, link):
    """First of some delays at which a trajectory is clear of all reservations.

    delays : (d,) [s]

    Returns (number of the delay or -1, flight that stood in the way last or -1, moment, x, y of that).
    """
    mask = len(head) - 1
    mine = np.empty((2, 4))
    theirs = np.empty((2, 4))
    blocker, when, where_x, where_y = np.int64(-1), 0.0, 0.0, 0.0
    for d in range(len(delays)):
        delay = delays[d]
        is_free = True
        for k in range(len(points) - 1):
            t0, t1 = points[k, 3] + delay, points[k + 1, 3] + delay
            dt = t1 - t0
            if not dt > 0.0:
                continue
            for axis in range(3):
                mine[0, axis], mine[1, axis] = points[k, axis], points[k + 1, axis]
            mine[0, 3], mine[1, 3] = t0, t1
            for t in range(_bin(t0, span), _bin(t1, span) + 1):
                s, e = max(t0, t * span), min(t1, (t + 1) * span)
                if not e > s:
                    continue
                middle = (0.5 * (s + e) - t0) / dt
                cx = _bin(points[k, 0] + (points[k + 1, 0] - points[k, 0]) * middle, size)
                cy = _bin(points[k, 1] + (points[k + 1, 1] - points[k, 1]) * middle, size)
                for ex in range(cx - 1, cx + 2):
                    for ey in range(cy - 1, cy + 2):
                        q = head[_slot(t, ex, ey, mask)]
                        place = _key(t, ex, ey)
                        while q >= 0:
                            if link[q, 2] == place:
                                for axis in range(4):
                                    theirs[0, axis], theirs[1, axis] = piece[q, axis], piece[q, 4 + axis]
                                first, _, _, _ = _meeting(mine, 0, theirs, 0, horizontal, vertical)
                                if not math.isnan(first):
                                    is_free = False
                                    blocker, when = link[q, 1], first
                                    f = (first - t0) / dt
                                    where_x = points[k, 0] + (points[k + 1, 0] - points[k, 0]) * f
                                    where_y = points[k, 1] + (points[k + 1, 1] - points[k, 1]) * f
                                    break
                            q = link[q, 0]
                        if not is_free:
                            break
                    if not is_free:
                        break
                if not is_free:
                    break
            if not is_free:
                break
        if is_free:
            return np.int64(d), blocker, when, where_x, where_y
    return np.int64(-1), blocker, when, where_x, where_y
