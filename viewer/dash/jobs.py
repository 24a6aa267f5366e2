"""The list of runs: status, progress, time left, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import html

from twin.store import Status
from viewer.dash.attributes import attributes
from viewer.dash.words import duration, title_of
from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.service import JobStatus
    from viewer.strings import Lang

__all__ = ["advances", "card_states", "choices", "is_active", "job_list"]

COLOURS = {
    Status.QUEUED: "gray",
    Status.RUNNING: "orange",
    Status.DONE: "teal",
    Status.FAILED: "red",
    Status.CANCELLED: "gray",
    Status.LOST: "red",
}
MOST_SHOWN = 20


def is_active(job: JobStatus) -> bool:
    """Whether something is still to come."""
    return job.status in (Status.QUEUED, Status.RUNNING)


def choices(lang: Lang, jobs: Sequence[JobStatus], shown: str | None) -> list[dict[str, str]]:
    """Runs that the view can show, for the chooser."""
    found = [job for job in jobs if job.stage == "flood" and (job.status is Status.DONE or is_active(job))]
    options = [{"value": job.key, "label": _label(lang, job)} for job in found]
    if shown and all(option["value"] != shown for option in options):
        options += [{"value": job.key, "label": _label(lang, job)} for job in jobs if job.key == shown]
    return options


def job_list(lang: Lang, jobs: Sequence[JobStatus], shown: str | None) -> list[Any]:
    """Cards, the newest first."""
    if not jobs:
        return [html.P(say(lang, "runs.empty"), className="note")]
    return [_card(lang, job, job.key == shown) for job in jobs[:MOST_SHOWN]]


def card_states(lang: Lang, jobs: Sequence[JobStatus]) -> list[str]:
    """What the cards are drawn from, but for what moves while a job runs and for which one is shown.

    While it stays the same the cards stay in the page: a button that is drawn anew loses the click and the focus.
    """
    return [lang, *(f"{job.key}:{job.status}:{'' if is_active(job) else job.wall_s}" for job in jobs[:MOST_SHOWN])]


def advances(lang: Lang, jobs: Sequence[JobStatus]) -> dict[str, list[Any]]:
    """Per cent and time left in words of every card that moves."""
    return {job.key: [_per_cent(job), _left(lang, job)] for job in jobs[:MOST_SHOWN] if is_active(job)}


def _label(lang: Lang, job: JobStatus) -> str:
    title = title_of(lang, job.title, job.name)
    return title if job.status is Status.DONE else f"{title} ({say(lang, f'status.{job.status}')})"


def _card(lang: Lang, job: JobStatus, is_shown: bool) -> html.Article:
    title = title_of(lang, job.title, job.name)
    head = html.Div(
        className="job-head",
        children=[
            html.Button(
                title,
                id={"type": "show-run", "key": job.key},
                className="job-title",
                title=say(lang, "runs.show"),
                **attributes(aria_pressed="true" if is_shown else "false"),
            )
            if job.stage == "flood" and (job.status is Status.DONE or is_active(job))
            else html.Span(title, className="job-title"),
            dmc.Badge(
                say(lang, f"status.{job.status}"), color=COLOURS[job.status], variant="light", size="sm",
                className=f"badge badge-{job.status}",
            ),
        ],
    )  # fmt: skip
    return html.Article(
        id={"type": "job", "key": job.key},
        className="job shown" if is_shown else "job",
        children=[head, *_progress(lang, job)],
        **attributes(data_key=job.key, data_status=str(job.status)),
    )


def _progress(lang: Lang, job: JobStatus) -> list[Any]:
    if job.status is Status.DONE:
        taken = f"{say(lang, 'runs.took', time=duration(lang, job.wall_s))}" if job.wall_s is not None else ""
        return [html.Div(taken, className="note")] if taken else []
    if not is_active(job):
        return [html.Div(job.reason, className="note job-reason")] if job.reason else []
    per_cent, key = _per_cent(job), job.key
    return [
        html.Div(
            className="job-progress",
            children=[
                dmc.Progress(
                    id={"type": "job-bar", "key": key}, value=per_cent, size="sm", className="bar",
                    **attributes(aria_label=f"{per_cent} %"),
                ),
                html.Span(f"{per_cent} %", id={"type": "job-per-cent", "key": key}, className="per-cent"),
            ],
        ),
        html.Div(
            className="job-foot",
            children=[
                html.Span(_left(lang, job), id={"type": "job-left", "key": key}, className="note"),
                dmc.Button(
                    say(lang, "runs.cancel"), id={"type": "cancel-run", "key": key}, size="compact-xs",
                    variant="default", className="cancel",
                ),
            ],
        ),
    ]  # fmt: skip


def _per_cent(job: JobStatus) -> int:
    return int(100 * job.progress)


def _left(lang: Lang, job: JobStatus) -> str:
    if job.seconds_left is not None:
        return say(lang, "runs.left", time=duration(lang, job.seconds_left))
    return say(lang, "runs.preparing") if job.status is Status.RUNNING else ""
