"""When zones apply: schedules unrolled into intervals, hours by the sun included."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import LayerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layers.airspace_schedule import DailyPeriod, Moment, Schedule

__all__ = ["active_windows", "is_active", "sun_event"]

CIVIL_TWILIGHT = 6.0
"""Depression of the sun at the begin and the end of civil twilight [deg]."""
_WEEK = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


def sun_event(event: str, day: date, lon: float, lat: float, offset: int) -> datetime:
    """When the sun rises (SR), sets (SS), or civil twilight begins (BMCT) or ends (EECT).

    Parameters
    ----------
    event : str
        One of :data:`layers.airspace_schedule.EVENTS`.
    day : date
        Local date.
    lon, lat : float
        [deg].
    offset : int
        Local time [s east of UTC].

    Raises
    ------
    LayerError
        If it does not happen on that day (near the poles).
    """
    from astral import Observer
    from astral.sun import dawn, dusk, sunrise, sunset

    place, zone = Observer(latitude=lat, longitude=lon), timezone(timedelta(seconds=offset))
    try:
        match event:
            case "SR":
                return sunrise(place, day, tzinfo=zone)
            case "SS":
                return sunset(place, day, tzinfo=zone)
            case "BMCT":
                return dawn(place, day, depression=CIVIL_TWILIGHT, tzinfo=zone)
            case _:
                return dusk(place, day, depression=CIVIL_TWILIGHT, tzinfo=zone)
    except ValueError as error:
        raise LayerError(
            f"{event} does not happen on {day.isoformat()} at {lat:.4f}, {lon:.4f} ({error})",
            where="schedule",
            remedy="Give the hours as times of day.",
        ) from error


def active_windows(
    schedule: Schedule, start: datetime, horizon: float, *, lon: float, lat: float
) -> NDArray[np.float64]:
    """Intervals in which a schedule is active.

    Parameters
    ----------
    schedule : Schedule
        Empty: always.
    start : datetime
        Clock zero, with an offset from UTC: it is the local time of hours that state none, and of the sun's days.
    horizon : float
        Length of the window [s].
    lon, lat : float
        Where the sun is looked for [deg].

    Returns
    -------
    ndarray (k, 2)
        From (included) and until (not included) [s since `start`], ascending, apart, cut to [0, horizon].

    Raises
    ------
    LayerError
        As :func:`sun_event`.
    """
    if not schedule:
        return np.array([[0.0, horizon]])
    end = start + timedelta(seconds=horizon)
    found: list[tuple[datetime, datetime]] = []
    for period in schedule:
        first, last = max(start, period.start or start), min(end, period.end or end)
        if first >= last:
            continue
        if not period.daily:
            found.append((first, last))
            continue
        for daily in period.daily:
            for low, high in _occurrences(daily, first, last, start, lon, lat):
                if max(low, first) < min(high, last):
                    found.append((max(low, first), min(high, last)))
    return _merged([((a - start).total_seconds(), (b - start).total_seconds()) for a, b in sorted(found)])


def is_active(schedule: Schedule, when: datetime, *, lon: float, lat: float) -> bool:
    """Whether a schedule is active at a moment (an aware datetime).

    Raises
    ------
    LayerError
        As :func:`sun_event`.
    """
    return bool(len(active_windows(schedule, when, 1e-6, lon=lon, lat=lat)))


def _occurrences(
    daily: DailyPeriod, first: datetime, last: datetime, start: datetime, lon: float, lat: float
) -> list[tuple[datetime, datetime]]:
    offset = start.utcoffset()
    local = int(offset.total_seconds()) if offset is not None else 0
    given = [m.offset for m in (daily.start, daily.end) if m is not None and m.offset is not None]
    # the days are those of the clock that the hours are given in
    zone = timezone(timedelta(seconds=given[0] if given else local))
    day, stop = first.astimezone(zone).date() - timedelta(days=2), last.astimezone(zone).date() + timedelta(days=1)
    out = []
    while day <= stop:
        if not daily.days or _WEEK[day.weekday()] in daily.days:
            low = _moment(daily.start, day, local, zone, lon, lat) if daily.start else _midnight(day, zone)
            high = (
                _moment(daily.end, day, local, zone, lon, lat)
                if daily.end
                else _midnight(day + timedelta(days=1), zone)
            )
            if high <= low and daily.end is not None:
                high = _moment(daily.end, day + timedelta(days=1), local, zone, lon, lat)
            out.append((low, high))
        day += timedelta(days=1)
    return out


def _moment(moment: Moment, day: date, local: int, zone: timezone, lon: float, lat: float) -> datetime:
    if moment.event:
        return sun_event(moment.event, day, lon, lat, local)
    own = zone if moment.offset is None else timezone(timedelta(seconds=moment.offset))
    return _midnight(day, own) + timedelta(seconds=moment.seconds)


def _midnight(day: date, zone: timezone) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _merged(intervals: list[tuple[float, float]]) -> NDArray[np.float64]:
    out: list[list[float]] = []
    for low, high in intervals:
        if out and low <= out[-1][1]:
            out[-1][1] = max(out[-1][1], high)
        else:
            out.append([low, high])
    return np.array(out, dtype=np.float64).reshape(-1, 2)
