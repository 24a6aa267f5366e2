"""What a finished evacuation leaves: tables and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import sim.evacuation.kernels as k
from sim.evacuation.fields import CAUSES, DEAD, SAFE, STATES
from sim.evacuation.hazard import GROUPS
from sim.stage import Products

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray
    from pyproj import CRS

    from sim.evacuation.model import EvacuationModel

__all__ = ["summarise"]


def summarise(model: EvacuationModel) -> Products:
    """Tables ``agents``, ``shelters``, ``links``, ``clearance`` and the summary of a run.

    ``t50_s`` and ``t95_s`` are the times at which 50 and 95 % of those who are safe at the end were; they and the mean
    travel time are left out where nobody is safe. ``from_floor_area_count`` says how many people were made from the
    floor area of buildings because the city has no population layer.
    """
    crs = model.plan.layer.frame.crs()
    agents = agent_table(model)
    links = link_table(model, crs)
    counts = model.counts()
    summary = {"people_count": float(counts.sum())}
    summary |= {f"{name}_count": float(count) for name, count in zip(STATES, counts, strict=True)}
    is_safe = (agents["state"] == SAFE).to_numpy()
    arrival, departure = agents["arrival_s"].to_numpy()[is_safe], agents["departure_s"].to_numpy()[is_safe]
    if is_safe.any():
        summary["t50_s"], summary["t95_s"] = (float(t) for t in np.quantile(arrival, [0.5, 0.95], method="higher"))
    walked = agents["shelter"].to_numpy()[is_safe] >= 0
    if walked.any():
        summary["mean_travel_s"] = float((arrival - departure)[walked].mean())
    phase, cause = model.agents.phase, model.agents.cause
    for code, name in enumerate(CAUSES[1:], start=1):
        summary[f"stranded_{name}_count"] = float(((agents["state"] == 3) & (cause == code)).sum())
    tally = model.traffic.tally
    summary |= {
        "upstairs_count": float((phase == k.UPSTAIRS).sum()),
        "turned_away_count": float(tally[k.TURNED_AWAY]),
        "squeezed_count": float(tally[k.SQUEEZED]),
        "full_shelters_count": float((model.traffic.free <= 0).sum()),
        "flooded_shelters_count": float(np.isfinite(model.flooded_s).sum()),
        "closed_links_count": float(np.isfinite(links["closed_s"]).sum()),
        "reroutes_count": float(model.reroutes),
        "from_floor_area_count": float(model.from_floor_area),
        "is_dry": float(model.flood.is_dry),
    }
    return Products(
        tables={
            "agents": agents,
            "shelters": shelter_table(model, crs),
            "links": links,
            "clearance": clearance_table(model),
        },
        summary=summary,
    )


def agent_table(model: EvacuationModel) -> pd.DataFrame:
    """One row a person.

    Columns: ``agent``, ``group``, ``x`` and ``y`` [m in the area's frame] at the start, ``departure_s`` and
    ``arrival_s`` (inf: never), ``shelter`` (row of the table of shelters, -1 for none), ``state`` (code), ``cause``,
    ``level`` (storey of the refuge in the own building, 0 elsewhere).
    """
    import pandas as pd

    agents, start = model.agents, model.start
    x, y = _starting_points(model)
    state = model.states()
    is_up = (agents.shelter == k.TO_UPSTAIRS) & (agents.phase != k.HOME)
    home = model.flood.table.home
    storey = np.round((model.flood.upstairs - home["ground_floor"]) / home["storey"]).astype(np.int32)
    return pd.DataFrame(
        {
            "agent": np.arange(len(state), dtype=np.int32),
            "group": pd.Categorical.from_codes(start.group, dtype=pd.CategoricalDtype(list(GROUPS))),
            "x": x,
            "y": y,
            # people of a room set out when they start in the room
            "departure_s": np.where(start.is_in_room, start.departure, agents.departure),
            "arrival_s": np.where(state == SAFE, agents.arrival, np.inf),
            "shelter": np.maximum(agents.shelter, -1),
            "state": state,
            "cause": pd.Categorical.from_codes(
                np.where(state >= DEAD - 1, agents.cause, 0).astype(np.int8), dtype=pd.CategoricalDtype(list(CAUSES))
            ),
            "level": np.where(is_up, storey[agents.place], 0).astype(np.int32),
        }
    )


def _starting_points(model: EvacuationModel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = model.spots[model.start.place, :2].T.copy()
    if model.rooms is not None:
        at = model.rooms.starting_points()
        x[model.start.is_in_room], y[model.start.is_in_room] = at[:, 0], at[:, 1]
    return x, y


def shelter_table(model: EvacuationModel, crs: CRS) -> gpd.GeoDataFrame:
    """One row a shelter: what it is, who came, when it was full and when water came in (inf: never)."""
    import geopandas as gpd
    import shapely

    shelters = model.shelters
    return gpd.GeoDataFrame(
        {
            "shelter": np.arange(shelters.size, dtype=np.int32),
            "id": list(shelters.ids),
            "name": list(shelters.names),
            "kind": list(shelters.kinds),
            "capacity": shelters.capacity,
            "load": model.shelter_loads(),
            "full_s": model.traffic.full_time,
            "flooded_s": model.flooded_s,
        },
        geometry=shapely.points(shelters.x, shelters.y),
        crs=crs,
    )


def link_table(model: EvacuationModel, crs: CRS) -> gpd.GeoDataFrame:
    """One row a street of the layer.

    Columns: ``link``, ``width_m``, ``length_m``, ``load_max`` (most persons at one time), ``passed`` (persons who
    walked to an end), ``closed_s`` (first time at which some group could not walk there any more, inf: never). Of a
    street that a shelter's door divides, ``load_max`` is the sum of the parts' and the others are their largest and
    earliest.
    """
    import geopandas as gpd

    plan = model.plan
    row, n, m = plan.row, len(plan.given.links), plan.n_features
    passed = np.bincount(model.streets.feature, weights=model.traffic.passed, minlength=m)[:m]
    width, most, closed = np.zeros(n), np.zeros(n), np.full(n, np.inf)
    np.maximum.at(width, row, plan.feature["width"][:m])
    np.maximum.at(most, row, passed)
    np.minimum.at(closed, row, model.closed_s)
    return gpd.GeoDataFrame(
        {
            "link": np.arange(n, dtype=np.int32),
            "width_m": width,
            "length_m": np.bincount(row, weights=plan.feature["length"][:m], minlength=n),
            "load_max": np.bincount(row, weights=model.traffic.peak[:m], minlength=n).astype(np.int32),
            "passed": most.astype(np.int64),
            "closed_s": closed,
        },
        geometry=plan.given.links.geometry.to_numpy(),
        crs=crs,
    )


def clearance_table(model: EvacuationModel) -> pd.DataFrame:
    """Persons in each state over time, at every renewal of the water: ``time_s`` and one column a state."""
    import pandas as pd

    curve = pd.DataFrame(model.curve(), columns=["time_s", *STATES])
    last = pd.DataFrame([[model.clock.time, *model.counts()]], columns=curve.columns).astype(np.float64)
    return pd.concat([curve[curve["time_s"] < model.clock.time], last], ignore_index=True)
