"""Pumping stations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sim.flood.structures.mouth import Mouths, cells_at, cells_inside
from sim.flood.structures.schedule import Schedule
from sim.flood.structures.structure import Account
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.structures.section import Pump
    from sim.flood.structures.structure import Row, Sight
    from sim.inputs import InputFiles

__all__ = ["Pumps"]


class Pumps:
    """All pumping stations; a ``Structure``.

    Parameters
    ----------
    sections : sequence of Pump
    names : sequence of str
    ground : Ground
    files : InputFiles

    Raises
    ------
    ScenarioError
        If an intake, a catchment or an outlet lies outside the area or on no open ground, or a pump gives the water
        back into its intake's cell.
    """

    kind: ClassVar[str] = "pump"

    def __init__(self, sections: Sequence[Pump], names: Sequence[str], ground: Ground, files: InputFiles) -> None:
        where = [f"flood.structures.pumps.{k} ({name})" for k, name in enumerate(names)]
        pairs = list(zip(sections, where, strict=True))
        intake = [cells_at(ground, one.at, f"{place}.at") for one, place in pairs]
        self.names, self.sections = tuple(names), tuple(sections)
        self.intake = Mouths.of(ground, intake)
        self.basin = Mouths.of(
            ground,
            [
                here if one.catchment is None else cells_inside(ground, one.catchment, f"{place}.catchment")
                for (one, place), here in zip(pairs, intake, strict=True)
            ],
        )
        self.outlet = Mouths.of(
            ground, [None if one.to is None else cells_at(ground, one.to, f"{place}.to") for one, place in pairs]
        )
        for number, place in enumerate(where):
            _require_other_cell(self.intake, self.outlet, number, place)
        groups = (self.intake, self.basin, self.outlet)
        self.row, self.col = (np.concatenate([getattr(one, name) for one in groups]) for name in ("row", "col"))
        a, b = len(self.intake.row), len(self.intake.row) + len(self.basin.row)
        self._slices = slice(0, a), slice(a, b), slice(b, len(self.row))
        self._is_outside = np.array([one.to is None for one in sections], dtype=bool)
        self._outside = Schedule([one.outside for one in sections], files)
        self._heads, self._discharges = _curves(sections)
        nan = np.nan
        self._start = np.array([nan if one.start is None else one.start for one in sections])
        self._stop = np.array([nan if one.stop is None else one.stop for one in sections])
        self._start_up = np.array([one.start_up for one in sections])
        self._fails_at = np.array([np.inf if one.fails_at is None else one.fails_at for one in sections])
        self._floor = np.array([np.inf if one.floor is None else one.floor for one in sections])
        n = len(sections)
        # since when each runs [s], NaN where it does not; when its floor was flooded
        self._since, self._drowned = np.full(n, nan), np.full(n, nan)
        # columns: discharge now, volume [m3], largest discharge, time with power [s], starts
        self._record = np.zeros((n, 5))
        self._span = 1.0

    @property
    def is_resting(self) -> bool:
        """Whether nothing happens while all its cells are dry."""
        return bool(np.isnan(self._since).all()) and not self._record[:, 0].any()

    def wanted(self, sight: Sight) -> NDArray[np.float64]:
        """Volume to be taken from each cell [m3]."""
        intake, basin, outlet = self._slices
        level = self.intake.level(sight.stage[intake], sight.depth[intake])
        is_wet = self.basin.wet(sight.depth[basin]) > 0
        self._switch(sight.start, level, is_wet, self.intake.wet(sight.depth[intake]) > 0)
        self._span = sight.span
        wanted = np.zeros(len(self.row))
        is_on = ~np.isnan(self._since)
        if not is_on.any():
            return wanted
        behind = self.outlet.level(sight.stage[outlet], sight.depth[outlet])
        outside = self._outside.at(sight.end)
        behind = np.where(self._is_outside, np.where(np.isnan(outside), level, outside), behind)
        volume = self._deliver(behind - level) * self._running(sight.start, sight.end)
        wanted[basin] = self.basin.take(np.where(is_on, volume, 0.0), sight.depth[basin])
        return wanted

    def _switch(
        self, now: float, level: NDArray[np.float64], is_wet: NDArray[np.bool_], has_intake: NDArray[np.bool_]
    ) -> None:
        """Switch on and off: hysteresis between two levels, or as long as there is water."""
        self._drowned = np.where(np.isnan(self._drowned) & has_intake & (level > self._floor), now, self._drowned)
        by_level = ~np.isnan(self._start)
        was_on = ~np.isnan(self._since)
        is_on = np.where(by_level, (level >= self._start) | (was_on & (level > self._stop)), is_wet)
        is_on &= np.isnan(self._drowned) & (now < self._fails_at) & (has_intake | ~by_level)
        self._record[:, 4] += is_on & ~was_on
        self._since = np.where(is_on, np.where(was_on, self._since, now), np.nan)

    def _running(self, start: float, end: float) -> NDArray[np.float64]:
        """Seconds of full discharge in the step: the ramp after the start, integrated; none after a failure."""

        def full(time: NDArray[np.float64]) -> NDArray[np.float64]:
            # seconds of full discharge since the switch; half of the start-up is lost
            ramp = np.where(self._start_up > 0, self._start_up, 1.0)
            out: NDArray[np.float64] = np.where(
                time < self._start_up, 0.5 * time**2 / ramp, time - 0.5 * self._start_up
            )
            return out

        last = np.minimum(end, self._fails_at)
        since = np.where(np.isnan(self._since), start, self._since)
        return full(last - since) - full(start - since)

    def _deliver(self, head: NDArray[np.float64]) -> NDArray[np.float64]:
        """Discharge of each pump at its head [m3/s], linear on its curve."""
        many = self._heads.shape[1]
        after = np.clip((self._heads <= head[:, None]).sum(axis=1), 1, many - 1)
        pick = np.arange(len(head))
        x0, x1 = self._heads[pick, after - 1], self._heads[pick, after]
        y0, y1 = self._discharges[pick, after - 1], self._discharges[pick, after]
        share = np.clip((head - x0) / (x1 - x0), 0.0, 1.0)
        out: NDArray[np.float64] = y0 + share * (y1 - y0)
        return out

    def settle(self, taken: NDArray[np.float64]) -> NDArray[np.float64]:
        """Volume for each cell [m3]."""
        _, basin, outlet = self._slices
        volume = self.basin.sum(taken[basin])
        self._record[:, 0] = volume / self._span
        self._record[:, 1] += volume
        self._record[:, 2] = np.maximum(self._record[:, 2], volume / self._span)
        self._record[:, 3] += np.where(np.isnan(self._since), 0.0, self._span)
        given = np.zeros(len(self.row))
        given[outlet] = self.outlet.give(volume)
        return given

    def account(self) -> Account:
        """What was pumped out of the area."""
        return Account(0.0, 0.0, float(self._record[self._is_outside, 1].sum()))

    def series(self) -> dict[str, float]:
        """Discharge of each [m3/s]."""
        return {f"{name}_discharge_m3_s": float(v) for name, v in zip(self.names, self._record[:, 0], strict=True)}

    def rows(self) -> Iterator[Row]:
        """A line each: hours with power, starts, and when its floor was flooded."""
        for k, (name, one, record) in enumerate(zip(self.names, self.sections, self._record, strict=True)):
            yield {
                "kind": self.kind, "name": name, "moved_m3": record[1], "back_m3": 0.0,
                "max_discharge_m3_s": record[2], "hours": record[3] / 3600.0, "starts": record[4],
                "flooded_s": self._drowned[k], "points": [one.at] if one.to is None else [one.at, one.to],
            }  # fmt: skip

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a restart needs."""
        return {"record": self._record, "since": self._since, "drowned": self._drowned}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""
        self._record[:], self._since[:], self._drowned[:] = state["record"], state["since"], state["drowned"]


def _curves(sections: Sequence[Pump]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Heads and discharges of all curves (n, points), the shorter ones with their last discharge held beyond."""
    curves = [one.curve or ((0.0, one.capacity or 0.0),) for one in sections]
    many = max(map(len, curves)) + 1
    heads, discharges = np.zeros((len(curves), many)), np.zeros((len(curves), many))
    for k, curve in enumerate(curves):
        last_head, last = curve[-1]
        filled = [*curve, *((last_head + 1.0 + j, last) for j in range(many - len(curve)))]
        heads[k], discharges[k] = np.array(filled).T
    return heads, discharges


def _require_other_cell(intake: Mouths, outlet: Mouths, number: int, where: str) -> None:
    takes, gives = (
        set(zip(one.row[one.owner == number], one.col[one.owner == number], strict=True)) for one in (intake, outlet)
    )
    if takes & gives:
        raise ScenarioError(
            "its outlet lies in the cell of its intake", where=f"{where}.to",
            remedy="Move them apart, make the cells smaller, or leave `to` out: the water then leaves the area.",
        )  # fmt: skip
