"""The web API: documents as JSON, arrays as packs, errors as ``{"error": {what, where, remedy}}``.

What a page needs of it beside the view (which reads the run document itself):

- ``GET /api/runs/{key}/charts``: curves of all runs of the scenario, format in :mod:`viewer.api.charts`; in Python
  ``RunShelf.charts(key)``.
- ``RunShelf.overlays(key)``: what the layer list offers beside the scene's layers, for any run of a scenario: a list of
  ``{"id": "evacuation.agents", "stage", "name": {ja, en}, "visible": bool, "opacity": float, "source": {ja, en}}``. The
  ids (``<stage>.<name>``, no comma, no colon) go into ``TwinView.layers`` and the permalink like those of layers; the
  flood is ``"water"`` as before and is not in this list.
- ``GET /api/runs/{key}/features/{overlay}/{number}``: attributes of one thing of an overlay (a shelter, a route, a
  zone, a flight), see :mod:`viewer.api.feature`; in Python ``RunShelf.feature(key, overlay, number)``. A click on such
  a thing reports ``clickData.overlay = {"id": "evacuation.shelters", "feature": 3}`` beside the place; ``null`` for a
  click on anything else. Suggested permalink: ``sel=evacuation.shelters:3``.
- Every method of :class:`RunShelf` that asks for depths takes the key of any run of a scenario.
"""

from viewer.api.routes import make_router
from viewer.api.runs import RunShelf
from viewer.api.scene import SceneShelf

__all__ = ["RunShelf", "SceneShelf", "make_router"]
