"""Series of a scenario that are changed by one number: their peak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["peak_of", "scaled", "stretched"]


def peak_of(series: Iterable[Any]) -> float | None:
    """Largest value of numbers and of pairs (time, value); None where all are files, or nothing."""
    found = [value for one in series for value in _values(one)]
    return max(found) if found else None


def scaled(series: Any, before: float, after: float) -> Any:
    """A series in its own shape with another peak; zero becomes the peak throughout."""
    return _mapped(series, lambda value: value * after / before if before else after)


def stretched(series: Any, before: float, after: float) -> Any:
    """A series that keeps its lowest value and its times and rises to `after` where it rose to `before`."""
    if not isinstance(series, list | tuple):
        return series if isinstance(series, str) else after
    low = min(float(value) for _, value in series)
    if before <= low:
        return _mapped(series, lambda value: value - before + after)
    return _mapped(series, lambda value: low + (value - low) * (after - low) / (before - low))


def _values(series: Any) -> list[float]:
    if isinstance(series, int | float):
        return [float(series)]
    if isinstance(series, list | tuple):
        return [float(value) for _, value in series]
    return []


def _mapped(series: Any, change: Callable[[float], Any]) -> Any:
    if isinstance(series, int | float):
        return change(float(series))
    return [[time, change(float(value))] for time, value in series]
