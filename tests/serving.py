"""A real server in a thread of this process."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

__all__ = ["listening"]


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """Address at which `app` answers until the block ends."""
    config = uvicorn.Config(app, port=0, log_level="warning", access_log=False)
    listener = config.bind_socket()
    listener.listen()  # who asks before the server runs waits for it
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    host, port = listener.getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()
