"""Published cases of the flood simulator: inputs made from their files, runs, measures, a page."""

from sim.validation.case import Bar, Case, Peer, read_cases
from sim.validation.result import Result
from sim.validation.suite import check_case, choose_cases, validate

__all__ = ["Bar", "Case", "Peer", "Result", "check_case", "choose_cases", "read_cases", "validate"]
