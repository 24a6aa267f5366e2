"""Drives a model from output time to output time; guards it on the way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import numpy as np

from twin.errors import BudgetError, Cancelled, Unstable

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.protocol import Model, Observer

__all__ = ["Watch", "output_count", "run"]

BUDGET_TOLERANCE = 1e-6
"""Largest relative error of a model's budget at an output time (specs of the flood engines: volume kept to 1e-6)."""


class Watch(Protocol):
    """Follows a run from outside: told how far it is, asked whether to stop."""

    def progress(self, model: Model, fraction: float) -> None:
        """Take note; `fraction` is 0 to 1 and never goes back."""

    def is_cancelled(self) -> bool:
        """Whether somebody asked for a stop."""


def run(
    model: Model,
    *,
    until: float,
    every: float,
    observe: Observer,
    watch: Watch | None = None,
    look_every: float = 0.2,
    clock: Callable[[], float] = time.monotonic,
) -> Model:
    """Advance `model` to `until`, landing on every output time.

    Parameters
    ----------
    model : Model
        Starts where its clock stands: a restored model goes on with the next output.
    until, every : float
        End and output interval [s]; the last output is at `until` even where it is no multiple of `every`.
    observe : Observer
        Called at the start of a new run and at every output time.
    watch : Watch, optional
        Told about progress and asked for a stop at most every `look_every` seconds of wall time.
    look_every : float
        Wall time between two looks [s].
    clock : callable
        Wall clock, for tests.

    Raises
    ------
    Unstable
        If a field is not finite at an output time, or no step is possible.
    BudgetError
        If the model's budget is off by more than ``BUDGET_TOLERANCE``.
    Cancelled
        If the watch asked for it.
    """
    if model.clock.step == 0:
        _guard(model)
        observe(model)
    looked = clock()
    for target in _output_times(until, every, after=model.clock.time):
        while (left := target - model.clock.time) > 1e-9 * every:
            dt = min(model.stable_dt(), left)
            if not dt > 0:
                raise Unstable(
                    f"no stable step at t = {model.clock.time:.3f} s (stable_dt is {dt} s)",
                    where=type(model).__name__,
                    remedy="Check initial depths and bed for values that cannot be.",
                )
            # two even steps rather than a long one and a sliver
            model.step(left / 2 if dt < left < 2 * dt else dt)
            if watch is not None and (now := clock()) - looked >= look_every:
                looked = now
                watch.progress(model, min(1.0, model.clock.time / until))
                if watch.is_cancelled():
                    raise Cancelled(f"stopped at t = {model.clock.time:.0f} s of {until:.0f} s")
        _guard(model)
        observe(model)
    if watch is not None:
        watch.progress(model, 1.0)
    return model


def output_count(until: float, every: float) -> int:
    """Number of outputs of a run, the one at the start included."""
    return 1 + len(_output_times(until, every, after=0.0))


def _output_times(until: float, every: float, after: float) -> list[float]:
    whole = int(np.floor(until / every + 1e-9))
    times = [k * every for k in range(1, whole + 1)]
    if not times or until - times[-1] > 1e-9 * every:
        times.append(until)
    return [t for t in times if t > after + 1e-9 * every]


def _guard(model: Model) -> None:
    for name, values in model.fields().items():
        bad = ~np.isfinite(values)
        if not bad.any():
            continue
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise Unstable(
            f"{name} is {values[place]} at (row, col) {place}, t = {model.clock.time:.3f} s, step {model.clock.step}",
            where=type(model).__name__,
            remedy="Lower the Courant number (cfl) or look at the bed and the forcing at that place.",
        )
    error = model.budget().get("relative_error", 0.0)
    if not abs(error) <= BUDGET_TOLERANCE:
        raise BudgetError(
            f"relative error of the budget is {error:.3e} at t = {model.clock.time:.3f} s; "
            f"{BUDGET_TOLERANCE:.0e} is allowed",
            where=type(model).__name__,
            remedy="Use double precision; if it stays, this is a defect of the simulator.",
        )
