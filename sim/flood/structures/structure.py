"""What a kind of structures is, and what it sees of the water."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

__all__ = ["Account", "Row", "Sight", "Structure", "volume_left"]

Row = dict[str, Any]
"""One structure's line in the table ``structures``."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What structures see at their cells at the beginning of a step.

    Parameters
    ----------
    start, end : float
        Of the step [s].
    stage : ndarray of float64 (n,)
        Water surface [m T.P.], the bed where it is dry.
    depth : ndarray of float64 (n,)
        [m].
    missing : float
        Share of what is taken in this step that is not there when a law's level counts: what was taken in the last step
        has flowed in again, so the level that is seen is the highest. 0 for that one, 1 for the level that is left.
    """

    start: float
    end: float
    stage: NDArray[np.float64]
    depth: NDArray[np.float64]
    missing: float = 0.0

    @property
    def span(self) -> float:
        """Length of the step [s]."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Account:
    """Volumes of structures [m3]: in them now, and since the start from beyond the area and to it."""

    held: float = 0.0
    came: float = 0.0
    left: float = 0.0


class Structure(Protocol):
    """All structures of one kind.

    A step is: what they want to take from their cells, what the surface really gives up, what they give to their
    cells. Nothing of it is lost: what they keep is in their account.
    """

    kind: ClassVar[str]
    row: NDArray[np.int64]
    col: NDArray[np.int64]

    @property
    def is_resting(self) -> bool:
        """Whether nothing happens while all its cells are dry."""

    def wanted(self, sight: Sight) -> NDArray[np.float64]:
        """Volume to be taken from each cell [m3], 0 or more."""

    def settle(self, taken: NDArray[np.float64]) -> NDArray[np.float64]:
        """Volume for each cell [m3], 0 or more, now that `taken` [m3] is what was there to take."""

    def account(self) -> Account:
        """Volumes in the structures, and those that passed the edge of the world."""

    def series(self) -> dict[str, float]:
        """Columns of gauges.csv now."""

    def rows(self) -> Iterator[Row]:
        """Lines of the table ``structures``."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a restart needs."""

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""


HALVINGS = 12
"""Of the interval in :func:`volume_left`: to a four-thousandth of what would be taken from the full level."""


def volume_left(law: Callable[[NDArray[np.float64]], NDArray[np.float64]], sight: Sight) -> NDArray[np.float64]:
    """Volumes of a step [m3] by a law that falls with the volume that is taken.

    Parameters
    ----------
    law : callable
        Volume (n,) that passes when (n,) has been taken.
    sight : Sight

    Returns
    -------
    ndarray (n,)
        The volume that the law gives when the sight's share of it is missing.
    """
    high = law(np.zeros(1))
    if not sight.missing:
        return high
    low = np.zeros_like(high)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        is_more = law(sight.missing * middle) > middle
        low, high = np.where(is_more, middle, low), np.where(is_more, high, middle)
    # exact where the law is even, as that of a pipe that is full
    return np.clip(law(sight.missing * 0.5 * (low + high)), low, high)
