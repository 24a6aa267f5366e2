"""Ensembles: a scenario computed many times with uncertain quantities, and what its members say together."""

from sim.ensemble.definition import Ensemble, draw_members, read_ensemble
from sim.ensemble.ensemble import STAGE, EnsembleResult, run_ensemble

__all__ = ["STAGE", "Ensemble", "EnsembleResult", "draw_members", "read_ensemble", "run_ensemble"]
