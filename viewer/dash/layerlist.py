"""Layer switches: visible, opacity, source and licence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import html

from viewer.dash.attributes import attributes
from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from viewer.api.scene import ShownLayer
    from viewer.strings import Lang

__all__ = ["WATER", "layer_list"]

WATER = "water"
"""Id of the run's flood in the view."""
OPACITY = {WATER: 0.86}


def layer_list(
    lang: Lang,
    layers: Sequence[ShownLayer],
    overlays: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Mapping[str, Any]],
    *,
    has_water: bool,
) -> list[Any]:
    """One row a layer, in the order of the scene; before them the water, and what else the run shows."""
    rows = []
    if has_water:
        rows.append(
            _row(lang, WATER, say(lang, "layers.water"), say(lang, "layers.computed"), True, settings.get(WATER, {}))
        )
    for overlay in overlays:
        name, setting = overlay["name"][lang], dict(settings.get(overlay["id"], {}))
        setting.setdefault("opacity", overlay["opacity"])
        rows.append(_row(lang, overlay["id"], name, say(lang, "layers.computed"), overlay["visible"], setting))
    for shown in layers:
        provenance = shown.layer.provenance
        parts = [part for part in (shown.source, provenance.licence, provenance.date) if part]
        source = " · ".join(parts) or say(lang, "layers.no_source")
        name = shown.style.name[lang]
        rows.append(_row(lang, shown.id, name, source, shown.style.is_visible, settings.get(shown.id, {})))
    return rows


def _row(lang: Lang, layer_id: str, name: str, source: str, is_visible: bool, setting: Mapping[str, Any]) -> html.Div:
    opacity = float(setting.get("opacity", OPACITY.get(layer_id, 1.0)))
    return html.Div(
        className="layer",
        children=[
            html.Div(
                className="layer-head",
                children=[
                    dmc.Switch(
                        id={"type": "layer-visible", "id": layer_id},
                        checked=bool(setting.get("visible", is_visible)),
                        label=name,
                        size="sm",
                    ),
                    dmc.Tooltip(
                        label=source,
                        multiline=True,
                        w=260,
                        withArrow=True,
                        position="right",
                        events={"hover": True, "focus": True, "touch": True},
                        children=html.Button(
                            html.Span(className="icon icon-info"),
                            className="info-button",
                            **attributes(aria_label=f"{say(lang, 'layers.source_of', name=name)}: {source}"),
                        ),
                    ),
                ],
            ),
            dmc.Slider(
                id={"type": "layer-opacity", "id": layer_id},
                value=opacity,
                min=0.1,
                max=1,
                step=0.05,
                size="xs",
                label=None,
                thumbSize=12,
                className="opacity",
                thumbLabel=say(lang, "layers.opacity_of", name=name),
                updatemode="drag",
            ),
        ],
    )
