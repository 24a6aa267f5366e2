"""Local-inertial kernels: one pass over memory a step, in row kernels that the compiler turns into packed instructions.

Layout: depth ``h`` and bed ``z`` at cells (ny, nx), unit discharge ``qx`` (ny, nx + 1) positive eastward and ``qy``
(ny + 1, nx) positive **southward** (along rows) at faces. A band of rows is swept from north to south; what a row
still needs of its neighbours lives in a ring of row buffers that stays in the first-level cache.

What keeps the row kernels vectorised (a test guards it): ``error_model="numpy"``, unsigned loop counters, selects in
place of branches, and few arrays a loop, because LLVM checks every written array against every read one and gives up
beyond eight checks.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import config, njit, prange, types, uint64
from numba.extending import overload

if TYPE_CHECKING:
    from numpy.typing import NDArray

# waiting threads sleep: spinning ones stall everything as soon as another process wants the processor (read when the
# first parallel region starts; who wants it otherwise sets it)
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
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
    "inverse_cube_root",
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
"""Row buffers a band: 2 qx, 3 qy, 2 shares, discharge across (then gain), inertia, n^2, column tops, 3 stages, dt/dx
over the porosity."""

KERNEL: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
"""How every kernel is compiled. Without ``_nrt`` (they allocate nothing) each slice of a row and each array handed on
costs an atomic reference count: half of the time of a step on rows of 512 cells."""

# fused multiply-add is welcome; nothing that reorders sums, for the compensated depth needs them as they are written
FLAGS = {"contract", "nsz", "arcp"}
WEIR = 1.7048
"""Broad-crested weir, (2/3)^(3/2) sqrt(g) [m1/2 s-1] from critical depth on the crest."""


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


def inverse_cube_root(x):
    """x^(-1/3) for x > 0: a seed from the exponent bits, then fourth-order Householder and Newton steps."""
    return x ** (-1.0 / 3.0)


@overload(inverse_cube_root, inline="always")
def _inverse_cube_root(x):
    if x == types.float32:

        def single(x):
            s = np.float32(x)
            bits = np.int32(np.int32(0x54A21D2A) - np.int32(np.float32(s.view(np.int32)) * np.float32(1 / 3)))
            r = bits.view(np.float32)
            y = np.float32(1) - x * r * r * r
            r = r + r * y * (np.float32(1 / 3) + y * (np.float32(2 / 9) + y * np.float32(14 / 81)))
            y = np.float32(1) - x * r * r * r
            return r + r * y * np.float32(1 / 3)

        return single

    def double(x):
        s = np.float32(x)
        bits = np.int32(np.int32(0x54A21D2A) - np.int32(np.float32(s.view(np.int32)) * np.float32(1 / 3)))
        r = np.float64(bits.view(np.float32))
        y = 1.0 - x * r * r * r
        r = r + r * y * (1 / 3 + y * (2 / 9 + y * (14 / 81)))
        y = 1.0 - x * r * r * r
        return r + r * y * (1 / 3 + y * (2 / 9 + y * (14 / 81)))

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
def over_storage(porosity, i, a, b, s, room):
    """`s` over the share of the cells [a, b) of row `i` that holds water, in `room` where it differs."""
    if porosity.ndim == 1:
        return s
    divide_row(s, porosity[i, a:b], room)
    return room


@njit(**KERNEL)
def narrow(opening, i, q):
    """Turn the discharge of a row of faces from that of their free width into that of the whole."""
    if opening.ndim == 2:
        multiply_row(opening[i], q)


@njit(**KERNEL)
def widen(opening, i, a, b, q):
    """The way back, for the faces [a, b)."""
    if opening.ndim == 2:
        part_row(opening[i, a:b], q[a:b])


@njit(**KERNEL)
def multiply_row(values, out):
    """Multiply a row by another."""
    for j in range(uint64(values.size)):
        out[j] = out[j] * values[j]


@njit(**KERNEL)
def part_row(values, out):
    """Divide a row by another."""
    for j in range(uint64(values.size)):
        out[j] = out[j] / values[j]


@njit(**KERNEL)
def divide_row(s, values, out):
    """A number over a row."""
    for j in range(uint64(out.size)):
        out[j] = s / values[j]


@njit(**KERNEL)
def fill_row(value, out):
    """Set all of a row."""
    for j in range(uint64(out.size)):
        out[j] = value


@njit(**KERNEL)
def copy_row(values, out):
    """Copy the first ``out.size`` values."""
    for j in range(uint64(out.size)):
        out[j] = values[j]


@njit(**KERNEL, fastmath=FLAGS)
def across_row(a, b, quarter, out):
    """Unit discharge across the flow at a face: the mean of its four neighbours."""
    one = uint64(1)
    for j in range(uint64(out.size)):
        out[j] = quarter * ((a[j] + a[j + one]) + (b[j] + b[j + one]))


@njit(**KERNEL, fastmath=FLAGS)
def mean_row(a, b, half, out):
    """Mean of the two cells of a face."""
    for j in range(uint64(out.size)):
        out[j] = half * (a[j] + b[j])


@njit(**KERNEL, fastmath=FLAGS)
def inertia_row(q, before, after, theta, side, out):
    """q-centred weighting along the flow, theta q + (1 - theta)/2 (q- + q+) (de Almeida & Bates 2013, eq. 9)."""
    for j in range(uint64(out.size)):
        out[j] = theta * q[j] + side * (before[j] + after[j])


@njit(**KERNEL, fastmath=FLAGS)
def narrow_inertia_row(q, before, after, own, own_before, own_after, side, one, out):
    """The same among faces of free widths `own`: what two faces exchange goes through the narrower one.

    Weighted as on open ground it would feed a wave where the widths differ.
    """
    for j in range(uint64(out.size)):
        width = one / own[j]
        from_before = min(one, own_before[j] * width) * (before[j] - q[j])
        out[j] = q[j] + side * (from_before + min(one, own_after[j] * width) * (after[j] - q[j]))


@njit(**KERNEL)
def weigh_x(opening, i, a, b, q, number, out):
    """Inertia of the x-faces [a, b) of row `i`."""
    if opening.ndim == 1:
        inertia_row(q[a:b], q[a - 1 : b - 1], q[a + 1 : b + 1], number[2], number[3], out[a:b])
    else:
        own = opening[i]
        narrow_inertia_row(
            q[a:b], q[a - 1 : b - 1], q[a + 1 : b + 1], own[a:b], own[a - 1 : b - 1], own[a + 1 : b + 1], number[3],
            number[10], out[a:b],
        )  # fmt: skip


@njit(**KERNEL)
def weigh_y(opening, i, a, b, q, number, out):
    """Inertia of the y-faces [a, b) north of row `i`."""
    if opening.ndim == 1:
        inertia_row(q[i, a:b], q[i - 1, a:b], q[i + 1, a:b], number[2], number[3], out[a:b])
    else:
        narrow_inertia_row(
            q[i, a:b], q[i - 1, a:b], q[i + 1, a:b], opening[i, a:b], opening[i - 1, a:b], opening[i + 1, a:b],
            number[3], number[10], out[a:b],
        )  # fmt: skip


@njit(**KERNEL)
def stage_row(z, h, rest, out):
    """Water surface; `rest` gives back the digits that a deep cell's depth has lost, so that a lake is flat."""
    for j in range(uint64(out.size)):
        out[j] = (z[j] + h[j]) + rest[j]


@njit(**KERNEL, fastmath=FLAGS)
def momentum_row(z0, z1, e0, e1, inertia, across, n2, q, slope, gdt, dry, critical, one, out):
    """Unit discharge after the step, 0 where the face is dry (Bates et al. 2010, eq. 8 to 11, friction implicit).

    Their friction takes |q| from before the step, which rings on thin steep flow once gdt n^2 |q| h^(-7/3) passes 1.
    Here q (1 + k |Q|) = p is solved for the new |Q|, k = gdt n^2 h^(-7/3), p the discharge without friction: a
    quadratic. The part across the flow is brought to the same moment with the old friction, so that both parts of a
    steady flow feel the friction of the whole, whatever its angle to the grid (de Almeida & Bates 2013, eq. 6).

    Without advection nothing but friction holds water that falls over a step, and it would run at ten Froude numbers:
    the discharge is at most `critical` h^(3/2), `critical` = limit of the Froude number times sqrt(g).
    """
    zero = one - one
    for j in range(uint64(out.size)):
        flow_depth = max(e0[j], e1[j]) - max(z0[j], z1[j])
        r = inverse_cube_root(max(flow_depth, dry))
        r2 = r * r
        k = gdt * n2[j] * (r2 * r2 * r2 * r)
        p = inertia[j] - slope * flow_depth * (e1[j] - e0[j])
        t = across[j]
        t = t + t * k * math.sqrt(q[j] * q[j] + t * t)
        k4 = k + k
        k4 = k4 + k4
        speed_up = one + math.sqrt(one + k4 * math.sqrt(p * p + t * t))
        most = critical * flow_depth * math.sqrt(max(flow_depth, dry))
        out[j] = max(min((p + p) / speed_up, most), -most) if flow_depth > dry else zero


@njit(**KERNEL, fastmath=FLAGS)
def share_row(h, west, east, north, south, s, keep, tiny, one, out):
    """Share of the outflow that a cell can give: a donor is scaled, never clipped, so volume is kept."""
    zero = one - one
    for j in range(uint64(out.size)):
        leaving = (max(-west[j], zero) + max(east[j], zero)) + (max(-north[j], zero) + max(south[j], zero))
        out[j] = min(one, keep * h[j] / max(at(s, j) * leaving, tiny))


@njit(**KERNEL, fastmath=FLAGS)
def scale_row(before, here, q):
    """Scale each face's discharge by its donor's share."""
    for j in range(uint64(q.size)):
        v, forward, backward = q[j], before[j], here[j]
        q[j] = v * (forward if v > 0 else backward)


@njit(**KERNEL, fastmath=FLAGS)
def gain_row(west, east, north, south, s, rain, out):
    """Depth gained in the step [m]."""
    for j in range(uint64(out.size)):
        out[j] = rain + at(s, j) * ((west[j] - east[j]) + (north[j] - south[j]))


@njit(**KERNEL, fastmath=FLAGS)
def rain_row(weight, rain, gain):
    """Add rain where its weight differs from cell to cell."""
    for j in range(uint64(gain.size)):
        gain[j] = gain[j] + rain * weight[j]


@njit(**KERNEL)
def depth_row(gain, h, rest):
    """Add `gain` to the depth without losing low bits: `rest` carries what the sum rounds away (Knuth's two-sum)."""
    for j in range(uint64(gain.size)):
        y = gain[j] + rest[j]
        old = h[j]
        new = old + y
        part = new - old
        rest[j] = (old - (new - part)) + (y - part)
        h[j] = new


@njit(**KERNEL, fastmath=FLAGS)
def top_row(h, h_max, top):
    """Running maximum of each cell, and of the column within the tile."""
    for j in range(uint64(h.size)):
        h_max[j] = max(h_max[j], h[j])
        top[j] = max(top[j], h[j])


@njit(**KERNEL)
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
    """Solve q (1 + k |q|) = p: friction on a single face (see `momentum_row`)."""
    return 2.0 * p / (1.0 + math.sqrt(1.0 + 4.0 * k * abs(p)))


@njit(**KERNEL)
def weir(e0, e1, z0, z1, crest, inertia, n2, slope, gdt, dry):
    """Unit discharge over a wall: broad-crested weir, drowned after Villemonte (1947), at most the momentum balance.

    The balance takes over where both sides stand well above the crest: there the weir formula is stiff.
    """
    ground = max(z0, z1)
    top = max(crest, ground)
    upstream, downstream = max(e0, e1) - top, min(e0, e1) - top
    if upstream <= dry:
        return 0.0
    free = math.inf
    if crest > ground:
        free = WEIR * upstream**1.5
        if downstream > 0.0:
            free *= max(1.0 - (downstream / upstream) ** 1.5, 0.0) ** 0.385
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
def special_x(i, state, faces, n2, inertia, n2_face, number, out):
    """Replace the predicted discharge of those x-faces of row `i` that are walls or edges."""
    z, h, q = state.z[i], state.h[i], state.qx[i]
    last = z.size - 1
    for k in range(faces.start[i], faces.start[i + 1]):
        j, kind, value = faces.place[k], faces.kind[k], faces.value[k]
        if kind == CREST:
            e0, e1 = z[j - 1] + h[j - 1], z[j] + h[j]
            out[j] = weir(e0, e1, z[j - 1], z[j], value, inertia[j], n2_face[j], number[0], number[1], number[4])
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
def special_y(i, state, faces, n2, inertia, n2_face, number, out):
    """Replace the predicted discharge of those y-faces north of row `i` that are walls or edges."""
    z, h, q = state.z, state.h, state.qy
    last = z.shape[0] - 1
    for k in range(faces.start[i], faces.start[i + 1]):
        j, kind, value = faces.place[k], faces.kind[k], faces.value[k]
        if kind == CREST:
            e0, e1 = z[i - 1, j] + h[i - 1, j], z[i, j] + h[i, j]
            out[j] = weir(e0, e1, z[i - 1, j], z[i, j], value, inertia[j], n2_face[j], number[0], number[1], number[4])
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


@njit(**KERNEL)
def fill_stage(i, t, state, active, ring):
    """Water surface of row `i` where tile row `t` is active, and of the cell west of each run."""
    for g in range(active.runs[t]):
        a, b = max(active.first[t, g] - 1, 0), active.last[t, g]
        stage_row(state.z[i, a:b], state.h[i, a:b], state.rest[i, a:b], ring[11 + i % 3, a:b])


@njit(**KERNEL)
def predict_x(i, state, faces, active, number, ring, out):
    """Predict the discharge of the x-faces of row `i`."""
    across, inertia, n2_face = ring[7], ring[8], ring[9]
    t = i // TILE_ROWS
    z, e, q, north, south = state.z[i], ring[11 + i % 3], state.qx[i], state.qy[i], state.qy[i + 1]
    n2 = state.n2[min(i, state.n2.shape[0] - 1)]
    out[0] = out[out.size - 1] = 0
    for g in range(active.runs[t]):
        a, b = max(active.first[t, g], 1), active.last[t, g]
        across_row(north[a - 1 : b], south[a - 1 : b], number[5], across[a:b])
        mean_row(n2[a - 1 : b - 1], n2[a:b], number[14], n2_face[a:b])
        weigh_x(state.x_open, i, a, b, q, number, inertia)
        momentum_row(
            z[a - 1 : b - 1], z[a:b], e[a - 1 : b - 1], e[a:b], inertia[a:b], across[a:b], n2_face[a:b], q[a:b],
            number[0], number[1], number[4], number[15], number[10], out[a:b],
        )  # fmt: skip
    if faces.start[i] < faces.start[i + 1]:
        special_x(i, state, faces, n2, inertia, n2_face, number, out)
    narrow(state.x_open, i, out)


@njit(**KERNEL)
def predict_y(i, state, faces, active, number, ring, out):
    """Predict the discharge of the y-faces north of row `i`, 0 <= i <= ny."""
    across, inertia, n2_face = ring[7], ring[8], ring[9]
    ny = state.z.shape[0]
    n2 = state.n2[min(i, state.n2.shape[0] - 1)]
    if 0 < i < ny:
        t = (i - 1) // TILE_ROWS
        z0, z1, e0, e1 = state.z[i - 1], state.z[i], ring[11 + (i - 1) % 3], ring[11 + i % 3]
        q, up, down = state.qy[i], state.qx[i - 1], state.qx[i]
        n2_north = state.n2[min(i - 1, state.n2.shape[0] - 1)]
        for g in range(active.runs[t]):
            a, b = active.first[t, g], active.last[t, g]
            across_row(up[a : b + 1], down[a : b + 1], number[5], across[a:b])
            mean_row(n2_north[a:b], n2[a:b], number[14], n2_face[a:b])
            weigh_y(state.y_open, i, a, b, state.qy, number, inertia)
            momentum_row(
                z0[a:b], z1[a:b], e0[a:b], e1[a:b], inertia[a:b], across[a:b], n2_face[a:b], q[a:b], number[0],
                number[1], number[4], number[15], number[10], out[a:b],
            )  # fmt: skip
    else:
        fill_row(number[10] - number[10], out)
    if faces.start[i] < faces.start[i + 1]:
        special_y(i, state, faces, n2, inertia, n2_face, number, out)
    narrow(state.y_open, i, out)


@njit(**KERNEL)
def clear_gaps(t, active, value, row):
    """Fill a row buffer where tile row `t` is inactive."""
    a = 0
    for g in range(active.runs[t]):
        fill_row(value, row[a : active.first[t, g]])
        a = active.last[t, g]
    fill_row(value, row[a:])


@njit(**KERNEL)
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
        sink [m], whether rain is weighted, dx, 1/2
    ring : (RING_ROWS, > nx)          row buffers
    late : (4, 5, nx + 1)             h, qx, qy, rest of the first three and the last two rows
    tops : (tile rows, tile columns)  out, deepest water of each tile
    taken : (tile rows, nx)           in/out, what the sink took [m]
    x_flux, y_flux : (ny, 2), (2, nx, 2)   in/out, inward and outward discharge times dt/dx through the edges [m]
    """
    ny, nx = state.z.shape
    s, rain, keep, tiny, one, sink = number[6], number[7], number[8], number[9], number[10], number[11]
    weighted = number[12] > 0
    gain, top, ratios = ring[7, :nx], ring[10, :nx], ring[14, :nx]
    zero = one - one
    for number_of_row in range(5):
        fill_row(zero, ring[number_of_row])
    fill_row(one, ring[5])
    fill_row(one, ring[6])
    start = max(first - 1, 0)
    for i in range(start, last + 1):
        # row i is predicted, its outflow shared out, and row i - 1 finished
        if first + 4 <= i < last - 2 and i % TILE_ROWS >= 2 and active.runs[i // TILE_ROWS] == 0:
            continue
        x, x_north = ring[i % 2, : nx + 1], ring[(i + 1) % 2, : nx + 1]
        y_north, y, y_south = ring[2 + (i + 2) % 3, :nx], ring[2 + i % 3, :nx], ring[2 + (i + 1) % 3, :nx]
        share, share_north = ring[5 + i % 2, :nx], ring[5 + (i + 1) % 2, :nx]
        if i < ny:
            t = i // TILE_ROWS
            if i == start or i % TILE_ROWS == 0:
                for row in (y, y_north, y_south):
                    clear_gaps(t, active, zero, row)
                clear_gaps(t, active, one, share)
                clear_gaps(t, active, one, share_north)
            if i % TILE_ROWS < 2:
                # not both at once: the row before may have carried water into a tile whose southern neighbour rests
                clear_gaps(t, active, zero, x)
            if i == start and i > 0:
                fill_stage(i - 1, (i - 1) // TILE_ROWS, state, active, ring)
            if i == start or i % TILE_ROWS == 0:
                fill_stage(i, t, state, active, ring)
            if i + 1 < ny:
                fill_stage(i + 1, t, state, active, ring)
            if i == start:
                predict_y(i, state, y_faces, active, number, ring, y)
            predict_x(i, state, x_faces, active, number, ring, x)
            predict_y(i + 1, state, y_faces, active, number, ring, y_south)
            for g in range(active.runs[t]):
                a, b = active.first[t, g], active.last[t, g]
                ratio = over_storage(state.porosity, i, a, b, s, ratios[a:b])
                share_row(
                    state.h[i, a:b], x[a:b], x[a + 1 : b + 1], y[a:b], y_south[a:b], ratio, keep, tiny, one, share[a:b]
                )
            for g in range(active.runs[t]):
                a, b = max(active.first[t, g], 1), active.last[t, g]
                scale_row(share[a - 1 : b - 1], share[a:b], x[a:b])
            x[0] *= share[0] if x[0] < 0 else one
            x[nx] *= share[nx - 1] if x[nx] > 0 else one
            if i == 0:
                for j in range(nx):
                    y[j] *= share[j] if y[j] < 0 else one
            else:
                for g in range(active.runs[t]):
                    a, b = active.first[t, g], active.last[t, g]
                    scale_row(share_north[a:b], share[a:b], y[a:b])
            if first <= i < last:
                finish_x(i, first, last, active, s, x, state.qx, state.x_open, late[1], x_flux)
        else:
            for j in range(nx):
                y[j] *= share_north[j] if y[j] > 0 else one
        if first <= i < last or i == ny:
            finish_y(i, first, last, active, s, y, state.qy, state.y_open, late[2], y_flux)
        if i > first:
            r = i - 1
            t = r // TILE_ROWS
            slot = place_of(r, first, last)
            h, rest = state.h[r], state.rest[r]
            if slot >= 0:
                h, rest = late[0, slot, :nx], late[3, slot, :nx]
                copy_row(state.h[r], h)
                copy_row(state.rest[r], rest)
            if r % TILE_ROWS == 0:
                fill_row(zero, top)
            for g in range(active.runs[t]):
                a, b = active.first[t, g], active.last[t, g]
                even = rain * (one - number[12])
                ratio = over_storage(state.porosity, r, a, b, s, ratios[a:b])
                gain_row(x_north[a:b], x_north[a + 1 : b + 1], y_north[a:b], y[a:b], ratio, even, gain[a:b])
                if weighted:
                    rain_row(state.weight[r, a:b], rain, gain[a:b])
                depth_row(gain[a:b], h[a:b], rest[a:b])
                if sink > 0:
                    sink_cells(state.porosity, r, a, b, sink, keep, one, h, rest, taken[t])
                top_row(h[a:b], state.h_max[r, a:b], top[a:b])
            if r % TILE_ROWS == TILE_ROWS - 1 or r == last - 1:
                reduce_tops(t, active, top, tops)


@njit(**KERNEL)
def finish_x(i, first, last, active, s, x, qx, opening, late, x_flux):
    """Store the discharge of row `i` and count what crosses the edges."""
    nx = x.size - 1
    slot = place_of(i, first, last)
    out = qx[i] if slot < 0 else late[slot]
    if slot >= 0:
        copy_row(qx[i], out)
    t = i // TILE_ROWS
    for g in range(active.runs[t]):
        a, b = active.first[t, g], active.last[t, g]
        copy_row(x[a:b], out[a:b])
        widen(opening, i, a, b, out)
    out[nx] = x[nx]
    widen(opening, i, nx, nx + 1, out)
    west, east = np.float64(s) * np.float64(x[0]), -np.float64(s) * np.float64(x[nx])
    x_flux[i, 0] += max(west, 0.0) + max(east, 0.0)
    x_flux[i, 1] -= min(west, 0.0) + min(east, 0.0)


@njit(**KERNEL)
def finish_y(i, first, last, active, s, y, qy, opening, late, y_flux):
    """Store the discharge of the faces north of row `i` and count what crosses the edges."""
    nx, ny = y.size, qy.shape[0] - 1
    slot = -1 if i == ny else place_of(i, first, last)
    out = qy[i] if slot < 0 else late[slot, :nx]
    if slot >= 0:
        copy_row(qy[i], out)
    t = min(i, ny - 1) // TILE_ROWS
    for g in range(active.runs[t]):
        a, b = active.first[t, g], active.last[t, g]
        copy_row(y[a:b], out[a:b])
        widen(opening, i, a, b, out)
    if 0 < i < ny:
        return
    side, sign = (0, 1.0) if i == 0 else (1, -1.0)
    for j in range(nx):
        inward = sign * np.float64(s) * np.float64(y[j])
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
def mark_active(tops, was_wet, forced, wet_depth, everywhere, busy, touched):
    """Choose the tiles that have to be computed.

    A tile rests when neither it nor a neighbour is wet, now or a step ago: then no face of it carries water.

    busy : (tile rows, tile columns)      out
    was_wet, touched : the same shape     in/out: wet at the last step; computed since it was last cleared
    """
    rows, cols = tops.shape
    for t in range(rows):
        for c in range(cols):
            on = everywhere or forced[t, c]
            for dt, dc in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
                if 0 <= t + dt < rows and 0 <= c + dc < cols:
                    on = on or was_wet[t + dt, c + dc] or tops[t + dt, c + dc] > wet_depth
            busy[t, c] = on
            touched[t, c] = touched[t, c] or on
    for t in range(rows):
        for c in range(cols):
            was_wet[t, c] = tops[t, c] > wet_depth


@njit(**KERNEL)
def join_runs(busy, columns, active):
    """Join tiles to runs of columns along each tile row; returns the number of tiles."""
    total = 0
    for t in range(busy.shape[0]):
        n, is_open = 0, False
        for c in range(busy.shape[1]):
            if busy[t, c]:
                total += 1
                if not is_open:
                    active.first[t, n] = c * TILE_COLS
                    n += 1
                active.last[t, n - 1] = min((c + 1) * TILE_COLS, columns)
            is_open = busy[t, c]
        active.runs[t] = n
    return total


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


@njit(**KERNEL)
def track_row(h, west, east, north, south, least, critical, half, one, speed_max, discharge_max, force_max):
    """Running maxima of speed, unit discharge and u^2 h; shallower water than `least` does not count.

    Water that pours off a levee passes a face deeper than the film in the cell: its depth counts as at least the one
    at which its discharge has the largest Froude number that faces allow (`critical` as in `momentum_row`).
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
