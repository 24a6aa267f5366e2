"""Shallow-water kernels: a finite volume of second order, one pass over memory a step.

A step is a sweep along x and one along y, in turn first; each sweep is Heun's two stages. Bands of tile rows are swept
strip by strip from north to south; a row that is loaded is swept along its strip at once, and the rows behind it across
in a ring of row buffers that stays in the caches. A row is written six rows behind the newest one that was read, so
depth and velocity are updated in place; what a neighbouring strip or band still needs of the old values is put aside
before the step.

Layout: `State` is padded by cells of wall; `v` points **southward** (along rows). A row buffer is one array whose
planes lie `PLANE` apart, a constant: so the compiler knows that they do not overlap and packs the loops. In buffers
"normal" is along the sweep, "transverse" across; each sweep hands its cells on with the two swapped.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit, prange, types, uint64
from numba.extending import overload

from sim.flood.kernels import DISCHARGE, GRAVITY, OPEN, SEA, STAGE, TILE_COLS, TILE_ROWS, WALL_BED

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "FENCE_ROWS",
    "LANES",
    "LEAD",
    "MARGIN",
    "PAD",
    "PLANE",
    "REACH",
    "ROOM_ROWS",
    "ROW",
    "STRIP",
    "Numbers",
    "Room",
    "State",
    "add_sources",
    "fastest_wave",
    "mark_active",
    "put_fences_aside",
    "sweep_band",
    "sweep_bands",
    "track_velocity",
]

PAD = 8
"""Rows of wall north and south of the domain."""
LANES = 16
"""Values of a vector, and of a cache line in single precision: rows are computed from line to line."""
LEAD = 2 * LANES
"""Columns of wall west of the domain."""
MARGIN = 2 * LANES
"""Columns of wall east of the domain, at least."""
STRIP = 512
"""Columns that are swept together: their row buffers fit into the caches near the processor."""
REACH = 6
"""Cells on either side that a sweep sees: two stages of two cells, and one each for scaled donors."""
PLANE = STRIP + LEAD + MARGIN + 7 * LANES
ROW = 5 * PLANE + 47 * LANES
FENCE_ROWS = 2 * REACH
ROOM_ROWS = 36
WEIR = 1.7048
"""Broad-crested weir, (2/3)^(3/2) sqrt(g) [m1/2 s-1] from critical depth on the crest."""

P1, P2, P3, P4 = (np.uint64(k * PLANE) for k in (1, 2, 3, 4))
# places in a buffer of cells: stage 0, depth P1, normal P2 and transverse velocity P3, gain of depth P4;
# in one of slopes: the same four; in one of faces: mass 0, transverse P1, carried P2, pressure west P3 and east P4

KERNEL: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
# fused multiply-add is welcome; nothing that reorders sums
FLAGS = {"contract", "nsz", "arcp"}

CELLS, STAGE1, FLUX1, FLUX2, SLOPE1, SLOPE2, SHARE1, SHARE2, ALONG = 0, 8, 12, 16, 20, 22, 24, 26, 28
TOP, RATIO = 34, 35
"""First row buffers of a ring: cells (8), cells after stage 1 (4), faces (4, 4), slopes (2, 2), shares (2, 2), and
those of the sweep along rows: slopes, faces, stage 1, share, input, result; column tops; dt/dx over the porosity."""


class Numbers(NamedTuple):
    """Scalars of a step, all of the kernels' type."""

    ratio: float
    """dt / dx [s m-1]."""
    gdt: float
    """g dt [m s-1]."""
    gravity: float
    dry: float
    """Depth up to which a cell gives nothing and stands still [m]."""
    creep: float
    """Speed below which water stands still [m s-1]: squares of smaller ones are denormal numbers, which are slow."""
    least: float
    """Depth above which a cell is reconstructed with slopes [m]."""
    steep: float
    """Half of the limiter's weight."""
    rain: float
    """Depth of rain [m]."""
    sink: float
    """Depth that seeps away [m]."""
    keep: float
    """Share of its water that a cell may give."""
    cell_size: float
    quarter: float
    half: float
    one: float
    tiny: float
    solid: float
    """Stage above which a cell is a wall [m above the local datum]."""


class State(NamedTuple):
    """What a step changes, and what it does not: (ny + 2 PAD, columns + LEAD + MARGIN or more) unless said."""

    z: NDArray[Any]
    """Bed [m above the local datum]; a wall cell stands at ``WALL_BED``."""
    h: NDArray[Any]
    """Depth [m]."""
    rest: NDArray[Any]
    """What rounding took off the depth [m]."""
    u: NDArray[Any]
    """Velocity eastward [m s-1]."""
    v: NDArray[Any]
    """Velocity southward [m s-1]."""
    n2: NDArray[Any]
    """Manning's n squared [s2 m-2/3], or one row where it is uniform."""
    h_max: NDArray[Any]
    """Running maximum of the depth [m]."""
    weight: NDArray[Any]
    """Share of the rain, or (1, 1) where it is 1 everywhere."""
    porosity: NDArray[Any]
    """Share of a cell that buildings leave free, or (1,) where it is 1 everywhere: another type, so that the kernels
    that know of it are others."""
    columns: int
    """Columns of the domain."""


class Room(NamedTuple):
    """Buffers of the threads; the first axis is the thread's."""

    rows: NDArray[Any]
    """(threads, ROOM_ROWS, ROW) row buffers."""
    fences: NDArray[Any]
    """(threads, FENCE_ROWS, 4, padded columns) depth, rest, u, v of the rows beyond the band, before the step."""
    edges: NDArray[Any]
    """(threads, 2, ny, 4, LEAD) the same of the columns west of a strip, before the step."""
    runs: NDArray[Any]
    """(threads, 2, tile rows, 2, runs) active runs of columns in a strip, by tile row; and by pair of tile rows."""
    counts: NDArray[Any]
    """(threads, 2, tile rows) their number."""
    owing: NDArray[Any]
    """(threads, 2, 2) cells that owe, by stage and row."""
    fast: NDArray[Any]
    """(threads, STRIP) fastest wave by column [m s-1]."""
    fastest: NDArray[Any]
    """(threads,) fastest wave of the band [m s-1]."""


def inverse_four_thirds(x):
    """x^(-4/3) for x > 0: a seed from the exponent bits for the cube root, then Newton steps."""
    return x ** (-4.0 / 3.0)


@overload(inverse_four_thirds, inline="always")
def _inverse_four_thirds(x):
    if x == types.float32:

        def single(x):
            s = np.float32(x)
            bits = np.int32(np.int32(0x54A21D2A) - np.int32(np.float32(s.view(np.int32)) * np.float32(1 / 3)))
            r = bits.view(np.float32)
            third, over = x * np.float32(1 / 3), np.float32(4 / 3)
            r = r * (over - third * r * r * r)
            r = r * (over - third * r * r * r)
            return (r * r) * (r * r)

        return single

    def double(x):
        s = np.float32(x)
        bits = np.int32(np.int32(0x54A21D2A) - np.int32(np.float32(s.view(np.int32)) * np.float32(1 / 3)))
        r = np.float64(bits.view(np.float32))
        third, over = x * (1 / 3), 4 / 3
        r = r * (over - third * r * r * r)
        r = r * (over - third * r * r * r)
        r = r * (over - third * r * r * r)
        r = r * (over - third * r * r * r)
        return (r * r) * (r * r)

    return double


def at(values, j):
    """`values` itself, or its entry `j` where it is a row."""
    return values if np.ndim(values) == 0 else values[j]


@overload(at, inline="always")
def _at(values, j):  # noqa: ARG001  # an overload has the arguments of what it stands for
    if isinstance(values, types.Array):
        return lambda values, j: values[j]
    return lambda values, j: values  # noqa: ARG005  # as above


# numba leaves out what an array's number of dimensions rules out: where there is no porosity these become nothing


@njit(**KERNEL)
def over_storage(porosity, i, p, ratio, n, room):
    """`ratio` over what holds water of `n` cells of row `i` from column `p` on, in `room` where that is not all."""
    if porosity.ndim == 1:
        return ratio
    divide_row(ratio, porosity[i + PAD, p:], n, room)
    return room


@njit(**KERNEL)
def narrow(porosity, r, i, p, q, n, faces):
    """Take the fluxes through the free share of `n` faces between columns `p` on of row `r` and `q` on of row `i`."""
    if porosity.ndim == 2:
        narrow_row(porosity[r + PAD, p:], porosity[i + PAD, q:], n, faces)


@njit(**KERNEL)
def divide_row(ratio, values, n, out):
    """A number over a row."""
    for j in range(uint64(n)):
        out[j] = ratio / values[j]


@njit(**KERNEL)
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


@njit(**KERNEL)
def load_row(z, h, rest, normal, transverse, n, out):
    """Stage, depth and velocities of a row.

    The stage is the rounded sum of bed, depth and `rest` (Knuth's two-sum): what is flat has one stage, to the bit.
    """
    zero = z[0] - z[0]
    for j in range(uint64(n)):
        bed, depth = z[j], h[j]
        rough = bed + depth
        part = rough - bed
        out[j] = rough + (((bed - (rough - part)) + (depth - part)) + rest[j])
        out[j + P1] = depth
        out[j + P2] = normal[j]
        out[j + P3] = transverse[j]
        out[j + P4] = zero


@njit(**KERNEL, fastmath=FLAGS)
def slope_row(before, here, after, least, steep, quarter, n, out):
    """Half of the limited difference over a cell (monotonised central), 0 beside a cell that is all but dry.

    The transverse velocity has half of the smaller difference, so that flow mixes sideways (docs/decisions/0004).
    """
    zero = least - least
    for j in range(uint64(n)):
        deep = min(before[j + P1], here[j + P1], after[j + P1]) > least
        a, b = here[j] - before[j], after[j] - here[j]
        c, d, e = quarter * (a + b), steep * a, steep * b
        limited = max(zero, min(d, e, c)) + min(zero, max(d, e, c))
        out[j] = limited if deep else zero
        a, b = here[j + P1] - before[j + P1], after[j + P1] - here[j + P1]
        c, d, e = quarter * (a + b), steep * a, steep * b
        limited = max(zero, min(d, e, c)) + min(zero, max(d, e, c))
        out[j + P1] = limited if deep else zero
        a, b = here[j + P2] - before[j + P2], after[j + P2] - here[j + P2]
        c, d, e = quarter * (a + b), steep * a, steep * b
        limited = max(zero, min(d, e, c)) + min(zero, max(d, e, c))
        out[j + P2] = limited if deep else zero
        a, b = here[j + P3] - before[j + P3], after[j + P3] - here[j + P3]
        limited = quarter * (max(zero, min(a, b)) + min(zero, max(a, b)))
        out[j + P3] = limited if deep else zero


@njit(**KERNEL, fastmath=FLAGS)
def face_row(west, west_slope, east, east_slope, gravity, half, quarter, dry, solid, tiny, n, out):
    """Fluxes through a row of faces: HLL for mass and normal momentum, upwind for the transverse one (HLLC).

    Both sides are brought to one bed at the face (hydrostatic reconstruction: Audusse et al. 2004; on a slope deeper
    than its water after Chen & Noelle 2017). The momentum flux is kept as its difference to the pressure of either
    side, in which the bed slope term turns into g h times the slope of the surface: exactly 0 in a lake at rest.
    Before a wall cell the water meets its mirror image.
    """
    one = half + half
    zero = half - half
    for j in range(uint64(n)):
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
        zl, zr = el - hl, er - hr
        top = min(max(zl, zr), el, er)
        # in this form one stage gives one depth, to the bit
        a, c = hl if zl > er else el - top, hr if zr > el else er - top
        a = a if a > dry else zero
        c = c if c > dry else zero
        ca, cc = math.sqrt(gravity * a), math.sqrt(gravity * c)
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
        out[j + P3] = gravity * (west[j + P1] * west_slope[j] + hl * min(top - zl, zero)) - s0 * pressure
        out[j + P4] = gravity * (hr * min(top - zr, zero) - east[j + P1] * east_slope[j]) - s1 * pressure


@njit(**KERNEL, fastmath=FLAGS | {"reassoc"})
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


@njit(**KERNEL, fastmath=FLAGS)
def share_row(cells, west, east, ratio, keep, solid, tiny, one, n, out):
    """Share of the outflow that a cell can give: a donor is scaled, never clipped, so volume is kept."""
    zero = one - one
    for j in range(uint64(n)):
        leaving = max(east[j], zero) - min(west[j], zero)
        share = min(one, keep * cells[j + P1] / max(at(ratio, j) * leaving, tiny))
        out[j] = share if cells[j] < solid else one


@njit(**KERNEL)
def fill_row(value, n, out):
    """Set the first `n` of a row."""
    for j in range(uint64(n)):
        out[j] = value


@njit(**KERNEL, fastmath=FLAGS)
def scale_row(before, here, n, faces):
    """Scale what each face carries by its donor's share."""
    for j in range(uint64(n)):
        mass, forward, backward = faces[j], before[j], here[j]
        share = forward if mass > 0 else backward
        faces[j] = mass * share
        faces[j + P1] = faces[j + P1] * share
        faces[j + P2] = faces[j + P2] * share


@njit(**KERNEL, fastmath=FLAGS)
def stage_row(cells, west, east, n2, ratio, gdt, dry, creep, one, n, out):
    """First stage: Euler forward, then friction on the normal velocity.

    Friction solves u (1 + k |U|) = p for the new |U|, k = g dt n^2 h^(-4/3), with the transverse velocity brought to
    the same moment by the old friction: a steady flow at any angle to the grid is in balance, in every stage.
    """
    zero = one - one
    for j in range(uint64(n)):
        step = at(ratio, j)
        gain = step * (west[j] - east[j])
        old, u0, v0 = cells[j + P1], cells[j + P2], cells[j + P3]
        h = old + gain
        q = old * u0 + step * ((west[j + P2] + west[j + P4]) - (east[j + P2] + east[j + P3]))
        t = old * v0 + step * (west[j + P1] - east[j + P1])
        deep = max(h, dry)
        over = one / deep
        u, v = q * over, t * over
        k = gdt * n2[j] * inverse_four_thirds(deep)
        w = v + v * k * math.sqrt(u0 * u0 + v0 * v0)
        k4 = k + k
        k4 = k4 + k4
        u = (u + u) / (one + math.sqrt(one + k4 * math.sqrt(u * u + w * w)))
        out[j] = cells[j] + gain
        out[j + P1] = h
        out[j + P2] = u if (h > dry) & (abs(u) > creep) else zero
        out[j + P3] = v if (h > dry) & (abs(v) > creep) else zero
        out[j + P4] = gain


@njit(**KERNEL, fastmath=FLAGS)
def final_row(cells, stage, west, east, n2, ratio, gdt, dry, creep, half, n, out):
    """Second stage: the mean of the start and of a step from the first stage; hands the cells on, swapped."""
    one = half + half
    zero = half - half
    for j in range(uint64(n)):
        step = at(ratio, j)
        gain = half * (stage[j + P4] + step * (west[j] - east[j]))
        h0, h1, u1, v1 = cells[j + P1], stage[j + P1], stage[j + P2], stage[j + P3]
        h = h0 + gain
        q = h0 * cells[j + P2] + (h1 * u1 + step * ((west[j + P2] + west[j + P4]) - (east[j + P2] + east[j + P3])))
        t = h0 * cells[j + P3] + (h1 * v1 + step * (west[j + P1] - east[j + P1]))
        deep = max(h, dry)
        over = half / deep
        u, v = q * over, t * over
        # half of the friction is in the first stage
        k = half * gdt * n2[j] * inverse_four_thirds(deep)
        w = v + v * k * math.sqrt(u1 * u1 + v1 * v1)
        k4 = k + k
        k4 = k4 + k4
        u = (u + u) / (one + math.sqrt(one + k4 * math.sqrt(u * u + w * w)))
        out[j] = cells[j] + gain
        out[j + P1] = h
        out[j + P2] = v if (h > dry) & (abs(v) > creep) else zero
        out[j + P3] = u if (h > dry) & (abs(u) > creep) else zero
        out[j + P4] = cells[j + P4] + gain


@njit(**KERNEL)
def depth_row(cells, n, h, rest):
    """Add the step's gain to the depth without losing low bits (Knuth's two-sum)."""
    for j in range(uint64(n)):
        y = cells[j + P4] + rest[j]
        old = h[j]
        new = old + y
        part = new - old
        rest[j] = (old - (new - part)) + (y - part)
        h[j] = new


@njit(**KERNEL)
def rain_row(weight, rain, tiny, n, cells):
    """Add rain, which brings no momentum."""
    for j in range(uint64(n)):
        fallen = rain * weight[j]
        h = cells[j + P1]
        keep = h / max(h + fallen, tiny)
        cells[j + P2] = cells[j + P2] * keep
        cells[j + P3] = cells[j + P3] * keep
        cells[j + P4] = cells[j + P4] + fallen


@njit(**KERNEL)
def even_rain_row(rain, tiny, n, cells):
    """Add rain that is the same everywhere."""
    for j in range(uint64(n)):
        h = cells[j + P1]
        keep = h / max(h + rain, tiny)
        cells[j + P2] = cells[j + P2] * keep
        cells[j + P3] = cells[j + P3] * keep
        cells[j + P4] = cells[j + P4] + rain


@njit(**KERNEL)
def sink_row(sink, keep, storage, n, h, rest, taken):
    """Take up to `sink` [m] out of each cell; `taken` sums it, over whole cells, in double precision."""
    for j in range(uint64(n)):
        loss = min(sink, keep * h[j])
        y = rest[j] - loss
        old = h[j]
        new = old + y
        part = new - old
        rest[j] = (old - (new - part)) + (y - part)
        h[j] = new
        taken[j] += np.float64(loss) * np.float64(at(storage, j))


@njit(**KERNEL)
def sink_cells(porosity, i, p, sink, keep, one, n, h, rest, taken):
    """Let the sink take from `n` cells of row `i` from column `p` on."""
    if porosity.ndim == 1:
        sink_row(sink, keep, one, n, h, rest, taken)
    else:
        sink_row(sink, keep, porosity[i + PAD, p:], n, h, rest, taken)


@njit(**KERNEL)
def velocity_row(cells, h, dry, zero, n, normal, transverse):
    """Store velocities; a cell that is dry stands still."""
    for j in range(uint64(n)):
        normal[j] = cells[j + P2] if h[j] > dry else zero
        transverse[j] = cells[j + P3] if h[j] > dry else zero


@njit(**KERNEL, fastmath=FLAGS)
def top_row(h, n, h_max, top):
    """Running maximum of each cell, and of the column within the tile."""
    for j in range(uint64(n)):
        h_max[j] = max(h_max[j], h[j])
        top[j] = max(top[j], h[j])


@njit(**KERNEL, fastmath=FLAGS)
def speed_row(h, u, v, gravity, dry, zero, n, fast):
    """Fastest wave of each column."""
    for j in range(uint64(n)):
        speed = max(abs(u[j]), abs(v[j])) + math.sqrt(gravity * h[j])
        fast[j] = max(fast[j], speed if h[j] > dry else zero)


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
    west = GRAVITY * hl * min(top - zl, 0.0) - s0 * pressure
    east = GRAVITY * hr * min(top - zr, 0.0) - s1 * pressure
    return mass, carried, west, east


@njit(**KERNEL)
def crest_limit(el, er, crest, ground):
    """Most that passes a wall: broad-crested weir, drowned after Villemonte (1947)."""
    if crest <= ground:
        return math.inf
    upstream, downstream = max(el, er) - crest, min(el, er) - crest
    if upstream <= 0.0:
        return 0.0
    free = WEIR * upstream**1.5
    if downstream > 0.0:
        free *= max(1.0 - (downstream / upstream) ** 1.5, 0.0) ** 0.385
    return free


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
def special_face(kind, value, wave, l, west, r, east, m, inside, outside, z_in, n2, solid, dry, cell_size, j, out):
    """Replace the fluxes of face `j`: a wall between two cells, or an edge of the domain.

    l, r, m : places of the two cells in `west` and `east`, and, at an edge, of the next one in `inside`
    outside : -1 where the western one is beyond the domain, 1 where the eastern one is, 0 where none is
    """
    mass, carried, push_west, push_east, along = 0.0, 0.0, 0.0, 0.0, 0.0
    el, hl, ul, vl = np.float64(west[l]), np.float64(west[l + P1]), np.float64(west[l + P2]), np.float64(west[l + P3])
    er, hr, ur, vr = np.float64(east[r]), np.float64(east[r + P1]), np.float64(east[r + P2]), np.float64(east[r + P3])
    if outside == 0:
        if el > solid or er > solid:
            return
        mass, carried, push_west, push_east = fan(el, hl, ul, er, hr, ur, value, dry)
        most = crest_limit(el, er, value, max(el - hl, er - hr))
        if abs(mass) > most:
            carried *= most / abs(mass)
            mass *= most / abs(mass)
        along = mass * (vl if mass > 0 else vr)
        out[j], out[j + P1], out[j + P2], out[j + P3], out[j + P4] = mass, along, carried, push_west, push_east
        return
    e_in, h_in = np.float64(inside[m]), np.float64(inside[m + P1])
    if outside > 0:
        mass, carried = edge_flux(kind, value, wave, el, hl, ul, e_in, h_in, z_in, n2, dry, cell_size)
        along = max(mass, 0.0) * vl
    else:
        mass, carried = edge_flux(kind, value, wave, er, hr, -ur, e_in, h_in, z_in, n2, dry, cell_size)
        mass = -mass
        along = min(mass, 0.0) * vr
    out[j], out[j + P1], out[j + P2], out[j + P3], out[j + P4] = mass, along, carried, push_west, push_east


@njit(**KERNEL)
def special_x(i, first, last, shift, cells, state, faces, numbers, out):
    """Replace the fluxes of the special x-faces of row `i` among the local faces [first, last)."""
    nx = state.columns
    ny = state.z.shape[0] - 2 * PAD
    if i < 0 or i >= ny:
        return
    z, n2 = state.z[i + PAD], state.n2[min(i + PAD, state.n2.shape[0] - 1)]
    for k in range(faces.start[i], faces.start[i + 1]):
        place = faces.place[k]
        j = place + shift
        if first <= j < last:
            outside, inner, m = 0, place, j
            if place == 0:
                outside, inner, m = -1, min(1, nx - 1), j + 1
            elif place == nx:
                outside, inner, m = 1, max(nx - 2, 0), j - 2
            at = np.uint64(j)
            special_face(
                faces.kind[k], faces.value[k], faces.wave[k], at - np.uint64(1), cells, at, cells, np.uint64(m), cells,
                outside, z[inner + LEAD], n2[min(place, nx - 1) + LEAD], numbers.solid, numbers.dry,
                numbers.cell_size, at, out,
            )  # fmt: skip


@njit(**KERNEL)
def special_y(f, first, last, shift, north, south, inside, state, faces, numbers, out):
    """Replace the fluxes of the special y-faces north of row `f` among the local columns [first, last)."""
    ny = state.z.shape[0] - 2 * PAD
    if f < 0 or f > ny:
        return
    row = min(f, ny - 1)
    n2 = state.n2[min(row + PAD, state.n2.shape[0] - 1)]
    for k in range(faces.start[f], faces.start[f + 1]):
        place = faces.place[k]
        j = place + shift
        if first <= j < last:
            outside, inner = 0, row
            if f == 0:
                outside, inner = -1, min(1, ny - 1)
            elif f == ny:
                outside, inner = 1, max(ny - 2, 0)
            at = np.uint64(j)
            special_face(
                faces.kind[k], faces.value[k], faces.wave[k], at, north, at, south, at, inside, outside,
                state.z[inner + PAD, place + LEAD], n2[place + LEAD], numbers.solid, numbers.dry, numbers.cell_size, at,
                out,
            )  # fmt: skip


@njit(**KERNEL)
def count_edge(flux, sign, ratio, counted):
    """Add half of a stage's flux through an edge to inward and outward volume."""
    inward = 0.5 * sign * np.float64(ratio) * np.float64(flux)
    counted[0] += max(inward, 0.0)
    counted[1] -= min(inward, 0.0)


@njit(**KERNEL)
def whole(n):
    """`n` rounded up to full vectors: what a row computes beyond its end nobody reads, and a remainder would cost."""
    return (n + LANES - 1) & -LANES


@njit(**KERNEL)
def flux_along(i, cells, lo, m, shift, state, faces, ratio, numbers, ring):
    """Slopes, scaled fluxes of x-faces of the `m` local cells from `lo`; right but for three at either end."""
    slopes, out, share = ring[ALONG], ring[ALONG + 1], ring[ALONG + 3]
    n = numbers
    slope_row(cells[lo - 1 :], cells[lo:], cells[lo + 1 :], n.least, n.steep, n.quarter, m, slopes[lo:])
    face_row(
        cells[lo - 1 :], slopes[lo - 1 :], cells[lo:], slopes[lo:], n.gravity, n.half, n.quarter, n.dry, n.solid,
        n.tiny, m, out[lo:],
    )  # fmt: skip
    special_x(i, lo, lo + m, shift, cells, state, faces, n, out)
    p = lo - shift + LEAD
    narrow(state.porosity, i, i, p - 1, p, m, out[lo:])
    if count_owing(cells[lo:], out[lo:], out[lo + 1 :], ratio, n.keep, n.solid, n.one, m) > 0:
        share_row(cells[lo:], out[lo:], out[lo + 1 :], ratio, n.keep, n.solid, n.tiny, n.one, m, share[lo:])
        scale_row(share[lo - 1 :], share[lo:], m, out[lo:])


@njit(**KERNEL)
def count_along(lo, hi, shift, columns, ratio, flux, counted):
    """Count what crosses the western or eastern edge of the domain."""
    if lo <= shift < hi:
        count_edge(flux[shift], 1.0, ratio, counted)
    if lo < columns + shift <= hi:
        count_edge(flux[columns + shift], -1.0, ratio, counted)


@njit(**KERNEL)
def sweep_along(i, cells, lo, hi, shift, own, state, faces, numbers, ring, x_flux, out):
    """Sweep the local cells [lo, hi) of row `i` along x; needs cells [lo - LANES, hi + LANES)."""
    n = numbers
    n2 = state.n2[min(i + PAD, state.n2.shape[0] - 1)]
    flux, stage = ring[ALONG + 1], ring[ALONG + 2]
    a, m = lo - LANES, whole(hi - lo) + 2 * LANES
    p = lo - shift + LEAD
    ratio = over_storage(state.porosity, i, a - shift + LEAD, n.ratio, m, ring[RATIO])
    flux_along(i, cells, a, m, shift, state, faces, ratio, n, ring)
    if own:
        count_along(lo, hi, shift, state.columns, n.ratio, flux, x_flux[i])
    stage_row(
        cells[a:], flux[a:], flux[a + 1 :], n2[a - shift + LEAD :], ratio, n.gdt, n.dry, n.creep, n.one, m, stage[a:]
    )
    for beyond in (shift - 1, state.columns + shift):
        if a <= beyond < a + m:
            # what has left is no water beside the edge: no slope reaches out to it
            stage[beyond + PLANE] = 0
    flux_along(i, stage, a, m, shift, state, faces, ratio, n, ring)
    if own:
        count_along(lo, hi, shift, state.columns, n.ratio, flux, x_flux[i])
    ratio = over_storage(state.porosity, i, p, n.ratio, m - 2 * LANES, ring[RATIO])
    final_row(
        cells[lo:], stage[lo:], flux[lo:], flux[lo + 1 :], n2[p:], ratio, n.gdt, n.dry, n.creep, n.half, m - 2 * LANES,
        out[lo:],
    )  # fmt: skip


@njit(**KERNEL)
def runs_of(i, reach, first, last, counts, runs):
    """Runs of columns in which row `i` is needed for the rows of the band within `reach` of it."""
    top, bottom = max(i - reach, first) // TILE_ROWS, min(i + reach, last - 1) // TILE_ROWS
    which = 0 if top == bottom else 1
    return counts[which, top], runs[which, top]


@njit(**KERNEL)
def faces_across(f, count, runs, pad, shift, cells, mask, slopes, fluxes, state, faces, numbers, ring):
    """Slopes of row `f` and fluxes of the y-faces north of it; cells of rows f - 2 to f + 1 are in the ring."""
    n = numbers
    north, here = ring[cells + ((f - 1) & mask)], ring[cells + (f & mask)]
    south = ring[cells + ((f + 1) & mask)]
    inside = south if f == 0 else ring[cells + ((f - 2) & mask)]
    before, slope, out = ring[slopes + ((f - 1) & 1)], ring[slopes + (f & 1)], ring[fluxes + (f & 3)]
    for g in range(count):
        a, b = runs[0, g] - pad, runs[1, g] + pad
        slope_row(north[a:], here[a:], south[a:], n.least, n.steep, n.quarter, whole(b - a), slope[a:])
        face_row(
            north[a:], before[a:], here[a:], slope[a:], n.gravity, n.half, n.quarter, n.dry, n.solid, n.tiny,
            whole(b - a),
            out[a:],
        )  # fmt: skip
        special_y(f, a, b, shift, north, here, inside, state, faces, n, out)
        p = a - shift + LEAD
        narrow(state.porosity, f - 1, f, p, p, whole(b - a), out[a:])


@njit(**KERNEL)
def share_across(r, count, runs, pad, shift, cells, mask, fluxes, shares, owing, porosity, numbers, ring):
    """Find the donors of row `r` that owe, and scale the faces north of it."""
    n = numbers
    row, west, east = ring[cells + (r & mask)], ring[fluxes + (r & 3)], ring[fluxes + ((r + 1) & 3)]
    before, here = ring[shares + ((r - 1) & 1)], ring[shares + (r & 1)]
    owing[r & 1] = 0
    for g in range(count):
        a, b = runs[0, g] - pad, runs[1, g] + pad
        ratio = over_storage(porosity, r, a - shift + LEAD, n.ratio, whole(b - a), ring[RATIO])
        owing[r & 1] += count_owing(row[a:], west[a:], east[a:], ratio, n.keep, n.solid, n.one, whole(b - a))
    if owing[0] + owing[1] > 0:
        for g in range(count):
            a, b = runs[0, g] - pad, runs[1, g] + pad
            if owing[(r - 1) & 1] == 0:
                fill_row(n.one, whole(b - a), before[a:])
            ratio = over_storage(porosity, r, a - shift + LEAD, n.ratio, whole(b - a), ring[RATIO])
            share_row(row[a:], west[a:], east[a:], ratio, n.keep, n.solid, n.tiny, n.one, whole(b - a), here[a:])
            scale_row(before[a:], here[a:], whole(b - a), west[a:])


@njit(**KERNEL)
def count_across(f, count, runs, shift, fluxes, numbers, ring, ny, y_flux):
    """Count what crosses the northern or southern edge of the domain."""
    if f in (0, ny):
        side, sign = (0, 1.0) if f == 0 else (1, -1.0)
        flux = ring[fluxes + (f & 3)]
        for g in range(count):
            for j in range(runs[0, g], runs[1, g]):
                count_edge(flux[j], sign, numbers.ratio, y_flux[side, j - shift])


@njit(**KERNEL)
def sweep_across(i, first, last, pad, shift, state, faces, numbers, counts, runs, owing, ring, y_flux, out):
    """Take the cells of row `i` into the sweep along y, and finish row i - REACH into `out`."""
    n, ny = numbers, state.z.shape[0] - 2 * PAD
    count, run = runs_of(i - 1, REACH, first, last, counts, runs)
    if i >= first - 4:
        faces_across(i - 1, count, run, pad, shift, CELLS, 7, SLOPE1, FLUX1, state, faces, n, ring)
    r = i - 2
    if r >= first - 4:
        count, run = runs_of(r, REACH, first, last, counts, runs)
        share_across(r, count, run, pad, shift, CELLS, 7, FLUX1, SHARE1, owing[0], state.porosity, n, ring)
        if first <= r <= last and (r < last or last == ny):
            count, run = runs_of(min(r, last - 1), 0, first, last, counts, runs)
            count_across(r, count, run, shift, FLUX1, n, ring, ny, y_flux)
    r = i - 3
    if first - 3 <= r < last + 3:
        count, run = runs_of(r, 3, first, last, counts, runs)
        cells, stage = ring[CELLS + (r & 7)], ring[STAGE1 + (r & 3)]
        west, east = ring[FLUX1 + (r & 3)], ring[FLUX1 + ((r + 1) & 3)]
        n2 = state.n2[min(max(r + PAD, 0), state.n2.shape[0] - 1)]
        for g in range(count):
            a, b = run[0, g] - pad, run[1, g] + pad
            ratio = over_storage(state.porosity, r, a - shift + LEAD, n.ratio, whole(b - a), ring[RATIO])
            stage_row(
                cells[a:],
                west[a:],
                east[a:],
                n2[a - shift + LEAD :],
                ratio,
                n.gdt,
                n.dry,
                n.creep,
                n.one,
                whole(b - a),
                stage[a:],
            )
            if r in (-1, ny):
                # what has left is no water beside the edge: no slope reaches out to it
                fill_row(n.one - n.one, whole(b - a), stage[a + PLANE :])
    r = i - 4
    if r >= first - 2:
        count, run = runs_of(r, 3, first, last, counts, runs)
        faces_across(r, count, run, pad, shift, STAGE1, 3, SLOPE2, FLUX2, state, faces, n, ring)
    r = i - 5
    if r >= first - 1:
        count, run = runs_of(r, 3, first, last, counts, runs)
        share_across(r, count, run, pad, shift, STAGE1, 3, FLUX2, SHARE2, owing[1], state.porosity, n, ring)
        if first <= r <= last and (r < last or last == ny):
            count, run = runs_of(min(r, last - 1), 0, first, last, counts, runs)
            count_across(r, count, run, shift, FLUX2, n, ring, ny, y_flux)
    r = i - 6
    if first <= r < last:
        count, run = runs_of(r, 0, first, last, counts, runs)
        cells, stage = ring[CELLS + (r & 7)], ring[STAGE1 + (r & 3)]
        west, east = ring[FLUX2 + (r & 3)], ring[FLUX2 + ((r + 1) & 3)]
        n2 = state.n2[min(r + PAD, state.n2.shape[0] - 1)]
        for g in range(count):
            a, b = run[0, g] - pad, run[1, g] + pad
            ratio = over_storage(state.porosity, r, a - shift + LEAD, n.ratio, whole(b - a), ring[RATIO])
            final_row(
                cells[a:], stage[a:], west[a:], east[a:], n2[a - shift + LEAD :], ratio, n.gdt, n.dry,
                n.creep, n.half, whole(b - a), out[a:],
            )  # fmt: skip


@njit(**KERNEL)
def load_cells(i, a, b, first, last, start, is_late, x_first, state, fence, edge, out):
    """Load local cells [a, b) of row `i` as they were before the step."""
    ny = state.z.shape[0] - 2 * PAD
    p, q = a + start, a + start + whole(b - a)
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
    load_row(z, h, rest, normal, transverse, whole(b - a), out[a:])
    if is_late and a < LEAD and first <= i < last:
        # the strip to the west has already been there
        n = LEAD - a
        h, rest, u, v = edge[i, 0, a:], edge[i, 1, a:], edge[i, 2, a:], edge[i, 3, a:]
        normal, transverse = (u, v) if x_first else (v, u)
        load_row(z, h, rest, normal, transverse, n, out[a:])


@njit(**KERNEL)
def store_cells(i, a, b, start, x_first, cells, state, numbers, top, fast, taken):
    """Write local cells [a, b) of row `i`, after rain and sinks."""
    n = numbers
    p, q = a + start, b + start
    m = b - a
    row = i + PAD
    h, rest = state.h[row, p:q], state.rest[row, p:q]
    u, v = state.u[row, p:q], state.v[row, p:q]
    normal, transverse = (u, v) if x_first else (v, u)
    zero = n.one - n.one
    if n.rain > 0:
        if state.weight.shape[0] > 1:
            rain_row(state.weight[row, p:q], n.rain, n.tiny, m, cells[a:])
        else:
            even_rain_row(n.rain, n.tiny, m, cells[a:])
    depth_row(cells[a:], m, h, rest)
    if n.sink > 0:
        sink_cells(state.porosity, i, p, n.sink, n.keep, n.one, m, h, rest, taken[p - LEAD : q - LEAD])
    velocity_row(cells[a:], h, n.dry, zero, m, normal, transverse)
    top_row(h, m, state.h_max[row, p:q], top[a:b])
    speed_row(h, u, v, n.gravity, n.dry, zero, m, fast[a - LEAD :])


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
def put_fences_aside(bands, state, fences):
    """Keep the rows beyond each band as they are before the step."""
    ny = state.z.shape[0] - 2 * PAD
    for k in range(bands.size - 1):
        first, last = bands[k] * TILE_ROWS, min(bands[k + 1] * TILE_ROWS, ny)
        if first >= last:
            continue
        for r in range(FENCE_ROWS):
            i = first - REACH + r if r < REACH else last - REACH + r
            if -PAD <= i < ny + PAD:
                for j in range(state.h.shape[1]):
                    fences[k, r, 0, j] = state.h[i + PAD, j]
                    fences[k, r, 1, j] = state.rest[i + PAD, j]
                    fences[k, r, 2, j] = state.u[i + PAD, j]
                    fences[k, r, 3, j] = state.v[i + PAD, j]


@njit(**KERNEL)
def sweep_strip(
    first, last, start, is_late, x_first, state, x_faces, y_faces, busy, numbers, ring, fence, edge, runs, counts,
    owing, fast, tops, taken, x_flux, y_flux,
):  # fmt: skip
    """One step of rows [first, last) of the strip that begins at column `start`."""
    shift = LEAD - start
    loaded, result, top = ring[ALONG + 4], ring[ALONG + 5], ring[TOP, :PLANE]
    owing[:] = 0
    zero = numbers.one - numbers.one
    for i in range(first - REACH, last + REACH):
        count, run = runs_of(i, REACH, first, last, counts, runs)
        cells = ring[CELLS + (i & 7)]
        for g in range(count):
            a, b = run[0, g], run[1, g]
            if x_first:
                load_cells(i, a - LANES, b + LANES, first, last, start, is_late, x_first, state, fence, edge, loaded)
                own = first <= i < last
                sweep_along(i, loaded, a, b, shift, own, state, x_faces, numbers, ring, x_flux, cells)
            else:
                load_cells(i, a - LANES, b + LANES, first, last, start, is_late, x_first, state, fence, edge, cells)
        pad = 0 if x_first else LANES
        sweep_across(i, first, last, pad, shift, state, y_faces, numbers, counts, runs, owing, ring, y_flux, result)
        r = i - REACH
        if first <= r < last:
            t = r // TILE_ROWS
            if r % TILE_ROWS == 0 or r == first:
                fill_row(zero, PLANE, top)
            for g in range(counts[0, t]):
                a, b = runs[0, t, 0, g], runs[0, t, 1, g]
                done = result
                if not x_first:
                    sweep_along(r, result, a, b, shift, True, state, x_faces, numbers, ring, x_flux, loaded)
                    done = loaded
                store_cells(r, a, b, start, x_first, done, state, numbers, top, fast, taken[t])
            if r % TILE_ROWS == TILE_ROWS - 1 or r == last - 1:
                reduce_tops(t, start, busy, top, tops)


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


@njit(**KERNEL)
def mark_active(tops, forced, wet_depth, everywhere, busy, touched):
    """Choose the tiles that have to be computed.

    A tile rests when neither it nor one of its eight neighbours is wet: then no face of it carries water.

    busy : (tile rows, tile columns)   out
    touched : the same shape           in/out: computed since it was last cleared
    """
    rows, cols = tops.shape
    total = 0
    for t in range(rows):
        for c in range(cols):
            on = everywhere or forced[t, c]
            for r in range(max(t - 1, 0), min(t + 2, rows)):
                for q in range(max(c - 1, 0), min(c + 2, cols)):
                    on = on or tops[r, q] > wet_depth
            busy[t, c] = on
            touched[t, c] = touched[t, c] or on
            total += 1 if on else 0
    return total


@njit(**KERNEL)
def add_sources(row, col, gain, keep, state, tops, got):
    """Add (or take, as far as there is any) `gain` [m] at single cells, one after the other.

    Water that is added is at rest, water that is taken has the velocity of the cell.

    got : (n,)   out, depth that was really added, negative where taken [m]
    """
    zero = tops[0, 0] - tops[0, 0]
    for k in range(row.size):
        i, j = row[k] + PAD, col[k] + LEAD
        part = max(gain[k], -keep * state.h[i, j])
        y = part + state.rest[i, j]
        old = state.h[i, j]
        new = old + y
        back = new - old
        state.rest[i, j] = (old - (new - back)) + (y - back)
        state.h[i, j] = new
        if part > zero:
            state.u[i, j] *= old / new
            state.v[i, j] *= old / new
        state.h_max[i, j] = max(state.h_max[i, j], new)
        t, c = row[k] // TILE_ROWS, col[k] // TILE_COLS
        tops[t, c] = max(tops[t, c], new)
        got[k] = part


@njit(**KERNEL)
def track_row(h, u, v, least, zero, n, speed_max, discharge_max, force_max):
    """Running maxima of speed, unit discharge and u^2 h; shallower water than `least` does not count."""
    for j in range(uint64(n)):
        speed = math.sqrt(u[j] * u[j] + v[j] * v[j])
        speed = speed if h[j] >= least else zero
        speed_max[j] = max(speed_max[j], speed)
        discharge_max[j] = max(discharge_max[j], speed * h[j])
        force_max[j] = max(force_max[j], speed * speed * h[j])


@njit(**KERNEL)
def track_velocity(state, active, least, speed_max, discharge_max, force_max):
    """Bring the maxima that depend on velocity up to date in the active tiles."""
    zero = least - least
    for i in range(speed_max.shape[0]):
        t = i // TILE_ROWS
        for g in range(active.runs[t]):
            a, b = active.first[t, g], active.last[t, g]
            p = a + LEAD
            track_row(
                state.h[i + PAD, p:], state.u[i + PAD, p:], state.v[i + PAD, p:], least, zero, b - a,
                speed_max[i, a:b], discharge_max[i, a:b], force_max[i, a:b],
            )  # fmt: skip


@njit(**KERNEL)
def fastest_wave(state, dry):
    """Fastest wave [m s-1], from scratch."""
    fastest = dry - dry
    for i in range(state.h.shape[0]):
        for j in range(state.h.shape[1]):
            if state.h[i, j] > dry:
                speed = max(abs(state.u[i, j]), abs(state.v[i, j])) + math.sqrt(GRAVITY * state.h[i, j])
                fastest = max(fastest, speed)
    return fastest
