"""Small but complete runs of the four simulators over the test town, written with the store's own writer.

What they hold follows from a few lines of arithmetic, so that a test can say what must be shown.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import LineString, Point, box

from tests import town
from twin.frame import Frame
from twin.grid import Grid

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.store import RunWriter, Store

WEST, SOUTH, EAST, NORTH = town.AREA
TIMES = tuple(300.0 * k for k in range(13))
STATES = ("waiting", "moving", "safe", "stranded", "dead")
PEOPLE = 60
WALK = 900.0
"""Seconds that everybody walks."""
SHELTERS = (("避難所 東", 40, (EAST - 60, SOUTH + 150)), ("避難所 北", 15, (WEST + 250, NORTH - 40)))
CRS = "EPSG:6674"


def departures() -> NDArray[np.float64]:
    """When each person leaves [s]; the last four never do."""
    leaves = 300.0 * (np.arange(PEOPLE) % 6)
    leaves[-4:] = np.inf
    return leaves


def homes() -> NDArray[np.float64]:
    """Where people start [m from the south-west corner] (n, 2)."""
    k = np.arange(PEOPLE)
    return np.column_stack([40 + 5.0 * k, 30 + 37.0 * (k % 7)])


def positions(time: float) -> NDArray[np.float64]:
    """Where people are (n, 2)."""
    goal = np.array([SHELTERS[k % 2][2] for k in range(PEOPLE)]) - (WEST, SOUTH)
    share = np.clip((time - departures()) / WALK, 0.0, 1.0)[:, None]
    return homes() + share * (goal - homes())


def states(time: float) -> NDArray[np.uint8]:
    """State codes (n,): of the four who stay, two are stranded from 1200 s on, one is dead from 1800 s on."""
    leaves = departures()
    out = np.where(time < leaves, 0, np.where(time < leaves + WALK, 1, 2)).astype(np.uint8)
    if time >= 1200:
        out[-4:-2] = 3
    if time >= 1800:
        out[-2] = 4
    return out


def grid() -> Grid:
    """Raster domain of the runs."""
    return Grid.from_bounds(town.AREA, 10.0, Frame(CRS))


def write_group(store: Store, folder: Path, name: str = "group") -> dict[str, str]:
    """Write a scenario's four runs into `store`; keys by stage. `folder` is the town's."""
    keys = {stage: f"{name}{stage}" for stage in ("flood", "evacuation", "access", "airspace")}
    writers = {"flood": _flood, "evacuation": _evacuation, "access": _access, "airspace": _airspace}
    _register()
    for stage, write in writers.items():
        writer = begin(store, folder, keys, stage)
        write(writer)
        writer.finish(phase="done", summary={}, budget={"relative_error": 0.0}, wall_s=1.0)
    return keys


def begin(store: Store, folder: Path, keys: dict[str, str], stage: str) -> RunWriter:
    """Start a run of a stage."""
    scenario = town.surge() | {"name": "levee-breach"}
    return store.begin(
        keys[stage],
        {
            "key": keys[stage], "stage": stage, "name": "levee-breach", "started": 1.0 + len(stage),
            "title": {"ja": "堤防決壊", "en": "Levee breach"}, "scenario": scenario,
            "folder": str(folder / "scenarios"), "seed": 0, "upstream": {}, "siblings": dict(keys),
        },
    )  # fmt: skip


def write_people(writer: RunWriter, number: int) -> None:
    """Write one output of the evacuation."""
    time = TIMES[number]
    state, xy = states(time), positions(time)
    z = np.nan_to_num(town.ground(xy[:, 0] + WEST, xy[:, 1] + SOUTH))
    moving = (state == 1).astype(np.float32)
    fields = {
        "x_agent": xy[:, 0].astype(np.float32), "y_agent": xy[:, 1].astype(np.float32),
        "z_agent": z.astype(np.float32), "state_agent": state,
        "load_link": np.array([moving.sum(), moving[::2].sum(), 0], dtype=np.float32),
    }  # fmt: skip
    if number == 0:
        writer.create_fields(grid(), TIMES, fields)
    writer.write_output(number, fields, people_gauges(time))


def people_gauges(time: float) -> dict[str, float]:
    """What the evacuation counts."""
    state = states(time)
    gauges = {name: float((state == code).sum()) for code, name in enumerate(STATES)}
    safe = (state == 2) & (departures() < np.inf)
    inside = {f"shelter:{name}": float(safe[k::2].sum()) for k, (name, _, _) in enumerate(SHELTERS)}
    return {**gauges, "queue": gauges["moving"] / 2, **inside}


def _flood(writer: RunWriter) -> None:
    domain = grid()
    bed = town.ground(*np.meshgrid(domain.x_cell, domain.y_cell))
    for number, time in enumerate(TIMES):
        level = -0.5 + 2.0 * time / TIMES[-1]
        fields = {"h_cell": np.maximum(level - bed, 0.0).astype(np.float32)}
        if number == 0:
            writer.create_fields(domain, TIMES, fields)
        writer.write_output(number, fields, {"umeda_depth_m": max(level, 0.0)})


def _evacuation(writer: RunWriter) -> None:
    for number in range(len(TIMES)):
        write_people(writer, number)
    names, capacity, places = zip(*SHELTERS, strict=True)
    load = [people_gauges(TIMES[-1])[f"shelter:{name}"] for name in names]
    writer.write_table(
        "shelters",
        gpd.GeoDataFrame(
            {
                "shelter": range(2), "id": ["S1", "S2"], "name": names, "kind": ["指定避難所"] * 2,
                "capacity": capacity, "load": load, "full_s": [np.inf, 1500.0], "flooded_s": [np.inf, 2400.0],
            },
            geometry=[Point(place) for place in places], crs=CRS,
        ),
    )  # fmt: skip
    lines = [LineString([(WEST + 20, SOUTH + y), (EAST - 20, SOUTH + y)]) for y in (60, 150, 240)]
    writer.write_table(
        "links",
        gpd.GeoDataFrame(
            {
                "link": range(3), "width_m": [2.0, 4.0, 6.0], "length_m": [line.length / 20 for line in lines],
                "load_max": [30.0, 15.0, 0.0], "passed": [56, 28, 0], "closed_s": [np.inf, 1800.0, np.inf],
            },
            geometry=lines, crs=CRS,
        ),
    )  # fmt: skip
    finer = [float(t) for t in np.arange(0, TIMES[-1] + 1, 150)]
    curve = [[t, *(float((states(t) == code).sum()) for code in range(len(STATES)))] for t in finer]
    writer.write_table("clearance", pd.DataFrame(curve, columns=["time_s", *STATES]))
    state = states(TIMES[-1])
    writer.write_table(
        "agents",
        pd.DataFrame(
            {
                "agent": np.arange(PEOPLE), "group": "adult", "departure_s": departures(),
                "arrival_s": departures() + WALK, "shelter": np.arange(PEOPLE) % 2, "state": state, "cause": "",
            }
        ),
    )  # fmt: skip


def _access(writer: RunWriter) -> None:
    for number, time in enumerate((0.0, 1.0)):
        if number == 0:
            writer.create_fields(grid(), (0.0, 1.0), {})
        writer.write_output(number, {}, {"requests": time})
    y, z = SOUTH + 90, 3.0
    shapes = [
        LineString([(WEST + 30, y, z), (WEST + 200, y, z), (WEST + 200, y + 80, z)]),
        LineString([(WEST + 30, y, z), (WEST + 30, y + 80, z), (WEST + 200, y + 80, z)]),
        LineString([(WEST + 30, y, z), (WEST + 120, y - 60, z), (WEST + 200, y + 80, z)]),
    ]
    length = np.array([shape.length for shape in shapes])
    writer.write_table(
        "routes",
        gpd.GeoDataFrame(
            {
                "route": range(3), "request": "通院", "profile": ["wheelchair_manual"] * 2 + ["walker"],
                "departure_s": [0.0, 1800.0, 0.0], "arrival_s": [250.0, 2080.0, 190.0], "rank": 0,
                "is_feasible": [True, False, True], "time_s": [250.0, 280.0, 190.0], "length_m": length,
                "steep_m": [0.0, 12.0, 0.0], "worst_step_m": [0.02, 0.08, 0.1], "narrow_m": 0.0, "unknown_m": 5.0,
                "wet_depth_m": [0.0, 0.12, 0.0], "binding": ["", "段差 8 cm", ""],
                "binding_en": ["", "step of 8 cm", ""],
            },
            geometry=shapes, crs=CRS,
        ),
    )  # fmt: skip
    writer.write_table(
        "barriers",
        gpd.GeoDataFrame(
            {
                "route": [1, 1, 1, 2], "feature": [12, 13, 14, 15], "link": ["a", "b", "c", "d"],
                "kind": ["step", "step", "unknown", "step"], "value": [0.08, 0.03, np.nan, 0.1],
                "limit": [0.02, 0.02, np.nan, 0.02], "is_hard": [True, True, False, True],
                "text_ja": ["段差 8 cm（限度 2 cm）", "段差 3 cm", "段差は未調査", "段差 10 cm"],
                "text_en": ["Step of 8 cm (limit 2 cm)", "Step of 3 cm", "Steps not surveyed", "Step of 10 cm"],
            },
            geometry=[
                Point(WEST + 30, y + 80), Point(WEST + 50, y + 80), Point(WEST + 120, y + 80), Point(WEST + 120, y - 60)
            ],
            crs=CRS,
        ),
    )  # fmt: skip
    texts = {"text_ja": ["東へ進む", "北へ曲がる"], "text_en": ["Go east", "Turn north"]}
    writer.write_table(
        "instructions",
        gpd.GeoDataFrame(
            {"route": [0, 0], "number": [0, 1], **texts, "length_m": [170.0, 80.0]},
            geometry=[Point(WEST + 30, y), Point(WEST + 200, y)], crs=CRS,
        ),
    )  # fmt: skip
    spokes = [LineString([(WEST + 200, SOUTH + 150), (WEST + 200 + 30 * k, SOUTH + 40 * (k % 6))]) for k in range(1, 6)]
    writer.write_table(
        "reach",
        gpd.GeoDataFrame(
            {
                "request": "駅", "profile": "wheelchair_manual", "feature": range(5),
                "time_s": [30.0, 100.0, 170.0, 250.0, 400.0],
            },
            geometry=spokes, crs=CRS,
        ),
    )  # fmt: skip
    writer.write_table(
        "departures",
        pd.DataFrame(
            {
                "request": "通院", "profile": ["wheelchair_manual"] * 3 + ["walker"] * 3,
                "departure_s": [0.0, 1800.0, 3600.0] * 2, "is_reachable": [True, True, False, True, True, True],
                "time_s": [250.0, 280.0, np.inf, 190.0, 190.0, 190.0],
                "arrival_s": [250.0, 2080.0, np.inf, 190.0, 1990.0, 3790.0],
                "is_last_safe": [False, True, False, False, False, True],
            }
        ),
    )  # fmt: skip


def flight_place(flight: int, time: float) -> tuple[float, float, float]:
    """Where a flight is at a time while it flies: 5 m/s eastward at 60 m, the second one 40 m further north."""
    return (WEST + 40 + 0.1 * (time - 600.0 * flight), SOUTH + 120 + 40 * flight, 60.0)


def _airspace(writer: RunWriter) -> None:
    for number, time in enumerate(TIMES):
        flying = np.array([600.0 * k <= time <= 600.0 * k + 2400 for k in range(2)])
        at = np.array([flight_place(k, float(np.clip(time, 600.0 * k, 600.0 * k + 2400))) for k in range(2)])
        fields = {
            "x_flight": (at[:, 0] - WEST).astype(np.float32), "y_flight": (at[:, 1] - SOUTH).astype(np.float32),
            "z_flight": at[:, 2].astype(np.float32), "state_flight": flying.astype(np.uint8),
        }  # fmt: skip
        if number == 0:
            writer.create_fields(grid(), TIMES, fields)
        gauges = {"airborne": float(flying.sum()), "planned": 2.0, "conflicts": float(time == 900), "held": 0.0}
        writer.write_output(number, fields, gauges)
    points = [
        {"flight": f"F{k}", "time_s": 600.0 * k + t, "phase": "cruise"}
        | dict(zip("xyz", flight_place(k, 600.0 * k + t), strict=True))
        for k in range(2)
        for t in (0.0, 1200.0, 2400.0)
    ]
    writer.write_table("flight_points", pd.DataFrame(points))
    tracks = [LineString([flight_place(k, 600.0 * k), flight_place(k, 600.0 * k + 2400)]) for k in range(2)]
    writer.write_table(
        "flights",
        gpd.GeoDataFrame(
            {
                "flight": ["F0", "F1"], "mission": ["巡視", "医薬品"], "kind": ["survey", "delivery"],
                "aircraft": "quad", "priority": [1, 2], "state": [2, 2], "start_s": [0.0, 600.0],
                "end_s": [2400.0, 3000.0], "held_s": 0.0, "length_m": [240.0, 240.0], "energy_wh": [80.0, 90.0],
                "reserve": [0.4, 0.3], "from_site": 0, "to_site": 1, "reason_ja": "", "reason_en": "",
            },
            geometry=tracks, crs=CRS,
        ),
    )  # fmt: skip
    writer.write_table(
        "volumes",
        gpd.GeoDataFrame(
            {
                "flight": ["F0", "F1"], "number": 0, "lower_m": 50.0, "upper_m": 70.0, "start_s": [0.0, 600.0],
                "end_s": [2400.0, 3000.0],
            },
            geometry=[track.buffer(15) for track in tracks], crs=CRS,
        ),
    )  # fmt: skip
    writer.write_table(
        "zones",
        gpd.GeoDataFrame(
            {
                "zone": [0, 1, 2], "identifier": ["JPN001", "JPN002", "height"], "kind": "COMMON",
                "restriction": ["PROHIBITED", "REQ_AUTHORISATION", "CONDITIONAL"], "lower_m": [0.0, 30.0, 150.0],
                "upper_m": [120.0, np.inf, np.inf], "reference": ["AGL", "AMSL", "AGL"],
                "from_s": [0.0, 1200.0, 0.0], "until_s": [10800.0, 2400.0, 10800.0],
                "windows": ["[[0.0, 10800.0]]", "[[1200.0, 1800.0], [2000.0, 2400.0]]", "[[0.0, 10800.0]]"],
                "source": "test", "authority": "test", "name_ja": ["病院の上空", "催しの上空", "地表150m以上"],
                "name_en": ["Above the hospital", "Above the event", "150 m and more"],
            },
            geometry=[
                box(EAST - 120, NORTH - 110, EAST - 20, NORTH - 20),
                box(WEST + 20, NORTH - 110, WEST + 120, NORTH - 20),
                box(*town.AREA),
            ],
            crs=CRS,
        ),
    )  # fmt: skip
    writer.write_table(
        "sites",
        gpd.GeoDataFrame(
            {
                "site": [0, 1], "id": ["L1", "L2"], "name": ["西", "東"], "kind": "pad", "is_dry": [False, True],
                "wet_from_s": [1500.0, np.inf],
            },
            geometry=[Point(WEST + 40, SOUTH + 120), Point(EAST - 40, SOUTH + 120)], crs=CRS,
        ),
    )  # fmt: skip
    x, y, z = flight_place(0, 900.0)
    writer.write_table(
        "conflicts",
        pd.DataFrame(
            {
                "flight_a": ["F0"], "flight_b": ["F1"], "kind": ["trajectory"], "time_s": [900.0],
                "horizontal_m": [40.0], "vertical_m": [0.0], "x": [x], "y": [y], "z": [z], "is_resolved": [True],
            }
        ),
    )  # fmt: skip


def _register() -> None:
    """Make the fields of the simulators known: they are registered when their modules are imported."""
    for name in ("flood", "evacuation", "airspace"):
        import_module(f"sim.{name}.fields")
