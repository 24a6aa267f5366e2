"""Roads as PLATEAU writes them: udx/tran/<mesh8>_tran_6697_op.gml, LOD1 with z = 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
import shapely.ops

from sample_data.citygml import CREATED, Writer, code, file_name
from sample_data.streets import polygons_of

if TYPE_CHECKING:
    from sample_data.plan import Plan, Road

__all__ = ["road_files"]

PIECE = 90.0
"""Length of a road object [m]."""


def _width_type(width: float) -> str:
    return "1" if width >= 15 else ("2" if width >= 6 else ("3" if width >= 4 else "4"))


def _section(road: Road, piece: shapely.LineString, plan: Plan) -> str:
    if road.bridge and piece.intersects(plan.river):
        return "3"
    if road.is_underpass and piece.distance(plan.railway) < 30.0:
        return "5"
    return "1"


def road_files(plan: Plan, seed: int) -> dict[str, str]:
    """Text of every road file by its name: each street is cut into pieces, later streets stop at earlier ones."""
    rng = np.random.default_rng([seed, 5])
    writers: dict[str, Writer] = {}
    done: list[shapely.Geometry] = []
    for road in plan.roads:
        tree = shapely.STRtree(done)
        count = max(1, round(road.line.length / PIECE))
        for k in range(count):
            part = shapely.ops.substring(road.line, k / count, (k + 1) / count, normalized=True)
            surface = part.buffer(road.width / 2, cap_style="flat").intersection(plan.area)
            near = [done[i] for i in tree.query(surface)]
            surface = surface.difference(shapely.union_all(near)) if near else surface
            for polygon in polygons_of(surface.simplify(0.1), 4.0):
                c = polygon.representative_point()
                writer = writers.setdefault(file_name(c.x, c.y, "tran"), Writer(rng))
                rings = [np.asarray(r.coords)[:-1] for r in (polygon.exterior, *polygon.interiors)]
                flat = [np.column_stack([xy, np.zeros(len(xy))]) for xy in rings]
                writer.add(
                    f'<tran:Road gml:id="{writer.new_id("tran")}">\n<gml:name>{road.name}</gml:name>\n'
                    f"<core:creationDate>{CREATED}</core:creationDate>\n"
                    f"{code('tran:class', 'TransportationComplex_class', '1040')}\n"
                    f"{code('tran:function', 'Road_function', road.function)}\n"
                    f"<tran:lod1MultiSurface>\n{writer.multi_surface([writer.polygon(flat)])}</tran:lod1MultiSurface>\n"
                    "<uro:roadStructureAttribute>\n<uro:RoadStructureAttribute>\n"
                    f"{code('uro:widthType', 'RoadStructureAttribute_widthType', _width_type(road.width))}\n"
                    f'<uro:width uom="m">{road.width:.1f}</uro:width>\n'
                    f"{code('uro:sectionType', 'RoadStructureAttribute_sectionType', _section(road, part, plan))}\n"
                    "</uro:RoadStructureAttribute>\n</uro:roadStructureAttribute>\n</tran:Road>\n"
                )
        done.append(road.surface)
    return {name: writers[name].text() for name in sorted(writers)}
