// Named points: round markers drawn over everything, and labels in the page that never overlap.
import { BufferAttribute, BufferGeometry, GLSL3, type PerspectiveCamera, Points, ShaderMaterial, Vector3 } from 'three';
import type { ClassStyle, Layer } from './layer';
import type { Pack } from './pack';
import type { Lang, Text } from './strings';
import { palette } from './surfaces';

interface Meta {
  classes: ClassStyle[];
  labels?: Text[];
}

const MOST_LABELS = 40;
const MARKER_PX = 13;

const vertex = (n: number): string => `
in float vclass;
uniform vec4 palette[${n}];
uniform float size;
flat out vec4 tint;
void main() {
  tint = palette[clamp(int(vclass + 0.5), 0, ${n - 1})];
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  gl_PointSize = size;
}`;
const FRAGMENT = `
uniform float opacity, size;
flat in vec4 tint;
out vec4 color;
void main() {
  float r = length(gl_PointCoord - 0.5) * size;
  float edge = 0.5 * size;
  if (r > edge) discard;
  float ring = smoothstep(edge - 3.4, edge - 2.4, r);
  float rim = smoothstep(edge - 1.4, edge - 0.4, r);
  color = vec4(mix(mix(tint.rgb, vec3(1.0), ring), vec3(0.32, 0.36, 0.4), rim), opacity * (1.0 - 0.6 * rim));
}`;

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && a.right > b.left && a.top < b.bottom && a.bottom > b.top;
}

export class PointsLayer implements Layer {
  readonly object: Points;
  readonly classes: readonly ClassStyle[];
  private readonly names: readonly Text[];
  private readonly positions: Float32Array;
  private readonly material: ShaderMaterial;
  private readonly labels: HTMLSpanElement[] = [];
  private readonly sizes: [number, number][] = [];
  private lang: Lang | null = null;

  constructor(
    readonly id: string,
    pack: Pack,
    host: HTMLElement,
    pixelRatio: number,
  ) {
    const meta = pack.meta as Meta;
    this.classes = meta.classes;
    this.names = meta.labels ?? [];
    this.positions = pack.array('positions', 'f4');
    const geometry = new BufferGeometry();
    geometry.setAttribute('position', new BufferAttribute(this.positions, 3));
    geometry.setAttribute('vclass', new BufferAttribute(pack.array('vclass', 'u1'), 1));
    this.material = new ShaderMaterial({
      glslVersion: GLSL3,
      uniforms: {
        palette: { value: palette(this.classes) },
        opacity: { value: 1 },
        size: { value: MARKER_PX * pixelRatio },
      },
      vertexShader: vertex(Math.max(this.classes.length, 1)),
      fragmentShader: FRAGMENT,
      transparent: true,
      depthTest: false,
      depthWrite: false,
    });
    this.object = new Points(geometry, this.material);
    this.object.renderOrder = 9;
    this.object.frustumCulled = false;
    for (const _ of this.names) {
      const label = document.createElement('span');
      label.className = 'tv-label';
      label.hidden = true;
      host.append(label);
      this.labels.push(label);
    }
  }

  /** Places labels nearest to the eye first; `taken` are the boxes already used, and is added to. */
  place(camera: PerspectiveCamera, width: number, height: number, lang: Lang, taken: Box[]): void {
    if (this.lang !== lang) this.write(lang);
    const at = new Vector3();
    const near: { k: number; x: number; y: number; depth: number }[] = [];
    for (let k = 0; k < this.labels.length; k++) {
      at.fromArray(this.positions, 3 * k).project(camera);
      const x = ((at.x + 1) / 2) * width;
      const y = ((1 - at.y) / 2) * height;
      if (this.object.visible && at.z < 1 && at.z > -1 && x > 0 && y > 0 && x < width && y < height) {
        near.push({ k, x, y, depth: at.z });
      } else this.labels[k].hidden = true;
    }
    near.sort((a, b) => a.depth - b.depth);
    const markers = near.map(({ k, x, y }) => ({ k, left: x - 6, top: y - 6, right: x + 6, bottom: y + 6 }));
    let shown = 0;
    for (const { k, x, y } of near) {
      const [w, h] = this.sizes[k];
      const left = x + 10;
      const box = { left: left - 4, top: y - h / 2 - 2, right: left + w + 4, bottom: y + h / 2 + 2 };
      const free =
        shown < MOST_LABELS &&
        box.right < width &&
        !taken.some((t) => overlap(box, t)) &&
        !markers.some((m) => m.k !== k && overlap(box, m));
      this.labels[k].hidden = !free;
      if (!free) continue;
      this.labels[k].style.transform = `translate(${Math.round(left)}px, ${Math.round(y - h / 2)}px)`;
      taken.push(box);
      shown++;
    }
  }

  setOpacity(opacity: number): void {
    this.material.uniforms.opacity.value = opacity;
    for (const label of this.labels) label.style.opacity = String(opacity);
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.material.dispose();
    for (const label of this.labels) label.remove();
  }

  /** Labels are measured once a language, not once a frame: reading sizes makes the page lay itself out. */
  private write(lang: Lang): void {
    this.lang = lang;
    this.labels.forEach((label, k) => {
      label.textContent = this.names[k][lang];
      label.hidden = false;
    });
    this.labels.forEach((label, k) => {
      this.sizes[k] = [label.offsetWidth, label.offsetHeight];
    });
  }
}
