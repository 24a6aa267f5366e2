"""The errors that a user can meet.

::

    TwinError
    ├── FrameError          a coordinate frame or a height datum does not fit
    ├── LayerError          a file or a layer cannot be read or used
    ├── ScenarioError       a scenario says something impossible
    ├── SimulationError     a run cannot go on
    │   ├── Unstable        a field is no longer finite
    │   ├── BudgetError     volume or head-count is not kept
    │   └── Cancelled       somebody asked the run to stop
    └── StoreError          a run cannot be written, found or read

Every message says what is wrong, where (file, line, field, value, unit) and how to mend it.
"""

from __future__ import annotations

__all__ = [
    "BudgetError",
    "Cancelled",
    "FrameError",
    "LayerError",
    "ScenarioError",
    "SimulationError",
    "StoreError",
    "TwinError",
    "Unstable",
]


class TwinError(Exception):
    """Base of every error that is meant for a user.

    Parameters
    ----------
    what : str
        What is wrong, with the value and its unit.
    where : str, optional
        File, line, element, field or layer that it is wrong in.
    remedy : str, optional
        What the user can do about it.

    Examples
    --------
    >>> print(TwinError("duration is -3 s", where="flood.yaml: flood.duration", remedy="Give a positive time."))
    flood.yaml: flood.duration: duration is -3 s. Give a positive time.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(what, where, remedy)

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head.rstrip('.')}. {self.remedy}" if self.remedy else head

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.where, self.remedy)


def _rebuild(kind: type[TwinError], what: str, where: str, remedy: str) -> TwinError:
    return kind(what, where=where, remedy=remedy)


class FrameError(TwinError):
    """A coordinate frame or a height datum does not fit."""


class LayerError(TwinError):
    """A file or a layer cannot be read or used."""


class ScenarioError(TwinError):
    """A scenario says something impossible."""


class SimulationError(TwinError):
    """A run cannot go on."""


class Unstable(SimulationError):
    """A field is no longer finite."""


class BudgetError(SimulationError):
    """Volume or head-count is not kept."""


class Cancelled(SimulationError):
    """Somebody asked the run to stop."""


class StoreError(TwinError):
    """A run cannot be written, found or read."""
