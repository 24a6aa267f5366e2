"""The terrain as GeoTIFF."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sample_data.terrain import Terrain

__all__ = ["NODATA", "write_dem"]

NODATA = -9999.0


def write_dem(path: Path, terrain: Terrain) -> None:
    """Write the terrain: float32, 1 m, EPSG:6674, heights T.P. (EPSG:6695) as said in the tags."""
    import rasterio
    from affine import Affine

    path.parent.mkdir(parents=True, exist_ok=True)
    ny, nx = terrain.grid.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=nx, height=ny, count=1, dtype="float32", crs="EPSG:6674",
        transform=Affine(*terrain.grid.affine), nodata=NODATA, tiled=True, blockxsize=256, blockysize=256,
        compress="deflate", predictor=3, zlevel=7,
    ) as out:  # fmt: skip
        out.write(terrain.z, 1)
        out.set_band_description(1, "ground height above T.P. [m]")
        out.update_tags(
            VERTICAL_DATUM="T.P. (Tokyo Peil), JGD2011 (vertical), EPSG:6695",
            CONTENT="terrain without buildings, trees and bridge decks; river and sea bed included",
            LICENCE="CC0-1.0, generated, fictional",
        )
