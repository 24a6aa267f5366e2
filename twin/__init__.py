"""The nouns of the twin: frames, grids, networks, layers, the city model. Opens no foreign file.

``twin.scenario`` (pydantic) and ``twin.store`` (zarr) are imported by name where they are used.
"""

from twin.city import CityModel, GriddedCity
from twin.clock import Clock
from twin.edit import BuildingEdit, Edit, LeveeEdit, TerrainEdit, WallEdit
from twin.errors import (
    BudgetError,
    Cancelled,
    FrameError,
    LayerError,
    ScenarioError,
    SimulationError,
    StoreError,
    TwinError,
    Unstable,
)
from twin.fields import FIELDS, FieldSpec, field_spec, register_field
from twin.frame import DATUM_OFFSETS, ELLIPSOIDAL, GEOGRAPHIC, OSAKA, TP, Frame, plane_rectangular_zone
from twin.grid import Grid
from twin.layer import (
    Access,
    CloudLayer,
    Layer,
    MeshLayer,
    NetworkLayer,
    PolygonMesh,
    Provenance,
    RasterLayer,
    Surface,
    VectorLayer,
)
from twin.network import Attribute, LinkKind, Network
from twin.voxels import Voxels

__all__ = [
    "DATUM_OFFSETS",
    "ELLIPSOIDAL",
    "FIELDS",
    "GEOGRAPHIC",
    "OSAKA",
    "TP",
    "Access",
    "Attribute",
    "BudgetError",
    "BuildingEdit",
    "Cancelled",
    "CityModel",
    "Clock",
    "CloudLayer",
    "Edit",
    "FieldSpec",
    "Frame",
    "FrameError",
    "Grid",
    "GriddedCity",
    "Layer",
    "LayerError",
    "LeveeEdit",
    "LinkKind",
    "MeshLayer",
    "Network",
    "NetworkLayer",
    "PolygonMesh",
    "Provenance",
    "RasterLayer",
    "ScenarioError",
    "SimulationError",
    "StoreError",
    "Surface",
    "TerrainEdit",
    "TwinError",
    "Unstable",
    "VectorLayer",
    "Voxels",
    "WallEdit",
    "field_spec",
    "plane_rectangular_zone",
    "register_field",
]
