// Classed lines draped on the ground, of constant width on the screen.
import { Mesh, type ShaderMaterial, type Vector2 } from 'three';
import type { ClassStyle, Layer } from './layer';
import type { Pack } from './pack';
import { segmentQuads, WIDEN } from './segment';
import type { ClassedMeta } from './surfaces';
import { PLAIN, tinted } from './tint';

const VERTEX = `${WIDEN}
in float vclass;
uniform float width;
void main() {
  tint = tintOf(vclass);
  vec4 a = modelViewMatrix * vec4(from, 1.0);
  gl_Position = widened(a, modelViewMatrix * vec4(to, 1.0), 0.7, width);
}`;

export class LinesLayer implements Layer {
  readonly object: Mesh;
  readonly classes: readonly ClassStyle[];
  private readonly material: ShaderMaterial;

  /** `viewport` is shared with the stage: its size in CSS pixels. */
  constructor(
    readonly id: string,
    pack: Pack,
    order: number,
    viewport: Vector2,
  ) {
    this.classes = (pack.meta as ClassedMeta).classes;
    const segments = pack.array('segments', 'u4');
    const vclass = pack.array('vclass', 'u1');
    const kind = Uint8Array.from({ length: segments.length / 2 }, (_, k) => vclass[segments[2 * k]]);
    this.material = tinted(this.classes, VERTEX, PLAIN, { viewport: { value: viewport }, width: { value: 2.2 } });
    this.object = new Mesh(segmentQuads(pack.array('positions', 'f4'), segments, { vclass: [kind, 1] }), this.material);
    this.object.frustumCulled = false;
    this.object.renderOrder = order;
  }

  setOpacity(opacity: number): void {
    this.material.uniforms.opacity.value = opacity;
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.material.dispose();
  }
}
