"""Steps of the crowd: sorting into cells, mirroring at passages, the collision-free speed model, contact with walls.

People are kept sorted by cell, so that neighbours are neighbours in memory; what a person does depends only on the
state before the step, so neither order nor threads change a result. Single precision in a local frame: a kilometre has
steps of 0.1 mm.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import config, njit, prange

if TYPE_CHECKING:
    from numpy.typing import NDArray

# waiting threads sleep (read when the first parallel region starts; who wants it otherwise sets it)
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]  # type: ignore[attr-defined]  # set at run time by numba

__all__ = ["Cells", "Doors", "Law", "People", "Plan", "Walls", "advance_people", "mirror_people", "sort_people"]

F = np.float32
BLOCK = 256
"""People a unit of parallel work."""
GATHER_FROM, ADVANCE_FROM = 20_000, 1_000
"""People from which a second thread pays: entering a parallel region costs more than these loops do below."""
CROWDED = 256
"""Neighbours within reach that fit: 30 persons a square metre."""
TOUCH = F(0.02)
"""From here on a wall is felt as contact [m]."""
SLIP = F(1e-3)
"""Tolerance of a contact [m]."""
GRAZE = F(0.005)
"""Bodies nearer than this slide along each other [m]."""
TOUCHES = 8
"""Walls, and bodies, that somebody can touch at once."""
NUDGE = F(1e-3)
"""Share of the desired direction."""
FAST: dict[str, Any] = {"cache": True, "error_model": "numpy", "fastmath": {"contract", "nsz", "arcp"}}


class People(NamedTuple):
    """One entry a person."""

    x: NDArray[Any]
    y: NDArray[Any]
    back_x: NDArray[Any]
    """Where he was a step ago [m]."""
    back_y: NDArray[Any]
    speed: NDArray[Any]
    """Own speed on the level [m/s], 0 while waiting."""
    radius: NDArray[Any]
    target: NDArray[Any]
    """Number of a direction raster, -1 for none."""
    ident: NDArray[Any]
    """Row number, -1 for a mirrored person, -2 for one who is gone."""


class Cells(NamedTuple):
    """Square cells over the plan."""

    start: NDArray[Any]
    """(nx * ny + 2,) first person of each cell, then of those gone, then the count."""
    nx: int
    ny: int
    inverse: float
    """Cells a metre."""


class Walls(NamedTuple):
    """Pieces of wall from (ax, ay) to (bx, by), and lists of them by cell."""

    ax: NDArray[Any]
    ay: NDArray[Any]
    bx: NDArray[Any]
    by: NDArray[Any]
    near_start: NDArray[Any]
    near: NDArray[Any]
    """Those that a person in the cell can touch."""
    hide_start: NDArray[Any]
    hide: NDArray[Any]
    """Those that can stand between a person in the cell and another."""


class Doors(NamedTuple):
    """Openings from (ax, ay) to (bx, by), listed by cell; for a mirror its turn and shift to the other side."""

    ax: NDArray[Any]
    ay: NDArray[Any]
    bx: NDArray[Any]
    by: NDArray[Any]
    start: NDArray[Any]
    near: NDArray[Any]


class Plan(NamedTuple):
    """Rasters."""

    direction: NDArray[Any]
    """(targets, ny, nx, 2) 127ths."""
    pace: NDArray[Any]
    """(ny, nx) share of the own speed, or (1, 1): every look into a raster is a line of memory that is not at hand."""
    stair: NDArray[Any]
    """(ny, nx) number of the stair plus one, or (1, 1) where there is none."""
    stair_up: NDArray[Any]
    """(stairs, 4) uphill unit vector in plan, factors up and down of the speed in plan."""
    inverse: float
    """Nodes a metre."""


class Law(NamedTuple):
    """Parameters of the model."""

    time_gap: float
    strength: float
    inverse_range: float
    wall_strength: float
    inverse_wall_range: float
    anticipation: float
    """Time over which somebody reckons with a spacing that opens [s]."""
    unrest: float
    """Share by which the strength that a person feels goes up and down."""
    beat: float
    """Periods of the unrest since the start."""
    largest_radius: float
    repulsion_reach: float
    """Beyond two radii [m]."""


@njit(cache=True, error_model="numpy")
def mirror_people(count, people, doors, turn, partner, reach):
    """Append people near a passage as they appear from its other side.

    turn    : (doors, 4)   cosine, sine and shift that carry this side onto the other
    partner : (doors,)     the other side, -1 for an exit
    reach   : float        how far one sees [m]
    Returns the new count.
    """
    total = count
    for d in range(partner.size):
        if partner[d] < 0:
            continue
        ax, ay = doors.ax[d], doors.ay[d]
        ux, uy = doors.bx[d] - ax, doors.by[d] - ay
        length2 = ux * ux + uy * uy
        for k in range(count):
            px, py = people.x[k] - ax, people.y[k] - ay
            t = min(max((px * ux + py * uy) / length2, F(0)), F(1))
            if (px - t * ux) ** 2 + (py - t * uy) ** 2 < F(reach * reach) and people.ident[k] >= 0:
                if total == people.x.size:
                    return total
                people.x[total] = turn[d, 0] * people.x[k] - turn[d, 1] * people.y[k] + turn[d, 2]
                people.y[total] = turn[d, 1] * people.x[k] + turn[d, 0] * people.y[k] + turn[d, 3]
                people.back_x[total] = turn[d, 0] * people.back_x[k] - turn[d, 1] * people.back_y[k] + turn[d, 2]
                people.back_y[total] = turn[d, 1] * people.back_x[k] + turn[d, 0] * people.back_y[k] + turn[d, 3]
                people.radius[total] = people.radius[k]
                people.ident[total] = -1
                total += 1
    return total


@njit(cache=True, error_model="numpy")
def _gather(first, last, old, new, order):
    for m in range(first, last):
        k = order[m]
        new.x[m] = old.x[k]
        new.y[m] = old.y[k]
        new.back_x[m] = old.back_x[k]
        new.back_y[m] = old.back_y[k]
        new.speed[m] = old.speed[k]
        new.radius[m] = old.radius[k]
        new.target[m] = old.target[k]
        new.ident[m] = old.ident[k]


# a parallel loop holds nothing but a call: what it writes to a field of a tuple itself is lost (numba 0.68)
@njit(cache=True, error_model="numpy", parallel=True)
def sort_people(count, old, new, cells, cell, order):
    """Sort by cell, keeping the order within a cell; those gone come last.

    count       : int        entries of `old` in use
    old, new    : People     in and out
    cells       : Cells      start is filled
    cell, order : (size,)    work
    """
    start, nx, ny = cells.start, cells.nx, cells.ny
    inverse = F(cells.inverse)
    last = nx * ny
    start[:] = 0
    for k in range(count):
        c = last
        if old.ident[k] >= -1:
            i = min(max(int(old.x[k] * inverse), 0), nx - 1)
            j = min(max(int(old.y[k] * inverse), 0), ny - 1)
            c = j * nx + i
        cell[k] = c
        start[c + 1] += 1
    total = 0
    for c in range(last + 2):
        total += start[c]
        start[c] = total
    # start[c] is now where cell c begins; filling moves it to where it ends, which is where c + 1 begins
    for k in range(count):
        c = cell[k]
        order[start[c]] = k
        start[c] += 1
    for c in range(last + 1, 0, -1):
        start[c] = start[c - 1]
    start[0] = 0
    if count < GATHER_FROM:
        _gather(0, count, old, new, order)
    else:
        for b in prange((count + BLOCK - 1) // BLOCK):
            _gather(b * BLOCK, min(count, (b + 1) * BLOCK), old, new, order)


@njit(**FAST)
def _is_between(px, py, qx, qy, ax, ay, bx, by):
    """Whether the segments p-q and a-b cross."""
    ux, uy = qx - px, qy - py
    side_a = ux * (ay - py) - uy * (ax - px)
    side_b = ux * (by - py) - uy * (bx - px)
    if side_a * side_b > F(0):
        return False
    wx, wy = bx - ax, by - ay
    side_p = wx * (py - ay) - wy * (px - ax)
    side_q = wx * (qy - ay) - wy * (qx - ax)
    return side_p * side_q <= F(0)


@njit(**FAST)
def _away(px, py, ax, ay, bx, by):
    """Vector from the nearest point of a-b to p, and its length."""
    ux, uy = bx - ax, by - ay
    length2 = ux * ux + uy * uy
    t = F(0)
    if length2 > F(0):
        t = min(max(((px - ax) * ux + (py - ay) * uy) / length2, F(0)), F(1))
    dx, dy = px - ax - t * ux, py - ay - t * uy
    return dx, dy, math.sqrt(dx * dx + dy * dy)


@njit(**FAST)
def _settle_contact(px, py, qx, qy, radius, walls, first, last):
    """Move q off the walls that the step from p would come too near to; p itself where that does not help.

    Nobody comes nearer to a wall than his radius, or than he already stands: by induction nobody is ever in a wall.
    """
    for _ in range(2):
        for m in range(first, last):
            w = walls.near[m]
            dx, dy, d = _away(qx, qy, walls.ax[w], walls.ay[w], walls.bx[w], walls.by[w])
            if d < radius:
                _, _, before = _away(px, py, walls.ax[w], walls.ay[w], walls.bx[w], walls.by[w])
                allowed = min(radius, before)
                if F(0) < d < allowed:
                    qx += dx / d * (allowed - d)
                    qy += dy / d * (allowed - d)
    for m in range(first, last):
        w = walls.near[m]
        ax, ay, bx, by = walls.ax[w], walls.ay[w], walls.bx[w], walls.by[w]
        _, _, d = _away(qx, qy, ax, ay, bx, by)
        if d < radius:
            _, _, before = _away(px, py, ax, ay, bx, by)
            if d < min(radius, before) - SLIP or d < F(0.1) * SLIP or _is_between(px, py, qx, qy, ax, ay, bx, by):
                return px, py
    return qx, qy


@njit(**FAST)
def _slide(ux, uy, away_x, away_y, count):
    """Take from a direction what leads into the things that one touches; `away` are unit vectors off them."""
    for _ in range(2):
        for m in range(count):
            into = ux * away_x[m] + uy * away_y[m]
            if into < F(0):
                ux -= into * away_x[m]
                uy -= into * away_y[m]
    return ux, uy


@njit(**FAST)
def _is_hidden(px, py, qx, qy, walls, first, last):
    """Whether a wall stands between p and q."""
    for h in range(first, last):
        w = walls.hide[h]
        if _is_between(px, py, qx, qy, walls.ax[w], walls.ay[w], walls.bx[w], walls.by[w]):
            return True
    return False


@njit(**FAST)
def _comes_before(dx, dy, px, py, ex, ey, target, plan):
    """Whether somebody at p + d is nearer to the exit, by the directions there and here.

    Of two with the same exit exactly one comes before the other, so they never block each other both: the three who
    wedge into a door form no lasting arch.
    """
    ngy, ngx = plan.direction.shape[1], plan.direction.shape[2]
    gi = min(max(int((px + dx) * F(plan.inverse)), 0), ngx - 1)
    gj = min(max(int((py + dy) * F(plan.inverse)), 0), ngy - 1)
    mx = ex + F(plan.direction[target, gj, gi, 0]) * F(1 / 127)
    my = ey + F(plan.direction[target, gj, gi, 1]) * F(1 / 127)
    return mx * dx + my * dy > F(0)


@njit(**FAST)
def _look_ahead(k, ux, uy, gap, known, people, cells, walls, widest, sight):
    """Least of `gap` and the free spacing to those in the way of k who stand farther off than `known`."""
    start, ncx, ncy = cells.start, cells.nx, cells.ny
    inverse = F(cells.inverse)
    c = min(max(int(people.y[k] * inverse), 0), ncy - 1) * ncx + min(max(int(people.x[k] * inverse), 0), ncx - 1)
    first_hide, last_hide = walls.hide_start[c], walls.hide_start[c + 1]
    px, py, radius = people.x[k], people.y[k], people.radius[k]
    side = radius + widest
    far = gap + radius + widest
    x0 = max(int((px + min(ux * far, F(0)) - side) * inverse), 0)
    x1 = min(int((px + max(ux * far, F(0)) + side) * inverse), ncx - 1)
    y0 = max(int((py + min(uy * far, F(0)) - side) * inverse), 0)
    y1 = min(int((py + max(uy * far, F(0)) + side) * inverse), ncy - 1)
    for j in range(y0, y1 + 1):
        for m in range(start[j * ncx + x0], start[j * ncx + x1 + 1]):
            dx, dy = people.x[m] - px, people.y[m] - py
            bodies = radius + people.radius[m]
            d2 = dx * dx + dy * dy
            if (
                d2 >= known * known
                and d2 < (gap + bodies) * (gap + bodies)
                and ux * dx + uy * dy > F(0)
                and abs(ux * dy - uy * dx) <= bodies
                and not (d2 > sight and _is_hidden(px, py, px + dx, py + dy, walls, first_hide, last_hide))
            ):
                gap = math.sqrt(d2) - bodies
    return gap


@njit(**FAST)
def _advance_block(first, last, people, cells, walls, doors, plan, law, dt, moved_x, moved_y, door):
    start, ncx, ncy = cells.start, cells.nx, cells.ny
    inverse, nodes = F(cells.inverse), F(plan.inverse)
    ngy, ngx = plan.direction.shape[1], plan.direction.shape[2]
    has_pace, has_stairs = plan.pace.size > 1, plan.stair.size > 1
    time_gap = F(law.time_gap)
    horizon = F(law.anticipation) / F(dt)
    widest = F(law.largest_radius)
    status = 0
    other_x = np.empty(CROWDED, F)
    other_y = np.empty(CROWDED, F)
    other_d = np.empty(CROWDED, F)
    other_r = np.empty(CROWDED, F)
    other_vx = np.empty(CROWDED, F)
    other_vy = np.empty(CROWDED, F)
    touch_x, touch_y = np.empty(TOUCHES, F), np.empty(TOUCHES, F)
    body_x, body_y = np.empty(TOUCHES, F), np.empty(TOUCHES, F)
    for k in range(first, last):
        px, py = people.x[k], people.y[k]
        moved_x[k], moved_y[k] = px, py
        door[k] = -1
        target = people.target[k]
        own = people.speed[k]
        if people.ident[k] < 0 or target < 0 or not own > F(0):
            continue
        gi = min(max(int(px * nodes), 0), ngx - 1)
        gj = min(max(int(py * nodes), 0), ngy - 1)
        ex = F(plan.direction[target, gj, gi, 0]) * F(1 / 127)
        ey = F(plan.direction[target, gj, gi, 1]) * F(1 / 127)
        own *= plan.pace[gj, gi] if has_pace else plan.pace[0, 0]
        if (ex == F(0) and ey == F(0)) or not own > F(0):
            continue
        radius = people.radius[k]
        cx = min(max(int(px * inverse), 0), ncx - 1)
        cy = min(max(int(py * inverse), 0), ncy - 1)
        c = cy * ncx + cx
        reach = radius + widest + F(law.repulsion_reach)
        first_hide, last_hide = walls.hide_start[c], walls.hide_start[c + 1]
        # within this distance nobody is hidden
        sight = F(1e9)
        for m in range(first_hide, last_hide):
            w = walls.hide[m]
            _, _, d = _away(px, py, walls.ax[w], walls.ay[w], walls.bx[w], walls.by[w])
            sight = min(sight, d)
        sight *= sight
        turn_x, turn_y = F(0), F(0)
        found, bodily = 0, 0
        x0 = max(int((px - reach) * inverse), 0)
        x1 = min(int((px + reach) * inverse), ncx - 1)
        y0 = max(int((py - reach) * inverse), 0)
        y1 = min(int((py + reach) * inverse), ncy - 1)
        for j in range(y0, y1 + 1):
            for m in range(start[j * ncx + x0], start[j * ncx + x1 + 1]):
                dx, dy = people.x[m] - px, people.y[m] - py
                d2 = dx * dx + dy * dy
                if d2 >= reach * reach or m == k:
                    continue
                if d2 > sight and _is_hidden(px, py, px + dx, py + dy, walls, first_hide, last_hide):
                    continue
                if found == CROWDED:
                    status = 1
                    break
                other_x[found], other_y[found] = dx, dy
                other_r[found] = people.radius[m]
                other_vx[found] = people.x[m] - people.back_x[m]
                other_vy[found] = people.y[m] - people.back_y[m]
                other_d[found] = math.sqrt(d2) + F(1e-6)
                found += 1
        # up and down evenly, everybody at a beat of his own (golden section): no stand-off lasts
        phase = law.beat + 0.6180339887498949 * people.ident[k]
        phase -= math.floor(phase)
        strength = F(law.strength * (1.0 + law.unrest * (4.0 * abs(phase - 0.5) - 1.0)))
        for m in range(found):
            bodies, d = radius + other_r[m], other_d[m]
            push = strength * math.exp((bodies - d) * F(law.inverse_range)) / d
            turn_x -= push * other_x[m]
            turn_y -= push * other_y[m]
            if (
                d < bodies + GRAZE
                and bodily < TOUCHES
                and _comes_before(other_x[m], other_y[m], px, py, ex, ey, target, plan)
            ):
                body_x[bodily], body_y[bodily] = -other_x[m] / d, -other_y[m] / d
                bodily += 1
        first_wall, last_wall = walls.near_start[c], walls.near_start[c + 1]
        nearest = F(1e9)
        away_x, away_y = F(0), F(0)
        touches = 0
        for m in range(first_wall, last_wall):
            w = walls.near[m]
            dx, dy, d = _away(px, py, walls.ax[w], walls.ay[w], walls.bx[w], walls.by[w])
            d = max(d, F(1e-6))
            if d < nearest:
                nearest, away_x, away_y = d, dx / d, dy / d
            if d < radius + TOUCH and touches < TOUCHES:
                touch_x[touches], touch_y[touches] = dx / d, dy / d
                touches += 1
        if nearest < radius + F(0.3):
            push = F(law.wall_strength) * math.exp((radius - nearest) * F(law.inverse_wall_range))
            turn_x += push * away_x
            turn_y += push * away_y
        # in doubt to the left: somebody exactly before one leaves no other side to choose
        ux, uy = ex + turn_x - NUDGE * ey, ey + turn_y + NUDGE * ex
        ux, uy = _slide(ux, uy, touch_x, touch_y, touches)
        wanted = math.sqrt(ux * ux + uy * uy)
        if bodily > 0:
            ux, uy = _slide(ux, uy, body_x, body_y, bodily)
            ux, uy = _slide(ux, uy, touch_x, touch_y, touches)
        norm = math.sqrt(ux * ux + uy * uy)
        if norm < F(1e-4):
            continue
        own *= min(norm / wanted, F(1))
        ux /= norm
        uy /= norm
        stair = plan.stair[gj, gi] if has_stairs else np.int8(0)
        if stair > 0:
            climbs = ux * plan.stair_up[stair - 1, 0] + uy * plan.stair_up[stair - 1, 1] > F(0)
            own *= plan.stair_up[stair - 1, 2] if climbs else plan.stair_up[stair - 1, 3]
        gap = own * time_gap
        walked_x, walked_y = px - people.back_x[k], py - people.back_y[k]
        for m in range(found):
            bodies = radius + other_r[m]
            ahead = ux * other_x[m] + uy * other_y[m]
            if ahead > GRAZE * bodies and abs(ux * other_y[m] - uy * other_x[m]) <= bodies:
                opens = ux * (other_vx[m] - walked_x) + uy * (other_vy[m] - walked_y)
                space = other_d[m] - bodies + horizon * max(opens, F(0))
                if space < gap and _comes_before(other_x[m], other_y[m], px, py, ex, ey, target, plan):
                    gap = space
        # whoever stands farther off than the repulsion reaches matters only to those with so much space ahead
        if gap + radius > reach - widest:
            gap = _look_ahead(k, ux, uy, gap, reach, people, cells, walls, widest, sight)
        step = min(own, max(F(0), gap / time_gap)) * F(dt)
        if step == F(0):
            continue
        qx, qy = px + ux * step, py + uy * step
        if nearest < radius + step + TOUCH:
            qx, qy = _settle_contact(px, py, qx, qy, radius, walls, first_wall, last_wall)
        for m in range(doors.start[c], doors.start[c + 1]):
            d = doors.near[m]
            if _is_between(px, py, qx, qy, doors.ax[d], doors.ay[d], doors.bx[d], doors.by[d]):
                door[k] = d
                break
        moved_x[k], moved_y[k] = qx, qy
    return status


@njit(**FAST, parallel=True)
def advance_people(count, people, cells, walls, doors, plan, law, dt, moved_x, moved_y, door, crowded):
    """One step of the collision-free speed model for everybody.

    Direction and speed after Tordeux et al. (2016): the way to the exit turned aside by neighbours and walls, and the
    free spacing in that direction over the time gap. Added (docs/crowd.md says why): a spacing that opens is reckoned
    with, `anticipation`; the strength goes up and down, `unrest`; nobody is in the way of one who comes before him; who
    touches a wall or a body slides along it.

    count            : int         people, mirrored ones included
    dt               : float       [s]
    moved_x, moved_y : (count,)    out, new positions [m]
    door             : (count,)    out, number of the opening that the step crosses, -1
    crowded          : (blocks,)   out, 1 where somebody has more neighbours than fit
    """
    if count < ADVANCE_FROM:
        for block in range((count + BLOCK - 1) // BLOCK):
            end = min(count, (block + 1) * BLOCK)
            crowded[block] = _advance_block(
                block * BLOCK, end, people, cells, walls, doors, plan, law, dt, moved_x, moved_y, door
            )
    else:
        for block in prange((count + BLOCK - 1) // BLOCK):
            end = min(count, (block + 1) * BLOCK)
            crowded[block] = _advance_block(
                block * BLOCK, end, people, cells, walls, doors, plan, law, dt, moved_x, moved_y, door
            )
