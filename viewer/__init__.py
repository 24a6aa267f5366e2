"""The faces of the twin: command line, page and web API. No numerics here: they ask ``sim.service``."""
