"""The web API: documents as JSON, arrays as packs, errors as ``{"error": {what, where, remedy}}``."""

from viewer.api.routes import make_router
from viewer.api.runs import RunShelf
from viewer.api.scene import SceneShelf

__all__ = ["RunShelf", "SceneShelf", "make_router"]
