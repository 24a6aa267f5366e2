"""Answers: packs compressed once, documents with an ETag, errors that say what to do."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

from twin.errors import Cancelled, FrameError, LayerError, ScenarioError, SimulationError, StoreError, TwinError

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

__all__ = ["add_error_answers", "document", "json_value", "named_source", "pack", "squeeze"]

_FOLDER = re.compile(r"(^|\s)/(?=[^\s/])(?:[^/\n]+/)+")
FOREVER = "public, max-age=31536000, immutable"
"""For addresses that contain a digest of what they give."""


def squeeze(content: bytes) -> bytes:
    """`content` compressed, the same bytes every time."""
    return gzip.compress(content, compresslevel=6, mtime=0)


def pack(request: Request, squeezed: bytes, *, is_final: bool = True) -> Response:
    """A pack: compressed where the client takes it; kept for ever where its address names its content."""
    headers = {"Cache-Control": FOREVER if is_final else "no-store", "Vary": "Accept-Encoding"}
    content = squeezed
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        content = gzip.decompress(squeezed)
    return Response(content, media_type="application/octet-stream", headers=headers)


def document(request: Request, content: Any) -> Response:
    """A JSON document; 304 where the client has it already."""
    body = json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def json_value(value: Any) -> Any:
    """A value of a table as JSON holds it: None for what is unknown or never happens, numbers as Python's own."""
    import pandas as pd

    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return round(value, 3) if math.isfinite(value) else None
    return value


def named_source(source: str) -> str:
    """A source as readers see it: a file without its folder, which is nobody's business."""
    return _FOLDER.sub(r"\1", source)


def add_error_answers(app: FastAPI) -> None:
    """Every error that a user can meet becomes JSON with a 4xx status; a traceback is never sent."""

    def answer(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, TwinError)
        return _refusal(_status(error), error.what, error.where, error.remedy)

    def invalid(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return _refusal(422, str(first["msg"]), where, "See /openapi.json for what this address takes.")

    app.add_exception_handler(TwinError, answer)
    app.add_exception_handler(RequestValidationError, invalid)


def _refusal(status: int, what: str, where: str, remedy: str) -> JSONResponse:
    return JSONResponse({"error": {"what": what, "where": where, "remedy": remedy}}, status_code=status)


def _status(error: TwinError) -> int:
    kinds: tuple[tuple[type[TwinError] | tuple[type[TwinError], ...], int], ...] = (
        (StoreError, 404),
        ((ScenarioError, FrameError), 422),
        (LayerError, 404),
        (Cancelled, 409),
        (SimulationError, 409),
    )
    return next((status for kind, status in kinds if isinstance(error, kind)), 400)
