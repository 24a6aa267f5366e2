// Named points: round markers drawn over everything, and labels in the page that never overlap.
import { BufferAttribute, BufferGeometry, type PerspectiveCamera, Points, type ShaderMaterial } from 'three';
import { type Box, Labels } from './labels';
import type { ClassStyle, Layer } from './layer';
import type { Pack } from './pack';
import type { Lang, Text } from './strings';
import { MARKS, tinted } from './tint';

interface Meta {
  classes: ClassStyle[];
  labels?: Text[];
}

const MARKER_PX = 13;

const FRAGMENT = `
uniform float size;
void main() {
  float r = length(gl_PointCoord - 0.5) * size;
  float edge = 0.5 * size;
  if (r > edge) discard;
  float ring = smoothstep(edge - 3.4, edge - 2.4, r);
  float rim = smoothstep(edge - 1.4, edge - 0.4, r);
  color = vec4(mix(mix(tint.rgb, vec3(1.0), ring), vec3(0.32, 0.36, 0.4), rim), opacity * (1.0 - 0.6 * rim));
}`;

export class PointsLayer implements Layer {
  readonly object: Points;
  readonly classes: readonly ClassStyle[];
  private readonly material: ShaderMaterial;
  private readonly labels: Labels;

  constructor(
    readonly id: string,
    pack: Pack,
    host: HTMLElement,
    pixelRatio: number,
  ) {
    const meta = pack.meta as Meta;
    this.classes = meta.classes;
    const positions = pack.array('positions', 'f4');
    const geometry = new BufferGeometry();
    geometry.setAttribute('position', new BufferAttribute(positions, 3));
    geometry.setAttribute('vclass', new BufferAttribute(pack.array('vclass', 'u1'), 1));
    const size = { value: MARKER_PX * pixelRatio };
    this.material = tinted(this.classes, MARKS, FRAGMENT, { size }, { depthTest: false });
    this.object = new Points(geometry, this.material);
    this.object.renderOrder = 9;
    this.object.frustumCulled = false;
    this.labels = new Labels(host, [...(meta.labels ?? [])], positions);
  }

  /** Places labels nearest to the eye first; `taken` are the boxes already used, and is added to. */
  place(camera: PerspectiveCamera, width: number, height: number, lang: Lang, taken: Box[]): void {
    this.labels.place(camera, width, height, lang, taken, () => this.object.visible);
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
}
