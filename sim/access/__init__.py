"""Barrier-free routing: what reaches where for whom, and what blocks the way."""
