"""Shallow-water kernels: a finite volume of second order, one pass over memory a step.

A step is a sweep along x and one along y, in turn first; each sweep is one stage (MUSCL-Hancock, docs/decisions/0005).
Bands of tile rows are swept strip by strip from north to south; a row that is loaded is swept along its strip at once,
and the rows behind it across in a ring of row buffers that stays in the caches. A row is written five rows behind the
newest one that was read, so depth and velocity are updated in place; what a neighbouring strip or band still needs of
the old values is put aside before the step.

Where everything lies is said in `shallow_layout`. In buffers "normal" is along the sweep, "transverse" across; each
sweep hands its cells on with the two swapped.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange, uint64

from sim.flood.arithmetic import FLAGS, GLUE, KERNEL, ROWS, at, inverse_cube_root, weir_limit
from sim.flood.kernels import DISCHARGE, GRAVITY, OPEN, SEA, STAGE, TILE_COLS, TILE_ROWS, WALL_BED
from sim.flood.shallow_layout import (
    ALONG,
    CELLS,
    FLUX,
    LANES,
    LEAD,
    MIDDLE,
    P1,
    P2,
    P3,
    P4,
    P5,
    P6,
    PAD,
    PLANE,
    RATIO,
    REACH,
    ROW,
    SHARE,
    SLOPES,
    STRIP,
    TOP,
)  # fmt: skip

__all__ = ["sweep_band", "sweep_bands"]


@njit(**GLUE)
def place(row, j):
    """Place of entry `j` of a row buffer in the ring."""
    return uint64(row * ROW + j)


# numba leaves out what an array's number of dimensions rules out: where there is no porosity these become nothing


@njit(**GLUE)
def over_storage(porosity, i, p, ratio, n, room):
    """`ratio` over what holds water of `n` cells of row `i` from column `p` on, in `room` where that is not all."""
    if porosity.ndim == 1:
        return ratio
    divide_row(ratio, porosity[i + PAD, p:], n, room)
    return room


@njit(**GLUE)
def narrow(porosity, r, i, p, q, ring, n, faces):
    """Take the fluxes through the free share of `n` faces between columns `p` on of row `r` and `q` on of row `i`."""
    if porosity.ndim == 2:
        narrow_row(porosity[r + PAD, p:], porosity[i + PAD, q:], n, ring[faces:])


@njit(**GLUE)
def free_rows(porosity, rows, columns, one):
    """Free shares of three rows of cells from a column each on, or 1."""
    if porosity.ndim == 1:
        return one, one, one
    return (
        porosity[rows[0] + PAD, columns[0] :], porosity[rows[1] + PAD, columns[1] :],
        porosity[rows[2] + PAD, columns[2] :],
    )  # fmt: skip


@njit(**ROWS)
def divide_row(ratio, values, n, out):
    """A number over a row."""
    for j in range(uint64(n)):
        out[j] = ratio / values[j]


@njit(**ROWS)
def narrow_row(before, here, n, faces):
    """Scale all that passes a face, and what pushes there, by the free share of the narrower cell.

    Pressure is kept as its difference to that of either side, so that this is the force on the water of both cells and
    none acts in a lake at rest (a porosity that differs from cell to cell pushes back: Guinot & Soares-Frazao 2006).
    """
    for j in range(uint64(n)):
        share = min(before[j], here[j])
        faces[j] = faces[j] * share
        faces[j + P1] = faces[j + P1] * share
        faces[j + P2] = faces[j + P2] * share
        faces[j + P3] = faces[j + P3] * share
        faces[j + P4] = faces[j + P4] * share


@njit(**ROWS)
def load_row(z, h, rest, normal, transverse, n2, gdt, fall, half, dry, tiny, n, out, friction):
    """Stage, depth and velocities of a row; its friction and, beside it, its release.

    friction : that of half a step, g dt/2 n^2 h^(-4/3) |U|
    release : square of the speed at which water runs off its cell, for each metre that it falls over half of the cell
    [m s-2], 2/dx h^(4/3) / n^2 (Manning)
    fall : g dt / dx

    The stage is the rounded sum of bed, depth and `rest` (Knuth's two-sum): what is flat has one stage, to the bit.
    """
    zero = half - half
    for j in range(uint64(n)):
        bed, depth, u, v = z[j], h[j], normal[j], transverse[j]
        rough = bed + depth
        part = rough - bed
        out[j] = rough + (((bed - (rough - part)) + (depth - part)) + rest[j])
        out[j + P1] = depth
        out[j + P2] = u
        out[j + P3] = v
        out[j + P4] = zero
        r = inverse_cube_root(max(depth, dry))
        r2 = r * r
        k = half * gdt * n2[j] * (r2 * r2)
        friction[j] = k * math.sqrt(u * u + v * v)
        friction[j + P1] = fall / max(k, tiny)


@njit(**GLUE, fastmath=FLAGS)
def half_slope(a, b, quarter):
    """Half of the limited difference over a cell, from the differences to its neighbours (monotonised central)."""
    zero = quarter - quarter
    return max(min(quarter * (a + b), max(min(a, b), zero)), min(max(a, b), zero))


@njit(**GLUE, fastmath=FLAGS)
def lesser(a, b, zero):
    """The smaller of two slopes, 0 where they point apart."""
    return max(min(a, b), zero) + min(max(a, b), zero)


@njit(**GLUE, fastmath=FLAGS)
def slopes_of(before, here, after, j, least, quarter, out):
    """Half of the limited difference over a cell, 0 beside a cell that is all but dry.

    The transverse velocity has half of the smaller difference, so that flow mixes sideways (docs/decisions/0004).
    Where a bed stands above the water beside it no surface reaches over: there it slopes no more than bed and depth do.
    Else a film on the cliff behind a pool would tilt the pool so far that nothing runs out of it. Nor does the bed at
    an edge leave the range of the beds beside it, but for a bend that is small beside the depth: limited apart, stage
    and depth would make a sill on a level crest.
    """
    zero = least - least
    half = quarter + quarter
    eb, e, ea = before[j], here[j], after[j]
    hb, h, ha = before[j + P1], here[j + P1], after[j + P1]
    zb, z, za = eb - hb, e - h, ea - ha
    deep = min(hb, h, ha) > least
    joined = (max(zb, za) < e) & (z < min(eb, ea))
    se = half_slope(e - eb, ea - e, quarter)
    sh = half_slope(h - hb, ha - h, quarter)
    rise, fall = z - zb, za - z
    ground = lesser(rise, fall, zero)
    se = se if joined else lesser(se, sh + half * ground, zero)
    bend = quarter * min(abs(fall - rise), half * h)
    sh = se - min(max(se - sh, min(ground, zero) - bend), max(ground, zero) + bend)
    sh = max(min(sh, h), -h)
    su = half_slope(here[j + P2] - before[j + P2], after[j + P2] - here[j + P2], quarter)
    sv = quarter * lesser(here[j + P3] - before[j + P3], after[j + P3] - here[j + P3], zero)
    se = se if deep else zero
    sh = sh if deep else zero
    out[j] = se
    out[j + P1] = sh
    out[j + P2] = su if deep else zero
    out[j + P3] = sv if deep else zero
    out[j + P4] = half if joined else zero
    out[j + P5] = half * ground
    return se, sh


@njit(**GLUE, fastmath=FLAGS)
def half_on(
    here, slope, friction, j, ew, hw, ee, he, free_before, free, free_after, ratio, gravity, half, ahead, dry, out
):
    """A cell half a step on, as its own edges move it (MUSCL-Hancock); faces compute with this and the slopes.

    ew, hw, ee, he : stage and depth of the neighbours at the western and the eastern edge

    What the depth gains is what its edges let through where the bed is brought to one height as in `flux_between`: the
    cell's full depth would let a lake over a rough bed grow waves out of nothing (docs/decisions/0005). Where an
    edge lets little through, and none is shut, it gains up to `ahead` of a step more: that damps what is left of those
    waves. Friction takes the push of gravity, and no more than that again: a flow in balance stays, and what a limited
    slope does not see is not slowed down. Beside the cells: the share of their depth that stands below the bed at an
    edge, at most a half where an edge is shut.
    """
    zero = half - half
    one = half + half
    e, h, u, v = here[j], here[j + P1], here[j + P2], here[j + P3]
    se, sh, su, sv = slope[j], slope[j + P1], slope[j + P2], slope[j + P3]
    el, hl, er, hr = e - se, h - sh, e + se, h + sh
    zl, zr = el - hl, er - hr
    a = hl if zl > ew else max(el - max(zl, ew - hw), zero)
    c = hr if zr > ee else max(er - max(zr, ee - he), zero)
    below, shut = max(hl - a, hr - c), min(a, c)
    a, c = a * min(free_before / free, one), c * min(free_after / free, one)
    push = -ratio * (u * su + gravity * se)
    deep = max(h, dry)
    k = friction[j]
    slower = one + k
    inverse = one / (deep * slower)
    share = min(below * (slower * inverse), one if shut > zero else half)
    most = share * share
    gain = (half + ahead * (most * most * most)) * ratio * (a * (u - su) - c * (u + su))
    gain = max(gain, half * (abs(sh) - h))
    push = (push - min(max(k * u, min(push + push, zero)), max(push + push, zero))) * (deep * inverse)
    out[j] = e + gain
    out[j + P1] = h + gain
    out[j + P2] = u + push
    out[j + P3] = v - ratio * u * sv
    out[j + P4] = share


@njit(**ROWS, fastmath=FLAGS)
def slope_row(before, here, after, least, quarter, n, out):
    """Slopes of a row of cells."""
    for j in range(uint64(n)):
        slopes_of(before, here, after, j, least, quarter, out)


@njit(**ROWS, fastmath=FLAGS)
def predict_row(
    before, here, after, slope_before, slope, slope_after, friction, free_before, free, free_after, ratio, gravity,
    half, ahead, dry, n, out,
):  # fmt: skip
    """Cells of a row half a step on, from their slopes."""
    for j in range(uint64(n)):
        ew, hw = before[j] + slope_before[j], before[j + P1] + slope_before[j + P1]
        ee, he = after[j] - slope_after[j], after[j + P1] - slope_after[j + P1]
        half_on(
            here, slope, friction, j, ew, hw, ee, he, at(free_before, j), at(free, j), at(free_after, j), ratio,
            gravity, half, ahead, dry, out,
        )  # fmt: skip


@njit(**ROWS, fastmath=FLAGS)
def slope_and_predict_row(
    before, here, after, beyond, slope_before, slope, slope_after, friction, free_before, free, free_after, least,
    quarter, ratio, gravity, half, ahead, dry, n, out,
):  # fmt: skip
    """Slopes of the row `after` and, of rows that lie one behind the other, the row `here` half a step on at once."""
    for j in range(uint64(n)):
        se, sh = slopes_of(here, after, beyond, j, least, quarter, slope_after)
        ew, hw = before[j] + slope_before[j], before[j + P1] + slope_before[j + P1]
        ee, he = after[j] - se, after[j + P1] - sh
        half_on(
            here, slope, friction, j, ew, hw, ee, he, at(free_before, j), at(free, j), at(free_after, j), ratio,
            gravity, half, ahead, dry, out,
        )  # fmt: skip


@njit(**GLUE, fastmath=FLAGS)
def source_of(before, here, after, slope, j, least, quarter):
    """Slope of the surface that pushes a cell: half a step on for what stands below the bed at an edge.

    That part of the water has no flux through the face that would damp it: with the slope at the start of the step the
    surface over a rough bed swings ever higher. On a smooth bed there is none, and edges and push have one slope.
    """
    zero = least - least
    one = quarter + quarter + quarter + quarter
    deep = min(before[j + P1], here[j + P1], after[j + P1]) > least
    limited = half_slope(here[j] - before[j], after[j] - here[j], quarter)
    limited = limited if slope[j + P4] > zero else lesser(limited, slope[j], zero)
    limited = limited if deep else zero
    share = min(here[j + P4] + here[j + P4], one)
    return slope[j] + share * (limited - slope[j])


@njit(**GLUE, fastmath=FLAGS)
def flux_between(
    west, west_slope, east, east_slope, release_west, release_east, j, push_west, push_east, gravity, half, quarter,
    dry, solid, tiny, out,
):  # fmt: skip
    """Fluxes through a face: HLL for mass and normal momentum, upwind for the transverse one (HLLC).

    Both sides are brought to one bed at the face (hydrostatic reconstruction: Audusse et al. 2004; on a slope deeper
    than its water after Chen & Noelle 2017). The momentum flux is kept as its difference to the pressure of either
    side, in which the bed slope term turns into g h times the slope of the surface: exactly 0 in a lake at rest. Water
    that falls over an edge is drawn by no more than its own depth: the rest of the fall lies beyond the cell. Nor does
    a film leave faster than friction lets it run to the edge, driven by its own depth and the bed's fall (`load_row`).
    Before a wall cell the water meets its mirror image; before one of a bank at an angle to the grid, a stair
    (`BANK_BED`), only its own pressure: thrown back from every stair it would be dammed up along the way.
    """
    one = half + half
    zero = half - half
    el, er = west[j] + west_slope[j], east[j] - east_slope[j]
    hl, hr = west[j + P1] + west_slope[j + P1], east[j + P1] - east_slope[j + P1]
    ul, ur = west[j + P2] + west_slope[j + P2], east[j + P2] - east_slope[j + P2]
    vl, vr = west[j + P3] + west_slope[j + P3], east[j + P3] - east_slope[j + P3]
    wall_west, wall_east = west[j] > solid, east[j] > solid
    er = el if wall_east else er
    hr = hl if wall_east else hr
    ur = -ul if wall_east else ur
    el = er if wall_west else el
    hl = hr if wall_west else hl
    ul = -ur if wall_west else ul
    slides = max(west[j], east[j]) > solid + solid + solid
    ul, ur = zero if slides else ul, zero if slides else ur
    zl, zr = el - hl, er - hr
    top = min(max(zl, zr), el, er)
    # in this form one stage gives one depth, to the bit
    a, c = hl if zl > er else el - top, hr if zr > el else er - top
    a = a if a > dry else zero
    c = c if c > dry else zero
    fa, fc = gravity * a, gravity * c
    off_west = release_west[j] * (west[j + P1] + max(-west_slope[j + P5], zero))
    off_east = release_east[j] * (east[j + P1] + max(east_slope[j + P5], zero))
    fa, fc = fa if c > zero else min(fa, off_west), fc if a > zero else min(fc, off_east)
    ca, cc = math.sqrt(fa), math.sqrt(fc)
    middle, spread = half * (ul + ur) + (ca - cc), max(half * (ca + cc) + quarter * (ul - ur), zero)
    s0, s1 = min(ul - ca, middle - spread), max(ur + cc, middle + spread)
    s0 = s0 if a > zero else ur - (cc + cc)
    s1 = s1 if c > zero else ul + (ca + ca)
    s0, s1 = min(s0, zero), max(s1, zero)
    ql, qr = a * ul, c * ur
    inverse, product = one / max(s1 - s0, tiny), s0 * s1
    mass = (s1 * ql - s0 * qr + product * (c - a)) * inverse
    # the mirror image leaves what rounding makes of it
    mass = zero if wall_west | wall_east else mass
    pressure = (half * gravity) * (c - a) * (c + a) * inverse
    out[j] = mass
    out[j + P1] = mass * (vl if mass > zero else vr)
    out[j + P2] = (s1 * (ql * ul) - s0 * (qr * ur) + product * (qr - ql)) * inverse
    fall_west, fall_east = max(min(top - zl, zero), -hl), max(min(top - zr, zero), -hr)
    out[j + P3] = gravity * (west[j + P1] * push_west + hl * fall_west) - s0 * pressure
    out[j + P4] = gravity * (hr * fall_east - east[j + P1] * push_east) - s1 * pressure


@njit(**ROWS, fastmath=FLAGS)
def source_row(before, here, after, slope, least, quarter, n):
    """Slopes of the surface that push, beside the slopes."""
    for j in range(uint64(n)):
        slope[j + P4] = source_of(before, here, after, slope, j, least, quarter)


@njit(**ROWS, fastmath=FLAGS)
def face_row(
    west, west_slope, east, east_slope, release_west, release_east, gravity, half, quarter, dry, solid, tiny, n, out
):
    """Fluxes through a row of faces."""
    for j in range(uint64(n)):
        flux_between(
            west, west_slope, east, east_slope, release_west, release_east, j, west_slope[j + P4], east_slope[j + P4],
            gravity, half, quarter, dry, solid, tiny, out,
        )  # fmt: skip


@njit(**ROWS, fastmath=FLAGS)
def source_and_face_row(
    west, west_slope, east, east_slope, release_west, release_east, beyond, least, gravity, half, quarter, dry, solid,
    tiny, n, out,
):  # fmt: skip
    """Slopes that push the row `east`, and the fluxes between it and the row `west`: of rows one behind the other."""
    for j in range(uint64(n)):
        push = source_of(west, east, beyond, east_slope, j, least, quarter)
        east_slope[j + P4] = push
        flux_between(
            west, west_slope, east, east_slope, release_west, release_east, j, west_slope[j + P4], push, gravity, half,
            quarter, dry, solid, tiny, out,
        )  # fmt: skip


@njit(**ROWS, fastmath=FLAGS | {"reassoc"})
def count_owing(cells, west, east, ratio, keep, solid, one, n):
    """Number of cells whose outflow is more than they have; what enters through an edge comes from a wall cell.

    A sum of ones is exact in any order: the compiler may take it in parts.
    """
    zero = one - one
    count = one - one
    for j in range(uint64(n)):
        leaving = max(east[j], zero) - min(west[j], zero)
        owed = at(ratio, j) * leaving if cells[j] < solid else zero
        count += one if owed > keep * cells[j + P1] else zero
    return count


@njit(**ROWS, fastmath=FLAGS)
def share_row(cells, west, east, ratio, keep, solid, tiny, one, n, out):
    """Share of the outflow that a cell can give: a donor is scaled, never clipped, so volume is kept."""
    zero = one - one
    for j in range(uint64(n)):
        leaving = max(east[j], zero) - min(west[j], zero)
        share = min(one, keep * cells[j + P1] / max(at(ratio, j) * leaving, tiny))
        out[j] = share if cells[j] < solid else one


@njit(**ROWS)
def fill_row(value, n, out):
    """Set the first `n` of a row."""
    for j in range(uint64(n)):
        out[j] = value


@njit(**ROWS, fastmath=FLAGS)
def scale_row(before, here, n, faces):
    """Scale what each face carries by its donor's share."""
    for j in range(uint64(n)):
        mass, forward, backward = faces[j], before[j], here[j]
        share = forward if mass > 0 else backward
        faces[j] = mass * share
        faces[j + P1] = faces[j + P1] * share
        faces[j + P2] = faces[j + P2] * share


@njit(**ROWS, fastmath=FLAGS)
def update_row(cells, west, east, ratio, dry, creep, one, n, out):
    """Cells after the sweep; hands them on, normal and transverse velocity swapped."""
    zero = one - one
    for j in range(uint64(n)):
        step = at(ratio, j)
        gain = step * (west[j] - east[j])
        old = cells[j + P1]
        h = old + gain
        push = (west[j + P2] + west[j + P4]) - (east[j + P2] + east[j + P3])
        over = one / max(h, dry)
        u = (old * cells[j + P2] + step * push) * over
        v = (old * cells[j + P3] + step * (west[j + P1] - east[j + P1])) * over
        out[j] = cells[j] + gain
        out[j + P1] = h
        out[j + P2] = v if (h > dry) & (abs(v) > creep) else zero
        out[j + P3] = u if (h > dry) & (abs(u) > creep) else zero
        out[j + P4] = cells[j + P4] + gain


@njit(**ROWS)
def rain_row(weight, rain, tiny, n, cells):
    """Add rain, which brings no momentum; `weight` : its share, one number or a row."""
    for j in range(uint64(n)):
        fallen = rain * at(weight, j)
        h = cells[j + P1]
        keep = h / max(h + fallen, tiny)
        cells[j + P2] = cells[j + P2] * keep
        cells[j + P3] = cells[j + P3] * keep
        cells[j + P4] = cells[j + P4] + fallen


@njit(**ROWS)
def sink_row(sink, keep, storage, n, cells, h, rest, taken):
    """Take up to `sink` [m] out of each cell; `taken` sums it, over whole cells, in double precision."""
    for j in range(uint64(n)):
        loss = min(sink, keep * (h[j] + (cells[j + P4] + rest[j])))
        cells[j + P4] = cells[j + P4] - loss
        taken[j] += np.float64(loss) * np.float64(at(storage, j))


@njit(**KERNEL)
def sink_cells(porosity, i, p, sink, keep, one, n, cells, h, rest, taken):
    """Let the sink take from `n` cells of row `i` from column `p` on."""
    if porosity.ndim == 1:
        sink_row(sink, keep, one, n, cells, h, rest, taken)
    else:
        sink_row(sink, keep, porosity[i + PAD, p:], n, cells, h, rest, taken)


@njit(**ROWS, fastmath=FLAGS)
def store_row(n2, gdt, gravity, dry, one, n, cells, h, rest, normal, transverse, h_max, top, fast):
    """Friction, and the new depth and velocities of a row; running maxima of depth, and of waves by column.

    |U| (1 + k |U|) = |P| for the new |U|, k = g dt n^2 h^(-4/3), P without friction. The step's gain is added to the
    depth without losing low bits (Knuth's two-sum). A cell that is dry stands still.

    top : maximum of the column within the tile
    """
    zero = one - one
    for j in range(uint64(n)):
        y = cells[j + P4] + rest[j]
        old = h[j]
        new = old + y
        part = new - old
        rest[j] = (old - (new - part)) + (y - part)
        h[j] = new
        u, v = cells[j + P2], cells[j + P3]
        r = inverse_cube_root(max(new, dry))
        r2 = r * r
        k = gdt * n2[j] * (r2 * r2)
        k = k + k
        k = k + k
        share = (one + one) / (one + math.sqrt(one + k * math.sqrt(u * u + v * v)))
        share = share if new > dry else zero
        u, v = u * share, v * share
        normal[j] = u
        transverse[j] = v
        h_max[j] = max(h_max[j], new)
        top[j] = max(top[j], new)
        speed = max(abs(u), abs(v)) + math.sqrt(gravity * new)
        fast[j] = max(fast[j], speed if new > dry else zero)


@njit(**KERNEL)
def fan(el, hl, ul, er, hr, ur, crest, dry):
    """HLL over `crest` in double precision: mass, carried momentum, pressure terms west and east."""
    zl, zr = el - hl, er - hr
    top = max(crest, min(max(zl, zr), el, er))
    a, c = min(max(el - top, 0.0), hl), min(max(er - top, 0.0), hr)
    a, c = a if a > dry else 0.0, c if c > dry else 0.0
    ca, cc = math.sqrt(GRAVITY * a), math.sqrt(GRAVITY * c)
    middle, spread = 0.5 * (ul + ur) + ca - cc, max(0.5 * (ca + cc) + 0.25 * (ul - ur), 0.0)
    s0 = min(min(ul - ca, middle - spread) if a > 0 else ur - 2.0 * cc, 0.0)
    s1 = max(max(ur + cc, middle + spread) if c > 0 else ul + 2.0 * ca, 0.0)
    inverse = 1.0 / max(s1 - s0, 1e-12)
    mass = (s1 * a * ul - s0 * c * ur + s0 * s1 * (c - a)) * inverse
    carried = (s1 * a * ul * ul - s0 * c * ur * ur + s0 * s1 * (c * ur - a * ul)) * inverse
    pressure = 0.5 * GRAVITY * (c - a) * (c + a) * inverse
    west = GRAVITY * hl * max(min(top - zl, 0.0), -hl) - s0 * pressure
    east = GRAVITY * hr * max(min(top - zr, 0.0), -hr) - s1 * pressure
    return mass, carried, west, east


@njit(**KERNEL)
def crest_limit(el, er, crest, ground):
    """Most that passes a wall."""
    if crest <= ground:
        return math.inf
    upstream, downstream = max(el, er) - crest, min(el, er) - crest
    return weir_limit(upstream, downstream, crest - ground) if upstream > 0.0 else 0.0


@njit(**KERNEL)
def depth_of_inflow(q, h, u, fall, n2, dry):
    """Depth at which `q` [m2 s-1] enters beside water of depth `h` that leaves with `u`.

    Subcritical: the wave that reaches the edge from inside, u + 2 c, is known. Where it asks for less than the critical
    depth the flow enters critical; or at normal depth, where the bed falls inwards so much that this is faster.
    """
    critical = (q * q / GRAVITY) ** (1.0 / 3.0)
    if fall > 0.0 and (h <= dry or u * u > GRAVITY * h):
        normal = (q * math.sqrt(n2 / fall)) ** 0.6
        if normal < critical:
            return max(normal, 0.1 * critical)
    wave = (u + 2.0 * math.sqrt(GRAVITY * h)) if h > dry else 0.0
    if wave <= math.sqrt(GRAVITY * critical):
        return critical
    depth = max(critical, wave * wave / (4.0 * GRAVITY))
    for _ in range(30):
        root = math.sqrt(GRAVITY * depth)
        move = (2.0 * root - q / depth - wave) / (root / depth + q / (depth * depth))
        depth = max(depth - move, critical)
        if abs(move) <= 1e-12 * depth:
            break
    return depth


@njit(**KERNEL)
def depth_of_outflow(wave, rate, h):
    """Depth at which normal flow, u = rate h^(2/3), lets out the wave u + 2 c; at least critical flow's."""
    critical = wave * wave / (9.0 * GRAVITY)
    if rate * critical ** (2.0 / 3.0) >= wave / 3.0:
        return critical
    depth = h
    for _ in range(30):
        third = depth ** (1.0 / 3.0)
        root = math.sqrt(GRAVITY * depth)
        move = (rate * third * third + 2.0 * root - wave) / (2.0 / 3.0 * rate / third + root / depth)
        depth = max(depth - move, critical)
        if abs(move) <= 1e-12 * depth:
            break
    return depth


@njit(**KERNEL)
def sea_state(value, wave, e, h, u, dry):
    """Depth and outward velocity at an edge on the open sea, from the Riemann invariants of both sides.

    From inside comes u + 2 c of the edge cell. From outside comes u - 2 c of a simple wave of height `wave` that runs
    in over a sea at rest at `value`: u = -2 (c - c0), c0 the celerity of that sea. Differences of celerities: in a
    lake at rest they are exactly 0.
    """
    still, raised = max(h + (value - e), 0.0), max(h + (value + wave - e), 0.0)
    c = math.sqrt(GRAVITY * h) if h > dry else 0.0
    c0, c1 = math.sqrt(GRAVITY * still), math.sqrt(GRAVITY * raised)
    u = u if h > dry else 0.0
    out, back = u + 2.0 * c, 2.0 * c0 - 4.0 * c1
    shift = 0.25 * u - 0.5 * (c - c1) + 0.5 * (c1 - c0)
    depth, speed = max(h + shift * (2.0 * c + shift) / GRAVITY, 0.0), 0.5 * u + (c - c1) - (c1 - c0)
    if c + shift <= 0.0:
        return 0.0, 0.0
    if speed > c + shift:
        speed = out / 3.0
        depth = speed * speed / GRAVITY
    elif speed < -(c + shift):
        speed = back / 3.0
        depth = speed * speed / GRAVITY
    return depth, speed


@njit(**KERNEL)
def edge_flux(kind, value, wave, e, h, u, e_in, h_in, z_in, n2, dry, cell_size):
    """Outward mass flux through an edge, and its momentum flux less the pressure of the cell's depth.

    `e`, `h`, `u` : stage, depth and outward velocity of the edge cell. STAGE: `value` outside. SEA: see `sea_state`.
    DISCHARGE: `value` flows in. OPEN: normal depth where the bed falls outwards (or the slope is given by a `value` >=
    0), else the flow goes on as it comes; nothing comes in. `e_in`, `h_in`, `z_in` : stage, depth and bed of the next
    cell inside; where no stage is given the surface goes on from it to the edge.
    """
    z, wet = e - h, h > dry
    lean = 0.0
    if wet and h_in > dry:
        # no more than the bed's own slope or half of the depth: a front that passes is no slope
        rise = z - z_in if z_in < WALL_BED else 0.0
        lean = 0.5 * GRAVITY * h * min(max(e - e_in, min(rise, -h)), max(rise, h))
    reach = u + 2.0 * math.sqrt(GRAVITY * h) if wet else 0.0
    if kind == DISCHARGE:
        if value <= 0.0:
            return (-value, value * value / h + lean) if wet else (0.0, 0.0)
        fall = (z - z_in) / cell_size if z_in < WALL_BED else 0.0
        depth = depth_of_inflow(value, h, u, fall, n2, dry)
        return -value, value * value / depth + 0.5 * GRAVITY * (depth - h) * (depth + h) + lean
    if wet and u * u >= GRAVITY * h and u > 0.0:
        return h * u, h * u * u + lean
    depth, speed = h, 0.0
    if kind in (STAGE, SEA) and not wet and h + (value + max(wave, 0.0) - e) <= dry:
        # a film on either side stands still
        return 0.0, 0.0
    if kind == STAGE:
        # in this form a lake stays at rest exactly
        depth = max(h + (value - e), 0.0)
        speed = reach - 2.0 * math.sqrt(GRAVITY * depth)
        if speed < 0.0:
            speed = max(speed, -math.sqrt(GRAVITY * depth))
        elif speed * speed > GRAVITY * depth:
            speed = reach / 3.0
            depth = speed * speed / GRAVITY
    elif kind == SEA:
        depth, speed = sea_state(value, wave, e, h, u, dry)
    elif kind == OPEN:
        if not wet or reach <= 0.0:
            return 0.0, 0.0
        fall = value if value >= 0.0 else (z_in - z) / cell_size
        if fall > 0.0:
            critical = reach / 3.0
            rate = math.sqrt(fall / n2) if n2 > 0.0 and z_in < WALL_BED else 1e6
            depth = depth_of_outflow(reach, rate, h)
            speed = min(rate * depth ** (2.0 / 3.0), critical)
        elif u > 0.0:
            return h * u, h * u * u
        else:
            return 0.0, h * u * u + h * u * math.sqrt(GRAVITY * h)
    if kind != OPEN:
        lean = 0.0
    return depth * speed, depth * speed * speed + lean + 0.5 * GRAVITY * (depth - h) * (depth + h)


@njit(**KERNEL)
def state_of(ring, cell):
    """Stage, depth and velocities of a cell in double precision."""
    return (
        np.float64(ring[cell]), np.float64(ring[cell + P1]), np.float64(ring[cell + P2]), np.float64(ring[cell + P3]),
    )  # fmt: skip


@njit(**KERNEL)
def special_face(kind, value, wave, ring, west, east, inside, outside, z_in, n2, solid, dry, cell_size, out):
    """Replace the fluxes of a face: a wall between two cells, or an edge of the domain.

    west, east, inside, out : places in the ring of the two cells, at an edge of the next one, and of the face
    outside : -1 where the western one is beyond the domain, 1 where the eastern one is, 0 where none is
    """
    mass, carried, push_west, push_east, along = 0.0, 0.0, 0.0, 0.0, 0.0
    el, hl, ul, vl = state_of(ring, west)
    er, hr, ur, vr = state_of(ring, east)
    if outside == 0:
        if el > solid or er > solid:
            return
        mass, carried, push_west, push_east = fan(el, hl, ul, er, hr, ur, value, dry)
        most = crest_limit(el, er, value, max(el - hl, er - hr))
        if abs(mass) > most:
            carried *= most / abs(mass)
            mass *= most / abs(mass)
        along = mass * (vl if mass > 0 else vr)
    else:
        e_in, h_in, _, _ = state_of(ring, inside)
        if outside > 0:
            mass, carried = edge_flux(kind, value, wave, el, hl, ul, e_in, h_in, z_in, n2, dry, cell_size)
            along = max(mass, 0.0) * vl
        else:
            mass, carried = edge_flux(kind, value, wave, er, hr, -ur, e_in, h_in, z_in, n2, dry, cell_size)
            mass = -mass
            along = min(mass, 0.0) * vr
    ring[out], ring[out + P1], ring[out + P2], ring[out + P3], ring[out + P4] = (
        mass,
        along,
        carried,
        push_west,
        push_east,
    )


@njit(**KERNEL)
def special_x(i, first, last, shift, cells, z, n2, columns, faces, numbers, ring, out):
    """Replace the fluxes of the special x-faces of row `i` among the local faces [first, last).

    cells, out : places in the ring of local column 0
    """
    for k in range(faces.start[i], faces.start[i + 1]):
        column = faces.place[k]
        j = uint64(column + shift)
        if first <= column + shift < last:
            outside, inner, inside = 0, column, j
            if column == 0:
                outside, inner, inside = -1, min(1, columns - 1), j + uint64(1)
            elif column == columns:
                outside, inner, inside = 1, max(columns - 2, 0), j - uint64(2)
            special_face(
                faces.kind[k], faces.value[k], faces.wave[k], ring, cells + j - uint64(1), cells + j, cells + inside,
                outside, z[inner + LEAD], n2[min(column, columns - 1) + LEAD], numbers.solid, numbers.dry,
                numbers.cell_size, out + j,
            )  # fmt: skip


@njit(**KERNEL)
def special_y(f, first, last, shift, north, south, inside, z, n2, faces, numbers, ring, out):
    """Replace the fluxes of the special y-faces north of row `f` among the local columns [first, last).

    north, south, inside, out : places in the ring of local column 0
    """
    ny = faces.start.size - 2
    outside = -1 if f == 0 else 1 if f == ny else 0
    for k in range(faces.start[f], faces.start[f + 1]):
        column = faces.place[k]
        j = uint64(column + shift)
        if first <= column + shift < last:
            special_face(
                faces.kind[k], faces.value[k], faces.wave[k], ring, north + j, south + j, inside + j, outside,
                z[column + LEAD], n2[column + LEAD], numbers.solid, numbers.dry, numbers.cell_size, out + j,
            )  # fmt: skip


@njit(**KERNEL)
def free_share(porosity, i, p, r, q):
    """Share of what leaves cell (i, p) that its neighbour (r, q) leaves free."""
    return min(porosity[r + PAD, q] / porosity[i + PAD, p], 1.0) if porosity.ndim == 2 else 1.0


@njit(**KERNEL)
def hold(ring, cell, middle):
    """Leave a cell as it is: at an edge that lets waves out the prediction would throw them back."""
    for plane in (uint64(0), P1, P2, P3):
        ring[middle + plane] = ring[cell + plane]
    ring[middle + P4] = 0


@njit(**KERNEL)
def mend(ring, cell, beyond, slope, slope_beyond, middle, side, share, mass, numbers):
    """Let through an edge of a predicted cell (east 1, west -1) what a special face does; a wall cell stays dry."""
    if ring[cell] > numbers.solid:
        return
    e, h, u, _ = state_of(ring, cell)
    se, sh, su, _ = state_of(ring, slope)
    eb, hb, _, _ = state_of(ring, beyond)
    sb, tb, _, _ = state_of(ring, slope_beyond)
    e, h, eb, hb = e + side * se, h + side * sh, eb - side * sb, hb - side * tb
    z = e - h
    deep = h if z > eb else max(e - max(z, eb - hb), 0.0)
    part = 0.5 + np.float64(numbers.ahead) * np.float64(ring[middle + P4]) ** 6
    gain = part * numbers.ratio * share * side * (deep * (u + side * su) - np.float64(ring[mass]))
    gain = max(gain, 0.5 * (abs(sh) - np.float64(ring[middle + P1])))
    ring[middle] += gain
    ring[middle + P1] += gain


@njit(**KERNEL)
def mend_x(i, first, last, shift, cells, slopes, middle, flux, porosity, faces, numbers, ring):
    """Mend the prediction beside the special x-faces of row `i`; places in the ring of local column 0."""
    one = uint64(1)
    for k in range(faces.start[i], faces.start[i + 1]):
        column = faces.place[k]
        if first < column + shift < last:
            j, p = uint64(column + shift), column + LEAD
            west, east = cells + j - one, cells + j
            slope_west, slope_east = slopes + j - one, slopes + j
            if faces.kind[k] in (OPEN, SEA):
                hold(ring, west, middle + j - one)
                hold(ring, east, middle + j)
                continue
            share = free_share(porosity, i, p - 1, i, p)
            mend(ring, west, east, slope_west, slope_east, middle + j - one, 1, share, flux + j, numbers)
            share = free_share(porosity, i, p, i, p - 1)
            mend(ring, east, west, slope_east, slope_west, middle + j, -1, share, flux + j, numbers)


@njit(**KERNEL)
def mend_y(
    r, f, first, last, shift, cells, beyond, slopes, slopes_beyond, middle, flux, porosity, faces, numbers, ring
):
    """Mend the prediction of row `r` beside the special y-faces north of row `f`, which is `r` or the next one."""
    side = 1 if f > r else -1
    for k in range(faces.start[f], faces.start[f + 1]):
        column = faces.place[k]
        if first <= column + shift < last:
            j, p = uint64(column + shift), column + LEAD
            if faces.kind[k] in (OPEN, SEA):
                hold(ring, cells + j, middle + j)
                continue
            share = free_share(porosity, r, p, r + side, p)
            mend(ring, cells + j, beyond + j, slopes + j, slopes_beyond + j, middle + j, side, share, flux + j, numbers)


@njit(**KERNEL)
def special_across(f, first, last, shift, rows, mask, z, n2, faces, numbers, ring, out):
    """Put the fluxes of the special y-faces north of row `f` into `out`, from the row buffers at `rows`."""
    ny = faces.start.size - 2
    row = min(f, ny - 1)
    inner = min(1, ny - 1) if f == 0 else max(ny - 2, 0) if f == ny else row
    special_y(
        f, first, last, shift, place(rows + ((f - 1) & mask), 0), place(rows + (f & mask), 0),
        place(rows + ((f + 1 if f == 0 else f - 2) & mask), 0), z[inner + PAD], n2[min(row + PAD, n2.shape[0] - 1)],
        faces, numbers, ring, out,
    )  # fmt: skip


@njit(**KERNEL)
def count_edge(flux, sign, ratio, counted):
    """Add the flux through an edge to inward and outward volume."""
    inward = sign * np.float64(ratio) * np.float64(flux)
    counted[0] += max(inward, 0.0)
    counted[1] -= min(inward, 0.0)


@njit(**KERNEL)
def whole(n):
    """`n` rounded up to full vectors: what a row computes beyond its end nobody reads, and a remainder would cost."""
    return (n + 2 * LANES - 1) & -(2 * LANES)


@njit(**GLUE)
def flux_along(i, cells, lo, m, shift, z, n2, porosity, columns, faces, ratio, numbers, ring):
    """Slopes, scaled fluxes of x-faces of the `m` local cells from `lo`; right but for five at either end."""
    n, one = numbers, uint64(1)
    here, slope, middle = cells + uint64(lo), place(ALONG, lo), place(ALONG + 1, lo)
    flux, share = place(ALONG + 2, lo), place(ALONG + 3, lo)
    p = lo - shift + LEAD
    slope_row(ring[here - one :], ring[here:], ring[here + one :], n.least, n.quarter, m, ring[slope:])
    free_before, free, free_after = free_rows(porosity, (i, i, i), (p - 1, p, p + 1), n.one)
    predict_row(
        ring[here - one :], ring[here:], ring[here + one :], ring[slope - one :], ring[slope:], ring[slope + one :],
        ring[place(CELLS + (i & 7), lo) + P5 :], free_before, free, free_after, n.ratio, n.gravity, n.half, n.ahead,
        n.dry, m, ring[middle:],
    )  # fmt: skip
    is_special = 0 <= i < faces.start.size - 1 and faces.start[i] < faces.start[i + 1]
    if is_special:
        special_x(i, lo, lo + m, shift, cells, z, n2, columns, faces, n, ring, place(ALONG + 2, 0))
        mend_x(
            i, lo, lo + m, shift, cells, place(ALONG, 0), place(ALONG + 1, 0), place(ALONG + 2, 0), porosity, faces, n,
            ring,
        )  # fmt: skip
    release = place(CELLS + (i & 7), lo) + P6
    source_row(ring[middle - one :], ring[middle:], ring[middle + one :], ring[slope:], n.least, n.quarter, m)
    face_row(
        ring[middle - one :], ring[slope - one :], ring[middle:], ring[slope:], ring[release - one :], ring[release:],
        n.gravity, n.half, n.quarter, n.dry, n.solid, n.tiny, m, ring[flux:],
    )  # fmt: skip
    if is_special:
        special_x(i, lo, lo + m, shift, place(ALONG + 1, 0), z, n2, columns, faces, n, ring, place(ALONG + 2, 0))
    narrow(porosity, i, i, p - 1, p, ring, m, flux)
    cells, west, east = ring[here:], ring[flux:], ring[flux + one :]
    if count_owing(cells, west, east, ratio, n.keep, n.solid, n.one, m) > 0:
        share_row(cells, west, east, ratio, n.keep, n.solid, n.tiny, n.one, m, ring[share:])
        scale_row(ring[share - one :], ring[share:], m, west)


@njit(**GLUE)
def count_along(lo, hi, shift, columns, ratio, ring, counted):
    """Count what crosses the western or eastern edge of the domain."""
    if lo <= shift < hi:
        count_edge(ring[place(ALONG + 2, shift)], 1.0, ratio, counted)
    if lo < columns + shift <= hi:
        count_edge(ring[place(ALONG + 2, columns + shift)], -1.0, ratio, counted)


@njit(**GLUE)
def sweep_along(i, cells, lo, hi, shift, own, state, faces, numbers, ring, x_flux, out):
    """Sweep the local cells [lo, hi) of row `i` along x; needs cells [lo - LANES, hi + LANES)."""
    n, porosity = numbers, state.porosity
    a, m = lo - LANES, whole(hi - lo) + 2 * LANES
    n2, z = state.n2[min(i + PAD, state.n2.shape[0] - 1)], state.z[i + PAD]
    ratio = over_storage(porosity, i, a - shift + LEAD, n.ratio, m, ring[place(RATIO, 0) :])
    flux_along(i, cells, a, m, shift, z, n2, porosity, state.columns, faces, ratio, n, ring)
    if own:
        count_along(lo, hi, shift, state.columns, n.ratio, ring, x_flux[i])
    ratio = over_storage(porosity, i, lo - shift + LEAD, n.ratio, whole(hi - lo), ring[place(RATIO, 0) :])
    flux = place(ALONG + 2, lo)
    update_row(
        ring[cells + uint64(lo) :], ring[flux:], ring[flux + uint64(1) :], ratio, n.dry, n.creep, n.one, whole(hi - lo),
        ring[out + uint64(lo) :],
    )  # fmt: skip


@njit(**KERNEL)
def runs_of(i, reach, first, last, counts, runs):
    """Runs of columns in which row `i` is needed for the rows of the band within `reach` of it."""
    top, bottom = max(i - reach, first) // TILE_ROWS, min(i + reach, last - 1) // TILE_ROWS
    which = 0 if top == bottom else 1
    return counts[which, top], runs[which, top]


@njit(**GLUE)
def predict_across(r, count, runs, pad, shift, z, n2, porosity, faces, numbers, ring):
    """Slopes of the row south of `r`, and the cells of row `r` half a step on."""
    n = numbers
    is_special = 0 <= r < faces.start.size - 2 and faces.start[r] < faces.start[r + 2]
    for g in range(count):
        a, b = runs[0, g] - pad, runs[1, g] + pad
        p, m = a - shift + LEAD, whole(b - a)
        north, here = place(CELLS + ((r - 1) & 7), a), place(CELLS + (r & 7), a)
        south, beyond = place(CELLS + ((r + 1) & 7), a), place(CELLS + ((r + 2) & 7), a)
        before, slope = place(SLOPES + ((r - 1) & 3), a), place(SLOPES + (r & 3), a)
        after, middle = place(SLOPES + ((r + 1) & 3), a), place(MIDDLE + (r & 3), a)
        free_before, free, free_after = free_rows(porosity, (r - 1, r, r + 1), (p, p, p), n.one)
        slope_and_predict_row(
            ring[north:], ring[here:], ring[south:], ring[beyond:], ring[before:], ring[slope:], ring[after:],
            ring[here + P5 :], free_before, free, free_after, n.least, n.quarter, n.ratio, n.gravity, n.half, n.ahead,
            n.dry, m, ring[middle:],
        )  # fmt: skip
        for f in range(r, r + 2 if is_special else r):
            beyond = f if f > r else r - 1
            special_across(f, a, b, shift, CELLS, 7, z, n2, faces, n, ring, place(ALONG + 2, 0))
            mend_y(
                r, f, a, b, shift, place(CELLS + (r & 7), 0), place(CELLS + (beyond & 7), 0),
                place(SLOPES + (r & 3), 0), place(SLOPES + (beyond & 3), 0), place(MIDDLE + (r & 3), 0),
                place(ALONG + 2, 0), porosity, faces, n, ring,
            )  # fmt: skip


@njit(**GLUE)
def faces_across(f, count, runs, pad, shift, z, n2, porosity, faces, numbers, ring):
    """What pushes the cells of row `f`, and the fluxes of the y-faces north of it."""
    n, ny = numbers, faces.start.size - 2
    for g in range(count):
        a, b = runs[0, g] - pad, runs[1, g] + pad
        p, m = a - shift + LEAD, whole(b - a)
        north, here = place(MIDDLE + ((f - 1) & 3), a), place(MIDDLE + (f & 3), a)
        before, slope, out = place(SLOPES + ((f - 1) & 3), a), place(SLOPES + (f & 3), a), place(FLUX + (f & 3), a)
        south = place(MIDDLE + ((f + 1) & 3), a)
        source_and_face_row(
            ring[north:], ring[before:], ring[here:], ring[slope:], ring[place(CELLS + ((f - 1) & 7), a) + P6 :],
            ring[place(CELLS + (f & 7), a) + P6 :], ring[south:], n.least, n.gravity, n.half, n.quarter,
            n.dry, n.solid, n.tiny, m, ring[out:],
        )  # fmt: skip
        if 0 <= f <= ny and faces.start[f] < faces.start[f + 1]:
            special_across(f, a, b, shift, MIDDLE, 3, z, n2, faces, n, ring, place(FLUX + (f & 3), 0))
        narrow(porosity, f - 1, f, p, p, ring, m, out)


@njit(**GLUE)
def share_across(r, count, runs, pad, shift, owing, porosity, numbers, ring):
    """Find the donors of row `r` that owe, and scale the faces north of it."""
    n = numbers
    owing[r & 1] = 0
    for g in range(count):
        a, b = runs[0, g] - pad, runs[1, g] + pad
        row, west, east = place(CELLS + (r & 7), a), place(FLUX + (r & 3), a), place(FLUX + ((r + 1) & 3), a)
        ratio = over_storage(porosity, r, a - shift + LEAD, n.ratio, whole(b - a), ring[place(RATIO, 0) :])
        owing[r & 1] += count_owing(ring[row:], ring[west:], ring[east:], ratio, n.keep, n.solid, n.one, whole(b - a))
    if owing[0] + owing[1] > 0:
        for g in range(count):
            a, b = runs[0, g] - pad, runs[1, g] + pad
            row, west, east = place(CELLS + (r & 7), a), place(FLUX + (r & 3), a), place(FLUX + ((r + 1) & 3), a)
            before, here = place(SHARE + ((r - 1) & 1), a), place(SHARE + (r & 1), a)
            if owing[(r - 1) & 1] == 0:
                fill_row(n.one, whole(b - a), ring[before:])
            ratio = over_storage(porosity, r, a - shift + LEAD, n.ratio, whole(b - a), ring[place(RATIO, 0) :])
            share_row(
                ring[row:], ring[west:], ring[east:], ratio, n.keep, n.solid, n.tiny, n.one, whole(b - a), ring[here:]
            )
            scale_row(ring[before:], ring[here:], whole(b - a), ring[west:])


@njit(**KERNEL)
def count_across(f, count, runs, shift, ratio, ring, y_flux):
    """Count what crosses the northern or southern edge of the domain."""
    side, sign = (0, 1.0) if f == 0 else (1, -1.0)
    for g in range(count):
        for j in range(runs[0, g], runs[1, g]):
            count_edge(ring[place(FLUX + (f & 3), j)], sign, ratio, y_flux[side, j - shift])


@njit(**GLUE)
def sweep_across(i, first, last, pad, shift, state, faces, numbers, counts, runs, owing, ring, y_flux, out):
    """Take the cells of row `i` into the sweep along y, and finish row i - REACH into `out`."""
    n, ny = numbers, state.z.shape[0] - 2 * PAD
    r = i - 2
    if r >= first - 5:
        count, run = runs_of(r, REACH, first, last, counts, runs)
        predict_across(r, count, run, pad, shift, state.z, state.n2, state.porosity, faces, n, ring)
    r = i - 3
    if r >= first - 2:
        count, run = runs_of(r, REACH, first, last, counts, runs)
        faces_across(r, count, run, pad, shift, state.z, state.n2, state.porosity, faces, n, ring)
    r = i - 4
    if r >= first - 1:
        count, run = runs_of(r, REACH, first, last, counts, runs)
        share_across(r, count, run, pad, shift, owing, state.porosity, n, ring)
        if r in (0, ny) and first <= r <= last:
            count, run = runs_of(min(r, last - 1), 0, first, last, counts, runs)
            count_across(r, count, run, shift, n.ratio, ring, y_flux)
    r = i - 5
    if first <= r < last:
        count, run = runs_of(r, 0, first, last, counts, runs)
        for g in range(count):
            a, b = run[0, g] - pad, run[1, g] + pad
            cells, west, east = place(CELLS + (r & 7), a), place(FLUX + (r & 3), a), place(FLUX + ((r + 1) & 3), a)
            ratio = over_storage(state.porosity, r, a - shift + LEAD, n.ratio, whole(b - a), ring[place(RATIO, 0) :])
            update_row(
                ring[cells:],
                ring[west:],
                ring[east:],
                ratio,
                n.dry,
                n.creep,
                n.one,
                whole(b - a),
                ring[out + uint64(a) :],
            )


@njit(**GLUE)
def load_cells(i, a, b, first, last, start, is_late, x_first, state, fence, edge, numbers, ring, out):
    """Load local cells [a, b) of row `i` as they were before the step."""
    ny = state.z.shape[0] - 2 * PAD
    p, q = a + start, a + start + whole(b - a)
    n2, friction = state.n2[min(i + PAD, state.n2.shape[0] - 1), p:q], ring[place(CELLS + (i & 7), a) + P5 :]
    z, h, rest, u, v = (
        state.z[i + PAD, p:q], state.h[i + PAD, p:q], state.rest[i + PAD, p:q], state.u[i + PAD, p:q],
        state.v[i + PAD, p:q],
    )  # fmt: skip
    row = -1
    if i < first and first > 0:
        row = i - first + REACH
    elif i >= last and last < ny:
        row = REACH + i - last
    if row >= 0:
        h, rest, u, v = fence[row, 0, p:q], fence[row, 1, p:q], fence[row, 2, p:q], fence[row, 3, p:q]
    normal, transverse = (u, v) if x_first else (v, u)
    n, fall = numbers, numbers.gravity * numbers.ratio
    load_row(
        z, h, rest, normal, transverse, n2, n.gdt, fall, n.half, n.dry, n.tiny, whole(b - a),
        ring[out + uint64(a) :], friction,
    )  # fmt: skip
    if is_late and a < LEAD and first <= i < last:
        # the strip to the west has already been there
        h, rest, u, v = edge[i, 0, a:], edge[i, 1, a:], edge[i, 2, a:], edge[i, 3, a:]
        normal, transverse = (u, v) if x_first else (v, u)
        load_row(
            z, h, rest, normal, transverse, n2, n.gdt, fall, n.half, n.dry, n.tiny, LEAD - a,
            ring[out + uint64(a) :], friction,
        )  # fmt: skip


@njit(**GLUE)
def store_cells(i, a, b, start, x_first, cells, state, numbers, ring, fast, taken):
    """Write local cells [a, b) of row `i`, after rain and sinks."""
    n, top, cells = numbers, ring[place(TOP, a) :], ring[cells + uint64(a) :]
    p, q = a + start, b + start
    m = b - a
    row = i + PAD
    h, rest = state.h[row, p:q], state.rest[row, p:q]
    u, v = state.u[row, p:q], state.v[row, p:q]
    normal, transverse = (u, v) if x_first else (v, u)
    if n.rain > 0:
        if state.weight.shape[0] > 1:
            rain_row(state.weight[row, p:q], n.rain, n.tiny, m, cells)
        else:
            rain_row(n.one, n.rain, n.tiny, m, cells)
    if n.sink > 0:
        sink_cells(state.porosity, i, p, n.sink, n.keep, n.one, m, cells, h, rest, taken[p - LEAD : q - LEAD])
    store_row(
        state.n2[min(row, state.n2.shape[0] - 1), p:], n.gdt, n.gravity, n.dry, n.one, m, cells, h, rest, normal,
        transverse, state.h_max[row, p:q], top, fast[a - LEAD :],
    )  # fmt: skip


@njit(**KERNEL)
def find_runs(busy, first, last, start, columns, runs, counts):
    """Runs of active columns of a strip, local: by tile row, and by pair of tile rows; returns their number."""
    c0, c1 = start // TILE_COLS, min((start + STRIP) // TILE_COLS, busy.shape[1])
    total = 0
    for which in range(2):
        for t in range(first // TILE_ROWS, -(-last // TILE_ROWS)):
            n, is_open = 0, False
            below = min(t + which, -(-last // TILE_ROWS) - 1)
            for c in range(c0, c1):
                on = busy[t, c] or busy[below, c]
                if on:
                    if not is_open:
                        runs[which, t, 0, n] = c * TILE_COLS - start + LEAD
                        n += 1
                    runs[which, t, 1, n - 1] = min((c + 1) * TILE_COLS, columns) - start + LEAD
                is_open = on
            counts[which, t] = n
            total += n
    return total


@njit(**KERNEL)
def reduce_tops(t, start, busy, top, tops):
    """Deepest water of each active tile of tile row `t` in a strip."""
    for c in range(start // TILE_COLS, min((start + STRIP) // TILE_COLS, busy.shape[1])):
        if busy[t, c]:
            deepest = top[0] - top[0]
            a = c * TILE_COLS - start + LEAD
            for j in range(a, a + TILE_COLS):
                deepest = max(deepest, top[j])
            tops[t, c] = deepest


@njit(**KERNEL)
def put_edge_aside(first, last, column, state, edge):
    """Keep the cells west of `column` as they are before the step."""
    p = column
    for i in range(first, last):
        for j in range(LEAD):
            edge[i, 0, j] = state.h[i + PAD, p + j]
            edge[i, 1, j] = state.rest[i + PAD, p + j]
            edge[i, 2, j] = state.u[i + PAD, p + j]
            edge[i, 3, j] = state.v[i + PAD, p + j]


@njit(**KERNEL)
def sweep_strip(
    first, last, start, is_late, x_first, state, x_faces, y_faces, busy, numbers, ring, fence, edge, runs, counts,
    owing, fast, tops, taken, x_flux, y_flux,
):  # fmt: skip
    """One step of rows [first, last) of the strip that begins at column `start`."""
    shift = LEAD - start
    loaded, result, top = place(ALONG + 4, 0), place(ALONG + 5, 0), place(TOP, 0)
    owing[:] = 0
    zero = numbers.one - numbers.one
    for i in range(first - REACH, last + REACH):
        count, run = runs_of(i, REACH, first, last, counts, runs)
        cells = place(CELLS + (i & 7), 0)
        for g in range(count):
            a, b = run[0, g], run[1, g]
            lo, hi = a - LANES, b + LANES
            if x_first:
                own = first <= i < last
                load_cells(i, lo, hi, first, last, start, is_late, x_first, state, fence, edge, numbers, ring, loaded)
                sweep_along(i, loaded, a, b, shift, own, state, x_faces, numbers, ring, x_flux, cells)
            else:
                load_cells(i, lo, hi, first, last, start, is_late, x_first, state, fence, edge, numbers, ring, cells)
        pad = 0 if x_first else LANES
        sweep_across(i, first, last, pad, shift, state, y_faces, numbers, counts, runs, owing, ring, y_flux, result)
        r = i - REACH
        if first <= r < last:
            t = r // TILE_ROWS
            if r % TILE_ROWS == 0 or r == first:
                fill_row(zero, PLANE, ring[top:])
            for g in range(counts[0, t]):
                a, b = runs[0, t, 0, g], runs[0, t, 1, g]
                done = result
                if not x_first:
                    sweep_along(r, result, a, b, shift, True, state, x_faces, numbers, ring, x_flux, loaded)
                    done = loaded
                store_cells(r, a, b, start, x_first, done, state, numbers, ring, fast, taken[t])
            if r % TILE_ROWS == TILE_ROWS - 1 or r == last - 1:
                reduce_tops(t, start, busy, ring[top:], tops)


@njit(**KERNEL)
def sweep_band(k, first, last, x_first, state, x_faces, y_faces, busy, numbers, room, tops, taken, x_flux, y_flux):
    """One step of rows [first, last) by thread `k`, strip by strip."""
    nx = state.columns
    zero = numbers.one - numbers.one
    fast = room.fast[k]
    fill_row(zero, fast.size, fast)
    for start in range(0, nx, STRIP):
        number = start // STRIP
        is_late = start > 0
        if start + STRIP < nx:
            put_edge_aside(first, last, start + STRIP, state, room.edges[k, (number + 1) % 2])
        if find_runs(busy, first, last, start, nx, room.runs[k], room.counts[k]) > 0:
            sweep_strip(
                first, last, start, is_late, x_first, state, x_faces, y_faces, busy, numbers, room.rows[k],
                room.fences[k], room.edges[k, number % 2], room.runs[k], room.counts[k], room.owing[k], fast, tops,
                taken, x_flux, y_flux,
            )  # fmt: skip
    fastest = zero
    for j in range(fast.size):
        fastest = max(fastest, fast[j])
    room.fastest[k] = fastest


@njit(cache=True, error_model="numpy", parallel=True)
def sweep_bands(bands, x_first, state, x_faces, y_faces, busy, numbers, room, tops, taken, x_flux, y_flux):
    """One step, a band of rows a thread; the result is that of one thread, bit by bit."""
    ny = state.z.shape[0] - 2 * PAD
    for k in prange(bands.size - 1):
        a, b = bands[k] * TILE_ROWS, min(bands[k + 1] * TILE_ROWS, ny)
        room.fastest[k] = 0
        if a < b:
            sweep_band(k, a, b, x_first, state, x_faces, y_faces, busy, numbers, room, tops, taken, x_flux, y_flux)
