"""Buildings as PLATEAU writes them: udx/bldg/<mesh8>_bldg_6697_op.gml."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np

from sample_data.citygml import CREATED, Writer, code, file_name, solid_by_reference
from sample_data.roofs import lod1_faces, lod2_faces
from sample_data.ward import CITY_CODE, WARD, Kind
from sample_data.water import depth_rank

if TYPE_CHECKING:
    from sample_data.buildings import Building
    from sample_data.water import Inundation

__all__ = ["building_files"]

_ROLE = {"ground": ("GroundSurface", "gnd"), "wall": ("WallSurface", "wall"), "roof": ("RoofSurface", "roof")}
_ZONE = {Kind.CENTRE: "10", Kind.HARBOUR: "12", Kind.SOUTH: "11", Kind.MID: "9"}


def _risk(kind: str, attributes: str) -> str:
    return (
        f"<uro:bldgDisasterRiskAttribute>\n<uro:{kind}>\n{attributes}</uro:{kind}>\n</uro:bldgDisasterRiskAttribute>\n"
    )


def _risks(building: Building, waters: dict[str, Inundation], rng: np.random.Generator) -> str:
    """Records of the hazards that reach the building; a few lack the depth, as in the real data."""
    c = building.outline.representative_point()
    out = []
    for name, kind, scale in (
        ("river_planned", "RiverFloodingRiskAttribute", "1"),
        ("river_maximum", "RiverFloodingRiskAttribute", "2"),
        ("tsunami", "TsunamiRiskAttribute", ""),
        ("storm_surge", "HighTideRiskAttribute", ""),
    ):
        depth = waters[name].depth_at(c.x, c.y, building.base)
        if depth < 0.005:
            continue
        text = code("uro:description", f"{kind}_description", "1") + "\n"
        text += code("uro:rank", f"{kind}_rank", str(depth_rank(depth))) + "\n"
        if rng.random() > 0.004:
            text += f'<uro:depth uom="m">{depth:.3f}</uro:depth>\n'
        if scale:
            text += code("uro:adminType", "RiverFloodingRiskAttribute_adminType", "2") + "\n"
            text += code("uro:scale", "RiverFloodingRiskAttribute_scale", scale) + "\n"
        if scale == "2":
            text += f'<uro:duration uom="hour">{waters[name].hours_at(depth):.2f}</uro:duration>\n'
        out.append(_risk(kind, text))
    return "".join(out)


def _geometry(building: Building, writer: Writer) -> str:
    rings = [np.asarray(r.coords)[:-1, :2] for r in (building.outline.exterior, *building.outline.interiors)]
    flat = [np.column_stack([xy, np.zeros(len(xy))]) for xy in rings]
    text = f"<bldg:lod0FootPrint>\n{writer.multi_surface([writer.polygon(flat)])}</bldg:lod0FootPrint>\n"
    block = [writer.polygon(rings) for _, rings in lod1_faces(building)]
    text += f"<bldg:lod1Solid>\n{writer.solid(block)}</bldg:lod1Solid>\n"
    if not building.has_lod2:
        return text
    faces = [(role, rings, writer.new_id("poly")) for role, rings in lod2_faces(building)]
    text += f"<bldg:lod2Solid>\n{solid_by_reference(i for _, _, i in faces)}</bldg:lod2Solid>\n"
    for role, rings, polygon_id in faces:
        element, prefix = _ROLE[role]
        surface = writer.multi_surface([writer.polygon(rings, polygon_id)])
        text += (
            f'<bldg:boundedBy>\n<bldg:{element} gml:id="{writer.new_id(prefix)}">\n'
            f"<bldg:lod2MultiSurface>\n{surface}</bldg:lod2MultiSurface>\n</bldg:{element}>\n</bldg:boundedBy>\n"
        )
    return text


def _details(building: Building) -> str:
    area = float(building.outline.area)
    text = f'<uro:totalFloorArea uom="m2">{area * building.storeys:.2f}</uro:totalFloorArea>\n'
    text += f'<uro:buildingFootprintArea uom="m2">{area:.3f}</uro:buildingFootprintArea>\n'
    text += (
        code("uro:buildingStructureType", "BuildingDetailAttribute_buildingStructureType", building.structure) + "\n"
    )
    text += (
        code("uro:fireproofStructureType", "BuildingDetailAttribute_fireproofStructureType", building.fireproof) + "\n"
    )
    text += code("uro:districtsAndZonesType", "Common_districtsAndZonesType", _ZONE.get(building.kind, "5")) + "\n"
    if building.has_usage:
        text += code("uro:detailedUsage", "BuildingDetailAttribute_detailedUsage", building.detailed) + "\n"
    text += "<uro:surveyYear>2023</uro:surveyYear>\n"
    return (
        "<uro:buildingDetailAttribute>\n<uro:BuildingDetailAttribute>\n"
        f"{text}</uro:BuildingDetailAttribute>\n</uro:buildingDetailAttribute>\n"
    )


def _quality(building: Building) -> str:
    lod2 = "000" if building.has_lod2 else "999"
    text = code("uro:geometrySrcDescLod0", "DataQualityAttribute_geometrySrcDesc", "000") + "\n"
    text += code("uro:geometrySrcDescLod1", "DataQualityAttribute_geometrySrcDesc", "000") + "\n"
    text += code("uro:geometrySrcDescLod2", "DataQualityAttribute_geometrySrcDesc", lod2) + "\n"
    text += code("uro:thematicSrcDesc", "DataQualityAttribute_thematicSrcDesc", "201") + "\n"
    text += code("uro:lod1HeightType", "DataQualityAttribute_lod1HeightType", "2") + "\n"
    return (
        "<uro:bldgDataQualityAttribute>\n<uro:DataQualityAttribute>\n"
        f"{text}</uro:DataQualityAttribute>\n</uro:bldgDataQualityAttribute>\n"
    )


def _identity(building: Building) -> str:
    branch = f"<uro:branchID>{building.branch}</uro:branchID>\n" if building.branch is not None else ""
    return (
        "<uro:buildingIDAttribute>\n<uro:BuildingIDAttribute>\n"
        f"<uro:buildingID>{building.building_id}</uro:buildingID>\n{branch}"
        f"{code('uro:prefecture', 'Common_localPublicAuthorities', CITY_CODE[:2])}\n"
        f"{code('uro:city', 'Common_localPublicAuthorities', CITY_CODE)}\n"
        "</uro:BuildingIDAttribute>\n</uro:buildingIDAttribute>\n"
    )


def _zone_key(building: Building) -> str:
    value = "24" if building.kind is Kind.CENTRE else "25"
    return (
        "<uro:bldgKeyValuePairAttribute>\n<uro:KeyValuePairAttribute>\n"
        f"{code('uro:key', 'KeyValuePairAttribute_key', '100')}\n"
        f"{code('uro:codeValue', 'KeyValuePairAttribute_key100', value)}\n"
        "</uro:KeyValuePairAttribute>\n</uro:bldgKeyValuePairAttribute>\n"
    )


def _building(building: Building, writer: Writer, waters: dict[str, Inundation], rng: np.random.Generator) -> str:
    text = f'<bldg:Building gml:id="{writer.new_id("bldg")}">\n'
    if building.name:
        text += f"<gml:name>{escape(building.name)}</gml:name>\n"
    text += f"<core:creationDate>{CREATED}</core:creationDate>\n"
    for label, value in (("区名", WARD), ("町丁目名称", escape(building.address))):
        text += f'<gen:stringAttribute name="{label}"><gen:value>{value}</gen:value></gen:stringAttribute>\n'
    text += code("bldg:class", "Building_class", building.building_class) + "\n"
    if building.has_usage:
        text += code("bldg:usage", "Building_usage", building.usage) + "\n"
    if building.has_usage:
        text += f"<bldg:yearOfConstruction>{building.year}</bldg:yearOfConstruction>\n"
    if building.has_measured_height:
        text += f'<bldg:measuredHeight uom="m">{building.measured_height:.1f}</bldg:measuredHeight>\n'
    text += f"<bldg:storeysAboveGround>{building.storeys}</bldg:storeysAboveGround>\n"
    text += f"<bldg:storeysBelowGround>{building.basements}</bldg:storeysBelowGround>\n"
    text += _geometry(building, writer)
    text += _details(building) + _risks(building, waters, rng) + _identity(building)
    return f"{text}{_zone_key(building)}{_quality(building)}</bldg:Building>\n"


def building_files(buildings: list[Building], waters: dict[str, Inundation], seed: int) -> dict[str, str]:
    """Text of every building file by its name; a building goes to the square that holds its centre."""
    rng = np.random.default_rng([seed, 4])
    writers: dict[str, Writer] = {}
    for building in buildings:
        c = building.outline.representative_point()
        writer = writers.setdefault(file_name(c.x, c.y, "bldg"), Writer(rng))
        writer.add(_building(building, writer, waters, rng))
    return {name: writers[name].text() for name in sorted(writers)}
