"""What a simulator is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sim.stage import Products, StageInput
    from twin.clock import Clock
    from twin.scenario import Section

__all__ = ["Model", "Observer", "Simulator"]


@runtime_checkable
class Model(Protocol):
    """A simulation in progress. It reads and writes no file; the driver calls it."""

    clock: Clock

    def stable_dt(self) -> float:
        """Longest step that is stable now [s]."""

    def step(self, dt: float) -> None:
        """Advance by `dt` [s], which is at most ``stable_dt()``."""

    def fields(self) -> Mapping[str, NDArray[Any]]:
        """Arrays to observe now, by registered name (``twin.fields``)."""

    def gauges(self) -> Mapping[str, float]:
        """Scalars to observe now: column of ``gauges.csv`` to value."""

    def budget(self) -> Mapping[str, float]:
        """What must be kept (volume, head-count): written into the manifest; key ``relative_error`` is checked."""

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Everything that a restart needs."""

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that ``state()`` gave."""


class Observer(Protocol):
    """Somebody who looks at a model at every output time."""

    def __call__(self, model: Model) -> None:
        """Look; the model must not be changed."""


class Simulator(Protocol):
    """Makes models of one kind; registered by one line in ``sim/registry.py``."""

    name: str
    """Name of its section in the scenario, and of its stage."""

    section: type[Section]
    """Its scenario section."""

    def needs(self, section: Any) -> tuple[str, ...]:
        """Layers of the city that it reads, those that it can do without included.

        Only these are loaded, and only their digests enter the run's key.
        """

    def prepare(self, stage: StageInput) -> Model:
        """Check and allocate everything.

        Raises
        ------
        TwinError
            For anything that is wrong with the city or the scenario: nothing fails later that can be known now.
        """

    def horizon(self, section: Any) -> tuple[float, float]:
        """(until, every): end time and output interval [s]."""

    def summarise(self, model: Model) -> Products:
        """Maps, tables and figures at the end of the run."""
