"""When a zone applies: dated periods, days of the week, times of day, as the files state them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from layers.airspace_value import Where, listed, mapping, text, texts

__all__ = [
    "ALWAYS",
    "DAYS",
    "EVENTS",
    "DailyPeriod",
    "Moment",
    "Period",
    "Schedule",
    "dates",
    "dates_form",
    "days_of_week",
    "schedule_from_json",
    "schedule_json",
    "time_of_day",
]

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
EVENTS = ("BMCT", "SR", "SS", "EECT")
"""Begin of the morning civil twilight, sunrise, sunset, end of the evening civil twilight (ED-318)."""

_TIME = re.compile(r"T?(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?\s*(Z|[+-]\d{2}(?::?\d{2})?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of the day.

    Parameters
    ----------
    seconds : float
        After midnight; 86400 is the end of the day. 0 where `event` says when.
    offset : int or None
        Seconds east of UTC; None where the file does not say: local time of the place.
    event : str
        One of :data:`EVENTS`, or "".
    """

    seconds: float = 0.0
    offset: int | None = None
    event: str = ""

    def text(self) -> str:
        """``hh:mm:ss`` with the offset as the file had it; the event's name for an event."""
        if self.event:
            return self.event
        minutes, seconds = divmod(round(self.seconds, 6), 60)
        whole = f"{int(minutes // 60):02d}:{int(minutes % 60):02d}:{seconds:09.6f}"
        return whole.rstrip("0").removesuffix(".") + _offset_text(self.offset)


@dataclass(frozen=True, slots=True)
class DailyPeriod:
    """Hours of some days of the week.

    Parameters
    ----------
    days : tuple of str
        Of :data:`DAYS`; empty: any day.
    start, end : Moment or None
        None: begin and end of the day. An end at or before the start lies on the next day.
    """

    days: tuple[str, ...] = ()
    start: Moment | None = None
    end: Moment | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of dates, or for ever, and the hours in it.

    Parameters
    ----------
    start, end : datetime or None
        With an offset; None: unbounded.
    daily : tuple of DailyPeriod
        Empty: all day.
    """

    start: datetime | None = None
    end: datetime | None = None
    daily: tuple[DailyPeriod, ...] = ()


Schedule = tuple[Period, ...]
"""When a zone applies: in any of these periods."""

ALWAYS: Schedule = ()
"""No period stated: it always applies."""


def days_of_week(value: Any, at: Where) -> tuple[str, ...]:
    """Days of the week; empty for ANY, and for a list that is empty.

    Raises
    ------
    LayerError
        If a day is unknown.
    """
    days = [d.upper() for d in texts(value, at)]
    for day in days:
        if day not in (*DAYS, "ANY"):
            raise at.error(f"{day!r} is no day", f"Known: {', '.join(DAYS)}, ANY.")
    return () if "ANY" in days else tuple(days)


def time_of_day(value: Any, at: Where) -> Moment | None:
    """Moment from ``hh:mm``, ``hh:mm:ss``, ``hh:mm:ss.s``, each with ``Z``, ``+hh:mm`` or nothing; None from null.

    Raises
    ------
    LayerError
        If it is no time of day.
    """
    given = text(value, at)
    if not given:
        return None
    found = _TIME.fullmatch(given)
    if found is None:
        raise at.error(f"{given!r} is no time of day", "Write hh:mm:ss and Z or an offset, e.g. 08:00:00+09:00.")
    seconds = int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3] or 0)
    if int(found[2]) > 59 or float(found[3] or 0) >= 60 or seconds > 86400:
        raise at.error(f"{given!r} is no time of day", "Give 00:00:00 to 24:00:00.")
    return Moment(seconds, _offset(found[4]))


def _date_time(value: Any, at: Where) -> datetime | None:
    """Date and time with its offset from ISO 8601; None from null.

    Raises
    ------
    LayerError
        If it is no date and time, or has no offset.
    """
    given = text(value, at)
    if not given:
        return None
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        raise at.error(
            f"{given!r} is no date and time", "Write ISO 8601 with an offset, e.g. 2026-04-01T00:00:00+09:00."
        ) from None
    if found.tzinfo is None:
        raise at.error(f"{given!r} has no offset from UTC", "Add Z or an offset, e.g. +09:00.")
    return found


def dates(form: dict[str, Any], at: Where) -> tuple[datetime | None, datetime | None]:
    """Begin and end of a period; None: unbounded.

    Raises
    ------
    LayerError
        If one is no date with an offset, or the end is not after the begin.
    """
    start, end = (_date_time(form.get(key), at.of(key)) for key in ("startDateTime", "endDateTime"))
    if start and end and end <= start:
        raise at.of("endDateTime").error(f"{end.isoformat()} is not after the start", "Mend the dates.")
    return start, end


def dates_form(period: Period) -> dict[str, Any]:
    """Begin and end of a period as the files write them, what is unbounded left out."""
    stated = {"startDateTime": period.start, "endDateTime": period.end}
    return {key: date.isoformat() for key, date in stated.items() if date}


def schedule_json(schedule: Schedule) -> str:
    """A schedule as text for a table's cell; "" for always."""
    if not schedule:
        return ""
    form = [
        {
            "start": period.start.isoformat() if period.start else None,
            "end": period.end.isoformat() if period.end else None,
            "daily": [_daily_form(daily) for daily in period.daily],
        }
        for period in schedule
    ]
    return json.dumps(form)


def schedule_from_json(form: str, where: str) -> Schedule:
    """Inverse of :func:`schedule_json`.

    Raises
    ------
    LayerError
        If it is no such text.
    """
    if not form:
        return ALWAYS
    at = Where(where, "", "schedule")
    try:
        periods = json.loads(form)
    except ValueError:
        raise at.error(f"{form[:60]!r} is no JSON", "Read the layer with ed269 or ed318.") from None
    return tuple(_period(mapping(p, at), at) for p in listed(periods, at))


def _daily_form(daily: DailyPeriod) -> dict[str, Any]:
    start, end = (None if moment is None else moment.text() for moment in (daily.start, daily.end))
    return {"days": list(daily.days), "start": start, "end": end}


def _period(form: dict[str, Any], at: Where) -> Period:
    daily = [mapping(d, at) for d in listed(form.get("daily"), at)]
    return Period(
        _date_time(form.get("start"), at),
        _date_time(form.get("end"), at),
        tuple(
            DailyPeriod(tuple(d.get("days", ())), _moment(d.get("start"), at), _moment(d.get("end"), at)) for d in daily
        ),
    )


def _moment(value: Any, at: Where) -> Moment | None:
    return Moment(event=value) if value in EVENTS else time_of_day(value, at)


def _offset(given: str | None) -> int | None:
    if not given:
        return None
    if given.upper() == "Z":
        return 0
    digits = given[1:].replace(":", "").ljust(4, "0")
    return (1 if given[0] == "+" else -1) * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)


def _offset_text(offset: int | None) -> str:
    if offset is None:
        return ""
    if offset == 0:
        return "Z"
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"{'+' if offset > 0 else '-'}{hours:02d}:{minutes:02d}"
