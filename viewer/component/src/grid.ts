// A raster of cells as a mesh: vertices at cell centres, the outermost ones pushed to the outer edge.
import { BufferAttribute, BufferGeometry } from 'three';

export interface GridMeta {
  nx: number;
  ny: number;
  cell_size: number;
  west: number;
  north: number;
}

/** The rows or columns that become vertices: every `stride`-th and the last. */
export function sampled(n: number, stride: number): Uint32Array {
  const count = Math.ceil((n - 1) / stride) + 1;
  return Uint32Array.from({ length: Math.max(count, 1) }, (_, k) => Math.min(k * stride, n - 1));
}

/** The smallest stride that keeps a raster under `budget` vertices. */
export function strideFor(nx: number, ny: number, budget: number): number {
  let stride = 1;
  while (Math.ceil(nx / stride) * Math.ceil(ny / stride) > budget) stride++;
  return stride;
}

/** Distance in cells from the outer edge of cell 0: the centre, or the edge itself for the first and last cell. */
export function along(k: number, n: number): number {
  if (k === 0) return 0;
  return k === n - 1 ? n : k + 0.5;
}

/** Two triangles for every quad whose four vertices satisfy `keep` (or any of them, if `some`). */
export function quads(cols: number, rows: number, keep: (vertex: number) => boolean, some = false): Uint32Array {
  const index = new Uint32Array(Math.max(cols - 1, 0) * Math.max(rows - 1, 0) * 6);
  let k = 0;
  for (let j = 0; j + 1 < rows; j++) {
    for (let i = 0; i + 1 < cols; i++) {
      const nw = j * cols + i;
      const ne = nw + 1;
      const sw = nw + cols;
      const se = sw + 1;
      const kept = +keep(nw) + +keep(ne) + +keep(sw) + +keep(se);
      if (some ? kept === 0 : kept < 4) continue;
      index[k++] = nw;
      index[k++] = sw;
      index[k++] = ne;
      index[k++] = ne;
      index[k++] = sw;
      index[k++] = se;
    }
  }
  return index.slice(0, k);
}

export function indexed(positions: Float32Array, index: Uint32Array): BufferGeometry {
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(positions, 3));
  geometry.setIndex(new BufferAttribute(index, 1));
  geometry.computeBoundingSphere();
  return geometry;
}
