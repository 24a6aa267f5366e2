"""A process in which EPA SWMM runs: its state is global, so each sewer has one of its own.

``python -m sim.flood.structures.swmm_worker model.inp folder unit node ...`` reads a line of inflows [m3/s] and
answers with what SWMM did in its next routing step, in JSON. It ends with its input.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO

from sim.flood.structures.swmm_file import REPORT

__all__: list[str] = []


def _serve(arguments: list[str], answers: TextIO) -> None:
    file, folder, unit = arguments[0], Path(arguments[1]), float(arguments[2])
    names = arguments[3:]
    swmm: Any = importlib.import_module("pyswmm.swmm5")
    codes: Any = importlib.import_module("pyswmm.toolkitapi")
    model = swmm.PySWMM(file, str(folder / REPORT), str(folder / "sewer.out"))
    model.swmm_open()
    model.swmm_start(False)
    result = codes.NodeResults
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        for name, inflow in zip(names, json.loads(line), strict=True):
            model.setNodeInflow(name, inflow / unit)
        elapsed = float(model.swmm_step()) * 86400.0
        flooded = [float(model.node_statistics(name)["flooding_volume"]) for name in names]
        depth = [float(model.getNodeResult(name, result.newDepth.value)) for name in names]
        lost = float(model.flow_routing_stats()["routing_error"]) / 100.0
        print(json.dumps({"time": elapsed, "flooded": flooded, "depth": depth, "lost": lost}), file=answers, flush=True)


def _main() -> None:
    # SWMM writes to standard output when it likes: the answers take another way
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        try:
            _serve(sys.argv[1:], answers)
        except Exception as error:  # whatever SWMM says goes to the one who asked
            print(json.dumps({"error": " ".join(str(error).split())}), file=answers, flush=True)
            raise SystemExit(1) from error


if __name__ == "__main__":
    _main()
