"""Scenario form, list of runs, run chooser: what the server answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, callback_context, no_update

from twin.errors import ScenarioError, TwinError
from viewer.api.runs import settled
from viewer.dash.alert import error_alert
from viewer.dash.charts import chart_panel
from viewer.dash.form import FREE, asked, content_of, form_parts, free_scenario
from viewer.dash.jobs import advances, card_states, choices, job_list
from viewer.dash.scenarios import find_scenario, is_active, scenarios_of
from viewer.dash.words import title_of
from viewer.strings import say

if TYPE_CHECKING:
    from sim.service import JobStatus, Service
    from viewer.api import RunShelf, SceneShelf
    from viewer.strings import Lang

__all__ = ["add_running"]

FORM = (
    State({"type": "field", "path": ALL}, "value"),
    State({"type": "field-on", "path": ALL}, "checked"),
    State({"type": "stage-on", "stage": ALL}, "checked"),
)
"""What a reader has put into the form."""


def add_running(page: Dash, service: Service, scene: SceneShelf, runs: RunShelf) -> None:
    """Register the callbacks of form, list, chooser and charts."""
    _add_form(page, service, scene)
    _add_submit(page, service)
    _add_list(page, service)
    _add_cards(page)
    _add_charts(page, runs)


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
        # the same value again would read as another choice, and take away what was typed
        return options, no_update if chosen in names else next(iter(names), None)

    @page.callback(
        Output("scenario-content", "data"),
        Output("fields", "children"),
        Output("form-error", "children"),
        Input("scenario", "value"),
        Input("language", "value"),
        State("scenario-content", "data"),
        *FORM,
    )
    async def fill(
        chosen: str | None, lang: Lang, content: dict[str, Any] | None, values: Any, checked: Any, on: Any
    ) -> tuple[Any, ...]:
        if chosen is None:
            return None, [], None
        is_other = content is None or "scenario" in {entry.partition(".")[0] for entry in _triggers()}
        try:
            if is_other:
                content = await asyncio.to_thread(_content, service, scene, chosen)
            # the other language keeps what has been typed
            typed = {} if is_other else _typed(values, checked)
            stages = {} if is_other else _stages(on)
            return content, form_parts(lang, content or {}, typed, stages), None
        except TwinError as error:
            return None, [], error_alert(lang, error)


def _add_submit(page: Dash, service: Service) -> None:
    @page.callback(
        Output("submitted", "data"),
        Output("form-error", "children", allow_duplicate=True),
        Input("submit", "n_clicks"),
        State("scenario-content", "data"),
        *FORM,
        State("language", "value"),
        running=[(Output("submit", "loading"), True, False), (Output("poll", "disabled"), False, False)],
        prevent_initial_call=True,
    )
    async def submit(
        clicks: int | None, content: dict[str, Any] | None, values: Any, checked: Any, on: Any, lang: Lang
    ) -> tuple[Any, ...]:
        if not clicks:
            return no_update, no_update
        typed, stages = _typed(values, checked), _stages(on)
        try:
            if content is None:
                raise ScenarioError(say(lang, "form.no_scenario"))
            wanted = await asyncio.to_thread(asked, lang, content, typed, stages)
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
        jobs = await asyncio.to_thread(settled, service.list_runs)
        found = find_scenario(jobs, submitted["keys"])
        return no_update if found is None else found.key

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
        await asyncio.to_thread(_cancel, service, key)
        return key

    @page.callback(
        Output("runs", "children"),
        Output("cards", "data"),
        Output("advances", "data"),
        Output("run", "data"),
        Output("poll", "disabled"),
        Output("run-state", "data"),
        Output("chart-state", "data"),
        Input("poll", "n_intervals"),
        Input("language", "value"),
        Input("run", "value"),
        Input("submitted", "data"),
        Input("cancelled", "data"),
        Input("focused", "data"),
        State("run", "data"),
        State("run-state", "data"),
        State("chart-state", "data"),
        State("cards", "data"),
    )
    async def refresh(
        _n: int,
        lang: Lang,
        shown: str | None,
        _s: Any,
        _c: Any,
        _f: Any,
        options: list[Any],
        state: str,
        chart: str,
        drawn: Any,
    ) -> tuple[Any, ...]:
        jobs = await asyncio.to_thread(settled, service.list_runs)
        found = scenarios_of(jobs)
        fresh = choices(lang, found, shown)
        mine = next((one for one in found if one.has(shown)), None)
        now = "" if mine is None else " ".join(f"{job.key}:{job.status}" for job in mine.jobs)
        drawn_from = "" if mine is None else f"{now} {sum(_twentieths(job) for job in mine.jobs)}"
        cards = card_states(lang, found)
        return (
            *((no_update, no_update) if cards == drawn else (job_list(lang, found, shown), cards)),
            advances(lang, found),
            no_update if fresh == options else fresh,
            not any(is_active(job) for job in jobs),
            no_update if now == state else now,
            no_update if drawn_from == chart else drawn_from,
        )


def _add_cards(page: Dash) -> None:
    """What moves in the cards while they stay: done in the page, which knows the cards it has."""
    untyped: Any = page
    untyped.clientside_callback(
        ClientsideFunction("twin", "advance"),
        Output({"type": "job-bar", "key": ALL, "card": ALL}, "value"),
        Output({"type": "job-bar", "key": ALL, "card": ALL}, "aria-label"),
        Output({"type": "job-per-cent", "key": ALL, "card": ALL}, "children"),
        Output({"type": "job-left", "key": ALL, "card": ALL}, "children"),
        Input("advances", "data"),
    )
    untyped.clientside_callback(
        ClientsideFunction("twin", "mark"),
        Output({"type": "job", "key": ALL}, "className"),
        Output({"type": "show-run", "key": ALL}, "aria-pressed"),
        Input("run", "value"),
    )


def _add_charts(page: Dash, runs: RunShelf) -> None:
    @page.callback(
        Output("charts", "children"),
        Input("tabs", "value"),
        Input("run", "value"),
        Input("chart-state", "data"),
        Input("language", "value"),
    )
    async def draw(tab: str, run: str | None, _state: str, lang: Lang) -> Any:
        if tab != "charts":
            return no_update
        if run is None:
            return chart_panel(lang, [])
        try:
            found = await asyncio.to_thread(runs.charts, run)
        except TwinError as error:
            return error_alert(lang, error)
        return chart_panel(lang, found["charts"])


def _clicked() -> str | None:
    """Key of the card whose button was pressed; cards that have just been drawn anew have not been."""
    by = callback_context.triggered_id
    return str(by["key"]) if isinstance(by, dict) and callback_context.triggered[0]["value"] else None


def _twentieths(job: JobStatus) -> int:
    """How far the outputs are, in steps that are worth drawing curves again."""
    return 20 * job.outputs_done // max(job.outputs, 1)


def _cancel(service: Service, key: str) -> None:
    """Ask everything that is under way of the scenario that this run leads to stop, the last stage first."""
    found = find_scenario(settled(service.list_runs), [key])
    for job in reversed(found.jobs if found is not None else ()):
        service.cancel(job.key)


def _content(service: Service, scene: SceneShelf, chosen: str) -> dict[str, Any]:
    if chosen == FREE and service.catalog is not None:
        return free_scenario(scene.city, service.catalog)
    for path, _ in service.scenarios():
        if path.name == chosen:
            return content_of(path)
    raise ScenarioError("is not there any more", where=chosen, remedy="Reload the page.")


def _triggers() -> list[str]:
    """What set a callback off, as ``component.property``."""
    return [entry["prop_id"] for entry in callback_context.triggered]


def _typed(values: list[Any], checked: list[Any]) -> dict[str, Any]:
    """What the inputs hold, by field id."""
    ids = callback_context.states_list
    out: dict[str, Any] = {}
    for entries, found in ((_of(ids, "field"), values), (_of(ids, "field-on"), checked)):
        out |= {entry["id"]["path"]: value for entry, value in zip(entries, found, strict=True)}
    return out


def _stages(on: list[Any]) -> dict[str, bool]:
    """Which stages are switched on."""
    entries = _of(callback_context.states_list, "stage-on")
    return {entry["id"]["stage"]: bool(value) for entry, value in zip(entries, on, strict=True)}


def _of(states: list[Any], kind: str) -> list[Any]:
    """The entries of a pattern among the states; a pattern that nothing fits is an empty list."""
    groups = [group for group in states if isinstance(group, list)]
    return next((group for group in groups if group and group[0]["id"].get("type") == kind), [])
