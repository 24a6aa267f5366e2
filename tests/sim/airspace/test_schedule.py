from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.airspace_schedule import ALWAYS, DAYS, DailyPeriod, Moment, Period
from sim.airspace.schedule import active_windows, is_active, sun_event
from twin import LayerError

JST = timezone(timedelta(hours=9))
OSAKA_BAY = {"lon": 135.43, "lat": 34.69}
MONDAY = datetime(2026, 7, 20, tzinfo=JST)
HOUR = 3600.0


def hours(days: tuple[str, ...], start: float | None, end: float | None, offset: int | None = 32400) -> Period:
    ends = [None if h is None else Moment(h * HOUR, offset) for h in (start, end)]
    return Period(daily=(DailyPeriod(days, *ends),))


def windows(
    schedule: tuple[Period, ...], start: datetime = MONDAY, horizon: float = 7 * 24 * HOUR
) -> list[list[float]]:
    return (active_windows(schedule, start, horizon, **OSAKA_BAY) / HOUR).tolist()


def test_no_schedule_is_always() -> None:
    assert windows(ALWAYS, horizon=HOUR) == [[0.0, 1.0]]


def test_weekly_hours_come_on_their_days() -> None:
    assert windows((hours(("TUE", "SUN"), 8, 19),)) == [[32.0, 43.0], [152.0, 163.0]]


def test_hours_across_midnight_end_on_the_next_day() -> None:
    assert windows((hours(("FRI",), 22, 6),)) == [[118.0, 126.0]]


def test_a_night_that_began_before_the_scenario_still_holds() -> None:
    friday_night = (hours(("FRI",), 22, 6),)
    saturday = MONDAY + timedelta(days=5)
    assert windows(friday_night, saturday, 12 * HOUR) == [[0.0, 6.0]]
    assert is_active(friday_night, saturday + timedelta(hours=5, minutes=59), **OSAKA_BAY)
    assert not is_active(friday_night, saturday + timedelta(hours=6), **OSAKA_BAY)


def test_days_are_those_of_the_clock_that_the_hours_are_given_in() -> None:
    # Monday 20:00 UTC is Tuesday 05:00 in Japan
    assert windows((hours(("MON",), 20, 21, offset=0),)) == [[29.0, 30.0]]


def test_hours_without_an_offset_are_local_time() -> None:
    assert windows((hours(("MON",), 8, 9, offset=None),)) == [[8.0, 9.0]]


def test_open_hours_run_to_the_day_s_ends_and_neighbours_join() -> None:
    assert windows((hours(("MON", "TUE"), None, None), hours(("WED",), None, 3))) == [[0.0, 51.0]]
    assert windows((hours(("MON",), 23, 24), hours(("TUE",), 0, 1))) == [[23.0, 25.0]]


def test_dates_cut_the_hours() -> None:
    period = Period(MONDAY + timedelta(hours=10), MONDAY + timedelta(hours=34), hours((), 8, 12).daily)
    assert windows((period,)) == [[10.0, 12.0], [32.0, 34.0]]
    assert windows((Period(end=MONDAY),)) == []


@pytest.mark.parametrize(
    ("event", "clock"),
    # Osaka, 2026-06-21, of the National Astronomical Observatory's calendar: sunrise 04:44, sunset 19:15
    [("SR", "04:44"), ("SS", "19:15")],
)
def test_the_sun_rises_and_sets_as_in_the_calendar(event: str, clock: str) -> None:
    moment = sun_event(event, date(2026, 6, 21), 135.5, 34.69, 32400)
    expected = datetime.strptime(f"2026-06-21 {clock} +0900", "%Y-%m-%d %H:%M %z")
    assert abs((moment - expected).total_seconds()) < 120


def test_twilight_lies_outside_the_day() -> None:
    begin, rise, down, end = (sun_event(e, date(2026, 3, 1), 135.5, 34.7, 32400) for e in ("BMCT", "SR", "SS", "EECT"))
    assert begin < rise < down < end
    assert timedelta(minutes=20) < rise - begin < timedelta(minutes=35)


def test_hours_by_the_sun_are_the_night_s_complement() -> None:
    def by_sun(first: str, last: str) -> np.ndarray:
        period = Period(daily=(DailyPeriod((), Moment(event=first), Moment(event=last)),))
        return active_windows((period,), MONDAY, 48 * HOUR, **OSAKA_BAY)

    day, night = by_sun("SR", "SS"), by_sun("SS", "SR")
    assert len(day) == 2
    assert len(night) == 3
    edges = np.sort(np.concatenate([day.ravel(), night.ravel()[1:-1]]))
    assert edges[::2] == pytest.approx(edges[1::2])
    assert (day[:, 1] - day[:, 0]).sum() + (night[:, 1] - night[:, 0]).sum() == pytest.approx(48 * HOUR)


def test_a_sun_that_does_not_rise_is_an_error() -> None:
    with pytest.raises(LayerError, match="SR does not happen on 2026-12-21 at 80"):
        sun_event("SR", date(2026, 12, 21), 15.0, 80.0, 3600)


moments = st.one_of(
    st.none(), st.builds(Moment, st.integers(0, 24).map(lambda h: h * HOUR), st.sampled_from([None, 0, 32400]))
)
daily = st.builds(DailyPeriod, st.lists(st.sampled_from(DAYS), unique=True, max_size=7).map(tuple), moments, moments)
dates = st.one_of(st.none(), st.integers(-48, 200).map(lambda h: MONDAY + timedelta(hours=h)))
schedules = st.lists(st.builds(Period, dates, dates, st.lists(daily, max_size=2).map(tuple)), max_size=3).map(tuple)


@settings(max_examples=40, deadline=None)
@given(schedules, st.integers(0, 167))
def test_windows_and_moments_agree(schedule: tuple[Period, ...], hour: int) -> None:
    found = active_windows(schedule, MONDAY, 168 * HOUR, **OSAKA_BAY)
    assert (found[:, 0] < found[:, 1]).all()
    assert (np.diff(found.ravel()) > 0).all()
    when = (hour + 0.5) * HOUR
    inside = bool(((found[:, 0] <= when) & (when < found[:, 1])).any())
    assert is_active(schedule, MONDAY + timedelta(seconds=when), **OSAKA_BAY) == inside
