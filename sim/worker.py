"""What a worker of the local cluster loads first."""

from __future__ import annotations

import logging

__all__ = ["dask_setup"]


def dask_setup(worker: object) -> None:
    """Keep a heartbeat that met a closed scheduler to ourselves: it is how every interrupted batch ends.

    Dask calls this when the worker starts; nothing else that a worker logs is lost.
    """
    del worker
    logging.getLogger("distributed.worker").addFilter(_is_no_lost_heartbeat)


def _is_no_lost_heartbeat(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Failed to communicate with scheduler during heartbeat")
