// Points of a run: shown for their time, of one class until a moment and of another after it, named under the pointer.
import { BufferAttribute, BufferGeometry, type PerspectiveCamera, Points, type ShaderMaterial } from 'three';
import { type Box, Labels } from './labels';
import type { ClassStyle } from './layer';
import {
  isActive,
  type MarkerShape,
  type Near,
  nearest,
  type OverlayEntry,
  type OverlayHost,
  type OverlayLayer,
  type Screen,
} from './overlay';
import type { Pack } from './pack';
import type { Lang, Text } from './strings';
import { tinted } from './tint';

const FOREVER = 3e38;
const SIZE_PX: Record<MarkerShape, number> = { disc: 17, square: 17, triangle: 16, diamond: 21 };
const REACH_PX = 11;

/** Distance from the middle in shares of the radius, by shape: 1 at the edge. */
const SHAPES: Record<MarkerShape, string> = {
  disc: 'length(p)',
  square: 'max(abs(p.x), abs(p.y)) * 1.15',
  diamond: 'abs(p.x) + abs(p.y)',
  triangle: 'max(p.y * 1.25 + 0.1, 0.95 * abs(p.x) * 1.2 - 0.72 * p.y + 0.28)',
};

const VERTEX = `
in vec2 kinds;
in vec3 window;
uniform float size, time;
void main() {
  tint = tintOf(time < window.z ? kinds.x : kinds.y);
  bool shown = time >= window.x && time < window.y;
  gl_Position = shown ? projectionMatrix * modelViewMatrix * vec4(position, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = size;
}`;
const fragment = (shape: MarkerShape): string => `
uniform float size;
void main() {
  vec2 p = 2.0 * gl_PointCoord - 1.0;
  float edge = (1.0 - (${SHAPES[shape]})) * 0.5 * size;
  if (edge < 0.0) discard;
  float ring = 1.0 - smoothstep(2.4, 3.4, edge);
  float rim = 1.0 - smoothstep(0.4, 1.4, edge);
  color = vec4(mix(mix(tint.rgb, vec3(1.0), ring), vec3(0.2, 0.24, 0.28), rim), opacity);
}`;

export class MarkersLayer implements OverlayLayer {
  readonly id: string;
  readonly object: Points;
  readonly classes: readonly ClassStyle[];
  private readonly material: ShaderMaterial;
  private readonly positions: Float32Array;
  private readonly texts: readonly Text[];
  private readonly labels: Labels | null;
  /** Number by which the server knows each. */
  private readonly rows: readonly number[];
  private readonly from: Float32Array;
  private readonly until: Float32Array;
  private readonly change: Float32Array;
  private readonly kinds: readonly [Uint8Array, Uint8Array];
  private time = 0;

  constructor(entry: OverlayEntry, pack: Pack, host: OverlayHost) {
    this.id = entry.id;
    const size = SIZE_PX[entry.shape ?? 'disc'];
    this.positions = pack.array('positions', 'f4');
    const meta = pack.meta as { labels: Text[]; rows?: number[] };
    this.texts = meta.labels;
    const n = this.texts.length;
    this.rows = meta.rows ?? this.texts.map((_, k) => k);
    const times = (name: string, other: number): Float32Array =>
      pack.has(name) ? pack.array(name, 'f4') : new Float32Array(n).fill(other);
    this.from = times('from', -FOREVER);
    this.until = times('until', FOREVER);
    this.change = times('switch', FOREVER);
    const first = pack.array('vclass', 'u1');
    this.kinds = [first, pack.has('vclass2') ? pack.array('vclass2', 'u1') : first];
    const there = new Set([...this.kinds[0], ...this.kinds[1]]);
    this.classes = entry.classes.filter((_, k) => there.has(k));
    const window = new Float32Array(3 * n);
    const kinds = new Float32Array(2 * n);
    for (let k = 0; k < n; k++) {
      window.set([this.from[k], this.until[k], this.change[k]], 3 * k);
      kinds.set([this.kinds[0][k], this.kinds[1][k]], 2 * k);
    }
    const geometry = new BufferGeometry();
    geometry.setAttribute('position', new BufferAttribute(this.positions, 3));
    geometry.setAttribute('window', new BufferAttribute(window, 3));
    geometry.setAttribute('kinds', new BufferAttribute(kinds, 2));
    const uniforms = { time: { value: 0 }, size: { value: size * host.pixelRatio } };
    this.material = tinted(entry.classes, VERTEX, fragment(entry.shape ?? 'disc'), uniforms, { depthTest: false });
    this.object = new Points(geometry, this.material);
    this.object.renderOrder = 9.2;
    this.object.frustumCulled = false;
    this.labels = entry.labels ? new Labels(host.labels, [...this.texts], this.positions, size) : null;
  }

  setTime(seconds: number): void {
    this.time = seconds;
    this.material.uniforms.time.value = seconds;
  }

  near(screen: Screen, x: number, y: number): Near | null {
    const found = nearest(screen, x, y, this.positions, REACH_PX, (k) => this.isShown(k));
    return found && { ...found, item: this.rows[found.item], text: this.texts[found.item] };
  }

  place(camera: PerspectiveCamera, width: number, height: number, lang: Lang, taken: Box[]): void {
    this.labels?.place(camera, width, height, lang, taken, (k) => this.object.visible && this.isShown(k));
  }

  facts(): Record<string, unknown> {
    const items = this.texts.map((_, k) => k).filter((k) => this.isShown(k));
    return { shown: items.map((k) => this.rows[k]), classes: items.map((k) => this.kinds[this.time < this.change[k] ? 0 : 1][k]) };
  }

  setOpacity(opacity: number): void {
    this.material.uniforms.opacity.value = opacity;
    this.labels?.setOpacity(opacity);
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.material.dispose();
    this.labels?.dispose();
  }

  private isShown(k: number): boolean {
    return isActive(this.from[k], this.until[k], this.time);
  }
}
