"""Kernels of the planner: searches over voxels that are padded by one blocked cell on every side.

A voxel holds the cost of flying through it as a whole number of quarters: 0 blocked, 4 free, 8 twice as dear. A move
between two voxels costs ``weight[k] * (cost[u] + cost[v])`` in whole numbers, so that every search finds the same
optimum to the last digit, whatever the order of its additions.

Moves are numbered ``k = 0 .. 25`` in the order of ``MOVES`` (planner.py); (dz, dy, dx) is in cells, dy to the south.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

__all__ = ["FAR", "FOUND", "NO_PATH", "TOO_DEAR", "find_any_angle", "find_optimal", "is_visible", "line_cost", "pull",
           "spread_field"]  # fmt: skip

FOUND = 0
NO_PATH = 1
TOO_DEAR = 2
"""Status codes; the last: a cost left the range of whole numbers."""

FAR = 2**30
"""A cost that no path has."""


@njit(cache=True, error_model="numpy", inline="always")
def _push(heap, n, key):
    """Add a key to a 4-ary heap of whole numbers; returns its new size."""
    k = n
    while k > 0:
        p = (k - 1) >> 2
        if heap[p] <= key:
            break
        heap[k] = heap[p]
        k = p
    heap[k] = key
    return n + 1


@njit(cache=True, error_model="numpy", inline="always")
def _pop(heap, n):
    """Drop the least key; returns the new size."""
    n -= 1
    key = heap[n]
    k = 0
    while True:
        c = 4 * k + 1
        if c >= n:
            break
        m = c
        for t in range(c + 1, min(c + 4, n)):
            if heap[t] < heap[m]:
                m = t
        if heap[m] >= key:
            break
        heap[k] = heap[m]
        k = m
    heap[k] = key
    return n


@njit(cache=True, error_model="numpy")
def _grown(heap):
    out = np.empty(2 * len(heap), heap.dtype)
    out[: len(heap)] = heap
    return out


@njit(cache=True, error_model="numpy")
def _moves(row, plane):
    """The 26 moves: how much further on each leads in a flat array (26,), and in z, y, x (26, 3)."""
    step = np.empty(26, np.int64)
    move = np.empty((26, 3), np.int64)
    k = 0
    for dz in range(-1, 2):
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                if dz != 0 or dy != 0 or dx != 0:
                    step[k] = dz * plane + dy * row + dx
                    move[k, 0] = dz
                    move[k, 1] = dy
                    move[k, 2] = dx
                    k += 1
    return step, move


@njit(cache=True, error_model="numpy")
def find_optimal(cost, shape, start, goal, weight, need, slope, node, via, generation, heap):
    """Least-cost path over 26 neighbours (A* with the exact cost of empty space as its heuristic).

    cost : (n,) uint8          padded, flat
    shape : (3,) int64         padded (nz, ny, nx)
    start, goal : int          flat cells, both free
    weight : (26,) int64       cost of a move for each quarter
    need : (26,) int32         neighbours (bits) that must be free for a move
    slope : (8, 8, 3) int64    heuristic: its slope in (z, y, x) by octant and order of the sides, least cost included
    node, via : (n, 2) int32, (n,) int8    workspace: (generation, cost so far), move that led here
    generation : int           even, larger than any used on this workspace
    heap : (m,) int64          workspace, grown where needed

    Returns (status, cost, cells expanded, heap); the path is read back through `via`.
    """
    row, plane = shape[2], shape[1] * shape[2]
    step, move = _moves(row, plane)
    gz = goal // plane
    gy = (goal - gz * plane) // row
    gx = goal - gz * plane - gy * row
    n, expanded = 0, 0
    node[start, 0] = generation
    node[start, 1] = 0
    via[start] = -1
    n = _push(heap, n, np.int64(start))
    while n > 0:
        u = heap[0] & 0xFFFFFFFF
        n = _pop(heap, n)
        if node[u, 0] == generation + 1:
            continue
        node[u, 0] = generation + 1
        expanded += 1
        so_far = np.int64(node[u, 1])
        if u == goal:
            return FOUND, so_far, expanded, heap
        if n + 26 >= len(heap):
            heap = _grown(heap)
        z = u // plane
        y = (u - z * plane) // row
        x = u - z * plane - y * row
        free = 0
        for k in range(26):
            if cost[u + step[k]] != 0:
                free |= 1 << k
        here = np.int64(cost[u])
        for k in range(26):
            if (free & need[k]) != need[k]:
                continue
            v = u + step[k]
            mark = node[v, 0]
            if mark == generation + 1:
                continue
            total = so_far + weight[k] * (here + np.int64(cost[v]))
            if mark != generation or total < node[v, 1]:
                a = gz - z - move[k, 0]
                b = gy - y - move[k, 1]
                c = gx - x - move[k, 2]
                octant = (a < 0) | ((b < 0) << 1) | ((c < 0) << 2)
                p, q, r = abs(a), abs(b), abs(c)
                order = (p < q) | ((q < r) << 1) | ((p < r) << 2)
                ahead = slope[octant, order, 0] * a + slope[octant, order, 1] * b + slope[octant, order, 2] * c
                if total + ahead >= FAR:
                    return TOO_DEAR, total, expanded, heap
                node[v, 0] = generation
                node[v, 1] = total
                via[v] = k
                n = _push(heap, n, ((total + ahead) << 32) | v)
    return NO_PATH, np.int64(FAR), expanded, heap


@njit(cache=True, error_model="numpy")
def spread_field(cost, shape, sources, first, weight, need, cell):
    """Least cost from the nearest source to every cell (Dial's buckets), over the same moves as `find_optimal`.

    sources, first : (m,) int64   flat cells and the cost at which each starts
    weight, need : (26,)          as above; for costs *towards* the sources give the weights of the opposite moves
    cell : (n, 4) int32 out       cost (`FAR` where no source is reached), source (-1), and the links of the buckets

    Returns a status.
    """
    row, plane = shape[2], shape[1] * shape[2]
    step, _ = _moves(row, plane)
    dearest = 0
    for v in range(len(cost)):
        dearest = max(dearest, cost[v])
        cell[v, 0] = FAR
        cell[v, 1] = -1
    buckets = 1 + 2 * dearest * weight.max()
    for i in range(len(first)):
        buckets = max(buckets, first[i] + 1)
    head = np.full(buckets, -1, np.int32)
    left = 0
    for i in range(len(sources)):
        s = sources[i]
        if cost[s] == 0 or first[i] >= cell[s, 0]:
            continue
        if cell[s, 0] == FAR:
            left += 1
        else:
            _unlink(s, cell[s, 0] % buckets, head, cell)
        cell[s, 0] = first[i]
        cell[s, 1] = i
        _link(s, first[i] % buckets, head, cell)
    at = 0
    while left > 0:
        u = np.int64(head[at])
        if u < 0:
            at += 1
            if at == buckets:
                at = 0
            continue
        _unlink(u, at, head, cell)
        left -= 1
        free = 0
        for k in range(26):
            if cost[u + step[k]] != 0:
                free |= 1 << k
        here = np.int64(cost[u])
        so_far = np.int64(cell[u, 0])
        for k in range(26):
            if (free & need[k]) != need[k]:
                continue
            v = u + step[k]
            total = so_far + weight[k] * (here + np.int64(cost[v]))
            known = np.int64(cell[v, 0])
            if total < known:
                if total >= FAR:
                    return TOO_DEAR
                if known == FAR:
                    left += 1
                else:
                    _unlink(v, known % buckets, head, cell)
                cell[v, 0] = total
                cell[v, 1] = cell[u, 1]
                _link(v, total % buckets, head, cell)
    return FOUND


@njit(cache=True, error_model="numpy", inline="always")
def _link(v, bucket, head, cell):
    first = head[bucket]
    cell[v, 2] = first
    cell[v, 3] = -1
    if first >= 0:
        cell[first, 3] = v
    head[bucket] = v


@njit(cache=True, error_model="numpy", inline="always")
def _unlink(v, bucket, head, cell):
    after, before = cell[v, 2], cell[v, 3]
    if before >= 0:
        cell[before, 2] = after
    else:
        head[bucket] = after
    if after >= 0:
        cell[after, 3] = before


@njit(cache=True, error_model="numpy", inline="always")
def _apart(a, b, row, plane):
    """(dz, dy, dx) from cell a to cell b."""
    az, bz = a // plane, b // plane
    ra, rb = a - az * plane, b - bz * plane
    ay, by = ra // row, rb // row
    return bz - az, by - ay, (rb - by * row) - (ra - ay * row)


@njit(cache=True, error_model="numpy", inline="always")
def _straight(dz, dy, dx, size, gauge):
    """Cost of a straight flight of (dz, dy, dx) cells through free air: see ``Objective.cost`` (planner.py).

    size : (2,) [m]: height and edge of a cell; gauge : (8,) length, time, climb, airspeed, wind east, wind north,
    climb speed, descent speed
    """
    east, north, up = dx * size[1], -dy * size[1], dz * size[0]
    out = 0.0
    if gauge[0] > 0.0:
        out = gauge[0] * math.sqrt(east * east + north * north + up * up)
    if gauge[1] > 0.0:
        flat = math.sqrt(east * east + north * north)
        time = up / gauge[6] if up > 0.0 else -up / gauge[7]
        if flat > 0.0:
            along = (east * gauge[4] + north * gauge[5]) / flat
            across = (east * gauge[5] - north * gauge[4]) / flat
            ground = along + math.sqrt(max(gauge[3] * gauge[3] - across * across, 0.0))
            time = max(time, flat / ground)
        out += gauge[1] * time
    if up > 0.0:
        out += gauge[2] * up
    return out


@njit(cache=True, error_model="numpy")
def line_cost(cost, shape, a, b, cut):
    """Mean cost of the cells along the straight line between the centres of two cells, -1 where one is blocked.

    Exact in whole numbers: every cell that the line touches must be free. Where the line passes through an edge or a
    corner, the cells beside it are touched too, unless `cut` is set.

    Returns the mean in quarters, weighted by the length in each cell.
    """
    row, plane = shape[2], shape[1] * shape[2]
    dz, dy, dx = _apart(a, b, row, plane)
    nz, ny, nx = abs(dz), abs(dy), abs(dx)
    sz = plane if dz > 0 else -plane
    sy = row if dy > 0 else -row
    sx = 1 if dx > 0 else -1
    mz, my, mx = max(nz, 1), max(ny, 1), max(nx, 1)
    # crossings of the faces at (2 i + 1) / (2 n) of the way, over their common denominator
    whole = 2 * mz * my * mx
    never = 4 * whole
    tz = my * mx if nz > 0 else never
    ty = mz * mx if ny > 0 else never
    tx = mz * my if nx > 0 else never
    iz, iy, ix = 2 * my * mx, 2 * mz * mx, 2 * mz * my
    v, last, total = a, 0, 0
    if cost[v] == 0:
        return -1.0
    while v != b:
        t = min(tz, ty, tx)
        total += (t - last) * np.int64(cost[v])
        last = t
        on_z, on_y, on_x = tz == t, ty == t, tx == t
        if not cut and on_z + on_y + on_x > 1:
            for side in range(1, 7):
                if (side & 1 and not on_z) or (side & 2 and not on_y) or (side & 4 and not on_x):
                    continue
                w = v + (side & 1) * sz + ((side >> 1) & 1) * sy + ((side >> 2) & 1) * sx
                if cost[w] == 0:
                    return -1.0
        if on_z:
            v += sz
            tz += iz
        if on_y:
            v += sy
            ty += iy
        if on_x:
            v += sx
            tx += ix
        if cost[v] == 0:
            return -1.0
    total += (whole - last) * np.int64(cost[v])
    return total / whole


@njit(cache=True, error_model="numpy")
def is_visible(cost, shape, a, b, cut):
    """Whether the straight line between two cells' centres is free."""
    return line_cost(cost, shape, a, b, cut) >= 0.0


@njit(cache=True, error_model="numpy")
def find_any_angle(
    cost, shape, start, goal, size, gauge, move_cost, need, cheapest, bound, cut, node, so_far, parent, generation, heap
):
    """Path of straight lines at any angle, at most `bound` times the least cost over 26 neighbours (lazy Theta*).

    A cell takes over the parent of the cell it was reached from, as if it could see it; when its turn comes, the line
    is looked at: blocked or dearer than hoped, the cell takes the best of the closed cells beside it, and waits for
    its new turn. So no cell's cost is ever above that of a closed neighbour plus the move from there, which is all
    that the proof of weighted A*'s bound needs (docs/airspace.md).

    size, gauge : cell (height, edge) [m] and cost of a straight line, see `_straight`
    move_cost : (26,) float64        cost of each move at a cost of one quarter
    cheapest : float                 least cost of a free cell [quarters]
    node : (n, 2) int32, so_far : (n,) float64, parent : (n,) int32      workspace
    heap : (m, 2) float64            workspace: key, cell

    Returns (status, cost, cells expanded, heap); the path is read back through `parent`.
    """
    row, plane = shape[2], shape[1] * shape[2]
    step, _ = _moves(row, plane)
    n, expanded = 0, 0
    node[start, 0] = generation
    node[start, 1] = 1
    so_far[start] = 0.0
    parent[start] = start
    n = _push_pair(heap, n, 0.0, start)
    while n > 0:
        u = np.int64(heap[0, 1])
        key = heap[0, 0]
        n = _pop_pair(heap, n)
        if node[u, 0] == generation + 1:
            continue
        dz, dy, dx = _apart(u, goal, row, plane)
        ahead = bound * cheapest * _straight(dz, dy, dx, size, gauge)
        if key > so_far[u] + ahead:
            continue
        if node[u, 1] == 0:
            p = np.int64(parent[u])
            mean = line_cost(cost, shape, p, u, cut)
            dz, dy, dx = _apart(p, u, row, plane)
            best = np.inf if mean < 0.0 else so_far[p] + mean * _straight(dz, dy, dx, size, gauge)
            hoped = so_far[u]
            if best > hoped:
                free = 0
                for k in range(26):
                    if cost[u + step[k]] != 0:
                        free |= 1 << k
                for k in range(26):
                    if (free & need[k]) != need[k]:
                        continue
                    q = u + step[k]
                    if node[q, 0] == generation + 1:
                        # 25 - k is the opposite move: from q to u
                        total = so_far[q] + move_cost[25 - k] * (np.float64(cost[q]) + np.float64(cost[u])) * 0.5
                        if total < best:
                            best = total
                            parent[u] = q
            so_far[u] = best
            node[u, 1] = 1
            if best > hoped and n > 0 and best + ahead > heap[0, 0]:
                if n + 1 >= len(heap):
                    heap = _grown_pairs(heap)
                n = _push_pair(heap, n, best + ahead, u)
                continue
        node[u, 0] = generation + 1
        expanded += 1
        if u == goal:
            return FOUND, so_far[u], expanded, heap
        if n + 26 >= len(heap):
            heap = _grown_pairs(heap)
        p = np.int64(parent[u])
        base = so_far[p]
        free = 0
        for k in range(26):
            if cost[u + step[k]] != 0:
                free |= 1 << k
        for k in range(26):
            if (free & need[k]) != need[k]:
                continue
            v = u + step[k]
            mark = node[v, 0]
            if mark == generation + 1:
                continue
            dz, dy, dx = _apart(p, v, row, plane)
            total = base + cheapest * _straight(dz, dy, dx, size, gauge)
            # in dear air the hope may be false: never hope for more than the move from here costs
            known = so_far[u] + move_cost[k] * (np.float64(cost[u]) + np.float64(cost[v])) * 0.5
            q, is_sure = p, 0
            if known < total:
                total, q, is_sure = known, u, 1
            if mark != generation or total < so_far[v]:
                node[v, 0] = generation
                node[v, 1] = is_sure
                so_far[v] = total
                parent[v] = q
                dz, dy, dx = _apart(v, goal, row, plane)
                key = total + bound * cheapest * _straight(dz, dy, dx, size, gauge)
                n = _push_pair(heap, n, key, v)
    return NO_PATH, np.inf, expanded, heap


@njit(cache=True, error_model="numpy", inline="always")
def _push_pair(heap, n, key, cell):
    k = n
    while k > 0:
        p = (k - 1) >> 2
        if heap[p, 0] <= key:
            break
        heap[k, 0] = heap[p, 0]
        heap[k, 1] = heap[p, 1]
        k = p
    heap[k, 0] = key
    heap[k, 1] = cell
    return n + 1


@njit(cache=True, error_model="numpy", inline="always")
def _pop_pair(heap, n):
    n -= 1
    key, cell = heap[n, 0], heap[n, 1]
    k = 0
    while True:
        c = 4 * k + 1
        if c >= n:
            break
        m = c
        for t in range(c + 1, min(c + 4, n)):
            if heap[t, 0] < heap[m, 0]:
                m = t
        if heap[m, 0] >= key:
            break
        heap[k, 0] = heap[m, 0]
        heap[k, 1] = heap[m, 1]
        k = m
    heap[k, 0] = key
    heap[k, 1] = cell
    return n


@njit(cache=True, error_model="numpy")
def _grown_pairs(heap):
    out = np.empty((2 * len(heap), 2), heap.dtype)
    out[: len(heap)] = heap
    return out


@njit(cache=True, error_model="numpy")
def pull(cost, shape, path, size, gauge, cut):
    """Shorten a path of cells: from each, on to the farthest one that is seen at no higher cost.

    path : (m,) int64     flat cells, consecutive ones see each other

    Returns the cells that are kept, as an array.
    """
    row, plane = shape[2], shape[1] * shape[2]
    m = len(path)
    along = np.zeros(m)
    for i in range(1, m):
        dz, dy, dx = _apart(path[i - 1], path[i], row, plane)
        mean = line_cost(cost, shape, path[i - 1], path[i], cut)
        if mean < 0.0:
            mean = 0.5 * (np.float64(cost[path[i - 1]]) + np.float64(cost[path[i]]))
        along[i] = along[i - 1] + mean * _straight(dz, dy, dx, size, gauge)
    out = np.empty(m, np.int64)
    out[0] = path[0]
    kept, i = 1, 0
    while i < m - 1:
        j = m - 1
        while j > i + 1:
            mean = line_cost(cost, shape, path[i], path[j], cut)
            if mean >= 0.0:
                dz, dy, dx = _apart(path[i], path[j], row, plane)
                if mean * _straight(dz, dy, dx, size, gauge) <= along[j] - along[i] + 1e-9:
                    break
            j -= 1
        out[kept] = path[j]
        kept += 1
        i = j
    return out[:kept].copy()
