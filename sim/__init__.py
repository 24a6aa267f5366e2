"""Simulators, the driver that runs them, the pipeline and the service that the faces call."""
