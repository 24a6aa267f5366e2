"""Everything that is known about one building, with labels in both languages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from layers.pack.buildings import usage_classes
from twin.errors import LayerError
from viewer.api.answer import json_value, named_source
from viewer.strings import LANGUAGES, say

if TYPE_CHECKING:
    import pandas as pd

    from twin.layer import MeshLayer

__all__ = ["building_document"]

ATTRIBUTES: tuple[tuple[str, str], ...] = (
    ("name", ""),
    ("usage", ""),
    ("detailed_usage", ""),
    ("class_name", ""),
    ("storeys_above", ""),
    ("storeys_below", ""),
    ("height", "m"),
    ("measured_height", "m"),
    ("structure", ""),
    ("fireproof", ""),
    ("year_of_construction", ""),
    ("survey_year", ""),
    ("base", "m"),
    ("top", "m"),
    ("building_id", ""),
    ("branch_id", ""),
    ("city", ""),
    ("prefecture", ""),
    ("max_lod", ""),
    ("id", ""),
    ("source_file", ""),
)
"""Columns of the table in the order they are shown, and their units."""


def building_document(layer: MeshLayer, row: int) -> dict[str, Any]:
    """Attributes, official hazard records, source and licence of a building.

    Parameters
    ----------
    layer : MeshLayer
        Buildings.
    row : int
        Row in its table.

    Raises
    ------
    LayerError
        If there is no such row.
    """
    if not 0 <= row < len(layer.table):
        raise LayerError(f"there is no building {row}", where="buildings", remedy=f"Give 0 to {len(layer.table) - 1}.")
    record = layer.table.iloc[row]
    attributes = []
    for column, unit in ATTRIBUTES:
        value = json_value(record.get(column))
        if value not in (None, ""):
            label = {lang: say(lang, f"attribute.{column}") for lang in LANGUAGES}
            text = _text(column, value, unit, str(record.get("usage_code", "")))
            attributes.append({"key": column, "label": label, "value": value, "unit": unit, "text": text})
    generic = str(record.get("generic") or "")
    provenance = layer.provenance
    return {
        "feature": row,
        "id": str(record.get("id", "")),
        "attributes": attributes,
        "risk": [_risk(entry) for entry in _records(layer, row)],
        "generic": json.loads(generic) if generic else {},
        "source": {"source": named_source(provenance.source), "licence": provenance.licence, "date": provenance.date},
    }


def _text(column: str, value: Any, unit: str, usage_code: str) -> dict[str, str]:
    """A value as people read it; a use whose code is known has a name in both languages, whatever the file says."""
    number = f"{value:.1f}" if isinstance(value, float) and unit else str(value)
    text: dict[str, str] = dict.fromkeys(LANGUAGES, f"{number} {unit}".rstrip())
    if column == "usage":
        known = next((entry for entry in usage_classes() if usage_code in entry["codes"]), None)
        if known is not None:
            text["en"] = known["name"]["en"]
            text["ja"] = known["name"]["ja"] if value == usage_code else text["ja"]
    return text


def _records(layer: MeshLayer, row: int) -> list[dict[str, Any]]:
    table: pd.DataFrame | None = layer.records.get("risk")
    if table is None:
        return []
    return [{str(k): v for k, v in record.items()} for record in table[table["feature"] == row].to_dict("records")]


def _risk(record: dict[str, Any]) -> dict[str, Any]:
    hazard, scale = str(record["hazard"]), str(record.get("scale") or "")
    known_scale = scale in ("planned", "maximum")
    return {
        "hazard": hazard,
        "hazard_name": {lang: say(lang, f"hazard.{hazard}") for lang in LANGUAGES},
        "description": json_value(record.get("description")) or "",
        "rank": json_value(record.get("rank")) or "",
        "depth_m": json_value(record.get("depth")),
        "scale": {lang: say(lang, f"scale.{scale}") if known_scale else scale for lang in LANGUAGES},
        "admin": json_value(record.get("admin")) or "",
        "duration_hours": json_value(record.get("duration_hours")),
    }
