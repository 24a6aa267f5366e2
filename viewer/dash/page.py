"""The page: Dash on the API's own server; what it shows at first and what follows from the address."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, no_update

from twin.errors import StoreError, TwinError
from viewer.api.group import group_of
from viewer.api.runs import settled
from viewer.dash.alert import error_alert
from viewer.dash.layerlist import layer_list
from viewer.dash.layout import BINDINGS, skeleton
from viewer.dash.link import parse
from viewer.dash.running import add_running
from viewer.dash.scenarios import is_active, scenarios_of
from viewer.dash.selecting import add_selecting
from viewer.strings import language_of, say

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sim.service import Service
    from viewer.api import RunShelf, SceneShelf
    from viewer.strings import Lang

__all__ = ["add_page"]

SCENE = "/api/scene"


def add_page(app: FastAPI, service: Service, scene: SceneShelf, runs: RunShelf, lang: Lang) -> Dash:
    """Put the page on `app` at ``/``.

    Parameters
    ----------
    app : FastAPI
    service : Service
    scene : SceneShelf
    runs : RunShelf
    lang : {"ja", "en"}
        Language of a reader whose browser asks for neither.
    """
    server: Any = app  # Dash's annotation knows Flask only
    page = Dash(
        __name__,
        server=server,
        title="Osaka Twin",
        update_title="",
        assets_folder=str(Path(__file__).parent / "assets"),
        serve_locally=True,
        add_log_handler=False,
    )

    def layout() -> Any:
        headers = page.backend.request_adapter().headers if page.backend.has_request_context() else {}
        return skeleton(language_of(headers.get("accept-language", ""), lang))

    page.layout = layout
    _add_clientside(page)
    _add_city(page, service, scene, runs)
    add_running(page, service, scene, runs)
    add_selecting(page, service, scene, runs)
    return page


def _add_clientside(page: Any) -> None:
    """What needs no server."""
    twin = "twin"
    page.clientside_callback(
        ClientsideFunction(twin, "relabel"),
        [Output(component, prop) for component, prop, _ in BINDINGS],
        Input("language", "value"),
        State("strings", "data"),
        State("bindings", "data"),
    )
    page.clientside_callback(
        ClientsideFunction(twin, "pick"),
        Output("color", "data"),
        Input("language", "value"),
        State("colour-choices", "data"),
    )
    page.clientside_callback(
        ClientsideFunction(twin, "pass_on"),
        Output("view", "lang"),
        Output("view", "colorBy"),
        Output("view", "run"),
        Input("language", "value"),
        Input("color", "value"),
        Input("run", "value"),
        Input("submitted", "data"),
    )
    page.clientside_callback(
        ClientsideFunction(twin, "pick_place"),
        Output("picking", "data"),
        Input({"type": "pick", "path": ALL}, "n_clicks"),
        Input("view", "clickData"),
        State("picking", "data"),
        State("origin", "data"),
    )
    page.clientside_callback(
        ClientsideFunction(twin, "settings"),
        Output("layer-settings", "data", allow_duplicate=True),
        Output("view", "layers"),
        Input({"type": "layer-visible", "id": ALL}, "checked"),
        Input({"type": "layer-opacity", "id": ALL}, "value"),
        State("layer-settings", "data"),
        prevent_initial_call=True,
    )
    page.clientside_callback(
        ClientsideFunction(twin, "remember"),
        Output("permalink", "data"),
        Input("language", "value"),
        Input("run", "value"),
        Input("view", "time"),
        Input("view", "camera"),
        Input("layer-settings", "data"),
        Input("color", "value"),
        Input("selection", "data"),
        Input("restored", "data"),
    )
    page.clientside_callback(
        ClientsideFunction(twin, "toggle"), Output("panel-button", "aria-expanded"), Input("panel-button", "n_clicks")
    )


def _add_city(page: Dash, service: Service, scene: SceneShelf, runs: RunShelf) -> None:
    @page.callback(
        Output("language", "value"),
        Output("view", "scene"),
        Output("view", "camera"),
        Output("view", "time"),
        Output("run", "value"),
        Output("color", "value"),
        Output("layer-settings", "data"),
        Output("selection", "data"),
        Output("restored", "data"),
        Input("url", "search"),
        State("language", "value"),
    )
    async def restore(search: str | None, lang: Lang) -> tuple[Any, ...]:
        state = parse(search or "")
        run = await asyncio.to_thread(_known_run, service, state.run, is_fresh=not search)
        return (
            state.lang or lang,
            SCENE,
            state.camera or no_update,
            no_update if state.time is None else state.time,
            run,
            state.colour or "usage",
            state.layers,
            state.selection,
            True,
        )

    @page.callback(
        Output("title", "children"),
        Output("subtitle", "children"),
        Output("layers", "children"),
        Output("origin", "data"),
        Input("language", "value"),
        Input("run", "value"),
        Input("run-state", "data"),
        Input("restored", "data"),
        State("layer-settings", "data"),
    )
    async def name_city(
        lang: Lang, run: str | None, _state: str, restored: bool, settings: dict[str, Any]
    ) -> tuple[Any, ...]:
        if not restored:
            return no_update, no_update, no_update, no_update
        product = say(lang, "page.product")
        try:
            shown = await asyncio.to_thread(lambda: scene.layers)
            overlays = await asyncio.to_thread(runs.overlays, run) if run else []
            has_water = await asyncio.to_thread(_has_flood, service, run) if run else False
        except TwinError as error:
            return product, "", error_alert(lang, error), no_update
        name = scene.city.name
        title = name.get(lang) or next(iter(name.values()))
        rows = layer_list(lang, list(shown.values()), overlays, settings or {}, has_water=has_water)
        return title, product, rows, list(scene.origin)


def _known_run(service: Service, key: str | None, *, is_fresh: bool) -> str | None:
    """The run of the address if there is one; on a fresh page what is being computed, else the newest result."""
    found = scenarios_of(settled(service.list_runs))
    if key:
        try:
            whole = service.status(key).key
        except StoreError:
            return None
        return next((one.key for one in found if one.key == whole or one.has(whole)), whole)
    if not is_fresh:
        return None
    wanted = [one for one in found if is_active(one)] or [one for one in found if one.status == "done"]
    return wanted[0].key if wanted else None


def _has_flood(service: Service, run: str) -> bool:
    return settled(lambda: group_of(service, run)).get("flood") is not None
