"""Rasters of a plan: distance to walls, travel time by fast marching, directions.

Arrays are (ny, nx), row 0 in the south: a private frame, never stored. A node stands in the middle of its cell. Travel
time is in seconds for somebody who walks 1 m/s on the level.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

__all__ = ["UNREACHED", "find_directions", "hides_somebody", "march", "wall_distance"]

UNREACHED = np.float32(1e30)
"""Travel time of a node without a way."""


@njit(cache=True, error_model="numpy")
def wall_distance(ax, ay, bx, by, h, reach, distance):
    """Distance from each node to the nearest wall, at most `reach`.

    ax, ay, bx, by : (walls,)   ends of the walls [m]
    h, reach       : float      node spacing, largest distance of interest [m]
    distance       : (ny, nx)   out [m]
    """
    ny, nx = distance.shape
    distance[:, :] = reach
    for s in range(ax.size):
        i0 = max(int((min(ax[s], bx[s]) - reach) / h), 0)
        i1 = min(int((max(ax[s], bx[s]) + reach) / h) + 1, nx - 1)
        j0 = max(int((min(ay[s], by[s]) - reach) / h), 0)
        j1 = min(int((max(ay[s], by[s]) + reach) / h) + 1, ny - 1)
        ux, uy = bx[s] - ax[s], by[s] - ay[s]
        length2 = ux * ux + uy * uy
        for j in range(j0, j1 + 1):
            py = (j + 0.5) * h - ay[s]
            for i in range(i0, i1 + 1):
                px = (i + 0.5) * h - ax[s]
                t = 0.0
                if length2 > 0.0:
                    t = min(max((px * ux + py * uy) / length2, 0.0), 1.0)
                d = math.sqrt((px - t * ux) ** 2 + (py - t * uy) ** 2)
                distance[j, i] = min(distance[j, i], d)


@njit(cache=True, error_model="numpy")
def hides_somebody(ax, ay, bx, by, nx_out, ny_out, is_free, h, reach, hides):
    """Whether there is floor behind a wall, within `reach` of it: only such walls take part in lines of sight.

    ax, ay, bx, by : (walls,)   ends of the walls [m]
    nx_out, ny_out : (walls,)   normal away from the floor
    is_free        : (ny, nx)   floor
    h, reach       : float      node spacing, length of sight [m]
    hides          : (walls,)   out, bool
    """
    ny, nx = is_free.shape
    for s in range(ax.size):
        i0 = max(int((min(ax[s], bx[s]) - reach) / h), 0)
        i1 = min(int((max(ax[s], bx[s]) + reach) / h) + 1, nx - 1)
        j0 = max(int((min(ay[s], by[s]) - reach) / h), 0)
        j1 = min(int((max(ay[s], by[s]) + reach) / h) + 1, ny - 1)
        hides[s] = False
        for j in range(j0, j1 + 1):
            for i in range(i0, i1 + 1):
                # half a node: what lies just in the wall's own line is not behind it
                side = ((i + 0.5) * h - ax[s]) * nx_out[s] + ((j + 0.5) * h - ay[s]) * ny_out[s]
                if is_free[j, i] and side > 0.5 * h:
                    hides[s] = True
                    break
            if hides[s]:
                break


@njit(cache=True, error_model="numpy")
def _rise(key, node, place, c):
    k, n = key[c], node[c]
    while c > 0:
        parent = (c - 1) >> 1
        if key[parent] <= k:
            break
        key[c], node[c] = key[parent], node[parent]
        place[node[c]] = c
        c = parent
    key[c], node[c] = k, n
    place[n] = c


@njit(cache=True, error_model="numpy")
def _sink(key, node, place, count):
    k, n = key[0], node[0]
    c = 0
    while True:
        child = 2 * c + 1
        if child >= count:
            break
        if child + 1 < count and key[child + 1] < key[child]:
            child += 1
        if k <= key[child]:
            break
        key[c], node[c] = key[child], node[child]
        place[node[c]] = c
        c = child
    key[c], node[c] = k, n
    place[n] = c


@njit(cache=True, error_model="numpy")
def march(slowness, seeds, jump_start, jump_to, h, time):
    """Fast marching, first order (Sethian 1996): |grad T| = slowness, T = 0 at the seeds.

    slowness            : (ny, nx)      [s/m]; infinite where nobody walks
    seeds               : (m,)          flat indices
    jump_start, jump_to : (nodes + 1,), (j,)   nodes that are reached from a node without a step: passages, backwards
    h                   : float         node spacing [m]
    time                : (ny, nx)      out [s], `UNREACHED` where there is no way
    """
    ny, nx = slowness.shape
    size = ny * nx
    flat = time.reshape(size)
    slow = slowness.reshape(size)
    flat[:] = UNREACHED
    key = np.empty(size, np.float32)
    node = np.empty(size, np.int32)
    place = np.full(size, -1, np.int32)
    done = np.zeros(size, np.bool_)
    count = 0
    for s in seeds:
        if place[s] < 0 and slow[s] < UNREACHED:
            flat[s] = 0.0
            key[count], node[count], place[s] = 0.0, s, count
            count += 1
            _rise(key, node, place, count - 1)
    while count > 0:
        here = node[0]
        count -= 1
        if count > 0:
            key[0], node[0] = key[count], node[count]
            _sink(key, node, place, count)
        done[here] = True
        has_jumps = jump_start.size > 1
        first = jump_start[here] if has_jumps else 0
        last = jump_start[here + 1] if has_jumps else 0
        j, i = here // nx, here % nx
        for d in range(4 + last - first):
            if d < 4:
                jj = j + (1 if d == 0 else -1 if d == 1 else 0)
                ii = i + (1 if d == 2 else -1 if d == 3 else 0)
                if jj < 0 or ii < 0 or jj >= ny or ii >= nx:
                    continue
                there = jj * nx + ii
            else:
                there = jump_to[first + d - 4]
                jj, ii = there // nx, there % nx
            if done[there] or not slow[there] < UNREACHED:
                continue
            if d < 4:
                across, along = UNREACHED, UNREACHED
                if ii > 0:
                    across = min(across, flat[there - 1])
                if ii < nx - 1:
                    across = min(across, flat[there + 1])
                if jj > 0:
                    along = min(along, flat[there - nx])
                if jj < ny - 1:
                    along = min(along, flat[there + nx])
                low, high = min(across, along), max(across, along)
                f = h * slow[there]
                t = low + f
                if high - low < f:
                    t = 0.5 * (low + high + math.sqrt(2.0 * f * f - (high - low) ** 2))
            else:
                t = flat[here]
            if t < flat[there]:
                flat[there] = t
                if place[there] < 0:
                    node[count], place[there] = there, count
                    count += 1
                key[place[there]] = t
                _rise(key, node, place, place[there])


@njit(cache=True, error_model="numpy", parallel=True)
def find_directions(time, direction):
    """Unit vector of steepest descent of the travel time.

    time      : (ny, nx)      [s]
    direction : (ny, nx, 2)   out, in 127ths: a byte is half a degree, and a raster an exit has to stay small

    A node without a way takes over what stands at the nearest of its eight neighbours: somebody leaning on a wall may
    be nearer to a node inside it.
    """
    ny, nx = time.shape
    for j in prange(ny):
        for i in range(nx):
            gx, gy = 0.0, 0.0
            here = time[j, i]
            if here < UNREACHED:
                west = time[j, i - 1] if i > 0 else UNREACHED
                east = time[j, i + 1] if i < nx - 1 else UNREACHED
                south = time[j - 1, i] if j > 0 else UNREACHED
                north = time[j + 1, i] if j < ny - 1 else UNREACHED
                if west < UNREACHED and east < UNREACHED:
                    gx = 0.5 * float(west - east)
                elif west < UNREACHED:
                    gx = -max(here - west, 0.0)
                elif east < UNREACHED:
                    gx = max(here - east, 0.0)
                if south < UNREACHED and north < UNREACHED:
                    gy = 0.5 * float(south - north)
                elif south < UNREACHED:
                    gy = -max(here - south, 0.0)
                elif north < UNREACHED:
                    gy = max(here - north, 0.0)
            else:
                for d in range(8):
                    ii = i + (1 if d in (0, 4, 5) else -1 if d in (1, 6, 7) else 0)
                    jj = j + (1 if d in (2, 4, 6) else -1 if d in (3, 5, 7) else 0)
                    if 0 <= ii < nx and 0 <= jj < ny and time[jj, ii] < UNREACHED:
                        gx, gy = float(ii - i), float(jj - j)
                        break
            norm = math.sqrt(gx * gx + gy * gy)
            if norm > 0.0:
                direction[j, i, 0] = round(127.0 * gx / norm)
                direction[j, i, 1] = round(127.0 * gy / norm)
            else:
                direction[j, i, 0] = 0
                direction[j, i, 1] = 0
