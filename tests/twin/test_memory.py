from __future__ import annotations

import numpy as np
import pytest

from twin import Grid, LayerError
from twin.memory import available_memory, require_memory


def test_this_machine_has_some_memory_and_not_all_of_it_is_ours() -> None:
    free = available_memory()
    assert free is None or 10_000_000 < free < 1e15


def test_what_fits_passes_and_what_does_not_is_refused_with_both_numbers() -> None:
    require_memory(1, "here")
    if available_memory() is not None:
        with pytest.raises(LayerError, match=r"here: needs 1,000,000\.0 GB of memory, [\d.,]+ GB are free"):
            require_memory(10**15, "here")


def test_where_the_free_memory_is_unknown_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.memory.available_memory", lambda: None)
    require_memory(10**18, "here")


def test_a_container_s_limit_counts(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit, used = tmp_path / "max", tmp_path / "current"
    limit.write_text("1000000\n", encoding="ascii")
    used.write_text("400000\n", encoding="ascii")
    monkeypatch.setattr("twin.memory._CGROUP_LIMITS", ((str(limit), str(used)),))
    assert available_memory() == 600_000
    limit.write_text("max\n", encoding="ascii")
    assert available_memory() != 600_000


def test_a_grid_says_its_cells_when_it_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.memory.available_memory", lambda: 1_000_000)
    grid = Grid((1000, 1000), 5.0, 0.0, 0.0)
    grid.require_memory(1, "flood")
    with pytest.raises(LayerError, match=r"flood: grid of 1000 x 1000 cells of 5.0 m: needs"):
        grid.require_memory(8, "flood")
    assert np.isfinite(grid.cell_area)
