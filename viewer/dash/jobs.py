"""The list of runs: a card a scenario, a row a stage; status, progress, time left, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import html

from twin.store import Status
from viewer.dash.attributes import attributes
from viewer.dash.scenarios import is_active
from viewer.dash.words import duration, stage_name, title_of
from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.service import JobStatus
    from viewer.dash.scenarios import ScenarioJobs
    from viewer.strings import Lang

__all__ = ["advances", "card_states", "choices", "job_list"]

COLOURS = {
    Status.QUEUED: "gray",
    Status.RUNNING: "orange",
    Status.DONE: "teal",
    Status.FAILED: "red",
    Status.CANCELLED: "gray",
    Status.LOST: "red",
}
MOST_SHOWN = 20


def choices(lang: Lang, scenarios: Sequence[ScenarioJobs], shown: str | None) -> list[dict[str, str]]:
    """Scenarios that the view can show, for the chooser; the value is the key of the run that leads to the others."""
    return [{"value": one.key, "label": _label(lang, one)} for one in scenarios if one.is_shown or one.key == shown]


def job_list(lang: Lang, scenarios: Sequence[ScenarioJobs], shown: str | None) -> list[Any]:
    """Cards, the newest first."""
    if not scenarios:
        return [html.P(say(lang, "runs.empty"), className="note")]
    return [_card(lang, one, one.key == shown) for one in scenarios[:MOST_SHOWN]]


def card_states(lang: Lang, scenarios: Sequence[ScenarioJobs]) -> list[str]:
    """What the cards are drawn from, but for what moves while a job runs and for which one is shown.

    While it stays the same the cards stay in the page: a button that is drawn anew loses the click and the focus.
    """
    states: list[str] = [lang]
    for one in scenarios[:MOST_SHOWN]:
        states += [f"{one.key}/{job.key}:{job.status}:{'' if is_active(job) else job.wall_s}" for job in one.jobs]
    return states


def advances(lang: Lang, scenarios: Sequence[ScenarioJobs]) -> dict[str, list[Any]]:
    """Per cent and time left in words of every row that moves."""
    jobs = [job for one in scenarios[:MOST_SHOWN] for job in one.jobs if is_active(job)]
    return {job.key: [_per_cent(job), _left(lang, job)] for job in jobs}


def _label(lang: Lang, one: ScenarioJobs) -> str:
    title = title_of(lang, one.lead.title, one.lead.name)
    return title if one.status is Status.DONE else f"{title} ({say(lang, f'status.{one.status}')})"


def _card(lang: Lang, one: ScenarioJobs, is_shown: bool) -> html.Article:
    title = title_of(lang, one.lead.title, one.lead.name)
    head = html.Div(
        className="job-head",
        children=[
            html.Button(
                title,
                id={"type": "show-run", "key": one.key},
                className="job-title",
                title=say(lang, "runs.show"),
                **attributes(aria_pressed="true" if is_shown else "false"),
            )
            if one.is_shown
            else html.Span(title, className="job-title"),
            _badge(lang, one.status),
        ],
    )
    is_single = len(one.jobs) == 1
    rows = [part for job in one.jobs for part in _row(lang, one, job, is_single=is_single)]
    foot = [_cancel(lang, one)] if is_active(one) else []
    return html.Article(
        id={"type": "job", "key": one.key},
        className="job shown" if is_shown else "job",
        children=[head, *rows, *foot],
        **attributes(data_key=one.key, data_status=str(one.status)),
    )


def _badge(lang: Lang, status: Status) -> Any:
    return dmc.Badge(
        say(lang, f"status.{status}"), color=COLOURS[status], variant="light", size="sm",
        className=f"badge badge-{status}",
    )  # fmt: skip


def _row(lang: Lang, one: ScenarioJobs, job: JobStatus, *, is_single: bool) -> list[Any]:
    """A stage: its name where there are several, then how far it is, what it took or why it ended."""
    head: list[Any] = []
    if not is_single:
        name = html.Span(stage_name(lang, job.stage), className="stage-name")
        took = duration(lang, job.wall_s) if job.status is Status.DONE and job.wall_s is not None else ""
        end = html.Span(took, className="note") if took else _badge(lang, job.status)
        head = [html.Div([name, end], className="stage-row", **attributes(data_stage=job.stage))]
    if job.status is Status.DONE:
        if not is_single or job.wall_s is None:
            return head
        return [html.Div(say(lang, "runs.took", time=duration(lang, job.wall_s)), className="note")]
    if not is_active(job):
        return [*head, html.Div(job.reason, className="note job-reason")] if job.reason else head
    if job.status is Status.QUEUED and not is_single:
        return head
    return [*head, *_progress(lang, one, job)]


def _progress(lang: Lang, one: ScenarioJobs, job: JobStatus) -> list[Any]:
    # a run that scenarios share has a row in the card of each
    per_cent, place = _per_cent(job), {"key": job.key, "card": one.key}
    return [
        html.Div(
            className="job-progress",
            children=[
                dmc.Progress(
                    id={"type": "job-bar", **place}, value=per_cent, size="sm", className="bar",
                    **attributes(aria_label=f"{per_cent} %"),
                ),
                html.Span(f"{per_cent} %", id={"type": "job-per-cent", **place}, className="per-cent"),
            ],
        ),
        html.Span(_left(lang, job), id={"type": "job-left", **place}, className="note"),
    ]  # fmt: skip


def _cancel(lang: Lang, one: ScenarioJobs) -> Any:
    button = dmc.Button(
        say(lang, "runs.cancel"), id={"type": "cancel-run", "key": one.key}, size="compact-xs", variant="default",
        className="cancel",
    )  # fmt: skip
    return html.Div(button, className="job-foot")


def _per_cent(job: JobStatus) -> int:
    return int(100 * job.progress)


def _left(lang: Lang, job: JobStatus) -> str:
    if job.seconds_left is not None:
        return say(lang, "runs.left", time=duration(lang, job.seconds_left))
    return say(lang, "runs.preparing") if job.status is Status.RUNNING else ""
