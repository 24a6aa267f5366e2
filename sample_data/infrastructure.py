"""Inspection records of bridges and road sections: year and grade I to IV of the five-yearly inspections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
import shapely.ops

from sample_data.archive import write_geopackage

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

    from sample_data.bridges import Deck
    from sample_data.plan import Plan

__all__ = ["GRADES", "infrastructure_layers", "write_infrastructure"]

GRADES = {"I": "健全", "II": "予防保全段階", "III": "早期措置段階", "IV": "緊急措置段階"}
"""Grades of 道路法施行規則 (inspection every five years)."""
_FORM = {"01": "鋼桁橋", "02": "トラス橋", "03": "アーチ橋", "04": "RCラーメン橋", "06": "斜張橋"}
SECTION = 180.0
"""Length of a road section [m]."""


def infrastructure_layers(plan: Plan, bridges: list[Deck], seed: int) -> dict[str, gpd.GeoDataFrame]:
    """Layers ``bridges`` (polygons) and ``roads`` (lines), EPSG:6668."""
    import geopandas as gpd

    rng = np.random.default_rng([seed, 8])
    names = list(GRADES)
    rows = []
    for k, deck in enumerate(bridges, start=1):
        built = int(rng.integers(1958, 2012))
        worn = np.array([0.45, 0.38, 0.15, 0.02]) if built > 1975 else np.array([0.12, 0.45, 0.37, 0.06])
        grade = names[int(rng.choice(4, p=worn))]
        rows.append(
            {
                "bridge_id": f"27199-B{k:03d}", "name": deck.name, "kind": deck.kind, "road": deck.road,
                "form": _FORM[deck.form], "length_m": round(float(deck.line.length), 1), "width_m": deck.width,
                "deck_height": round(float(deck.xyz[:, 2].mean()), 2), "year_built": built,
                "inspection_year": int(rng.integers(2020, 2025)), "grade": grade, "grade_label": GRADES[grade],
            }
        )  # fmt: skip
    table = gpd.GeoDataFrame(rows, geometry=[deck.outline for deck in bridges], crs="EPSG:6674")
    sections: list[dict[str, Any]] = []
    lines = []
    for road in plan.main_roads:
        line = road.line.intersection(plan.area)
        if line.geom_type != "LineString":
            continue
        count = max(1, round(line.length / SECTION))
        for k in range(count):
            year = int(rng.integers(1996, 2023))
            age = 2024 - year
            cracks = float(np.clip(rng.gamma(2.0, 0.45) * age, 0, 60))
            rut = float(np.clip(rng.normal(4 + 0.55 * age, 3), 1, 38))
            grade = (
                "I"
                if cracks < 8 and rut < 15
                else ("II" if cracks < 20 and rut < 25 else ("III" if cracks < 40 else "IV"))
            )
            sections.append(
                {
                    "section_id": f"27199-R{len(sections) + 1:03d}", "name": road.name, "width_m": road.width,
                    "pavement_year": year, "inspection_year": int(rng.integers(2021, 2025)),
                    "crack_rate": round(cracks, 1), "rut_mm": round(rut, 1), "grade": grade,
                    "grade_label": GRADES[grade],
                }
            )  # fmt: skip
            lines.append(shapely.ops.substring(line, k / count, (k + 1) / count, normalized=True))
    roads = gpd.GeoDataFrame(sections, geometry=lines, crs="EPSG:6674")
    return {"bridges": table.to_crs("EPSG:6668"), "roads": roads.to_crs("EPSG:6668")}


def write_infrastructure(path: Path, plan: Plan, bridges: list[Deck], seed: int) -> None:
    """Write infrastructure.gpkg."""
    write_geopackage(path, infrastructure_layers(plan, bridges, seed))
