"""The addresses of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response

from twin.errors import StoreError
from viewer.api import answer
from viewer.api.building import building_document
from viewer.api.runs import RunShelf, job_document, settled
from viewer.api.scene import SceneShelf

if TYPE_CHECKING:
    from sim.service import Service

__all__ = ["make_router"]

Key = Annotated[str, Query(description="Key of the run", min_length=1)]
Metres = Annotated[
    float, Query(description="Plane-rectangular coordinate of the city's frame [m]", allow_inf_nan=False)
]


def make_router(service: Service, scene: SceneShelf, runs: RunShelf) -> APIRouter:
    """Routes over a service.

    Parameters
    ----------
    service : Service
    scene : SceneShelf
    runs : RunShelf
    """
    router = APIRouter()

    @router.get("/api/scene", tags=["city"], summary="Scene document: what is shown and where its packs are")
    def get_scene(request: Request) -> Response:
        return answer.document(request, scene.document())

    @router.get("/api/layers", tags=["city"], summary="Open layers of the catalogue: source, licence, notes")
    def get_layers(request: Request) -> Response:
        layers = [
            {
                "id": info.id,
                "reader": info.reader,
                "licence": info.licence,
                "source": answer.named_source(info.source),
                "date": info.date,
                "notes": list(info.notes),
            }
            for info in service.list_layers()
            if info.access == "open"
        ]
        return answer.document(request, layers)

    @router.get("/api/buildings/{feature}", tags=["city"], summary="Everything known about a building")
    def get_building(request: Request, feature: int, run: str = "") -> Response:
        document = building_document(scene.buildings(), feature)
        return answer.document(request, {**document, "result": runs.building(run, feature) if run else None})

    @router.get("/api/depth", tags=["runs"], summary="Depth in time at a place")
    def get_depth(request: Request, run: Key, x: Metres, y: Metres, t: float | None = None) -> Response:
        return answer.document(request, runs.at(run, x, y, t))

    @router.get("/api/scenarios", tags=["runs"], summary="Ready-made scenarios")
    def get_scenarios(request: Request) -> Response:
        return answer.document(request, [{"file": p.name, "title": dict(title)} for p, title in service.scenarios()])

    @router.get("/api/runs", tags=["runs"], summary="Every job of the store, the newest first")
    def get_runs(request: Request) -> Response:
        return answer.document(request, [job_document(job) for job in settled(service.list_runs)])

    @router.post("/api/runs", tags=["runs"], status_code=202, summary="Start a scenario; an identical one is served")
    def post_run(scenario: Annotated[dict[str, Any], Body()]) -> dict[str, list[str]]:
        return {"keys": list(service.submit(scenario))}

    @router.get("/api/runs/{key}", tags=["runs"], summary="Run document: status, progress, where its packs are")
    def get_run(request: Request, key: str) -> Response:
        return answer.document(request, runs.document(key))

    @router.delete("/api/runs/{key}", tags=["runs"], status_code=202, summary="Ask a job to stop")
    def delete_run(key: str) -> dict[str, str]:
        service.cancel(key)
        return {"key": key}

    @router.get("/api/runs/{key}/charts", tags=["runs"], summary="Curves of all runs of the scenario")
    def get_charts(request: Request, key: str) -> Response:
        return answer.document(request, runs.charts(key))

    @router.get("/api/runs/{key}/features/{overlay}/{number}", tags=["runs"], summary="One thing that a run shows")
    def get_feature(request: Request, key: str, overlay: str, number: int) -> Response:
        return answer.document(request, runs.feature(key, overlay, number))

    @router.get("/data/runs/{key}/{digest}/agents", tags=["packs"], summary="Positions of people from a number on")
    def get_agents(
        request: Request, key: str, digest: str, first: Annotated[int, Query(alias="from", ge=0)] = 0
    ) -> Response:
        content, is_final = runs.agents(key, digest, first)
        return answer.pack(request, content, is_final=is_final)

    @router.get("/data/runs/{key}/{digest}/overlays/{overlay}.pack", tags=["packs"], summary="What a run shows")
    def get_overlay(request: Request, key: str, digest: str, overlay: str) -> Response:
        return answer.pack(request, runs.overlay(key, digest, overlay))

    @router.get("/data/runs/{key}/{digest}/frames", tags=["packs"], summary="Flood frames from a number on")
    def get_frames(
        request: Request, key: str, digest: str, first: Annotated[int, Query(alias="from", ge=0)] = 0
    ) -> Response:
        content, is_final = runs.frames(key, digest, first)
        return answer.pack(request, content, is_final=is_final)

    @router.get("/data/runs/{key}/{digest}/bed.pack", tags=["packs"], summary="Bed at the run's resolution")
    def get_bed(request: Request, key: str, digest: str) -> Response:
        content, is_final = runs.bed(key, digest)
        return answer.pack(request, content, is_final=is_final)

    @router.get("/data/runs/{key}/{digest}/buildings.pack", tags=["packs"], summary="Results at buildings")
    def get_run_buildings(request: Request, key: str, digest: str) -> Response:
        return answer.pack(request, runs.buildings(key, digest))

    @router.get("/data/{digest}/{layer_id}.pack", tags=["packs"], summary="A layer of the scene")
    def get_pack(request: Request, digest: str, layer_id: str) -> Response:
        return answer.pack(request, scene.pack(digest, layer_id))

    @router.get("/api/{path:path}", include_in_schema=False)
    @router.get("/data/{path:path}", include_in_schema=False)
    def get_nothing(path: str) -> Response:
        raise StoreError("there is nothing here", where=path, remedy="See /openapi.json for the addresses.")

    return router
