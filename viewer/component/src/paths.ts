// Lines of a run: shown for their time, coloured by class or by a class that changes, dashed or with a trail.
import {
  DataTexture,
  type InstancedBufferGeometry,
  Mesh,
  NearestFilter,
  RedFormat,
  type ShaderMaterial,
  UnsignedByteType,
} from 'three';
import type { ClassStyle } from './layer';
import {
  indexAt,
  isActive,
  type Near,
  type OverlayClass,
  type OverlayHost,
  type OverlayLayer,
  type Screen,
} from './overlay';
import type { Pack } from './pack';
import { segmentQuads, WIDEN } from './segment';
import { tinted } from './tint';

const FOREVER = 3e38;
const NONE = 255;
const WIDE = 1024;
const REACH_PX = 6;

export interface PathData {
  positions: Float32Array;
  segments: Uint32Array;
  /** Row of the thing that each vertex belongs to. */
  item: Uint32Array;
  /** Metres from the start of the line, or seconds for a trail. */
  along?: Float32Array;
  /** By row: class, share of the full width, when it is shown. */
  vclass?: Uint8Array;
  weight?: Float32Array;
  from?: Float32Array;
  until?: Float32Array;
  /** A class for every row and time. */
  codes?: { times: Float32Array; values: Uint8Array };
  /** Number by which the server knows a row. */
  rows?: readonly number[];
}

export interface PathLook {
  width: number;
  /** Drawn as if this much nearer to the eye [m]. */
  nearer: number;
  /** Width of a white edge [CSS px]. */
  casing?: number;
  /** Only what was passed in the last seconds is bright. */
  trail?: number;
  order: number;
}

export function pathData(pack: Pack): PathData {
  const some = <D extends 'f4' | 'u1'>(name: string, dtype: D) => (pack.has(name) ? pack.array(name, dtype) : undefined);
  const codes = some('codes', 'u1');
  return {
    positions: pack.array('positions', 'f4'),
    segments: pack.array('segments', 'u4'),
    item: pack.array('item', 'u4'),
    along: some('along', 'f4'),
    vclass: some('vclass', 'u1'),
    weight: some('weight', 'f4'),
    from: some('from', 'f4'),
    until: some('until', 'f4'),
    codes: codes && { times: pack.array('times', 'f4'), values: codes },
    rows: (pack.meta as { rows?: number[] }).rows,
  };
}

const vertex = (changing: boolean): string => `${WIDEN}
in vec4 info;
in vec2 span;
in vec2 window;
uniform float dashed[CLASSES];
uniform float width, nearer, time;
${changing ? 'uniform sampler2D codes;' : ''}
flat out vec2 dash;
out float along;
out float side;
void main() {
  int kind = int(info.x + 0.5);
  bool hidden = time < window.x || time >= window.y;
  ${changing ? `int row = int(info.z + 0.5);
  kind = int(texelFetch(codes, ivec2(row % ${WIDE}, row / ${WIDE}), 0).r * 255.0 + 0.5);
  hidden = hidden || kind == ${NONE};` : ''}
  kind = clamp(kind, 0, CLASSES - 1);
  tint = palette[kind];
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  side = position.y;
  along = position.x < 0.5 ? span.x : span.y;
  dash = vec2(0.0);
  if (!hidden) {
    vec4 a = modelViewMatrix * vec4(from, 1.0);
    gl_Position = widened(a, modelViewMatrix * vec4(to, 1.0), nearer, width * info.y);
    // The dash is the power of two of metres that is nearest to 16 px: it does not crawl while the camera moves.
    float metres = -2.0 * a.z / (projectionMatrix[1][1] * viewport.y);
    dash = vec2(dashed[kind], exp2(ceil(log2(16.0 * max(metres, 1e-3)))));
  }
}`;
const fragment = (casing: number, trail: number): string => `
uniform float time, width;
flat in vec2 dash;
in float along;
in float side;
void main() {
  if (dash.x > 0.5 && fract(along / dash.y) > 0.55) discard;
  vec4 c = tint;
  ${casing > 0 ? `c.rgb = mix(c.rgb, vec3(1.0), step(1.0 - ${(2 * casing).toFixed(1)} / width, abs(side)));` : ''}
  ${trail > 0 ? `float age = (time - along) / ${trail.toFixed(1)};
  c.a *= age >= 0.0 && age < 1.0 ? mix(1.0, 0.4, age) : 0.25;` : ''}
  color = vec4(c.rgb, c.a * opacity);
}`;

export class PathsLayer implements OverlayLayer {
  readonly object: Mesh<InstancedBufferGeometry, ShaderMaterial>;
  readonly classes: readonly ClassStyle[];
  private readonly texture: DataTexture | null = null;
  private readonly items: number;
  private time = 0;
  private frame = -1;

  constructor(
    readonly id: string,
    private readonly data: PathData,
    styles: readonly OverlayClass[],
    look: PathLook,
    host: OverlayHost,
  ) {
    this.classes = styles.filter((style) => !style.hidden);
    const { positions, segments, item, along, vclass, weight, from, until, codes } = data;
    this.items = item.reduce((most, row) => Math.max(most, row + 1), vclass?.length ?? 0);
    const count = segments.length / 2;
    const [info, span, window] = [new Float32Array(4 * count), new Float32Array(2 * count), new Float32Array(2 * count)];
    for (let k = 0; k < count; k++) {
      const [a, b] = [segments[2 * k], segments[2 * k + 1]];
      const row = item[a];
      info.set([vclass?.[row] ?? 0, weight?.[row] ?? 1, row], 4 * k);
      span.set([along?.[a] ?? 0, along?.[b] ?? 0], 2 * k);
      window.set([from?.[row] ?? -FOREVER, until?.[row] ?? FOREVER], 2 * k);
    }
    const geometry = segmentQuads(positions, segments, { info: [info, 4], span: [span, 2], window: [window, 2] });
    if (codes) {
      const rows = Math.max(Math.ceil(this.items / WIDE), 1);
      this.texture = new DataTexture(new Uint8Array(WIDE * rows).fill(NONE), WIDE, rows, RedFormat, UnsignedByteType);
      this.texture.minFilter = this.texture.magFilter = NearestFilter;
      this.texture.needsUpdate = true;
    }
    const uniforms = {
      dashed: { value: Float32Array.from(styles, (style) => (style.dash ? 1 : 0)) },
      viewport: { value: host.viewport },
      width: { value: look.width },
      nearer: { value: look.nearer },
      time: { value: 0 },
      codes: { value: this.texture },
    };
    const drawn = fragment(look.casing ?? 0, look.trail ?? 0);
    const material = tinted(styles, vertex(this.texture !== null), drawn, uniforms);
    this.object = new Mesh(geometry, material);
    this.object.frustumCulled = false;
    this.object.renderOrder = look.order;
  }

  setTime(seconds: number): void {
    this.time = seconds;
    this.object.material.uniforms.time.value = seconds;
    const { codes } = this.data;
    if (!codes || !this.texture) return;
    const frame = indexAt(codes.times, codes.times.length, seconds);
    if (frame === this.frame) return;
    this.frame = frame;
    (this.texture.image.data as Uint8Array).set(codes.values.subarray(frame * this.items, (frame + 1) * this.items));
    this.texture.needsUpdate = true;
  }

  setOpacity(opacity: number): void {
    this.object.material.uniforms.opacity.value = opacity;
  }

  near(screen: Screen, x: number, y: number): Near | null {
    const { positions, segments, item, rows } = this.data;
    let best: Near | null = null;
    for (let k = 0; k < segments.length; k += 2) {
      const row = item[segments[k]];
      if (!this.isShown(row)) continue;
      const [p, q] = [3 * segments[k], 3 * segments[k + 1]];
      const a = screen.project(positions[p], positions[p + 1], positions[p + 2]);
      const b = screen.project(positions[q], positions[q + 1], positions[q + 2]);
      if (a === null || b === null) continue;
      const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
      const length = dx * dx + dy * dy;
      const share = length > 0 ? Math.min(Math.max(((x - a[0]) * dx + (y - a[1]) * dy) / length, 0), 1) : 0;
      const distance = Math.hypot(x - a[0] - share * dx, y - a[1] - share * dy);
      if (distance > REACH_PX || (best !== null && distance >= best.distance)) continue;
      const at = [0, 1, 2].map((axis) => positions[p + axis] + share * (positions[q + axis] - positions[p + axis]));
      best = { item: rows?.[row] ?? row, distance, at: at as Near['at'], text: null };
    }
    return best;
  }

  facts(): Record<string, unknown> {
    const shown: number[] = [];
    for (let row = 0; row < this.items; row++) if (this.isShown(row)) shown.push(this.data.rows?.[row] ?? row);
    const { codes } = this.data;
    const classes = codes && Array.from(codes.values.subarray(this.frame * this.items, (this.frame + 1) * this.items));
    return { shown, ...(classes && { classes }) };
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.object.material.dispose();
    this.texture?.dispose();
  }

  private isShown(row: number): boolean {
    const { from, until, codes } = this.data;
    if (codes && codes.values[this.frame * this.items + row] === NONE) return false;
    return isActive(from?.[row] ?? -FOREVER, until?.[row] ?? FOREVER, this.time);
  }
}
