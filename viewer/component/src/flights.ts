// Aircraft on their tracks: a mark where each is now, the way just flown bright behind it, a plumb line to the ground.
import { BufferAttribute, BufferGeometry, Group, LineSegments, Points, type ShaderMaterial } from 'three';
import type { ClassStyle } from './layer';
import { indexAt, type Near, nearest, type OverlayEntry, type OverlayHost, type OverlayLayer, type Screen } from './overlay';
import type { Pack } from './pack';
import { PathsLayer } from './paths';
import type { Text } from './strings';
import { MARKS, tinted } from './tint';

const SIZE_PX = 15;
const REACH_PX = 11;
/** How long the way just flown stays bright [s]. */
const TRAIL_S = 120;

// A ring with a dot: a rotor, and not a point on the ground.
const MARK = `
uniform float size;
void main() {
  float r = length(gl_PointCoord - 0.5) * size;
  float edge = 0.5 * size;
  if (r > edge) discard;
  float dot = 1.0 - smoothstep(2.6, 3.4, r);
  float ring = smoothstep(edge - 4.2, edge - 3.4, r);
  color = vec4(mix(vec3(1.0), tint.rgb, max(dot, ring)), opacity);
}`;
const PLUMB = `
void main() { color = vec4(tint.rgb, 0.6 * opacity); }`;

export class FlightsLayer implements OverlayLayer {
  readonly id: string;
  readonly object = new Group();
  readonly classes: readonly ClassStyle[];
  private readonly paths: PathsLayer;
  private readonly marks: Points;
  private readonly plumbs: LineSegments;
  private readonly materials: readonly ShaderMaterial[];
  private readonly positions: Float32Array;
  private readonly times: Float32Array;
  private readonly ground: Float32Array;
  private readonly start: Uint32Array;
  private readonly vclass: Uint8Array;
  private readonly texts: readonly Text[];
  /** Flights in the air, in the order of the marks. */
  private flying: number[] = [];

  constructor(entry: OverlayEntry, pack: Pack, host: OverlayHost) {
    this.id = entry.id;
    this.texts = (pack.meta as { labels: Text[] }).labels;
    this.positions = pack.array('positions', 'f4');
    this.times = pack.array('time', 'f4');
    this.ground = pack.array('ground', 'f4');
    this.start = pack.array('start', 'u4');
    this.vclass = pack.array('vclass', 'u1');
    const n = this.texts.length;
    const there = new Set(this.vclass);
    this.classes = entry.classes.filter((_, k) => there.has(k));
    const segments: number[] = [];
    const item = new Uint32Array(this.times.length);
    for (let f = 0; f < n; f++) {
      for (let k = this.start[f]; k < this.start[f + 1]; k++) {
        item[k] = f;
        if (k + 1 < this.start[f + 1]) segments.push(k, k + 1);
      }
    }
    const { positions, times: along, vclass } = this;
    const data = { positions, segments: Uint32Array.from(segments), item, along, vclass };
    const look = { width: 3, nearer: 1, trail: TRAIL_S, order: 8.2 };
    this.paths = new PathsLayer(`${this.id}.paths`, data, entry.classes, look, host);
    const size = { value: SIZE_PX * host.pixelRatio };
    this.materials = [
      tinted(entry.classes, MARKS, MARK, { size }, { depthTest: false }),
      tinted(entry.classes, MARKS, PLUMB, { size }),
    ];
    const dynamic = (count: number): BufferGeometry => {
      const geometry = new BufferGeometry();
      geometry.setAttribute('position', new BufferAttribute(new Float32Array(3 * count), 3));
      geometry.setAttribute('vclass', new BufferAttribute(new Float32Array(count), 1));
      return geometry;
    };
    this.marks = new Points(dynamic(n), this.materials[0]);
    this.plumbs = new LineSegments(dynamic(2 * n), this.materials[1]);
    this.marks.renderOrder = 9.3;
    this.plumbs.renderOrder = 8.3;
    for (const part of [this.marks, this.plumbs]) part.frustumCulled = false;
    this.object.add(this.paths.object, this.plumbs, this.marks);
  }

  setTime(seconds: number): void {
    this.paths.setTime(seconds);
    const marks = this.marks.geometry;
    const plumbs = this.plumbs.geometry;
    this.flying = [];
    for (let f = 0; f < this.texts.length; f++) {
      const [first, end] = [this.start[f], this.start[f + 1]];
      if (end <= first || seconds < this.times[first] || seconds > this.times[end - 1]) continue;
      const k = first + indexAt(this.times.subarray(first, end), end - first, seconds);
      const next = Math.min(k + 1, end - 1);
      const span = this.times[next] - this.times[k];
      const share = span > 0 ? (seconds - this.times[k]) / span : 0;
      const at = [0, 1, 2].map((axis) => {
        const [a, b] = [this.positions[3 * k + axis], this.positions[3 * next + axis]];
        return a + share * (b - a);
      });
      const below = this.ground[k] + share * (this.ground[next] - this.ground[k]);
      const m = this.flying.push(f) - 1;
      marks.getAttribute('position').setXYZ(m, at[0], at[1], at[2]);
      plumbs.getAttribute('position').setXYZ(2 * m, at[0], at[1], at[2]);
      plumbs.getAttribute('position').setXYZ(2 * m + 1, at[0], at[1], below);
      marks.getAttribute('vclass').setX(m, this.vclass[f]);
      for (const half of [2 * m, 2 * m + 1]) plumbs.getAttribute('vclass').setX(half, this.vclass[f]);
    }
    marks.setDrawRange(0, this.flying.length);
    plumbs.setDrawRange(0, 2 * this.flying.length);
    for (const geometry of [marks, plumbs]) {
      for (const name of ['position', 'vclass']) geometry.getAttribute(name).needsUpdate = true;
    }
  }

  near(screen: Screen, x: number, y: number): Near | null {
    const places = (this.marks.geometry.getAttribute('position').array as Float32Array).subarray(0, 3 * this.flying.length);
    const mark = nearest(screen, x, y, places, REACH_PX);
    const found = mark ? { ...mark, item: this.flying[mark.item] } : this.paths.near(screen, x, y);
    return found && { ...found, text: this.texts[found.item] };
  }

  facts(): Record<string, unknown> {
    const place = this.marks.geometry.getAttribute('position');
    const at = this.flying.map((_, m) => [place.getX(m), place.getY(m), place.getZ(m)]);
    return { flying: [...this.flying], at };
  }

  setOpacity(opacity: number): void {
    for (const material of this.materials) material.uniforms.opacity.value = opacity;
    this.paths.setOpacity(opacity);
  }

  dispose(): void {
    for (const part of [this.marks, this.plumbs]) part.geometry.dispose();
    for (const material of this.materials) material.dispose();
    this.paths.dispose();
  }
}
