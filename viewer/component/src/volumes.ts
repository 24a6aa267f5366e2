// Volumes of the air, translucent, with their edges; shown while they are in force.
import { BufferAttribute, DoubleSide, Group, Mesh, type ShaderMaterial, Sphere, Vector3 } from 'three';
import { indexed } from './grid';
import type { ClassStyle } from './layer';
import { isActive, type Near, type OverlayEntry, type OverlayHost, type OverlayLayer } from './overlay';
import type { Pack } from './pack';
import { PathsLayer } from './paths';
import type { Text } from './strings';
import { tinted } from './tint';

const LID = 0.4;

const VERTEX = `
in vec3 info;
uniform float time;
out vec3 here;
void main() {
  here = position;
  tint = tintOf(info.x);
  bool shown = time >= info.y && time < info.z;
  gl_Position = shown ? projectionMatrix * modelViewMatrix * vec4(position, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
}`;
// Lids are thinner than walls: a wide zone must not paint over the city that it lies on.
const FRAGMENT = `
in vec3 here;
void main() {
  vec3 n = normalize(cross(dFdx(here), dFdy(here)));
  float thin = abs(n.z) > 0.5 ? ${LID.toFixed(2)} : 1.0;
  color = vec4(tint.rgb, tint.a * mix(thin, 1.0, opacity * opacity) * opacity);
}`;

export class VolumesLayer implements OverlayLayer {
  readonly id: string;
  readonly object = new Group();
  readonly classes: readonly ClassStyle[];
  private readonly mesh: Mesh;
  private readonly material: ShaderMaterial;
  private readonly edges: PathsLayer;
  private readonly positions: Float32Array;
  private readonly indices: Uint32Array;
  private readonly item: Uint32Array;
  private readonly from: Float32Array;
  private readonly until: Float32Array;
  private readonly texts: readonly Text[];
  /** Number by which the server knows each. */
  private readonly rows: readonly number[];
  readonly note?: Text;
  private time = 0;

  constructor(entry: OverlayEntry, pack: Pack, host: OverlayHost) {
    this.id = entry.id;
    const meta = pack.meta as { labels: Text[]; rows?: number[]; note?: Text };
    this.texts = meta.labels;
    this.rows = meta.rows ?? this.texts.map((_, row) => row);
    this.note = meta.note;
    this.positions = pack.array('positions', 'f4');
    this.indices = pack.array('indices', 'u4');
    this.item = pack.array('item', 'u4');
    this.from = pack.array('from', 'f4');
    this.until = pack.array('until', 'f4');
    const vclass = pack.array('vclass', 'u1');
    const there = new Set(vclass);
    this.classes = entry.classes.filter((_, k) => there.has(k));
    const info = new Float32Array(3 * this.item.length);
    this.item.forEach((row, k) => info.set([vclass[row], this.from[row], this.until[row]], 3 * k));
    const geometry = indexed(this.positions, this.indices);
    geometry.boundingSphere = new Sphere(new Vector3(), Infinity);
    geometry.setAttribute('info', new BufferAttribute(info, 3));
    const look = { side: DoubleSide, forceSinglePass: true };
    this.material = tinted(entry.classes, VERTEX, FRAGMENT, { time: { value: 0 } }, look);
    this.mesh = new Mesh(geometry, this.material);
    this.mesh.frustumCulled = false;
    this.mesh.renderOrder = 8;
    const { positions, item, from, until } = this;
    const data = { positions, segments: pack.array('edges', 'u4'), item, vclass, from, until };
    this.edges = new PathsLayer(`${this.id}.edges`, data, entry.classes, { width: 1.8, nearer: 0.3, order: 8.1 }, host);
    this.object.add(this.mesh, this.edges.object);
  }

  setTime(seconds: number): void {
    this.time = seconds;
    this.material.uniforms.time.value = seconds;
    this.edges.setTime(seconds);
    // Nothing in force, nothing to draw: hundreds of volumes of hours to come cost as much as those that are seen.
    this.mesh.visible = this.edges.object.visible = this.texts.some((_, row) => this.isShown(row));
  }

  hit(origin: Vector3, direction: Vector3): (Near & { range: number }) | null {
    let best: (Near & { range: number }) | null = null;
    const [a, b, c] = [new Vector3(), new Vector3(), new Vector3()];
    const [p, q, s] = [new Vector3(), new Vector3(), new Vector3()];
    for (let k = 0; k < this.indices.length; k += 3) {
      const row = this.item[this.indices[k]];
      if (!this.isShown(row)) continue;
      a.fromArray(this.positions, 3 * this.indices[k]);
      b.fromArray(this.positions, 3 * this.indices[k + 1]).sub(a);
      c.fromArray(this.positions, 3 * this.indices[k + 2]).sub(a);
      // Möller and Trumbore (1997): the ray in the triangle's own coordinates.
      p.crossVectors(direction, c);
      const det = b.dot(p);
      if (Math.abs(det) < 1e-9) continue;
      s.subVectors(origin, a);
      const u = s.dot(p) / det;
      q.crossVectors(s, b);
      const v = direction.dot(q) / det;
      const range = c.dot(q) / det;
      if (u < 0 || v < 0 || u + v > 1 || range <= 0 || (best !== null && range >= best.range)) continue;
      const at = origin.clone().addScaledVector(direction, range).toArray();
      best = { item: this.rows[row], distance: 0, at, text: this.texts[row], range };
    }
    return best;
  }

  facts(): Record<string, unknown> {
    return { shown: this.texts.map((_, row) => row).filter((row) => this.isShown(row)).map((row) => this.rows[row]) };
  }

  /** Edges stay legible where faces are thin. */
  setOpacity(opacity: number): void {
    this.material.uniforms.opacity.value = opacity;
    this.edges.setOpacity(Math.min(1, 0.25 + 2 * opacity));
  }

  dispose(): void {
    this.mesh.geometry.dispose();
    this.material.dispose();
    this.edges.dispose();
  }

  private isShown(row: number): boolean {
    return isActive(this.from[row], this.until[row], this.time);
  }
}
