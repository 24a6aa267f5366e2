"""Local-inertial kernels: one pass over memory a step, in row kernels that the compiler turns into packed instructions.

Layout: depth ``h`` and bed ``z`` at cells (ny, nx), unit discharge ``qx`` (ny, nx + 1) positive eastward and ``qy``
(ny + 1, nx) positive **southward** (along rows) at faces. A band of rows is swept from north to south; what a row
still needs of its neighbours lives in a ring of row buffers that stays in the first-level cache.

What keeps the row kernels vectorised (a test guards it): ``error_model="numpy"``, unsigned loop counters and selects in
place of branches. They are few, and become part of the sweep: docs/decisions/0006.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import config, njit, prange, uint64

from sim.flood.arithmetic import FLAGS, GLUE, KERNEL, ROWS, at, inverse_cube_root, weir_limit

if TYPE_CHECKING:
    from numpy.typing import NDArray

# waiting threads sleep: spinning ones stall everything as soon as another process wants the processor. They look round
# for some 20 us before, the time between two steps of a small area (read when the first parallel region starts; who
# wants it otherwise sets it)
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
# OpenMP first: it takes calls from several threads, and a TBB that is too old is only warned about
config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]  # type: ignore[attr-defined]  # set at run time by numba

__all__ = [
    "CREST",
    "DISCHARGE",
    "GRAVITY",
    "OPEN",
    "RING_ROWS",
    "SEA",
    "STAGE",
    "TILE_COLS",
    "TILE_ROWS",
    "WALL_BED",
    "Active",
    "Faces",
    "State",
    "add_sources",
    "advance",
    "join_runs",
    "mark_active",
    "settle_bands",
    "split_bands",
    "sweep_bands",
    "tile_tops",
    "track_depth",
    "track_discharge",
]

TILE_ROWS, TILE_COLS = 16, 32
CREST, STAGE, OPEN, DISCHARGE, SEA = 1, 2, 3, 4, 5
GRAVITY = 9.81
"""[m s-2]"""
WALL_BED = 1.0e4
"""Bed of a cell that no water enters [m above the local datum]."""
RING_ROWS = 15
X, Y, SHARES, RAIN, TOP, STAGES, RATIO, SPARE = 0, 2, 5, 7, 8, 9, 12, 13
"""First row buffers of a ring: qx (2), qy (3), shares (2), rain, column tops, stages (3), dt/dx over the porosity, and
what nobody reads (2)."""


class State(NamedTuple):
    """What a step changes, and what it does not: see the module's layout."""

    z: NDArray[Any]
    """Bed [m above the local datum] (ny, nx); a wall cell stands at `WALL_BED`."""
    h: NDArray[Any]
    """Depth [m] (ny, nx)."""
    rest: NDArray[Any]
    """What rounding took off the depth [m] (ny, nx): ``h + rest`` is the depth to twice the digits."""
    qx: NDArray[Any]
    """Unit discharge eastward [m2 s-1] (ny, nx + 1)."""
    qy: NDArray[Any]
    """Unit discharge southward [m2 s-1] (ny + 1, nx)."""
    n2: NDArray[Any]
    """Manning's n squared [s2 m-2/3] (ny, nx), or (1, nx) where it is uniform."""
    h_max: NDArray[Any]
    """Running maximum of the depth [m] (ny, nx)."""
    weight: NDArray[Any]
    """Share of the rain that a cell receives (ny, nx), or (1, 1) where it is 1 everywhere."""
    porosity: NDArray[Any]
    """Share of a cell that buildings leave free (ny, nx), or (1,) where it is 1 everywhere: another type, so that the
    kernels that know of it are others."""
    x_open: NDArray[Any]
    """Free share of the x-faces (ny, nx + 1), that of the narrower cell, or (1,)."""
    y_open: NDArray[Any]
    """Free share of the y-faces (ny + 1, nx), or (1,)."""


class Faces(NamedTuple):
    """Faces that are no plain face between two cells, by row."""

    start: NDArray[Any]
    """(rows + 1,) first entry of each row."""
    place: NDArray[Any]
    """Column of the face."""
    kind: NDArray[Any]
    """CREST, STAGE, OPEN, DISCHARGE or SEA."""
    value: NDArray[Any]
    """Crest or stage [m above the local datum], slope, or inward unit discharge [m2 s-1]."""
    wave: NDArray[Any]
    """SEA: height of the wave that comes in [m above `value`]."""


class Active(NamedTuple):
    """Runs of active tiles in each tile row, as columns [first, last)."""

    first: NDArray[Any]
    last: NDArray[Any]
    runs: NDArray[Any]


# numba leaves out what an array's number of dimensions rules out: where there is no porosity these become nothing


@njit(**GLUE)
def over_storage(porosity, i, a, b, s, room):
    """`s` over the share of the cells [a, b) of row `i` that holds water, in `room` where it differs."""
    if porosity.ndim == 1:
        return s
    divide_row(s, porosity[i, a:b], room)
    return room


@njit(**GLUE)
def narrow(opening, i, q):
    """Turn the discharge of a row of faces from that of their free width into that of the whole."""
    if opening.ndim == 2:
        multiply_row(opening[i], q)


@njit(**GLUE)
def widen(opening, i, a, b, q):
    """The way back, for the faces [a, b)."""
    if opening.ndim == 2:
        part_row(opening[i, a:b], q[a:b])


@njit(**ROWS)
def multiply_row(values, out):
    """Multiply a row by another."""
    for j in range(uint64(values.size)):
        out[j] = out[j] * values[j]


@njit(**ROWS)
def part_row(values, out):
    """Divide a row by another."""
    for j in range(uint64(values.size)):
        out[j] = out[j] / values[j]


@njit(**ROWS)
def divide_row(s, values, out):
    """A number over a row."""
    for j in range(uint64(out.size)):
        out[j] = s / values[j]


@njit(**ROWS)
def fill_row(value, out):
    """Set all of a row."""
    for j in range(uint64(out.size)):
        out[j] = value


@njit(**ROWS)
def copy_row(values, out):
    """Copy the first ``out.size`` values."""
    for j in range(uint64(out.size)):
        out[j] = values[j]


@njit(**GLUE, fastmath=FLAGS)
def or_else(q, here):
    """`q`, or `here` where that is 0."""
    return here if q == 0 else q


@njit(**GLUE, fastmath=FLAGS)
def weigh_x(q, opening, i, c, theta, side, one):
    """Inertia of x-face `c` of row `i`: theta q + (1 - theta)/2 (q- + q+) (de Almeida & Bates 2013, eq. 9).

    A neighbour through which nothing passes counts as the face itself: the walls along a channel at an angle to the
    grid would else take a tenth of its flow each step.

    Between faces of different free width what two of them exchange goes through the narrower one: weighted as on open
    ground it would feed a wave there.
    """
    west, east = c - uint64(1), c + uint64(1)
    if opening.ndim == 1:
        return theta * q[i, c] + side * (or_else(q[i, west], q[i, c]) + or_else(q[i, east], q[i, c]))
    width = one / opening[i, c]
    here, before, after = q[i, c], or_else(q[i, west], q[i, c]), or_else(q[i, east], q[i, c])
    from_west = min(one, opening[i, west] * width) * (before - here)
    return here + side * (from_west + min(one, opening[i, east] * width) * (after - here))


@njit(**GLUE, fastmath=FLAGS)
def weigh_y(q, opening, i, c, theta, side, one):
    """Inertia of the y-face north of row `i`; see `weigh_x`."""
    north, south = i - uint64(1), i + uint64(1)
    if opening.ndim == 1:
        return theta * q[i, c] + side * (or_else(q[north, c], q[i, c]) + or_else(q[south, c], q[i, c]))
    width = one / opening[i, c]
    here, before, after = q[i, c], or_else(q[north, c], q[i, c]), or_else(q[south, c], q[i, c])
    from_north = min(one, opening[north, c] * width) * (before - here)
    return here + side * (from_north + min(one, opening[south, c] * width) * (after - here))


@njit(**GLUE, fastmath=FLAGS)
def momentum(flow_depth, rise, sill, inertia, across, n2, q, slope, gdt, dry, critical, over_sill, one):
    """Unit discharge after the step, 0 where the face is dry (Bates et al. 2010, eq. 8 to 11, friction implicit).

    Their friction takes |q| from before the step, which rings on thin steep flow once gdt n^2 |q| h^(-7/3) passes 1.
    Here q (1 + k |Q|) = p is solved for the new |Q|, k = gdt n^2 h^(-7/3), p the discharge without friction: a
    quadratic. The part across the flow is brought to the same moment with the old friction, so that both parts of a
    steady flow feel the friction of the whole, whatever its angle to the grid (de Almeida & Bates 2013, eq. 6).

    Without advection nothing but friction holds water that falls over a step, and it would run at ten Froude numbers:
    the discharge is at most `critical` h^(3/2), `critical` = limit of the Froude number times sqrt(g). Where the bed
    rises by `sill` from the higher water h is no depth but a head, over which the flow turns critical: by `over_sill`
    less, which leaves the broad-crested weir's law, from a third of the head on (see `weir_limit`).
    """
    zero = one - one
    r = inverse_cube_root(max(flow_depth, dry))
    r2 = r * r
    k = gdt * n2 * (r2 * r2 * r2 * r)
    p = inertia - slope * flow_depth * rise
    t = across + across * k * math.sqrt(q * q + across * across)
    k4 = k + k
    k4 = k4 + k4
    speed_up = one + math.sqrt(one + k4 * math.sqrt(p * p + t * t))
    most = (critical * flow_depth - over_sill * min(flow_depth, sill + sill + sill)) * math.sqrt(max(flow_depth, dry))
    return max(min((p + p) / speed_up, most), -most) if flow_depth > dry else zero


@njit(**ROWS, fastmath=FLAGS)
def predict_row_x(z, qx, qy, n2, opening, ring, number, i, a, n, stage, out):
    """Discharge after the step of `n` x-faces from `a` on of row `i`; `stage`, `out` : rows of the ring."""
    slope, gdt, theta, side, dry, quarter = number[0], number[1], number[2], number[3], number[4], number[5]
    one, half, critical, over_sill = number[10], number[14], number[15], number[16]
    south, row = i + uint64(1), uint64(min(i, uint64(n2.shape[0] - 1)))
    for j in range(uint64(n)):
        c = a + j
        w = c - uint64(1)
        before, here, top = ring[stage, w], ring[stage, c], max(z[i, w], z[i, c])
        flow_depth = max(before, here) - top
        sill = top - (z[i, w] if before > here else z[i, c])
        across = quarter * ((qy[i, w] + qy[i, c]) + (qy[south, w] + qy[south, c]))
        ring[out, c] = momentum(
            flow_depth, here - before, sill, weigh_x(qx, opening, i, c, theta, side, one), across,
            half * (n2[row, w] + n2[row, c]), qx[i, c], slope, gdt, dry, critical, over_sill, one,
        )  # fmt: skip


@njit(**ROWS, fastmath=FLAGS)
def predict_row_y(z, h, rest, qx, qy, n2, opening, ring, number, i, a, n, stage_north, stage, out):
    """Discharge after the step of `n` y-faces from `a` on north of row `i`, and the water surface of that row.

    `rest` gives back the digits that a deep cell's depth has lost, so that a lake is flat. stage_north, stage, out :
    rows of the ring.
    """
    slope, gdt, theta, side, dry, quarter = number[0], number[1], number[2], number[3], number[4], number[5]
    one, half, critical, over_sill = number[10], number[14], number[15], number[16]
    north, most = i - uint64(1), uint64(n2.shape[0] - 1)
    row_north, row = min(north, most), min(i, most)
    for j in range(uint64(n)):
        c = a + j
        e = c + uint64(1)
        here, before = (z[i, c] + h[i, c]) + rest[i, c], ring[stage_north, c]
        ring[stage, c] = here
        top = max(z[north, c], z[i, c])
        flow_depth = max(before, here) - top
        sill = top - (z[north, c] if before > here else z[i, c])
        across = quarter * ((qx[north, c] + qx[north, e]) + (qx[i, c] + qx[i, e]))
        ring[out, c] = momentum(
            flow_depth, here - before, sill, weigh_y(qy, opening, i, c, theta, side, one), across,
            half * (n2[row_north, c] + n2[row, c]), qy[i, c], slope, gdt, dry, critical, over_sill, one,
        )  # fmt: skip


@njit(**ROWS)
def stage_row(z, h, rest, ring, i, a, n, stage):
    """Water surface of `n` cells from `a` on of row `i`."""
    for j in range(uint64(n)):
        c = a + j
        ring[stage, c] = (z[i, c] + h[i, c]) + rest[i, c]


@njit(**ROWS, forceinline=True, fastmath=FLAGS)
def share_row(h, ring, number, ratio, i, a, n, x, north, south, out):
    """Share of the outflow that a cell can give: a donor is scaled, never clipped, so volume is kept.

    x, north, south, out : rows of the ring: discharges of the faces around the cells, and the shares
    """
    keep, tiny, one = number[8], number[9], number[10]
    zero = one - one
    for j in range(uint64(n)):
        c = a + j
        e = c + uint64(1)
        leaving = (max(-ring[x, c], zero) + max(ring[x, e], zero)) + (
            max(-ring[north, c], zero) + max(ring[south, c], zero)
        )
        ring[out, c] = min(one, keep * h[i, c] / max(at(ratio, j) * leaving, tiny))


@njit(**ROWS, forceinline=True, fastmath=FLAGS)
def scale_row(ring, before, first, here, a, n, row, q, place):
    """Scale the discharge of `n` faces from `a` on by their donors' shares, in `row` of the ring and into `q`.

    before, here : rows of the shares on either side; first : place in `before` of the first donor there; place : row
    of `q`
    """
    for j in range(uint64(n)):
        v, forward, backward = ring[row, a + j], ring[before, first + j], ring[here, a + j]
        v = v * (forward if v > 0 else backward)
        ring[row, a + j] = v
        q[place, a + j] = v


@njit(**ROWS, fastmath=FLAGS)
def rain_row(weight, rain, out):
    """Rain where its weight differs from cell to cell [m]."""
    for j in range(uint64(out.size)):
        out[j] = rain * weight[j]


@njit(**ROWS, forceinline=True, fastmath=FLAGS)
def fill_up_row(ring, x, north, south, a, n, ratio, rain, h, rest, row, h_max, row_max, top):
    """Add what a step brings to the depth of `n` cells from `a` on, and raise the maxima of cells and columns.

    No low bits are lost: `rest` carries what the sum rounds away (Knuth's two-sum).

    x, north, south, top : rows of the ring; row, row_max : rows of `h` and `rest`, and of `h_max`
    """
    for j in range(uint64(n)):
        c = a + j
        e = c + uint64(1)
        gain = at(rain, j) + at(ratio, j) * ((ring[x, c] - ring[x, e]) + (ring[north, c] - ring[south, c]))
        y = gain + rest[row, c]
        old = h[row, c]
        new = old + y
        part = new - old
        rest[row, c] = (old - (new - part)) + (y - part)
        h[row, c] = new
        h_max[row_max, c] = max(h_max[row_max, c], new)
        ring[top, c] = max(ring[top, c], new)


@njit(**ROWS, fastmath=FLAGS)
def top_row(h, h_max, top):
    """Running maximum of each cell, and of the column within the tile."""
    for j in range(uint64(h.size)):
        h_max[j] = max(h_max[j], h[j])
        top[j] = max(top[j], h[j])


@njit(**ROWS)
def sink_row(sink, keep, storage, h, rest, taken):
    """Take up to `sink` [m] out of each cell; `taken` sums it, over whole cells, in double precision."""
    for j in range(uint64(h.size)):
        loss = min(sink, keep * h[j])
        y = rest[j] - loss
        old = h[j]
        new = old + y
        part = new - old
        rest[j] = (old - (new - part)) + (y - part)
        h[j] = new
        taken[j] += np.float64(loss) * np.float64(at(storage, j))


@njit(**KERNEL)
def sink_cells(porosity, i, a, b, sink, keep, one, h, rest, taken):
    """Let the sink take from the cells [a, b) of row `i`."""
    if porosity.ndim == 1:
        sink_row(sink, keep, one, h[a:b], rest[a:b], taken[a:b])
    else:
        sink_row(sink, keep, porosity[i, a:b], h[a:b], rest[a:b], taken[a:b])


@njit(**KERNEL)
def rub(p, k):
    """Solve q (1 + k |q|) = p: friction on a single face (see `momentum`)."""
    return 2.0 * p / (1.0 + math.sqrt(1.0 + 4.0 * k * abs(p)))


@njit(**KERNEL)
def weir(e0, e1, z0, z1, crest, inertia, n2, slope, gdt, dry):
    """Unit discharge over a wall: what it lets through, at most the momentum balance.

    The balance takes over where both sides stand well above the crest: there the weir formula is stiff.
    """
    ground = max(z0, z1)
    top = max(crest, ground)
    upstream, downstream = max(e0, e1) - top, min(e0, e1) - top
    if upstream <= dry:
        return 0.0
    free = weir_limit(upstream, downstream, crest - ground) if crest > ground else math.inf
    balance = rub(inertia - slope * upstream * (e1 - e0), gdt * n2 * upstream ** (-7.0 / 3.0))
    return min(max(balance, -free), free)


@njit(**KERNEL)
def edge_discharge(kind, value, wave, h, z, h_in, z_in, q, q_in, n2, is_strip, number):
    """Unit discharge through an edge of the domain, positive outward.

    STAGE: the momentum balance against a cell half outside whose bed is the edge cell's and whose stage is `value`.
    OPEN: normal depth, h^(5/3) sqrt(S)/n, S the given `value` or, where it is negative, the slope over the last two
    cells of the bed, or of the water surface where the bed does not fall outwards; critical depth where the bed has no
    friction or a wall stands behind; nothing comes in.
    DISCHARGE: `value` flows in.
    SEA: the sea outside stands at `value`, a wave of height `wave` comes in and what comes from inside leaves, both at
    sqrt(g h) (Flather 1976): q = sqrt(g h) (eta - value - 2 wave). In a strip of one cell between two edges eta is that
    in the middle of the step, or the strip would swing up.
    """
    slope, gdt, theta, side, dry, dx = number[0], number[1], number[2], number[3], number[4], number[13]
    if kind == DISCHARGE:
        return -value
    if kind == STAGE:
        outside = max(value, z)
        depth = max(outside, z + h) - z
        if depth <= dry:
            return 0.0
        inertia = theta * q + side * (q + q_in)
        return rub(inertia - slope * depth * (outside - (z + h)), gdt * n2 * depth ** (-7.0 / 3.0))
    if kind == SEA:
        depth = max(value + wave - z, h)
        if depth <= dry:
            return 0.0
        push = h - max(value + 2.0 * wave - z, 0.0)
        most = number[15] * depth * math.sqrt(depth)
        celerity = math.sqrt(GRAVITY * depth)
        ahead = 0.5 * number[6] * celerity if is_strip else 0.0
        return min(max(celerity * push / (1.0 + ahead), -most), most)
    if kind == OPEN and h > dry:
        # the bed's slope controls the outflow; the surface's alone would let any depth be its own normal depth
        fall = value if value >= 0.0 else (z_in - z) / dx
        if fall <= 0.0 and value < 0.0:
            fall = (z_in + h_in - (z + h)) / dx
        if n2 > 0.0 and z_in < WALL_BED:
            normal = h ** (5.0 / 3.0) * math.sqrt(max(fall, 0.0) / n2)
            return min(normal, number[15] * h * math.sqrt(h))
        return h * math.sqrt(GRAVITY * h) if fall > 0.0 else 0.0
    return 0.0


@njit(**KERNEL)
def special_x(i, state, faces, number, out):
    """Replace the predicted discharge of those x-faces of row `i` that are walls or edges."""
    z, h, q, n2 = state.z[i], state.h[i], state.qx[i], state.n2[min(i, state.n2.shape[0] - 1)]
    last = z.size - 1
    for k in range(faces.start[i], faces.start[i + 1]):
        j, kind, value = faces.place[k], faces.kind[k], faces.value[k]
        if kind == CREST:
            e0, e1 = z[j - 1] + h[j - 1], z[j] + h[j]
            inertia = weigh_x(state.qx, state.x_open, uint64(i), uint64(j), number[2], number[3], number[10])
            n2_face = number[14] * (n2[j - 1] + n2[j])
            out[j] = weir(e0, e1, z[j - 1], z[j], value, inertia, n2_face, number[0], number[1], number[4])
        elif j == 0:
            inner = min(1, last)
            out[0] = -edge_discharge(
                kind, value, faces.wave[k], h[0], z[0], h[inner], z[inner], -q[0], -q[1], n2[0], last == 0, number
            )
        else:
            inner = max(last - 1, 0)
            out[j] = edge_discharge(
                kind,
                value,
                faces.wave[k],
                h[last],
                z[last],
                h[inner],
                z[inner],
                q[j],
                q[last],
                n2[last],
                last == 0,
                number,
            )


@njit(**KERNEL)
def special_y(i, state, faces, number, out):
    """Replace the predicted discharge of those y-faces north of row `i` that are walls or edges."""
    z, h, q = state.z, state.h, state.qy
    last, most = z.shape[0] - 1, state.n2.shape[0] - 1
    n2 = state.n2[min(i, most)]
    for k in range(faces.start[i], faces.start[i + 1]):
        j, kind, value = faces.place[k], faces.kind[k], faces.value[k]
        if kind == CREST:
            e0, e1 = z[i - 1, j] + h[i - 1, j], z[i, j] + h[i, j]
            inertia = weigh_y(state.qy, state.y_open, uint64(i), uint64(j), number[2], number[3], number[10])
            n2_face = number[14] * (state.n2[min(i - 1, most), j] + n2[j])
            out[j] = weir(e0, e1, z[i - 1, j], z[i, j], value, inertia, n2_face, number[0], number[1], number[4])
        elif i == 0:
            m = min(1, last)
            out[j] = -edge_discharge(
                kind,
                value,
                faces.wave[k],
                h[0, j],
                z[0, j],
                h[m, j],
                z[m, j],
                -q[0, j],
                -q[1, j],
                n2[j],
                last == 0,
                number,
            )
        else:
            m = max(last - 1, 0)
            here = h[last, j], z[last, j], h[m, j], z[m, j]
            out[j] = edge_discharge(
                kind,
                value,
                faces.wave[k],
                here[0],
                here[1],
                here[2],
                here[3],
                q[i, j],
                q[last, j],
                n2[j],
                last == 0,
                number,
            )


@njit(**GLUE)
def fill_stage(i, t, state, active, ring):
    """Water surface of row `i` where tile row `t` is active, and of the cell west of each run."""
    for g in range(active.runs[t]):
        a, b = max(active.first[t, g] - 1, 0), active.last[t, g]
        stage_row(state.z, state.h, state.rest, ring, uint64(i), uint64(a), b - a, uint64(STAGES + i % 3))


@njit(**GLUE)
def predict_x(i, state, faces, active, number, ring, out):
    """Predict the discharge of the x-faces of row `i` into row `out` of the ring."""
    t, q = i // TILE_ROWS, ring[out]
    q[0] = q[state.z.shape[1]] = 0
    for g in range(active.runs[t]):
        a, b = active.first[t, g], active.last[t, g]
        # whole vectors: from the western edge of the domain on there is one face more, which carries nothing
        first = max(a, 1)
        predict_row_x(
            state.z, state.qx, state.qy, state.n2, state.x_open, ring, number, uint64(i), uint64(first), b - a,
            uint64(STAGES + i % 3), uint64(out),
        )  # fmt: skip
        if a == 0:
            q[b] = 0
    if faces.start[i] < faces.start[i + 1]:
        special_x(i, state, faces, number, q)
    narrow(state.x_open, i, q[: state.z.shape[1] + 1])


@njit(**GLUE)
def predict_y(i, state, faces, active, number, ring, out):
    """Predict the discharge of the y-faces north of row `i`, 0 <= i <= ny, into row `out` of the ring.

    Inside the domain the water surface of row `i` comes with it.
    """
    ny, nx = state.z.shape
    q = ring[out, :nx]
    if 0 < i < ny:
        t, stage = (i - 1) // TILE_ROWS, uint64(STAGES + i % 3)
        for g in range(active.runs[t]):
            a, b = active.first[t, g], active.last[t, g]
            predict_row_y(
                state.z, state.h, state.rest, state.qx, state.qy, state.n2, state.y_open, ring, number, uint64(i),
                uint64(a), b - a, uint64(STAGES + (i - 1) % 3), stage, uint64(out),
            )  # fmt: skip
            if a > 0:
                stage_row(state.z, state.h, state.rest, ring, uint64(i), uint64(a - 1), 1, stage)
    else:
        fill_row(number[10] - number[10], q)
    if faces.start[i] < faces.start[i + 1]:
        special_y(i, state, faces, number, q)
    narrow(state.y_open, i, q)


@njit(**KERNEL)
def clear_gaps(t, active, value, row):
    """Fill a row buffer where tile row `t` is inactive."""
    a = 0
    for g in range(active.runs[t]):
        fill_row(value, row[a : active.first[t, g]])
        a = active.last[t, g]
    fill_row(value, row[a:])


@njit(**GLUE)
def place_of(i, first, last):
    """Row of `late` that row `i` of a band is written to, -1: straight into the state.

    The neighbouring bands still read the old values of a band's first and last rows; they are put in afterwards.
    """
    if i < first + 3:
        return i - first
    if i >= last - 2:
        return 3 + i - (last - 2)
    return -1


@njit(**KERNEL)
def sweep(first, last, state, x_faces, y_faces, active, number, ring, late, tops, taken, x_flux, y_flux):
    """Advance rows [first, last) by one step: momentum, shares, discharge and depth close behind each other.

    number : gravity*dt/dx, gravity*dt, theta, (1 - theta)/2, dry depth, 1/4, dt/dx, rain [m], keep, tiny, 1,
        sink [m], whether rain is weighted, dx, 1/2, critical and over_sill (see `momentum`)
    ring : (RING_ROWS, > nx)          row buffers
    late : (4, 5, nx + 1)             h, qx, qy, rest of the first three and the last two rows
    tops : (tile rows, tile columns)  out, deepest water of each tile
    taken : (tile rows, nx)           in/out, what the sink took [m]
    x_flux, y_flux : (ny, 2), (2, nx, 2)   in/out, inward and outward discharge times dt/dx through the edges [m]
    """
    ny, nx = state.z.shape
    s, rain, keep, one, sink = number[6], number[7], number[8], number[10], number[11]
    weighted = number[12] > 0
    zero = one - one
    for number_of_row in range(X, SHARES):
        fill_row(zero, ring[number_of_row])
    fill_row(one, ring[SHARES])
    fill_row(one, ring[SHARES + 1])
    start = max(first - 1, 0)
    for i in range(start, last + 1):
        # row i is predicted, its outflow shared out, and row i - 1 finished
        if first + 4 <= i < last - 2 and i % TILE_ROWS >= 2 and active.runs[i // TILE_ROWS] == 0:
            continue
        x, x_north = uint64(X + (i & 1)), uint64(X + ((i + 1) & 1))
        y_north, y, y_south = uint64(Y + (i + 2) % 3), uint64(Y + i % 3), uint64(Y + (i + 1) % 3)
        share, share_north = uint64(SHARES + (i & 1)), uint64(SHARES + ((i + 1) & 1))
        if i < ny:
            t = i // TILE_ROWS
            own = first <= i < last
            if i == start or i % TILE_ROWS == 0:
                clear_gaps(t, active, zero, ring[y, :nx])
                for row in (share, share_north):
                    clear_gaps(t, active, one, ring[row, :nx])
            if i % TILE_ROWS < 2:
                # not all at once: the row before may have carried water above a tile that rests
                clear_gaps(t, active, zero, ring[x, : nx + 1])
                clear_gaps(t, active, zero, ring[y_south, :nx])
            if i == start and i > 0:
                fill_stage(i - 1, (i - 1) // TILE_ROWS, state, active, ring)
            if i == start or i % TILE_ROWS == 0:
                fill_stage(i, t, state, active, ring)
            if i == start:
                predict_y(i, state, y_faces, active, number, ring, y)
            predict_y(i + 1, state, y_faces, active, number, ring, y_south)
            predict_x(i, state, x_faces, active, number, ring, x)
            for g in range(active.runs[t]):
                a, b = active.first[t, g], active.last[t, g]
                ratio = over_storage(state.porosity, i, a, b, s, ring[RATIO, a:b])
                share_row(state.h, ring, number, ratio, uint64(i), uint64(a), b - a, x, y, y_south, share)
            # a row beyond the band is the neighbour's to store; what the neighbour still reads is stored afterwards
            qx, qy, place = ring, ring, SPARE
            if own:
                qx, qy, place = state.qx, state.qy, i
                slot = place_of(i, first, last)
                if slot >= 0:
                    qx, qy, place = late[1], late[2], slot
                    copy_row(state.qx[i], qx[slot])
                    copy_row(state.qy[i], qy[slot, :nx])
            for g in range(active.runs[t]):
                a, b = max(active.first[t, g], 1), active.last[t, g]
                scale_row(ring, share, uint64(a - 1), share, uint64(a), b - a, x, qx, uint64(place))
            ring[x, 0] *= ring[share, 0] if ring[x, 0] < 0 else one
            ring[x, nx] *= ring[share, nx - 1] if ring[x, nx] > 0 else one
            if i == 0:
                for j in range(nx):
                    ring[y, j] *= ring[share, j] if ring[y, j] < 0 else one
                    qy[place, j] = ring[y, j]
            else:
                for g in range(active.runs[t]):
                    a, b = active.first[t, g], active.last[t, g]
                    scale_row(ring, share_north, uint64(a), share, uint64(a), b - a, y, qy, uint64(place))
            if own:
                finish_x(i, nx, active, s, ring, x, qx, place, state.x_open, x_flux)
                finish_y(i, ny, active, s, ring, y, qy, place, state.y_open, y_flux)
        else:
            for j in range(nx):
                ring[y, j] *= ring[share_north, j] if ring[y, j] > 0 else one
                state.qy[i, j] = ring[y, j]
            finish_y(i, ny, active, s, ring, y, state.qy, i, state.y_open, y_flux)
        if i > first:
            r = i - 1
            t = r // TILE_ROWS
            slot = place_of(r, first, last)
            h, rest, place = state.h, state.rest, r
            if slot >= 0:
                h, rest, place = late[0], late[3], slot
                copy_row(state.h[r], h[slot, :nx])
                copy_row(state.rest[r], rest[slot, :nx])
            if r % TILE_ROWS == 0:
                fill_row(zero, ring[TOP, :nx])
            # what seeps away is no highest water
            h_max, place_max, top = state.h_max, r, TOP
            if sink > 0:
                h_max, place_max, top = ring, SPARE, SPARE + 1
            for g in range(active.runs[t]):
                a, b = active.first[t, g], active.last[t, g]
                ratio = over_storage(state.porosity, r, a, b, s, ring[RATIO, a:b])
                if weighted:
                    rain_row(state.weight[r, a:b], rain, ring[RAIN, a:b])
                    fill_up_row(
                        ring, x_north, y_north, y, uint64(a), b - a, ratio, ring[RAIN, a:b], h, rest, uint64(place),
                        h_max, uint64(place_max), uint64(top),
                    )  # fmt: skip
                else:
                    fill_up_row(
                        ring, x_north, y_north, y, uint64(a), b - a, ratio, rain, h, rest, uint64(place),
                        h_max, uint64(place_max), uint64(top),
                    )  # fmt: skip
                if sink > 0:
                    sink_cells(state.porosity, r, a, b, sink, keep, one, h[place], rest[place], taken[t])
                    top_row(h[place, a:b], state.h_max[r, a:b], ring[TOP, a:b])
            if r % TILE_ROWS == TILE_ROWS - 1 or r == last - 1:
                reduce_tops(t, active, ring[TOP, :nx], tops)


@njit(**GLUE)
def finish_x(i, nx, active, s, ring, x, q, place, opening, x_flux):
    """Finish what row `place` of `q` keeps of the x-faces of row `i`, and count what crosses the edges."""
    t = i // TILE_ROWS
    q[place, 0], q[place, nx] = ring[x, 0], ring[x, nx]
    for g in range(active.runs[t]):
        widen(opening, i, active.first[t, g], active.last[t, g], q[place])
    widen(opening, i, nx, nx + 1, q[place])
    west, east = np.float64(s) * np.float64(ring[x, 0]), -np.float64(s) * np.float64(ring[x, nx])
    x_flux[i, 0] += max(west, 0.0) + max(east, 0.0)
    x_flux[i, 1] -= min(west, 0.0) + min(east, 0.0)


@njit(**GLUE)
def finish_y(i, ny, active, s, ring, y, q, place, opening, y_flux):
    """Finish what row `place` of `q` keeps of the faces north of row `i`, and count what crosses the edges."""
    t = min(i, ny - 1) // TILE_ROWS
    for g in range(active.runs[t]):
        widen(opening, i, active.first[t, g], active.last[t, g], q[place])
    if 0 < i < ny:
        return
    side, sign = (0, 1.0) if i == 0 else (1, -1.0)
    for j in range(y_flux.shape[1]):
        inward = sign * np.float64(s) * np.float64(ring[y, j])
        y_flux[side, j, 0] += max(inward, 0.0)
        y_flux[side, j, 1] -= min(inward, 0.0)


@njit(**KERNEL)
def reduce_tops(t, active, top, tops):
    """Deepest water of each active tile of tile row `t`."""
    for g in range(active.runs[t]):
        for c in range(active.first[t, g] // TILE_COLS, -(-active.last[t, g] // TILE_COLS)):
            deepest = top[0] * 0
            for j in range(c * TILE_COLS, min((c + 1) * TILE_COLS, top.size)):
                deepest = max(deepest, top[j])
            tops[t, c] = deepest


@njit(**KERNEL)
def settle(first, last, state, late):
    """Put the first and last rows of a band in place, now that no other band reads the old ones."""
    for i in range(first, last):
        slot = place_of(i, first, last)
        if slot >= 0:
            copy_row(late[0, slot], state.h[i])
            copy_row(late[1, slot], state.qx[i])
            copy_row(late[2, slot], state.qy[i])
            copy_row(late[3, slot], state.rest[i])


@njit(**KERNEL)
def is_beside_water(h, t, c, down, right, wet_depth):
    """Whether the neighbour of tile (t, c), `down` rows and `right` columns of tiles on, has water beside it."""
    north, west = t * TILE_ROWS, c * TILE_COLS
    south, east = min(north + TILE_ROWS, h.shape[0]), min(west + TILE_COLS, h.shape[1])
    if down != 0:
        north = south if down > 0 else north - 1
        south = north + 1
    if right != 0:
        west = east if right > 0 else west - 1
        east = west + 1
    for i in range(north, south):
        for j in range(west, east):
            if h[i, j] > wet_depth:
                return True
    return False


@njit(**KERNEL)
def mark_active(h, tops, called, forced, wet_depth, everywhere, busy, touched):
    """Choose the tiles that have to be computed; returns their number.

    Water moves on by one cell a step. A tile rests when it is dry and no cell beside it is wet, now or a step ago: then
    no face of it carries water.

    h : (ny, nx)                          depth [m]
    tops : (tile rows, tile columns)      deepest water of each tile [m]
    called, touched : the same shape      in/out: wet, or beside water, at the last step; computed since last cleared
    busy : the same shape                 out
    """
    rows, cols = tops.shape
    total = 0
    for t in range(rows):
        for c in range(cols):
            on = everywhere or forced[t, c] or tops[t, c] > wet_depth
            if not on:
                for r in range(max(t - 1, 0), min(t + 2, rows)):
                    for q in range(max(c - 1, 0), min(c + 2, cols)):
                        if not on and tops[r, q] > wet_depth:
                            on = is_beside_water(h, t, c, r - t, q - c, wet_depth)
            busy[t, c] = on or called[t, c]
            touched[t, c] = touched[t, c] or busy[t, c]
            called[t, c] = on
            total += 1 if busy[t, c] else 0
    return total


@njit(**KERNEL)
def join_runs(busy, columns, active):
    """Join tiles to runs of columns along each tile row."""
    for t in range(busy.shape[0]):
        n, is_open = 0, False
        for c in range(busy.shape[1]):
            if busy[t, c]:
                if not is_open:
                    active.first[t, n] = c * TILE_COLS
                    n += 1
                active.last[t, n - 1] = min((c + 1) * TILE_COLS, columns)
            is_open = busy[t, c]
        active.runs[t] = n


@njit(**KERNEL)
def split_bands(active, total, bands):
    """Cut the tile rows into contiguous bands of about the same number of active tiles; (n + 1,) tile rows."""
    n, rows, seen = bands.size - 1, active.runs.size, 0
    bands[0] = 0
    k = 1
    for t in range(rows):
        for g in range(active.runs[t]):
            seen += -(-(active.last[t, g] - active.first[t, g]) // TILE_COLS)
        while k < n and seen * n >= k * total:
            bands[k] = t + 1
            k += 1
    for rest in range(k, n + 1):
        bands[rest] = rows


@njit(**KERNEL)
def advance(state, x_faces, y_faces, active, number, rings, lates, tops, taken, x_flux, y_flux):
    """One step on one thread."""
    ny = state.z.shape[0]
    sweep(0, ny, state, x_faces, y_faces, active, number, rings[0], lates[0], tops, taken, x_flux, y_flux)
    settle(0, ny, state, lates[0])


@njit(cache=True, error_model="numpy", parallel=True)
def sweep_bands(state, x_faces, y_faces, active, number, bands, rings, lates, tops, taken, x_flux, y_flux):
    """One step but for the bands' ends, a band of rows a thread."""
    for k in prange(bands.size - 1):
        a, b = bands[k] * TILE_ROWS, min(bands[k + 1] * TILE_ROWS, state.z.shape[0])
        if a < b:
            sweep(a, b, state, x_faces, y_faces, active, number, rings[k], lates[k], tops, taken, x_flux, y_flux)


@njit(**KERNEL)
def settle_bands(state, bands, lates):
    """End the step that :func:`sweep_bands` began; the result is the one-thread result, bit by bit."""
    for k in range(bands.size - 1):
        settle(bands[k] * TILE_ROWS, min(bands[k + 1] * TILE_ROWS, state.z.shape[0]), state, lates[k])


@njit(**KERNEL)
def tile_tops(h, tops):
    """Deepest water of each tile, from scratch."""
    for t in range(tops.shape[0]):
        for c in range(tops.shape[1]):
            tops[t, c] = 0
    for i in range(h.shape[0]):
        for j in range(h.shape[1]):
            t, c = i // TILE_ROWS, j // TILE_COLS
            tops[t, c] = max(tops[t, c], h[i, j])


@njit(**KERNEL)
def add_sources(row, col, gain, keep, state, tops, got):
    """Add (or take, as far as there is any) `gain` [m] at single cells, one after the other.

    got : (n,)   out, depth that was really added, negative where taken [m]
    """
    for k in range(row.size):
        i, j = row[k], col[k]
        part = max(gain[k], -keep * state.h[i, j])
        y = part + state.rest[i, j]
        old = state.h[i, j]
        new = old + y
        back = new - old
        state.rest[i, j] = (old - (new - back)) + (y - back)
        state.h[i, j] = new
        state.h_max[i, j] = max(state.h_max[i, j], new)
        t, c = i // TILE_ROWS, j // TILE_COLS
        tops[t, c] = max(tops[t, c], new)
        got[k] = part


@njit(**ROWS)
def track_row(h, west, east, north, south, least, critical, half, one, speed_max, discharge_max, force_max):
    """Running maxima of speed, unit discharge and u^2 h; shallower water than `least` does not count.

    Water that pours off a levee passes a face deeper than the film in the cell: its depth counts as at least the one
    at which its discharge has the largest Froude number that faces allow (`critical` as in `momentum`).
    """
    zero = one - one
    for j in range(uint64(h.size)):
        along = half * (west[j] + east[j])
        across = half * (north[j] + south[j])
        q = math.sqrt(along * along + across * across)
        q = q if h[j] >= least else zero
        r = inverse_cube_root(max(q / critical, least * least))
        speed = q / max(h[j], one / (r * r))
        speed_max[j] = max(speed_max[j], speed)
        discharge_max[j] = max(discharge_max[j], q)
        force_max[j] = max(force_max[j], q * speed)


@njit(**KERNEL)
def mark_arrival(h_max, now, depth, arrival):
    """Note the time at which a cell first was `depth` deep; negative before."""
    for j in range(uint64(h_max.size)):
        known, deepest = arrival[j], h_max[j]
        first = now if deepest >= depth else known
        arrival[j] = first if known < 0 else known


@njit(**KERNEL)
def mark_maximum(h_max, now, rise, counted, time_max):
    """Move the time of the maximum where it rose by more than `rise` since it was last moved."""
    for j in range(uint64(h_max.size)):
        deepest, before, known = h_max[j], counted[j], time_max[j]
        has_risen = deepest > before + rise
        time_max[j] = now if has_risen else known
        counted[j] = deepest if has_risen else before


@njit(**KERNEL)
def add_duration(h, depth, span, duration):
    """Lengthen the time above `depth`."""
    zero = span - span
    for j in range(uint64(h.size)):
        duration[j] += span if h[j] >= depth else zero


@njit(**KERNEL)
def track_discharge(state, active, limits, speed_max, discharge_max, force_max):
    """Bring the maxima that depend on the flow up to date in the active tiles.

    limits : least depth of a speed [m], 1/2, 1, critical
    """
    for i in range(state.z.shape[0]):
        t = i // TILE_ROWS
        for g in range(active.runs[t]):
            a, b = active.first[t, g], active.last[t, g]
            track_row(
                state.h[i, a:b], state.qx[i, a:b], state.qx[i, a + 1 : b + 1], state.qy[i, a:b], state.qy[i + 1, a:b],
                limits[0], limits[3], limits[1], limits[2], speed_max[i, a:b], discharge_max[i, a:b],
                force_max[i, a:b],
            )  # fmt: skip


@njit(**KERNEL)
def track_depth(h, h_max, active, limits, early, late, time_max, counted, duration):
    """Bring arrival, time of the maximum and duration up to date in the active tiles.

    limits : now [s], time since the last sample [s], depth of the early and of the late arrival, depth of the
        duration, rise that moves the time of the maximum [m]
    """
    now, span = limits[0], limits[1]
    for i in range(h.shape[0]):
        t = i // TILE_ROWS
        for g in range(active.runs[t]):
            a, b = active.first[t, g], active.last[t, g]
            mark_arrival(h_max[i, a:b], now, limits[2], early[i, a:b])
            mark_arrival(h_max[i, a:b], now, limits[3], late[i, a:b])
            mark_maximum(h_max[i, a:b], now, limits[5], counted[i, a:b], time_max[i, a:b])
            add_duration(h[i, a:b], limits[4], span, duration[i, a:b])
