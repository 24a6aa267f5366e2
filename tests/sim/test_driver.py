"""The driver lands on output times, guards the model, stops on request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.driver import output_count, run
from twin import BudgetError, Cancelled, Clock, Unstable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sim.protocol import Model


@dataclass
class Decay:
    """dc/dt = -c by explicit steps."""

    dt: float = 0.3
    leak: float = 0.0
    poison_at: float = np.inf
    clock: Clock = field(default_factory=Clock)
    value: float = 1.0

    def stable_dt(self) -> float:
        return self.dt

    def step(self, dt: float) -> None:
        assert 0 < dt <= self.dt * (1 + 1e-12)
        self.value -= self.value * dt
        self.clock.advance(dt)
        if self.clock.time >= self.poison_at:
            self.value = np.nan

    def fields(self) -> Mapping[str, Any]:
        return {"c": np.array([self.value])}

    def gauges(self) -> Mapping[str, float]:
        return {"c": self.value}

    def budget(self) -> Mapping[str, float]:
        return {"relative_error": self.leak * self.clock.time}

    def state(self) -> Mapping[str, Any]:
        return {"c": np.array([self.value, self.clock.time, self.clock.step])}

    def load_state(self, state: Mapping[str, Any]) -> None:
        self.value = float(state["c"][0])
        self.clock = Clock(float(state["c"][1]), int(state["c"][2]))


class Times:
    """Notes when it was called."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def __call__(self, model: Model) -> None:
        self.seen.append(model.clock.time)


@given(
    until=st.floats(1.0, 50.0),
    every=st.floats(0.5, 60.0),
    dt=st.floats(0.05, 7.0),
)
def test_every_output_is_landed_on_and_the_last_is_the_end(until: float, every: float, dt: float) -> None:
    times = Times()
    run(Decay(dt=dt), until=until, every=every, observe=times)
    assert len(times.seen) == output_count(until, every)
    assert times.seen[0] == 0.0
    assert times.seen[-1] == pytest.approx(until, abs=1e-6)
    np.testing.assert_allclose(np.diff(times.seen)[:-1], every, rtol=1e-6)


def test_a_restored_model_goes_on_to_the_same_bytes() -> None:
    straight = run(Decay(), until=20, every=2, observe=Times())
    half = run(Decay(), until=10, every=2, observe=Times())
    restored = Decay()
    restored.load_state(half.state())
    times = Times()
    run(restored, until=20, every=2, observe=times)
    assert restored.value == straight.value
    assert times.seen == pytest.approx([12, 14, 16, 18, 20])


def test_a_field_that_is_not_finite_stops_the_run_and_is_named() -> None:
    with pytest.raises(Unstable, match=r"c is nan at \(row, col\) \(0,\), t = 6\.000 s"):
        run(Decay(poison_at=5.0), until=20, every=2, observe=Times())


def test_a_model_without_a_stable_step_stops_the_run() -> None:
    with pytest.raises(Unstable, match="no stable step at t = 0"):
        run(Decay(dt=0.0), until=20, every=2, observe=Times())


def test_a_budget_that_is_off_stops_the_run() -> None:
    with pytest.raises(BudgetError, match=r"2\.000e-06 at t = 2\.000 s"):
        run(Decay(leak=1e-6), until=20, every=2, observe=Times())


def test_a_request_to_stop_is_heard_between_outputs_and_progress_never_goes_back() -> None:
    class Impatient:
        said: list[float] = []  # noqa: RUF012 - one instance

        def progress(self, model: Model, fraction: float) -> None:
            self.said.append(fraction)

        def is_cancelled(self) -> bool:
            return self.said[-1] > 0.3

    watch, times = Impatient(), Times()
    ticks = iter(np.arange(0, 1e6, 1.0))
    with pytest.raises(Cancelled, match="of 20 s"):
        run(Decay(), until=20, every=10, observe=times, watch=watch, clock=lambda: float(next(ticks)))
    assert watch.said == sorted(watch.said)
    assert times.seen == [0.0]
