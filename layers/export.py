"""Layers as files that other programs read: cloud-optimised GeoTIFF, GeoPackage, GeoParquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from layers.whole_file import whole_file
from twin.errors import LayerError
from twin.footprint import footprints
from twin.frame import ELLIPSOIDAL
from twin.layer import MeshLayer, RasterLayer, VectorLayer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from twin.grid import Grid
    from twin.layer import Provenance

__all__ = ["export_layer", "feature_table", "save_geopackage", "save_geoparquet", "save_geotiff"]


def export_layer(layer: object, path: Path) -> None:
    """Write a layer in the format that the suffix of `path` names: ``.tif``, ``.gpkg``, ``.parquet``.

    Raises
    ------
    LayerError
        If the suffix is another one or the layer is of a kind that the format does not hold.
    """
    suffix = path.suffix.lower()
    if suffix in (".tif", ".tiff") and isinstance(layer, RasterLayer):
        save_geotiff(layer.values, layer.grid, path, units=layer.units, provenance=layer.provenance)
    elif suffix == ".gpkg" and isinstance(layer, VectorLayer | MeshLayer):
        save_geopackage(layer, path)
    elif suffix == ".parquet" and isinstance(layer, VectorLayer | MeshLayer):
        save_geoparquet(layer, path)
    else:
        raise LayerError(
            f"a {type(layer).__name__} cannot be written as {suffix or 'a file without suffix'}",
            where=str(path),
            remedy="Rasters: .tif; features: .gpkg, .parquet.",
        )


def save_geotiff(
    values: NDArray[np.generic],
    grid: Grid,
    path: Path,
    *,
    units: str = "",
    provenance: Provenance | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write (ny, nx) values as a cloud-optimised GeoTIFF (deflate, overviews), whole or not at all.

    The file states the grid's compound system, so the height datum of a terrain goes with it; NaN is its missing value.

    Raises
    ------
    LayerError
        If the values do not have the grid's shape or the file cannot be written.
    """
    import rasterio
    from affine import Affine
    from rasterio.errors import RasterioError

    if values.shape != grid.shape:
        raise LayerError(f"values {values.shape} are not on the grid {grid.shape}", where=str(path))
    vertical = grid.frame.vertical
    system = grid.frame.horizontal
    if units == "m" and vertical not in (None, ELLIPSOIDAL) and system.startswith("EPSG:"):
        system = f"{system}+{str(vertical).removeprefix('EPSG:')}"
    profile = {
        "driver": "COG",
        "height": grid.shape[0],
        "width": grid.shape[1],
        "count": 1,
        "dtype": values.dtype,
        "crs": system,
        "transform": Affine(*grid.affine),
        "compress": "deflate",
        "blocksize": 512,
        "overview_resampling": "average" if values.dtype.kind == "f" else "nearest",
    }
    if values.dtype.kind == "f":
        profile["nodata"] = float("nan")
    with whole_file(path) as temporary:
        try:
            with rasterio.open(temporary, "w", **profile) as file:
                file.write(values, 1)
                if units:
                    file.units = (units,)
                file.update_tags(**_provenance_tags(provenance), **(tags or {}))
        except (RasterioError, OSError) as error:
            raise LayerError(f"cannot be written ({error})", where=str(path), remedy="Choose another place.") from error


def feature_table(layer: MeshLayer | VectorLayer) -> gpd.GeoDataFrame:
    """Features with plan geometry and attributes; those of a mesh are its outlines, those without one are left out."""
    import geopandas as gpd

    if isinstance(layer, VectorLayer):
        return layer.table
    outlines = footprints(layer)
    table = gpd.GeoDataFrame(layer.table.copy(), geometry=list(outlines), crs=layer.frame.wkt())
    return table[~table.geometry.isna()].reset_index(drop=True)


def save_geopackage(layer: MeshLayer | VectorLayer, path: Path) -> None:
    """Write features as a GeoPackage with one layer, named as the layer, whole or not at all.

    Raises
    ------
    LayerError
        If the file cannot be written.
    """
    import pyogrio
    from pyogrio.errors import DataSourceError

    table = feature_table(layer)
    for name in table.columns:
        if table[name].dtype == "category":
            table = table.assign(**{name: table[name].astype(str)})
    with whole_file(path) as temporary:
        try:
            pyogrio.write_dataframe(table, temporary, layer=layer.id, driver="GPKG", promote_to_multi=True)
        except (DataSourceError, OSError) as error:
            raise LayerError(f"cannot be written ({error})", where=str(path), remedy="Choose another place.") from error


def save_geoparquet(layer: MeshLayer | VectorLayer, path: Path) -> None:
    """Write features as GeoParquet (WKB, system in the metadata), whole or not at all.

    Raises
    ------
    LayerError
        If the file cannot be written.
    """
    with whole_file(path) as temporary:
        try:
            feature_table(layer).to_parquet(temporary, compression="zstd")
        except OSError as error:
            raise LayerError(f"cannot be written ({error})", where=str(path), remedy="Choose another place.") from error


def _provenance_tags(provenance: Provenance | None) -> dict[str, str]:
    if provenance is None:
        return {}
    return {
        "SOURCE": provenance.source,
        "LICENCE": provenance.licence,
        "SOURCE_DATE": provenance.date,
        "ACCESS": str(provenance.access),
        "NOTES": "; ".join(provenance.notes),
    }
