"""Scenario form, list of runs, run chooser: what the server answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, callback_context, no_update

from twin.errors import ScenarioError, TwinError
from twin.store import Status
from viewer.api.runs import settled
from viewer.dash.alert import error_alert
from viewer.dash.form import FREE, FormValues, content_of, free_scenario, values_of, with_values
from viewer.dash.jobs import advances, card_states, choices, is_active, job_list
from viewer.dash.words import title_of
from viewer.strings import say

if TYPE_CHECKING:
    from sim.service import Service
    from viewer.api import SceneShelf
    from viewer.strings import Lang

__all__ = ["add_running"]

SHOWN, HIDDEN = {"display": "block"}, {"display": "none"}


def add_running(page: Dash, service: Service, scene: SceneShelf) -> None:
    """Register the callbacks of form, list and chooser."""
    _add_form(page, service, scene)
    _add_submit(page, service)
    _add_list(page, service)
    _add_cards(page)


def _add_form(page: Dash, service: Service, scene: SceneShelf) -> None:
    @page.callback(
        Output("scenario", "data"), Output("scenario", "value"), Input("language", "value"), State("scenario", "value")
    )
    async def offer(lang: Lang, chosen: str | None) -> tuple[Any, ...]:
        ready = await asyncio.to_thread(service.scenarios)
        options = [{"value": path.name, "label": title_of(lang, title, path.stem)} for path, title in ready]
        if service.catalog is not None:
            options.append({"value": FREE, "label": say(lang, "form.free")})
        names = [option["value"] for option in options]
        return options, chosen if chosen in names else next(iter(names), None)

    @page.callback(
        Output("scenario-content", "data"),
        Output("hours", "value"),
        Output("minutes", "value"),
        Output("sea-level", "value"),
        Output("rain", "value"),
        Output("sea-level-box", "style"),
        Output("rain-box", "style"),
        Output("forcing", "className"),
        Output("as-file", "hidden"),
        Output("form-error", "children"),
        Input("scenario", "value"),
        State("language", "value"),
    )
    async def fill(chosen: str | None, lang: Lang) -> tuple[Any, ...]:
        if chosen is None:
            return None, "", "", "", "", HIDDEN, HIDDEN, "pair none", True, None
        try:
            content = await asyncio.to_thread(_content, service, scene, chosen)
            values = values_of(content)
        except TwinError as error:
            return None, "", "", "", "", HIDDEN, HIDDEN, "pair none", True, error_alert(lang, error)
        has_number = values.sea_level is not None or values.rain is not None
        return (
            content,
            round(values.hours, 4),
            round(values.minutes, 4),
            "" if values.sea_level is None else values.sea_level,
            "" if values.rain is None else values.rain,
            HIDDEN if values.sea_level is None else SHOWN,
            HIDDEN if values.rain is None else SHOWN,
            "pair" if has_number else "pair none",
            has_number,
            None,
        )


def _add_submit(page: Dash, service: Service) -> None:
    @page.callback(
        Output("submitted", "data"),
        Output("form-error", "children", allow_duplicate=True),
        Input("submit", "n_clicks"),
        State("scenario-content", "data"),
        State("hours", "value"),
        State("minutes", "value"),
        State("sea-level", "value"),
        State("rain", "value"),
        State("language", "value"),
        running=[(Output("submit", "loading"), True, False), (Output("poll", "disabled"), False, False)],
        prevent_initial_call=True,
    )
    async def submit(
        clicks: int | None, content: dict[str, Any] | None, hours: Any, minutes: Any, sea: Any, rain: Any, lang: Lang
    ) -> tuple[Any, ...]:
        if not clicks:
            return no_update, no_update
        try:
            if content is None:
                raise ScenarioError(say(lang, "form.no_scenario"))
            before = values_of(content)
            wanted = with_values(
                content,
                FormValues(
                    hours=_number(lang, hours, "form.duration"),
                    minutes=_number(lang, minutes, "form.output_every"),
                    sea_level=None if before.sea_level is None else _number(lang, sea, "form.sea_level_unit"),
                    rain=None if before.rain is None else _number(lang, rain, "form.rain_unit"),
                ),
            )
            keys = await asyncio.to_thread(service.submit, wanted)
        except TwinError as error:
            return no_update, error_alert(lang, error)
        return {"keys": list(keys), "n": clicks}, None


def _add_list(page: Dash, service: Service) -> None:
    @page.callback(
        Output("run", "value", allow_duplicate=True),
        Input("submitted", "data"),
        prevent_initial_call=True,
    )
    async def follow(submitted: dict[str, Any] | None) -> Any:
        if not submitted:
            return no_update
        jobs = await asyncio.to_thread(settled, lambda: [service.status(key) for key in submitted["keys"]])
        return next((job.key for job in jobs if job.stage == "flood"), no_update)

    @page.callback(
        Output("run", "value", allow_duplicate=True),
        Input({"type": "show-run", "key": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    async def choose(_clicks: list[int | None]) -> Any:
        return _clicked() or no_update

    @page.callback(
        Output("cancelled", "data"),
        Input({"type": "cancel-run", "key": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    async def cancel(_clicks: list[int | None]) -> Any:
        key = _clicked()
        if key is None:
            return no_update
        await asyncio.to_thread(service.cancel, key)
        return key

    @page.callback(
        Output("runs", "children"),
        Output("cards", "data"),
        Output("advances", "data"),
        Output("run", "data"),
        Output("poll", "disabled"),
        Output("run-state", "data"),
        Input("poll", "n_intervals"),
        Input("language", "value"),
        Input("run", "value"),
        Input("submitted", "data"),
        Input("cancelled", "data"),
        Input("focused", "data"),
        State("run", "data"),
        State("run-state", "data"),
        State("cards", "data"),
    )
    async def refresh(
        _n: int, lang: Lang, shown: str | None, _s: Any, _c: Any, _f: Any, options: list[Any], state: str, drawn: Any
    ) -> tuple[Any, ...]:
        jobs = await asyncio.to_thread(settled, service.list_runs)
        fresh = choices(lang, jobs, shown)
        now = next((_state(job.key, job.status) for job in jobs if job.key == shown), "")
        cards = card_states(lang, jobs)
        return (
            *((no_update, no_update) if cards == drawn else (job_list(lang, jobs, shown), cards)),
            advances(lang, jobs),
            no_update if fresh == options else fresh,
            not any(is_active(job) for job in jobs),
            no_update if now == state else now,
        )


def _add_cards(page: Dash) -> None:
    """What moves in the cards while they stay: done in the page, which knows the cards it has."""
    untyped: Any = page
    untyped.clientside_callback(
        ClientsideFunction("twin", "advance"),
        Output({"type": "job-bar", "key": ALL}, "value"),
        Output({"type": "job-bar", "key": ALL}, "aria-label"),
        Output({"type": "job-per-cent", "key": ALL}, "children"),
        Output({"type": "job-left", "key": ALL}, "children"),
        Input("advances", "data"),
    )
    untyped.clientside_callback(
        ClientsideFunction("twin", "mark"),
        Output({"type": "job", "key": ALL}, "className"),
        Output({"type": "show-run", "key": ALL}, "aria-pressed"),
        Input("run", "value"),
    )


def _clicked() -> str | None:
    """Key of the card whose button was pressed; cards that have just been drawn anew have not been."""
    by = callback_context.triggered_id
    return str(by["key"]) if isinstance(by, dict) and callback_context.triggered[0]["value"] else None


def _state(key: str, status: Status) -> str:
    return f"{key}:{status}"


def _content(service: Service, scene: SceneShelf, chosen: str) -> dict[str, Any]:
    if chosen == FREE and service.catalog is not None:
        return free_scenario(scene.city, service.catalog)
    for path, _ in service.scenarios():
        if path.name == chosen:
            return content_of(path)
    raise ScenarioError("is not there any more", where=chosen, remedy="Reload the page.")


def _number(lang: Lang, given: Any, key: str) -> float:
    """What a number field holds; it is empty text while somebody clears it."""
    if isinstance(given, int | float):
        return float(given)
    raise ScenarioError(say(lang, "form.invalid_number"), where=say(lang, key))
