"""Verification of the crowd model: RiMEA's tests, the fundamental diagram, bottlenecks.

    python benchmarks/rimea.py            the table of docs/crowd.md
    python benchmarks/rimea.py --wide     bottlenecks over 20 seeds and all widths

Every case is a function that returns figures; ``tests/validation/test_rimea.py`` asserts on the same functions. One set
of parameters for all: the product's own. Numbers are those of the RiMEA guideline, version 3.0 (rimea.de).
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely import LineString, Polygon, box, distance, points, union_all

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sim.evacuation.crowd import Building, CrowdModel, CrowdParameters, Exit, Passage, Room, Stair, read_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FREE = 1.34
"""Mean speed on the level (Weidmann 1993) [m/s]."""
NARROW = (0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.5, 1.8, 2.2, 2.5)
DENSITIES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)


def weidmann(density: Any) -> Any:
    """Speed at a density [1/m2] (Weidmann 1993), [m/s]."""
    return FREE * (1.0 - np.exp(-1.913 * (1.0 / density - 1.0 / 5.4)))


def fill(area: tuple[float, float, float, float], n: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """`n` people at random in a box (x0, y0, x1, y1), nobody too near to another, (n, 2).

    No lattice: people who start in rows walk in lanes for minutes, and lanes flow better than a crowd.
    """
    x0, y0, x1, y1 = area
    apart = 0.65 * math.sqrt((x1 - x0) * (y1 - y0) / n)
    xy = np.empty((n, 2))
    placed = 0
    while placed < n:
        drawn = generator.uniform((x0, y0), (x1, y1))
        if placed == 0 or np.min(np.sum((xy[:placed] - drawn) ** 2, axis=1)) > apart**2:
            xy[placed] = drawn
            placed += 1
    return xy


def speeds(n: int, generator: np.random.Generator) -> NDArray[np.float32]:
    return read_groups()["weidmann"].draw(n, generator)


def empty(model: CrowdModel, limit: float = 1200.0) -> NDArray[np.float64]:
    """Walk until all are out; times of departure [s]."""
    times: list[float] = []
    while len(times) < model.count and model.clock.time < limit:
        model.advance(model.clock.time + 1.0)
        times += [event.time for event in model.events()]
    if len(times) < model.count:
        raise RuntimeError(f"{model.count - len(times)} people are still in after {limit:.0f} s")
    return np.array(times)


def corridor_time(angle: float = 0.0) -> float:
    """1: time of one person at 1.33 m/s through 40 m [s]."""
    xy = np.array([[0.0, 0.0], [40.5, 0.0], [40.5, 2.0], [0.0, 2.0], [0.5, 1.0]])
    c, s = math.cos(angle), math.sin(angle)
    xy = xy @ np.array([[c, s], [-s, c]])
    model = CrowdModel(Room(Polygon(xy[:4]), exits=[Exit([tuple(xy[1]), tuple(xy[2])])]), xy[4:], speed=1.33)
    return float(empty(model)[0])


def stair_time(is_up: bool) -> tuple[float, float]:
    """2 and 3: time over a stair of 10 m (8 m in plan, 6 m up) and what its speed makes of 10 m [s]."""
    ends = ((0.0, 1.0), (8.0, 1.0))
    stair = Stair(box(0, 0, 8, 2), foot=ends[0], head=ends[1], rise=6.0)
    line = [(8.0, 0.0), (8.0, 2.0)] if is_up else [(0.0, 0.0), (0.0, 2.0)]
    start = (0.01, 1.0) if is_up else (7.99, 1.0)
    model = CrowdModel(Room(box(0, 0, 8, 2), exits=[Exit(line)], stairs=[stair]), [start], speed=FREE)
    return float(empty(model)[0]), 10.0 / (FREE * (stair.up if is_up else stair.down))


def diagram(
    densities: Sequence[float] = DENSITIES,
    *,
    settle: float = 10.0,
    measure: int = 20,
    seed: int = 0,
    parameters: CrowdParameters | None = None,
) -> NDArray[np.float64]:
    """4: global density, density and speed in areas of 2 x 1 m of a periodic corridor of 16 x 6 m, (n, 3)."""
    length, width = 16.0, 6.0
    rows = []
    for density in densities:
        generator = np.random.default_rng(seed)
        n = round(density * length * width)
        ends = Passage((0, 0), ([(length, 0), (length, width)], [(0, 0), (0, width)]))
        model = CrowdModel(
            Building([Room(box(0, 0, length, width))], [ends]),
            fill((0, 0.2, length, width - 0.2), n, generator),
            speed=speeds(n, generator),
            parameters=parameters,
            heading=lambda x, _: np.column_stack([np.ones_like(x), np.zeros_like(x)]),
        )
        model.advance(settle)
        before, seen, passed = model.xy, [], []
        for second in range(measure):
            model.advance(settle + second + 1.0)
            xy = model.xy
            walked = (xy[:, 0] - before[:, 0] + 0.5 * length) % length - 0.5 * length
            is_in = np.abs(xy[:, 1] - 0.5 * width) < 2.0
            seen.append(is_in.sum() / (4.0 * length))
            passed.append(walked[is_in])
            before = xy
        rows.append((density, np.mean(seen), np.concatenate(passed).mean()))
    return np.array(rows)


def diagram_error(found: NDArray[np.float64]) -> float:
    """Root mean square of measured speed less Weidmann's at the measured density [m/s]."""
    return float(np.sqrt(np.mean((found[:, 2] - weidmann(found[:, 1])) ** 2)))


def bottleneck_flow(
    width: float, *, n: int = 110, seed: int = 0, length: float = 2.8, parameters: CrowdParameters | None = None
) -> float:
    """Flow through a bottleneck between rooms 8 m wide, middle 70 % of the people [persons/s]; 0: clog."""
    generator = np.random.default_rng(seed)
    shape = union_all(
        [box(-10, -4, 0, 4), box(-0.01, -width / 2, length + 0.01, width / 2), box(length, -4, length + 6, 4)]
    )
    model = CrowdModel(
        Room(shape, exits=[Exit([(length + 6, -4), (length + 6, 4)])]),
        fill((-9.5, -3.8, -0.5, 3.8), n, generator),
        speed=speeds(n, generator),
        parameters=parameters,
    )
    times: list[float] = []
    before = model.xy[:, 0]
    while len(times) < n and model.clock.time < 300.0:
        model.advance(model.clock.time + 0.25)
        x = model.xy[:, 0]
        times += [model.clock.time] * int(np.sum((before < 0.0) & (x >= 0.0)))
        before = x
    first, last = round(0.15 * n), round(0.85 * n)
    return (last - first) / (times[last - 1] - times[first - 1]) if len(times) == n else 0.0


def bottleneck_expected(width: Any) -> Any:
    """Fit of 35 published flows (after Seyfried et al. 2009) [persons/s]."""
    return 1.924 * width - 0.069


def reaction_starts() -> NDArray[np.float64]:
    """5: times at which ten people with reaction times of 10, 20 .. 100 s have first moved [s]."""
    xy = np.column_stack([np.tile([1.0, 2.5, 4.0, 5.5, 7.0], 2), np.repeat([1.5, 3.5], 5)])
    model = CrowdModel(
        Room(box(0, 0, 8, 5), exits=[Exit([(8, 2), (8, 3)])]), xy, start_s=np.arange(10.0, 101.0, 10.0), dt=0.05
    )
    started = np.full(10, np.inf)
    while model.clock.time < 101.0:
        model.advance(model.clock.time + 0.05)
        has_moved = np.abs(model.xy - xy).max(axis=1) > 1e-3
        started[has_moved & np.isinf(started)] = model.clock.time
    return started


def corner(n: int = 20, *, leg: float = 10.0, width: float = 2.0, seed: int = 0) -> tuple[float, float]:
    """6: least distance of anybody to a wall on the way round a corner [m], time of the last [s]."""
    generator = np.random.default_rng(seed)
    shape = union_all([box(0, 0, leg + width, width), box(leg, 0, leg + width, leg + width)])
    model = CrowdModel(
        Room(shape, exits=[Exit([(leg, leg + width), (leg + width, leg + width)])]),
        fill((0.2, 0.2, 6.0, width - 0.2), n, generator),
        speed=speeds(n, generator),
    )
    walls = shape.boundary.difference(LineString([(leg, leg + width), (leg + width, leg + width)]).buffer(1e-6))
    least, last = np.inf, 0.0
    while (model.status == 1).any() and model.clock.time < 120.0:
        model.advance(model.clock.time + 0.1)
        here = points(model.xy[model.status == 1])
        if here.size:
            least = min(least, float(distance(here, walls).min()) * (1 if shape.covers(union_all(here)) else -1))
        last = model.clock.time
    return least, last


def speeds_by_age(seed: int = 0) -> dict[str, NDArray[np.float64]]:
    """7: speeds of 50 people of each group, walking 20 m in lanes of their own [m/s]."""
    measured = {}
    for name in ("under_30", "from_30_to_50", "over_50", "impaired"):
        own = read_groups()[name].draw(50, np.random.default_rng(seed))
        xy = np.column_stack([np.full(50, 1.0), 1.0 + 2.0 * np.arange(50)])
        model = CrowdModel(Room(box(0, 0, 22, 100), exits=[Exit([(22, 0), (22, 100)])]), xy, speed=own, cell_size=0.2)
        model.advance(2.0)
        before = model.xy
        model.advance(10.0)
        measured[name] = (model.xy - before)[:, 0] / 8.0
    return measured


def tower(speed: float, reaction: float) -> float:
    """8: time of the last out of a building of three storeys with 24 people on each [s]."""
    rooms = []
    for storey in range(3):
        exits = [Exit([(20, 4), (20, 6)], name="door")] if storey == 0 else []
        # a flight leads from this storey to the one above; people from above come in at its head
        flight = [Stair(box(0, 10, 6, 12), foot=(6, 11), head=(0, 11), rise=3.0)] if storey < 2 else []
        shape = (
            union_all([box(0, 0, 20, 10), box(0, 10, 6, 12), box(6, 10, 8, 12)]) if storey < 2 else box(0, 0, 20, 10)
        )
        wall = LineString([(0, 10), (6, 10)]).buffer(0.05, cap_style="flat")
        rooms.append(
            Room(shape, exits=exits, obstacles=[wall] if storey < 2 else [], stairs=flight, floor=3.0 * storey)
        )
    passages = [Passage((storey + 1, storey), ([(0, 0), (0, 2)], [(0, 10), (0, 12)])) for storey in range(2)]
    generator = np.random.default_rng(1)
    xy = np.concatenate([fill((2, 1, 19, 9), 24, generator) for _ in range(3)])
    model = CrowdModel(
        Building(rooms, passages), xy, level=np.repeat([0, 1, 2], 24), speed=speed, start_s=reaction * np.ones(72)
    )
    times = empty(model)
    return float(times.max()) if times.size == 72 else math.inf


def hall(exits: int, seed: int = 0) -> float:
    """9: time of 1000 people out of a room of 30 x 20 m with four exits of 1 m, or two [s]."""
    lines = [[(5, 0), (6, 0)], [(24, 20), (25, 20)], [(24, 0), (25, 0)], [(5, 20), (6, 20)]]
    generator = np.random.default_rng(seed)
    model = CrowdModel(
        Room(box(0, 0, 30, 20), exits=[Exit(line) for line in lines[:exits]]),
        fill((0.5, 0.5, 29.5, 19.5), 1000, generator),
        speed=speeds(1000, generator),
    )
    return float(empty(model).max())


def twelve_rooms() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """10: exits that 23 people in twelve rooms on a corridor were told, and those they took."""
    parts = [box(0, 4, 18, 6)]
    for column in range(6):
        x = 3.0 * column
        for y0, y1, door in ((0.0, 3.8, (3.7, 4.1)), (6.2, 10.0, (5.9, 6.3))):
            parts += [box(x + 0.1, y0, x + 2.9, y1), box(x + 1.0, door[0], x + 2.0, door[1])]
    told, xy = [], []
    for room in range(12):
        x, y = 3.0 * (room % 6) + 1.5, 1.5 if room < 6 else 8.5
        for side in (-0.5, 0.5)[: 1 if room == 11 else 2]:
            xy.append((x + side, y))
            told.append(1 if room in {4, 5, 10, 11} else 0)
    exits = [Exit([(0, 4), (0, 6)], name="main"), Exit([(18, 4), (18, 6)], name="secondary")]
    model = CrowdModel(Room(union_all(parts), exits=exits), xy, destination=told)
    taken = np.full(len(xy), -1)
    while (model.status == 1).any() and model.clock.time < 120.0:
        model.advance(model.clock.time + 1.0)
        for event in model.events():
            taken[event.agent] = event.exit
    return np.array(told), taken


def two_exits(seed: int = 0) -> tuple[int, int]:
    """11: how many of 1000 people in the left half of a room take the near exit and the far one."""
    generator = np.random.default_rng(seed)
    model = CrowdModel(
        Room(box(0, 0, 30, 20), exits=[Exit([(7, 0), (8, 0)]), Exit([(22, 0), (23, 0)])]),
        fill((0.4, 0.4, 15, 19.6), 1000, generator),
        speed=speeds(1000, generator),
    )
    taken = [0, 0]
    while sum(taken) < 1000 and model.clock.time < 900.0:
        model.advance(model.clock.time + 1.0)
        for event in model.events():
            taken[event.exit] += 1
    return taken[0], taken[1]


def second_jam(seed: int = 0) -> tuple[int, int]:
    """12: room - corridor - room: most people within 2 m of the first room's door, and of the second's exit."""
    generator = np.random.default_rng(seed)
    shape = union_all([box(0, 0, 10, 10), box(9.9, 4.5, 15.1, 5.5), box(15, 0, 25, 10)])
    model = CrowdModel(
        Room(shape, exits=[Exit([(25, 4.5), (25, 5.5)])]),
        fill((1, 1, 7, 9), 150, generator),
        speed=speeds(150, generator),
    )
    first = second = 0
    while (model.status == 1).any() and model.clock.time < 400.0:
        model.advance(model.clock.time + 1.0)
        xy = model.xy[model.status == 1]
        first = max(first, int(np.sum((np.hypot(xy[:, 0] - 10, xy[:, 1] - 5) < 2.0) & (xy[:, 0] < 10))))
        second = max(second, int(np.sum(np.hypot(xy[:, 0] - 25, xy[:, 1] - 5) < 2.0)))
    return first, second


def stair_jam(seed: int = 0) -> tuple[float, float, float]:
    """13: flow along a corridor without and with a stair at its end [persons/s], highest density at its foot [1/m2]."""
    flows, densest = [], 0.0
    for has_stair in (False, True):
        generator = np.random.default_rng(seed)
        stair = [Stair(box(20, 1.5, 28, 3.5), foot=(20, 2.5), head=(28, 2.5), rise=6.0)] if has_stair else []
        model = CrowdModel(
            Room(
                union_all([box(0, 0, 8, 5), box(7.9, 1.5, 28, 3.5)]), exits=[Exit([(28, 1.5), (28, 3.5)])], stairs=stair
            ),
            fill((0.3, 0.3, 7.5, 4.7), 120, generator),
            speed=speeds(120, generator),
        )
        times: list[float] = []
        while len(times) < 120 and model.clock.time < 400.0:
            model.advance(model.clock.time + 1.0)
            times += [event.time for event in model.events()]
            if has_stair:
                xy = model.xy[model.status == 1]
                at_foot = (xy[:, 0] > 18) & (xy[:, 0] < 20)
                densest = max(densest, at_foot.sum() / 4.0)
        flows.append(70.0 / (times[94] - times[24]))
    return flows[0], flows[1], densest


def route_choice() -> float:
    """14: share of 40 people who take the short way over two stairs (20 m) rather than the long level one (36 m)."""
    shape = union_all([box(0, 0, 4, 12), box(3.9, 0, 20.1, 2), box(3.9, 10, 20.1, 12), box(20, 0, 24, 12)])
    stairs = [
        Stair(box(5, 0, 10, 2), foot=(5, 1), head=(10, 1), rise=3.0),
        Stair(box(14, 0, 19, 2), foot=(19, 1), head=(14, 1), rise=3.0),
    ]
    model = CrowdModel(
        Room(shape, exits=[Exit([(24, 0.5), (24, 1.5)])], stairs=stairs),
        fill((0.5, 1, 3.5, 5), 40, np.random.default_rng(0)),
    )
    climbed = np.zeros(40, np.bool_)
    while (model.status == 1).any() and model.clock.time < 200.0:
        model.advance(model.clock.time + 0.5)
        xy = model.xy
        climbed |= (xy[:, 1] < 2.0) & (xy[:, 0] > 11.0) & (xy[:, 0] < 13.0)
    return float(climbed.mean())


def corner_times(n: int = 100, seed: int = 0) -> tuple[float, float, float]:
    """15: times of a crowd along a corner's inner side made straight, round the corner, along its outer side [s]."""
    width, leg = 3.0, 12.0
    found = []
    for length in (2 * leg, None, 2 * leg + 2 * width):
        generator = np.random.default_rng(seed)
        if length is None:
            shape = union_all([box(0, 0, leg + width, width), box(leg, 0, leg + width, leg + width)])
            line = [(leg, leg + width), (leg + width, leg + width)]
        else:
            shape, line = box(0, 0, length, width), [(length, 0), (length, width)]
        model = CrowdModel(
            Room(shape, exits=[Exit(line)]), fill((0.3, 0.3, 10, 2.7), n, generator), speed=speeds(n, generator)
        )
        found.append(float(empty(model).max()))
    return found[0], found[1], found[2]


def table() -> list[tuple[str, str, str]]:
    """(case, requirement, result) of everything above."""
    rows = [("1 corridor", "40 / 1.33 = 30.1 s, 2 %", f"{corridor_time():.1f} s")]
    rows.append(("1 turned by 45 degrees", "as before", f"{corridor_time(math.pi / 4):.1f} s"))
    for is_up in (True, False):
        took, expected = stair_time(is_up)
        rows.append(
            (f"{2 if is_up else 3} stair {'up' if is_up else 'down'}", f"{expected:.1f} s, 5 %", f"{took:.1f} s")
        )
    found = diagram()
    rows.append(("4 fundamental diagram", "RMSE <= 0.12 m/s", f"{diagram_error(found):.3f} m/s"))
    for density, local, speed in found:
        rows.append(("", f"{local:.2f} /m2: {weidmann(local):.2f} m/s", f"{speed:.2f} m/s ({density} /m2 all over)"))
    late = reaction_starts() - np.arange(10.0, 101.0, 10.0)
    rows.append(("5 reaction times", "within 0.1 s", f"{late.max():.2f} s late at most"))
    least, last = corner()
    rows.append(("6 corner", "nobody in the wall", f"{least:.3f} m from it at least; all out after {last:.0f} s"))
    for name, found_speeds in speeds_by_age().items():
        group = read_groups()[name]
        rows.append(
            (
                f"7 speeds, {name}",
                f"{group.low:.2f} to {group.high:.2f} m/s",
                f"{found_speeds.min():.2f} to {found_speeds.max():.2f}, mean {found_speeds.mean():.2f} m/s",
            )
        )
    times = [tower(speed, 10.0) for speed in (0.75, 1.0, 1.25)]
    rows.append(("8 three storeys", "faster people, less time", ", ".join(f"{t:.0f}" for t in times) + " s"))
    four, two = hall(4), hall(2)
    rows.append(("9 hall, 4 and 2 exits", "ratio 1.6 to 2.4", f"{four:.0f} and {two:.0f} s, {two / four:.2f}"))
    told, taken = twelve_rooms()
    rows.append(("10 twelve rooms", "all take their exit", f"{int((told == taken).sum())} of {told.size}"))
    near, far = two_exits()
    rows.append(("11 two exits", "the near one more, both used", f"{near} and {far}"))
    first, second = second_jam()
    rows.append(("12 second jam", "none", f"{first} people at the first door, {second} at the second"))
    level, stair, foot = stair_jam()
    rows.append(("13 stair", "slower than the corridor, queue", f"{level:.2f} and {stair:.2f} /s, {foot:.1f} /m2"))
    rows.append(("14 route", "to be reported", f"{100 * route_choice():.0f} % take the stairs"))
    short, bend, long = corner_times()
    rows.append(("15 crowd at a corner", "between the two", f"{short:.1f} <= {bend:.1f} <= {long:.1f} s"))
    return rows


def wide(seeds: int, widths: Sequence[float], n: int) -> list[tuple[str, str, str]]:
    """Bottlenecks: (width, expected, mean and range over the seeds)."""
    rows, errors = [], []
    for width in widths:
        flows = np.array([bottleneck_flow(width, n=n, seed=seed) for seed in range(seeds)])
        expected = bottleneck_expected(width)
        errors.append(flows.mean() / expected - 1.0)
        clogs = f"; {int((flows == 0).sum())} clogs" if (flows == 0).any() else ""
        rows.append(
            (
                f"bottleneck {width:.1f} m",
                f"{expected:.2f} /s",
                f"{flows.mean():.2f} ({flows.min():.2f} to {flows.max():.2f}) /s, {100 * errors[-1]:+.0f} %{clogs}",
            )
        )
    rows.append(("bottlenecks, mean error", "<= 6 %", f"{100 * np.abs(errors).mean():.1f} %, {seeds} seeds"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wide", action="store_true")
    given = parser.parse_args()
    began = time.perf_counter()
    print("| case | required | found |")
    print("|---|---|---|")
    rows = wide(20, NARROW, 150) if given.wide else [*table(), *wide(2, NARROW, 110)]
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
