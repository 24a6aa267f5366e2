"""``TwinView``: the 3D view of a scene and of a run, as a Dash component.

The bundle beside this file is built by ``npm run build`` in the folder above. Data never travel in
properties: ``scene`` and ``run`` are addresses of documents, from which the page fetches binary packs.
"""

import json
from importlib.resources import files
from typing import Any, Final, Literal, TypedDict

from dash.development.base_component import Component, ComponentRegistry

__all__ = ["BUILD", "CameraState", "ColorBy", "Lang", "LayerSetting", "TwinView"]

__version__ = "0.1.0"

#: sha256 of the sources the bundle was built from; the page shows the same as ``window.__view.build``.
BUILD: Final[str] = json.loads(files(__name__).joinpath("build.json").read_text(encoding="utf-8"))["build"]

ColorBy = Literal["usage", "height", "max_depth"]
Lang = Literal["ja", "en"]


class LayerSetting(TypedDict, total=False):
    """How one layer is shown; what is left out keeps its present value."""

    visible: bool
    opacity: float


class CameraState(TypedDict):
    """Eye and centre of the view in local metres (x east, y north, z up)."""

    position: tuple[float, float, float] | list[float]
    target: tuple[float, float, float] | list[float]


# Dash looks up scripts in the module of this name, and reads its __version__ and __path__.
_js_dist = [{"relative_package_path": "twin_view.min.js", "namespace": __name__}]
_css_dist: list[dict[str, str]] = []


class TwinView(Component):
    """The 3D view.

    Parameters
    ----------
    id
        Dash id.
    scene
        Address of the scene document, or None for an empty view.
    run
        Address of the run document, or None for no run; it brings everything that the runs of the same scenario show.
        While one of them is computed it is asked for once a second.
    layers
        Layer id to its visibility and opacity (0 to 1); the flood of the run is ``"water"``, what else its scenario
        shows has the ids of the run document's overlays (``"evacuation.agents"``).
    colorBy
        What colours the buildings: ``"usage"``, ``"height"`` or ``"max_depth"`` (of the run).
    lang
        ``"ja"`` or ``"en"``.
    time
        Time shown [s since the run's start]. Written back when the user stops scrubbing or pauses.
        Without one a run opens on its newest frame.
    playing, speed
        Whether the clock runs, and simulated seconds per second of wall clock.
    selected
        Number of the highlighted building, or None. Written back on a click.
    camera
        Eye and centre of the view. Written back 0.25 s after the user stops moving.
    clickData
        Output: ``{building, feature, x, y, z, terrain, overlay, n}``, local metres; ``overlay`` is ``{id, feature}``
        of a thing of a run (``{"id": "evacuation.shelters", "feature": 3}``: row 3 of its table) or None; ``n`` counts
        clicks.
    status
        Output: ``{phase, error, frames, build, run, progress}``; ``phase`` is ``"empty"``, ``"loading"``,
        ``"ready"`` or ``"error"``, ``error`` a sentence in the chosen language or None.
    className, style
        Of the element around the canvas; it fills its parent by default.
    """

    _namespace = __name__
    _type = "TwinView"
    _children_props: list[str] = []  # noqa: RUF012 - declared as a plain list by Dash's base class
    _base_nodes = ["children"]  # noqa: RUF012 - as above
    _prop_names = [  # noqa: RUF012 - as above
        "id",
        "scene",
        "run",
        "layers",
        "colorBy",
        "lang",
        "time",
        "playing",
        "speed",
        "selected",
        "camera",
        "clickData",
        "status",
        "className",
        "style",
    ]
    _valid_wildcard_attributes: list[str] = []  # noqa: RUF012 - as above
    available_properties = _prop_names
    available_wildcard_properties: list[str] = []  # noqa: RUF012 - as above

    def __init__(
        self,
        id: str | dict[str, Any] | None = None,
        *,
        scene: str | None = None,
        run: str | None = None,
        layers: dict[str, LayerSetting] | None = None,
        colorBy: ColorBy | None = None,  # noqa: N803 - the page's name of the property
        lang: Lang | None = None,
        time: float | None = None,
        playing: bool | None = None,
        speed: float | None = None,
        selected: int | None = None,
        camera: CameraState | None = None,
        className: str | None = None,  # noqa: N803 - as above
        style: dict[str, Any] | None = None,
    ) -> None:
        given = {
            "id": id,
            "scene": scene,
            "run": run,
            "layers": layers,
            "colorBy": colorBy,
            "lang": lang,
            "time": time,
            "playing": playing,
            "speed": speed,
            "selected": selected,
            "camera": camera,
            "className": className,
            "style": style,
        }
        props = {name: value for name, value in given.items() if value is not None}
        super().__init__(**props)  # type: ignore[no-untyped-call]  # Dash's base class has no annotations


# The metaclass registers the top-level package of a class; the scripts are declared here, not there.
ComponentRegistry.registry.add(__name__)  # type: ignore[no-untyped-call]  # not annotated by Dash
ComponentRegistry.namespace_to_package[__name__] = __name__
