"""One server, one port: the API, the packs and the page."""

from __future__ import annotations

import threading
from importlib.metadata import version
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI
from fastapi.middleware.trustedhost import TrustedHostMiddleware

from twin.errors import StoreError, TwinError
from viewer.api import RunShelf, SceneShelf, make_router
from viewer.api.answer import add_error_answers
from viewer.dash import add_page

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from sim.service import Service
    from viewer.strings import Lang

__all__ = ["create_app", "serve"]

HOSTS = ["127.0.0.1", "localhost", "testserver"]
"""Names that this machine is asked by (the last one by in-process clients)."""


def create_app(service: Service, *, lang: Lang = "ja") -> FastAPI:
    """The application over a service.

    Parameters
    ----------
    service : Service
    lang : {"ja", "en"}
        Language of a reader whose browser asks for neither.
    """
    # the interactive pages of FastAPI fetch their scripts from elsewhere: nothing here leaves the machine
    app = FastAPI(title="osaka-twin", version=version("osaka-twin"), docs_url=None, redoc_url=None)
    # a page of elsewhere whose name is pointed at this machine must not reach what is served here
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    scene = SceneShelf(service)
    app.state.scene = scene
    add_error_answers(app)
    app.include_router(make_router(service, scene, runs := RunShelf(service, scene)))
    add_page(app, service, scene, runs, lang)
    return app


def serve(
    service: Service,
    host: str = "127.0.0.1",
    port: int = 8050,
    ready: Callable[[str], object] | None = None,
    *,
    lang: Lang = "ja",
) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    service : Service
    host, port : str, int
        Where to listen; port 0 takes a free one. Requests are answered by the names in ``HOSTS`` only.
    ready : callable, optional
        Called with the address as soon as the page can be opened.
    lang : {"ja", "en"}
        As in :func:`create_app`.

    Raises
    ------
    StoreError
        If the port is taken.
    """
    app = create_app(service, lang=lang)
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=2
    )
    try:
        listener = config.bind_socket()
    except SystemExit as error:
        raise StoreError(
            f"port {port} of {host} cannot be used", where="serve", remedy="Choose another one with --port."
        ) from error
    threading.Thread(target=_warm_up, args=(app.state.scene,), name="warm-up", daemon=True).start()
    _Server(config, lambda: ready(_address(listener)) if ready else None).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], object]) -> None:
        super().__init__(config)
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}/"


def _warm_up(scene: SceneShelf) -> None:
    """Load the city and make the packs that are shown at first, before somebody asks."""
    try:
        for shown in scene.layers.values():
            if shown.style.is_visible:
                scene.pack(shown.url.split("/")[2], shown.id)
    except TwinError:
        return  # whoever opens the page is told
