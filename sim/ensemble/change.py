"""What an uncertain number does to a value of a scenario: replaces, multiplies, shifts it or stretches its wave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.inputs import InputFiles

__all__ = ["changed"]


def changed(value: Any, effect: str, number: float, path: str, where: str, files: InputFiles) -> Any:
    """A value of a scenario after `number` took effect.

    Parameters
    ----------
    value : any
        A number, a series ``[[time, value], ...]``, or the name of a CSV with one, which is read.
    effect : {"set", "factor", "shift", "stretch"}
        ``stretch`` multiplies the rise of a series above its lowest value.
    number : float
    path, where : str
        For messages.
    files : InputFiles

    Raises
    ------
    ScenarioError, LayerError
        If the value is neither, or a file cannot be read.
    """
    if effect == "set":
        return number
    if isinstance(value, str) and value.lower().endswith(".csv"):
        times, values = files.series(value)
        value = [[float(t), float(v)] for t, v in zip(times, values, strict=True)]
    if isinstance(value, int | float) and not isinstance(value, bool) and effect != "stretch":
        return _plain(_apply(effect, number)(float(value)))
    if _is_series(value):
        low = min(v for _, v in value)
        apply = _apply(effect, number, low)
        return [[time, _plain(apply(v))] for time, v in value]
    needs = "a series" if effect == "stretch" else "a number or a series"
    raise ScenarioError(
        f"{effect} needs {needs} at {path!r}, there is {_shown(value)}",
        where=where,
        remedy="Name the path of a number, of [[time, value], ...] or of a CSV; or use set or choose.",
    )


def _apply(effect: str, number: float, low: float = 0.0) -> Callable[[float], float]:
    if effect == "shift":
        return lambda value: value + number
    return lambda value: (
        (low if effect == "stretch" else 0.0) + number * (value - (low if effect == "stretch" else 0.0))
    )


def _is_series(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(p, list) and len(p) == 2 and all(isinstance(v, int | float) for v in p) for p in value)
    )


def _plain(value: float) -> float:
    """Nine digits: what another library's last digit would change is no other scenario."""
    return float(f"{value:.9g}")


def _shown(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) < 60 else f"{text[:57]}..."
