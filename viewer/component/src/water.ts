// Animated flood water. All frames lie in one integer texture; the shader decodes depth codes through a
// lookup and blends two frames. The class of a fragment is that of its own cell (nearest), so the class
// shown at a frame time is always the class of the stored code. Sea and rivers, where the bed marks them,
// are no flood and have one colour of their own.
import {
  BufferAttribute,
  BufferGeometry,
  DataArrayTexture,
  DataTexture,
  DoubleSide,
  FloatType,
  GLSL3,
  Mesh,
  NearestFilter,
  RedFormat,
  RedIntegerFormat,
  ShaderMaterial,
  UnsignedByteType,
  Vector3,
} from 'three';
import { rgb } from './color';
import { Failure } from './failure';
import { type GridMeta, quads, sampled, strideFor } from './grid';
import { type Layer, LIFT } from './layer';
import type { Pack } from './pack';
import type { Flood } from './run';
import { SEA } from './style';

/** Depth [m] below which a cell counts as dry: the lower edge of the first depth class. */
export const DRY_LIMIT = 0.01;

const DEPTH = `
precision highp usampler2DArray;
uniform usampler2DArray codes;
uniform sampler2D lookup;
uniform int frameA, frameB;
uniform float blend;
uniform ivec2 cells;
float depthAt(ivec2 c) {
  float a = texelFetch(lookup, ivec2(int(texelFetch(codes, ivec3(c, frameA), 0).r), 0), 0).r;
  if (blend == 0.0) return a;
  return mix(a, texelFetch(lookup, ivec2(int(texelFetch(codes, ivec3(c, frameB), 0).r), 0), 0).r, blend);
}`;

// A dry vertex takes the mean level of its wet neighbours, so that water runs flat into its bank.
const VERTEX = `${DEPTH}${LIFT}
uniform sampler2D bed;
uniform ivec2 mesh;
uniform int stride;
uniform vec3 frame;
out vec2 grid;
void main() {
  ivec2 c = min(ivec2(gl_VertexID % mesh.x, gl_VertexID / mesh.x) * stride, cells - 1);
  float d = depthAt(c);
  float z = texelFetch(bed, c, 0).r + d;
  if (d < ${DRY_LIMIT}) {
    float sum = 0.0, n = 0.0;
    for (int j = -1; j <= 1; j++) for (int i = -1; i <= 1; i++) {
      ivec2 o = clamp(c + stride * ivec2(i, j), ivec2(0), cells - 1);
      float e = depthAt(o);
      if (e >= ${DRY_LIMIT}) { sum += texelFetch(bed, o, 0).r + e; n += 1.0; }
    }
    if (n > 0.0) z = sum / n;
  }
  grid = mix(vec2(c) + 0.5, vec2(0.0), equal(c, ivec2(0)));
  grid = mix(grid, vec2(cells), equal(c, cells - 1));
  vec3 p = vec3(frame.x + grid.x * frame.z, frame.y - grid.y * frame.z, z);
  gl_Position = lifted(modelViewMatrix * vec4(p, 1.0), 0.6);
}`;

// Shallow water lets a little more of the ground through; at opacity 1 the class colour is exact.
const fragment = (n: number): string => `${DEPTH}
uniform float upper[${n}];
uniform vec3 tint[${n}];
uniform sampler2D permanent;
uniform vec3 sea;
uniform float opacity;
in vec2 grid;
out vec4 color;
void main() {
  ivec2 own = clamp(ivec2(floor(grid)), ivec2(0), cells - 1);
  float d = depthAt(own);
  if (d < ${DRY_LIMIT}) discard;
  vec3 c = tint[${n - 1}];
  for (int k = ${n - 1}; k >= 0; k--) if (d < upper[k]) c = tint[k];
  if (texelFetch(permanent, own, 0).r > 0.0) c = sea;
  float thin = 1.0 - smoothstep(0.0, 1.0, d);
  color = vec4(c, opacity * (1.0 - 0.5 * thin * (1.0 - opacity)));
}`;

export class WaterLayer implements Layer {
  readonly id = 'water';
  readonly object: Mesh<BufferGeometry, ShaderMaterial>;
  /** The bed marks sea or rivers somewhere. */
  readonly hasSea: boolean;
  private readonly codes: DataArrayTexture;
  private readonly data: Uint8Array;
  private readonly textures: (DataTexture | DataArrayTexture)[];
  private readonly wet: Uint8Array;
  private readonly stride: number;
  private count = 0;

  constructor(
    private readonly flood: Flood,
    bed: Pack,
    budget: number,
    limits: { layers: number; size: number },
  ) {
    const { nx, ny, cell_size: size, west, north } = flood;
    const planned = Math.max(flood.times_s.length, flood.nt_total, 1);
    if (planned > limits.layers || Math.max(nx, ny) > limits.size) {
      const what = `${nx} x ${ny} x ${planned} > ${limits.size} x ${limits.size} x ${limits.layers}`;
      throw new Failure({
        ja: `浸水データが大きすぎて、この端末では表示できません（${what}）。`,
        en: `The flood is too large for this device to show (${what}).`,
      });
    }
    const grid = bed.meta as GridMeta;
    if (grid.nx !== nx || grid.ny !== ny) {
      throw new Failure({
        ja: `地盤（${grid.nx} x ${grid.ny}）と浸水（${nx} x ${ny}）の格子が一致しません。`,
        en: `The grids of the bed (${grid.nx} x ${grid.ny}) and of the flood (${nx} x ${ny}) differ.`,
      });
    }
    this.data = new Uint8Array(nx * ny * planned);
    this.wet = new Uint8Array(nx * ny);
    this.stride = strideFor(nx, ny, budget);
    this.codes = new DataArrayTexture(this.data, nx, ny, planned);
    this.codes.format = RedIntegerFormat;
    this.codes.type = UnsignedByteType;
    this.codes.internalFormat = 'R8UI';
    const floats = (values: Float32Array, w: number, h: number): DataTexture =>
      new DataTexture(values, w, h, RedFormat, FloatType);
    const lookup = floats(Float32Array.from({ length: 256 }, (_, k) => flood.code_depth[k] ?? 0), 256, 1);
    const z = bed.array('z', 'f4').map((value) => (Number.isNaN(value) ? 0 : value));
    const marks = bed.has('water') ? bed.array('water', 'u1') : new Uint8Array(0);
    if (marks.length !== nx * ny && marks.length > 0) {
      throw new Failure({
        ja: `海・川の範囲の大きさが格子と一致しません（${marks.length}、必要なのは ${nx} x ${ny}）。`,
        en: `The marks of sea and rivers do not fit the grid (${marks.length} for ${nx} x ${ny} cells).`,
      });
    }
    this.hasSea = marks.includes(1);
    const isSea = Uint8Array.from({ length: nx * ny }, (_, cell) => (marks[cell] === 1 ? 255 : 0));
    const permanent = new DataTexture(isSea, nx, ny, RedFormat, UnsignedByteType);
    this.textures = [this.codes, lookup, floats(z, nx, ny), permanent];
    for (const texture of this.textures) {
      texture.minFilter = texture.magFilter = NearestFilter;
      texture.unpackAlignment = 1;
      texture.needsUpdate = true;
    }
    const n = flood.classes.length;
    const material = new ShaderMaterial({
      glslVersion: GLSL3,
      uniforms: {
        codes: { value: this.codes },
        lookup: { value: lookup },
        bed: { value: this.textures[2] },
        frameA: { value: 0 },
        frameB: { value: 0 },
        blend: { value: 0 },
        cells: { value: [nx, ny] },
        mesh: { value: [sampled(nx, this.stride).length, sampled(ny, this.stride).length] },
        stride: { value: this.stride },
        frame: { value: [west, north, size] },
        upper: { value: flood.classes.map((c) => c.upper ?? 1e9) },
        tint: { value: flood.classes.map((c) => new Vector3(...rgb(c.color)).divideScalar(255)) },
        permanent: { value: permanent },
        sea: { value: new Vector3(...rgb(SEA)).divideScalar(255) },
        opacity: { value: 0.86 },
      },
      vertexShader: VERTEX,
      fragmentShader: fragment(n),
      transparent: true,
      side: DoubleSide,
    });
    this.object = new Mesh(new BufferGeometry(), material);
    this.object.frustumCulled = false;
    this.object.renderOrder = 5;
  }

  get frames(): number {
    return this.count;
  }

  /** Time of the newest frame [s]. */
  get end(): number {
    return this.count > 0 ? this.flood.times_s[this.count - 1] : 0;
  }

  /** Adds the frames of a pack; frames arrive in order and are never taken back. */
  append(pack: Pack): number {
    const { first, count } = pack.meta as { first: number; count: number };
    const { nx, ny } = this.flood;
    const incoming = pack.array('codes', 'u1');
    const planned = this.data.length / (nx * ny);
    if (first > this.count || first + count > planned || incoming.length !== count * nx * ny) {
      throw new Failure({
        ja: `浸水コマの番号が合いません（${first} から ${count} コマ、手元は ${this.count} コマ）。`,
        en: `Flood frames do not fit (${count} from ${first} on, ${this.count} here).`,
      });
    }
    this.data.set(incoming, first * nx * ny);
    let spread = false;
    for (let k = 0, cell = 0; k < incoming.length; k++) {
      if (incoming[k] !== 0 && this.wet[cell] === 0) {
        this.wet[cell] = 1;
        spread = true;
      }
      if (++cell === nx * ny) cell = 0;
    }
    if (spread) this.mesh();
    for (let k = first; k < first + count; k++) this.codes.addLayerUpdate(k);
    this.codes.needsUpdate = true;
    this.count = Math.max(this.count, first + count);
    return this.count;
  }

  /** Shows a time [s]; returns the frame at or before it. */
  setTime(seconds: number): number {
    const times = this.flood.times_s;
    let k = 0;
    while (k + 1 < this.count && times[k + 1] <= seconds) k++;
    const next = Math.min(k + 1, this.count - 1);
    const u = this.object.material.uniforms;
    u.frameA.value = k;
    u.frameB.value = Math.max(next, 0);
    u.blend.value = next > k ? Math.min(Math.max((seconds - times[k]) / (times[next] - times[k]), 0), 1) : 0;
    return k;
  }

  codeAt(col: number, row: number, frame: number): number {
    return this.data[(frame * this.flood.ny + row) * this.flood.nx + col];
  }

  setOpacity(opacity: number): void {
    this.object.material.uniforms.opacity.value = opacity;
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.object.material.dispose();
    for (const texture of this.textures) texture.dispose();
  }

  /** Only quads that are wet at some time are drawn; a coarse mesh asks the cells around its vertices. */
  private mesh(): void {
    const { nx, ny } = this.flood;
    const cols = sampled(nx, this.stride);
    const rows = sampled(ny, this.stride);
    const wet = new Uint8Array(cols.length * rows.length);
    for (let row = 0, cell = 0; row < ny; row++) {
      const r0 = Math.floor(row / this.stride) * cols.length;
      const r1 = Math.min(Math.ceil(row / this.stride), rows.length - 1) * cols.length;
      for (let col = 0; col < nx; col++, cell++) {
        if (this.wet[cell] === 0) continue;
        const c0 = Math.floor(col / this.stride);
        const c1 = Math.min(Math.ceil(col / this.stride), cols.length - 1);
        wet[r0 + c0] = wet[r0 + c1] = wet[r1 + c0] = wet[r1 + c1] = 1;
      }
    }
    const index = quads(cols.length, rows.length, (v) => wet[v] === 1, true);
    this.object.geometry.dispose();
    this.object.geometry = new BufferGeometry();
    this.object.geometry.setIndex(new BufferAttribute(index, 1));
  }
}
