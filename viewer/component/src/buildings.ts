// Buildings in tiles. Every vertex is four int16: position and the building's number within its tile;
// colours live in a lookup texture, so that re-colouring is one small upload.
import {
  BufferAttribute,
  BufferGeometry,
  DataTexture,
  FloatType,
  GLSL3,
  Group,
  type IUniform,
  Mesh,
  NearestFilter,
  RGBAFormat,
  RGFormat,
  ShaderMaterial,
  Sphere,
  UnsignedByteType,
  Vector3,
} from 'three';
import { classOf, DRY, HEIGHT_CLASSES, NO_DATA, type Rgb, rgb } from './color';
import type { ClassStyle, Layer } from './layer';
import type { Pack } from './pack';
import type { DepthClass } from './run';
import { DRY_LIMIT } from './water';

export type ColorBy = 'usage' | 'height' | 'max_depth';

export interface Usage extends ClassStyle {
  code: number;
}

interface Meta {
  n: number;
  scale: number;
  usages: Usage[];
}

const WIDTH = 1024;
const TILE_FIELDS = 10;

const VERTEX = `
in vec4 pa;
uniform float first, scale;
uniform sampler2D colors;
uniform sampler2D extent;
flat out int building;
flat out vec2 range;
flat out vec3 tint;
out vec3 here;
void main() {
  building = int(first + pa.w + 0.5) + (pa.w < 0.0 ? 65536 : 0);
  ivec2 at = ivec2(building % ${WIDTH}, building / ${WIDTH});
  here = pa.xyz * scale;
  range = texelFetch(extent, at, 0).rg;
  tint = texelFetch(colors, at, 0).rgb;
  gl_Position = projectionMatrix * modelViewMatrix * vec4(here, 1.0);
}`;

// Roofs show the legend's colour; walls are darker by their direction, towards the ground, and along the eaves.
const FRAGMENT = `
uniform int selected;
uniform float opacity;
flat in int building;
flat in vec2 range;
flat in vec3 tint;
in vec3 here;
out vec4 color;
void main() {
  vec3 n = normalize(cross(dFdx(here), dFdy(here)));
  float up = clamp(n.z, 0.0, 1.0);
  float wall = 1.0 - smoothstep(0.2, 0.5, abs(n.z));
  float lit = clamp(dot(n.xy, vec2(-0.93, -0.37)) * 0.5 + 0.5, 0.0, 1.0);
  float light = mix(mix(0.60, 0.90, lit), mix(0.86, 1.0, smoothstep(0.4, 0.97, up)), 1.0 - wall);
  float above = here.z - range.x;
  float tall = range.y - range.x;
  light *= mix(1.0, mix(0.84, 1.0, smoothstep(0.0, min(10.0, 0.7 * tall), above)), wall);
  float pixel = max(fwidth(here.z), 1e-4);
  float eaves = (1.0 - smoothstep(0.6, 1.6, (range.y - here.z) / pixel)) * smoothstep(4.0, 12.0, tall / pixel);
  light *= mix(1.0, 0.8, wall * eaves);
  vec3 c = building == selected ? mix(vec3(1.0, 0.42, 0.06), vec3(1.0, 0.55, 0.16), up) : tint;
  color = vec4(c * light, opacity);
}`;

const PICK = `
uniform vec2 offset;
flat in int building;
in vec3 here;
out vec4 color;
void main() { color = vec4(here.xy + offset, here.z, float(building + 1)); }`;

export class BuildingsLayer implements Layer {
  readonly object = new Group();
  readonly proxy = new Group();
  readonly meta: Meta;
  readonly features: Uint32Array;
  private readonly usage: Uint8Array;
  private readonly height: Float32Array;
  private readonly colors: DataTexture;
  private readonly extent: DataTexture;
  private readonly uniforms: Record<string, IUniform>;
  private maxDepth: Float32Array | null = null;

  constructor(
    readonly id: string,
    pack: Pack,
  ) {
    this.meta = pack.meta as Meta;
    this.features = pack.array('feature', 'u4');
    this.usage = pack.array('usage', 'u1');
    this.height = pack.array('height', 'f4');
    const rows = Math.max(Math.ceil(this.meta.n / WIDTH), 1);
    this.colors = new DataTexture(new Uint8Array(WIDTH * rows * 4), WIDTH, rows, RGBAFormat, UnsignedByteType);
    const extent = new Float32Array(WIDTH * rows * 2);
    this.extent = new DataTexture(extent, WIDTH, rows, RGFormat, FloatType);
    for (const texture of [this.colors, this.extent]) texture.minFilter = texture.magFilter = NearestFilter;
    this.uniforms = {
      scale: { value: this.meta.scale },
      colors: { value: this.colors },
      extent: { value: this.extent },
      selected: { value: -1 },
      opacity: { value: 1 },
    };
    const tiles = pack.array('tiles', 'f4');
    const positions = pack.array('positions', 'i2');
    const indices = pack.array('indices', 'u2');
    for (let k = 0; k < tiles.length; k += TILE_FIELDS) {
      this.addTile(tiles.subarray(k, k + TILE_FIELDS), positions, indices, extent);
    }
    this.extent.needsUpdate = true;
    this.paint('usage', []);
  }

  /** Maximum depth [m] at each building, of the run shown. */
  get result(): Float32Array | null {
    return this.maxDepth;
  }

  setResult(maxDepth: Float32Array | null): void {
    this.maxDepth = maxDepth;
  }

  /** Colours every building anew: one pass over the table, one upload. */
  paint(by: ColorBy, classes: readonly DepthClass[]): void {
    const data = this.colors.image.data as Uint8Array;
    const color = this.painter(by, classes);
    for (let b = 0; b < this.meta.n; b++) {
      const c = color(b);
      data[4 * b] = c[0];
      data[4 * b + 1] = c[1];
      data[4 * b + 2] = c[2];
      data[4 * b + 3] = 255;
    }
    this.colors.needsUpdate = true;
  }

  select(building: number | null): void {
    this.uniforms.selected.value = building ?? -1;
  }

  setOpacity(opacity: number): void {
    this.uniforms.opacity.value = opacity;
    for (const child of this.object.children) ((child as Mesh).material as ShaderMaterial).transparent = opacity < 1;
  }

  dispose(): void {
    for (const child of [...this.object.children, ...this.proxy.children]) {
      (child as Mesh).geometry.dispose();
      ((child as Mesh).material as ShaderMaterial).dispose();
    }
    this.colors.dispose();
    this.extent.dispose();
  }

  private painter(by: ColorBy, classes: readonly DepthClass[]): (building: number) => Rgb {
    const none = rgb(NO_DATA);
    if (by === 'usage') {
      const table = new Map(this.meta.usages.map((u) => [u.code, rgb(u.color)]));
      return (b) => table.get(this.usage[b]) ?? none;
    }
    if (by === 'height') {
      const uppers = HEIGHT_CLASSES.map((c) => c.upper);
      const table = HEIGHT_CLASSES.map((c) => rgb(c.color));
      return (b) => (Number.isNaN(this.height[b]) ? none : table[classOf(this.height[b], uppers)]);
    }
    const dry = rgb(DRY);
    const depth = this.maxDepth;
    if (depth === null || classes.length === 0) return () => dry;
    // Depths are single precision: the edges are compared as such, or 0.3 m would fall below its own class.
    const uppers = classes.map((c) => Math.fround(c.upper ?? Infinity));
    const table = classes.map((c) => rgb(c.color));
    const limit = Math.fround(DRY_LIMIT);
    return (b) => (depth[b] >= limit ? table[classOf(depth[b], uppers)] : dry);
  }

  private addTile(tile: Float32Array, positions: Int16Array, indices: Uint16Array, extent: Float32Array): void {
    const [ox, oy, v0, nv, i0, ni, b0] = tile;
    const own = positions.subarray(4 * v0, 4 * (v0 + nv));
    const low = [Infinity, Infinity, Infinity];
    const high = [-Infinity, -Infinity, -Infinity];
    for (let k = 0; k < own.length; k += 4) {
      for (let axis = 0; axis < 3; axis++) {
        low[axis] = Math.min(low[axis], own[k + axis]);
        high[axis] = Math.max(high[axis], own[k + axis]);
      }
      const at = 2 * (b0 + (own[k + 3] & 0xffff));
      const z = own[k + 2] * this.meta.scale;
      // 0/0 means "not seen yet": heights are never below the sea floor by exactly nothing at both ends.
      if (extent[at] === 0 && extent[at + 1] === 0) extent[at] = extent[at + 1] = z;
      extent[at] = Math.min(extent[at], z);
      extent[at + 1] = Math.max(extent[at + 1], z);
    }
    const geometry = new BufferGeometry();
    geometry.setAttribute('pa', new BufferAttribute(own, 4));
    geometry.setIndex(new BufferAttribute(indices.subarray(i0, i0 + ni), 1));
    const s = this.meta.scale / 2;
    geometry.boundingSphere = new Sphere(
      new Vector3(s * (low[0] + high[0]), s * (low[1] + high[1]), s * (low[2] + high[2])),
      s * Math.hypot(high[0] - low[0], high[1] - low[1], high[2] - low[2]),
    );
    const uniforms = { ...this.uniforms, first: { value: b0 }, offset: { value: [ox, oy] } };
    const make = (fragmentShader: string): Mesh => {
      const mesh = new Mesh(
        geometry,
        new ShaderMaterial({ glslVersion: GLSL3, uniforms, vertexShader: VERTEX, fragmentShader }),
      );
      mesh.position.set(ox, oy, 0);
      mesh.updateMatrix();
      mesh.matrixAutoUpdate = false;
      return mesh;
    };
    if (nv === 0) return;
    this.object.add(make(FRAGMENT));
    this.proxy.add(make(PICK));
  }
}
