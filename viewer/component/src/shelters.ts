// Shelters as vessels: the mark fills with the people inside, and its name says how many there are.
import { BufferAttribute, BufferGeometry, type PerspectiveCamera, Points, type ShaderMaterial } from 'three';
import { type Box, Labels } from './labels';
import type { ClassStyle } from './layer';
import { indexAt, type Near, nearest, type OverlayEntry, type OverlayHost, type OverlayLayer, type Screen } from './overlay';
import type { Pack } from './pack';
import type { Lang, Text } from './strings';
import { tinted } from './tint';

const SIZE_PX = 28;
const [ROOM, FULL, FLOODED] = [0, 1, 2];

const VERTEX = `
in vec2 fill;
uniform float size;
flat out float level;
void main() {
  tint = tintOf(fill.y);
  level = fill.x;
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  gl_PointSize = size;
}`;
const FRAGMENT = `
uniform float size;
flat in float level;
void main() {
  float r = length(gl_PointCoord - 0.5) * size;
  float edge = 0.5 * size;
  if (r > edge) discard;
  float inner = edge - 3.2;
  float height = 0.5 - (gl_PointCoord.y - 0.5) * edge / inner;
  vec3 c = height < level ? tint.rgb : vec3(1.0);
  float ring = smoothstep(inner - 0.6, inner + 0.4, r);
  float rim = smoothstep(edge - 1.4, edge - 0.4, r);
  color = vec4(mix(mix(c, tint.rgb, ring), vec3(1.0), rim), opacity);
}`;

export class SheltersLayer implements OverlayLayer {
  readonly id: string;
  readonly object: Points;
  readonly classes: readonly ClassStyle[];
  private readonly material: ShaderMaterial;
  private readonly positions: Float32Array;
  private readonly capacity: Float32Array;
  private readonly times: Float32Array;
  private readonly load: Float32Array;
  private readonly flooded: Float32Array;
  private readonly names: readonly Text[];
  private readonly labels: Labels;
  private readonly now: { load: number; state: number }[];

  constructor(entry: OverlayEntry, pack: Pack, host: OverlayHost) {
    this.id = entry.id;
    this.classes = entry.classes;
    this.positions = pack.array('positions', 'f4');
    this.capacity = pack.array('capacity', 'f4');
    this.times = pack.array('times', 'f4');
    this.load = pack.array('load', 'f4');
    this.flooded = pack.array('flooded', 'f4');
    this.names = (pack.meta as { labels: Text[] }).labels;
    this.now = this.names.map(() => ({ load: -1, state: -1 }));
    const geometry = new BufferGeometry();
    geometry.setAttribute('position', new BufferAttribute(this.positions, 3));
    geometry.setAttribute('fill', new BufferAttribute(new Float32Array(2 * this.names.length), 2));
    const size = { value: SIZE_PX * host.pixelRatio };
    this.material = tinted(entry.classes, VERTEX, FRAGMENT, { size }, { depthTest: false });
    this.object = new Points(geometry, this.material);
    this.object.renderOrder = 9.1;
    this.object.frustumCulled = false;
    // Room for the longest text that may come: the number of people may reach the capacity.
    const most = this.names.map((_, k) => this.text(k, Math.max(this.capacity[k], 1000)));
    this.labels = new Labels(host.labels, most, this.positions, SIZE_PX);
  }

  setTime(seconds: number): void {
    const n = this.names.length;
    const frame = indexAt(this.times, this.times.length, seconds);
    const fill = this.object.geometry.getAttribute('fill') as BufferAttribute;
    for (let k = 0; k < n; k++) {
      const load = this.load[frame * n + k] ?? 0;
      const isFull = this.capacity[k] > 0 && load >= this.capacity[k];
      const state = seconds >= this.flooded[k] ? FLOODED : isFull ? FULL : ROOM;
      const before = this.now[k];
      if (before.load === load && before.state === state) continue;
      if (before.load !== load) this.labels.setText(k, this.text(k, load));
      this.now[k] = { load, state };
      fill.setXY(k, this.capacity[k] > 0 ? Math.min(load / this.capacity[k], 1) : 0, state);
      fill.needsUpdate = true;
    }
  }

  near(screen: Screen, x: number, y: number): Near | null {
    const found = nearest(screen, x, y, this.positions, SIZE_PX / 2 + 2);
    return found && { ...found, text: this.text(found.item, this.now[found.item].load) };
  }

  place(camera: PerspectiveCamera, width: number, height: number, lang: Lang, taken: Box[]): void {
    this.labels.place(camera, width, height, lang, taken, () => this.object.visible);
  }

  facts(): Record<string, unknown> {
    return { load: this.now.map((one) => one.load), states: this.now.map((one) => one.state) };
  }

  setOpacity(opacity: number): void {
    this.material.uniforms.opacity.value = opacity;
    this.labels.setOpacity(opacity);
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.material.dispose();
    this.labels.dispose();
  }

  private text(k: number, load: number): Text {
    const people = Math.max(Math.round(load), 0);
    const share = this.capacity[k] > 0 ? `${people} / ${Math.round(this.capacity[k])}` : String(people);
    return { ja: `${this.names[k].ja} ${share}人`, en: `${this.names[k].en} ${share}` };
  }
}
