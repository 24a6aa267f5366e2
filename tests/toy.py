"""Simulators of a test's own: written as a module, registered for one test, forgotten after it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sim import pipeline, registry, scenario

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

STILL = '''
import os
from pathlib import Path

import numpy as np
import pandas as pd

from sim.stage import Products
from twin import Clock
from twin.errors import SimulationError
from twin.scenario import Finite, Section, StageSection


class Still:
    """A model in which nothing happens for a second; its attributes say what comes out."""

    def __init__(self, **given):
        self.clock = Clock()
        vars(self).update(given)

    def stable_dt(self): return 1.0
    def step(self, dt): self.clock.advance(dt)
    def fields(self): return {}
    def gauges(self): return {}
    def budget(self): return {}
    def state(self): return {}
    def load_state(self, state): pass


def note(line):
    """Write down that something is computed."""
    with Path(os.environ["TOY_LOG"]).open("a") as log:
        log.write(f"{line}\\n")
'''
"""How a module of toys begins: its imports, the model that they share, their log.

Text, as workers in processes of their own import the module from its folder, not from the tests.
"""


@contextmanager
def registered(folder: Path, name: str, text: str, patch: pytest.MonkeyPatch, **simulators: str) -> Iterator[None]:
    """Module `name` in `folder`, its classes registered as simulators; they log to ``log.txt`` in the folder."""
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    patch.syspath_prepend(folder)
    patch.setenv("TOY_LOG", str(folder / "log.txt"))
    for simulator, of_class in simulators.items():
        patch.setitem(registry.SIMULATORS, simulator, f"{name}:{of_class}")
    _forget()
    yield
    sys.modules.pop(name, None)
    _forget()


def _forget() -> None:
    for memory in (registry.simulator, scenario.scenario_model, pipeline._code_digest):
        memory.cache_clear()
