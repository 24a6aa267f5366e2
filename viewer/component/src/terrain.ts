// The ground: hypsometric tints and a hillshade baked into one texture at full resolution, on a mesh
// that may be coarser; a skirt closes the block at its sides.
import {
  DataTexture,
  DoubleSide,
  GLSL3,
  Group,
  LinearFilter,
  LinearMipmapLinearFilter,
  Mesh,
  RGBAFormat,
  ShaderMaterial,
  UnsignedByteType,
} from 'three';
import { type Rgb, rgb } from './color';
import { Failure } from './failure';
import { along, type GridMeta, indexed, quads, sampled, strideFor } from './grid';
import { GROUND, type Layer } from './layer';
import type { Pack } from './pack';
import type { Budget } from './stage';

/** Tint at a height [m]. Low ground stays pale so that buildings and water carry the picture. */
const TINTS: readonly (readonly [number, Rgb])[] = (
  [
    [-5, '#d5dbd3'],
    [0, '#dfe3d8'],
    [4, '#e3e6d4'],
    [12, '#dfe3c5'],
    [30, '#d6d8ae'],
    [70, '#cbc598'],
    [150, '#b9a880'],
    [350, '#a18c70'],
    [800, '#8f8072'],
    [2000, '#e8e6e3'],
  ] as const
).map(([z, hex]) => [z, rgb(hex)] as const);

function tint(z: number): Rgb {
  let k = 1;
  while (k < TINTS.length - 1 && z > TINTS[k][0]) k++;
  const [z0, a] = TINTS[k - 1];
  const [z1, b] = TINTS[k];
  const f = Math.min(Math.max((z - z0) / (z1 - z0), 0), 1);
  return [a[0] + f * (b[0] - a[0]), a[1] + f * (b[1] - a[1]), a[2] + f * (b[2] - a[2])];
}

/** Tints times a hillshade lit from the north-west and west; flat land is exaggerated so that it shows relief. */
export function bakeRelief(z: Float32Array, meta: GridMeta): Uint8Array {
  const { nx, ny, cell_size: size } = meta;
  const at = (i: number, j: number, own: number): number => {
    const value = z[Math.min(Math.max(j, 0), ny - 1) * nx + Math.min(Math.max(i, 0), nx - 1)];
    return Number.isNaN(value) ? own : value;
  };
  const gx = new Float32Array(nx * ny);
  const gy = new Float32Array(nx * ny);
  let sum = 0;
  let known = 0;
  for (let j = 0, k = 0; j < ny; j++) {
    for (let i = 0; i < nx; i++, k++) {
      const own = z[k];
      if (Number.isNaN(own)) continue;
      gx[k] = (at(i + 1, j, own) - at(i - 1, j, own)) / (2 * size);
      gy[k] = (at(i, j - 1, own) - at(i, j + 1, own)) / (2 * size);
      sum += Math.min(gx[k] * gx[k] + gy[k] * gy[k], 1);
      known++;
    }
  }
  const slope = Math.sqrt(sum / Math.max(known, 1));
  const exaggeration = Math.min(Math.max(0.3 / Math.max(slope, 1e-6), 1), 6);
  const out = new Uint8Array(nx * ny * 4);
  for (let k = 0; k < z.length; k++) {
    if (Number.isNaN(z[k])) {
      out.set([226, 228, 220, 0], 4 * k);
      continue;
    }
    const ax = -gx[k] * exaggeration;
    const ay = -gy[k] * exaggeration;
    const norm = 1 / Math.sqrt(ax * ax + ay * ay + 1);
    const northwest = (-0.5 * ax + 0.5 * ay + 0.7071) * norm;
    const west = (-0.7071 * ax + 0.7071) * norm;
    const light = 0.42 + 0.82 * Math.max(0.65 * northwest + 0.35 * west, 0);
    const c = tint(z[k]);
    for (let b = 0; b < 3; b++) out[4 * k + b] = Math.min(c[b] * light, 255);
    out[4 * k + 3] = 255;
  }
  return out;
}

const VERTEX = `
uniform vec4 frame;
out vec2 at;
out vec3 here;
void main() {
  here = position;
  at = vec2((position.x - frame.x) / frame.z, (frame.y - position.y) / frame.w);
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
}`;
const FRAGMENT = `
uniform sampler2D relief;
uniform float opacity;
uniform float shade;
in vec2 at;
out vec4 color;
void main() {
  vec4 c = texture(relief, at);
  if (c.a < 0.5) discard;
  color = vec4(c.rgb * shade, opacity);
}`;
const PICK = `
in vec3 here;
out vec4 color;
void main() { color = vec4(here, float(${GROUND})); }`;

export class TerrainLayer implements Layer {
  readonly object = new Group();
  readonly proxy: Mesh;
  readonly low: number;
  readonly high: number;
  /** Foot of the walls around the ground. */
  readonly base: number;
  readonly meta: GridMeta;
  private readonly z: Float32Array;
  private readonly relief: DataTexture;
  private readonly materials: ShaderMaterial[];

  constructor(
    readonly id: string,
    pack: Pack,
    budget: Budget,
    textureSize: number,
  ) {
    this.meta = pack.meta as GridMeta;
    this.z = pack.array('z', 'f4');
    const { nx, ny, cell_size: size, west, north } = this.meta;
    if (Math.max(nx, ny) > textureSize) {
      throw new Failure({
        ja: `地形が大きすぎて、この端末では表示できません（${nx} x ${ny} > ${textureSize}）。`,
        en: `The terrain is too large for this device to show (${nx} x ${ny} > ${textureSize}).`,
      });
    }
    let low = Infinity;
    let high = -Infinity;
    for (const value of this.z) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    this.low = Number.isFinite(low) ? low : 0;
    this.high = Number.isFinite(high) ? high : 0;
    this.base = this.low - Math.max(5, 0.012 * size * Math.max(nx, ny));

    const stride = strideFor(nx, ny, budget.vertices);
    const cols = sampled(nx, stride);
    const rows = sampled(ny, stride);
    const positions = new Float32Array(cols.length * rows.length * 3);
    const known = new Uint8Array(cols.length * rows.length);
    let k = 0;
    for (const j of rows) {
      for (const i of cols) {
        const value = this.z[j * nx + i];
        known[k] = +!Number.isNaN(value);
        positions[3 * k] = west + along(i, nx) * size;
        positions[3 * k + 1] = north - along(j, ny) * size;
        positions[3 * k + 2] = known[k] ? value : this.low;
        k++;
      }
    }
    const index = quads(cols.length, rows.length, (v) => known[v] === 1);

    this.relief = new DataTexture(bakeRelief(this.z, this.meta), nx, ny, RGBAFormat, UnsignedByteType);
    this.relief.magFilter = LinearFilter;
    this.relief.minFilter = LinearMipmapLinearFilter;
    this.relief.generateMipmaps = true;
    this.relief.anisotropy = budget.anisotropy;
    this.relief.needsUpdate = true;
    const uniforms = {
      relief: { value: this.relief },
      opacity: { value: 1 },
      frame: { value: [west, north, nx * size, ny * size] },
    };
    const material = (shade: number): ShaderMaterial =>
      new ShaderMaterial({
        glslVersion: GLSL3,
        uniforms: { ...uniforms, shade: { value: shade } },
        vertexShader: VERTEX,
        fragmentShader: FRAGMENT,
        side: DoubleSide,
      });
    const pick = new ShaderMaterial({
      glslVersion: GLSL3,
      uniforms,
      vertexShader: VERTEX,
      fragmentShader: PICK,
      side: DoubleSide,
    });
    this.materials = [material(1), material(0.8), pick];
    const ground = new Mesh(indexed(positions, index), this.materials[0]);
    const skirt = new Mesh(this.skirt(positions, known, cols.length, rows.length), this.materials[1]);
    this.object.add(ground, skirt);
    this.proxy = new Mesh(ground.geometry, pick);
  }

  /** Height of the ground [m] under a local point, or NaN outside or where nothing is known. */
  heightAt(x: number, y: number): number {
    const { nx, ny, cell_size: size, west, north } = this.meta;
    const i = Math.floor((x - west) / size);
    const j = Math.floor((north - y) / size);
    return i >= 0 && j >= 0 && i < nx && j < ny ? this.z[j * nx + i] : Number.NaN;
  }

  setOpacity(opacity: number): void {
    for (const material of this.materials) {
      material.uniforms.opacity.value = opacity;
      material.transparent = opacity < 1;
    }
  }

  dispose(): void {
    for (const child of this.object.children) (child as Mesh).geometry.dispose();
    for (const material of this.materials) material.dispose();
    this.relief.dispose();
  }

  /** Walls from the outer ring of vertices down to a flat base. */
  private skirt(top: Float32Array, known: Uint8Array, cols: number, rows: number) {
    const ring: number[] = [];
    for (let i = 0; i < cols; i++) ring.push(i);
    for (let j = 1; j < rows; j++) ring.push(j * cols + cols - 1);
    for (let i = cols - 2; i >= 0; i--) ring.push((rows - 1) * cols + i);
    for (let j = rows - 2; j >= 0; j--) ring.push(j * cols);
    const positions = new Float32Array(ring.length * 6);
    const index: number[] = [];
    ring.forEach((v, k) => {
      positions.set([top[3 * v], top[3 * v + 1], top[3 * v + 2], top[3 * v], top[3 * v + 1], this.base], 6 * k);
      if (k > 0 && known[v] && known[ring[k - 1]]) index.push(2 * k - 2, 2 * k - 1, 2 * k, 2 * k, 2 * k - 1, 2 * k + 1);
    });
    return indexed(positions, Uint32Array.from(index));
  }
}
