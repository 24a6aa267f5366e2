"""The selected building or place: what the server answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, html

from twin.errors import LayerError, StoreError, TwinError
from twin.store import Status
from viewer.api.building import building_document
from viewer.api.runs import settled
from viewer.dash.alert import error_alert
from viewer.dash.details import building_panel, feature_panel, place_panel
from viewer.strings import say

if TYPE_CHECKING:
    from sim.service import Service
    from viewer.api import RunShelf, SceneShelf
    from viewer.strings import Lang

__all__ = ["add_selecting"]


def add_selecting(page: Dash, service: Service, scene: SceneShelf, runs: RunShelf) -> None:
    """Register the callbacks of the panel."""
    untyped: Any = page
    untyped.clientside_callback(
        ClientsideFunction("twin", "select"),
        Output("selection", "data", allow_duplicate=True),
        Input("view", "clickData"),
        Input({"type": "close-detail", "id": ALL}, "n_clicks"),
        State("picking", "data"),
        prevent_initial_call=True,
    )

    def answer(selection: dict[str, Any], run: str | None, lang: Lang, time: float | None) -> tuple[list[Any], Any]:
        if "overlay" in selection:
            if not run:
                return [], None
            found = runs.feature(run, str(selection["overlay"]), int(selection["number"]))
            return feature_panel(lang, found), None
        if "feature" in selection:
            return _building(service, scene, runs, int(selection["feature"]), run, lang)
        return _place(scene, runs, (selection["x"], selection["y"]), run, lang, time), None

    @page.callback(
        Output("detail-body", "children"),
        Output("details", "hidden"),
        Output("view", "selected"),
        Input("selection", "data"),
        Input("run", "value"),
        Input("run-state", "data"),
        Input("language", "value"),
        Input("view", "time"),
        State("restored", "data"),
    )
    async def show(
        selection: dict[str, Any] | None, run: str | None, _state: str, lang: Lang, time: float | None, _restored: bool
    ) -> tuple[Any, ...]:
        if not selection:
            return [], True, None
        try:
            parts, number = await asyncio.to_thread(answer, selection, run, lang, time)
        except TwinError as error:
            return [html.Div(error_alert(lang, error), className="block")], False, None
        return parts, not parts, number


def _building(
    service: Service, scene: SceneShelf, runs: RunShelf, feature: int, run: str | None, lang: Lang
) -> tuple[list[Any], int | None]:
    document = building_document(scene.buildings(), feature)
    result, series, state = None, None, ""
    if run:
        status = settled(lambda: service.status(run)).status
        if status is Status.DONE:
            state, result = "done", runs.building(run, feature)
        elif status in (Status.QUEUED, Status.RUNNING):
            state = "running"
        if state:
            series = runs.beside(run, feature)
    number = np.flatnonzero(scene.building_order == feature)
    panel = building_panel(lang, document, result, series, run_state=state)
    return panel, int(number[0]) if len(number) else None


def _place(
    scene: SceneShelf, runs: RunShelf, local: tuple[float, float], run: str | None, lang: Lang, time: float | None
) -> list[Any]:
    x, y = local[0] + scene.origin[0], local[1] + scene.origin[1]
    ground = scene.ground
    height = float(ground.at(np.array([[x, y]]))[0]) if ground is not None else float("nan")
    series: dict[str, Any] | str | None = None
    if run and not runs.has_depths(run):
        series = say(lang, "detail.no_depths")
    elif run:
        try:
            series = runs.at(run, x, y, time if time is not None else float("inf"))
        except (StoreError, LayerError):
            series = say(lang, "detail.outside")
    return place_panel(lang, (x, y), scene.city.frame.horizontal, height if np.isfinite(height) else None, series)
