// Flat coloured surfaces draped on the ground: roads, hazard zones, landing sites.
import { BufferAttribute, DoubleSide, Mesh, type ShaderMaterial } from 'three';
import { indexed } from './grid';
import { type ClassStyle, type Layer, LIFT } from './layer';
import type { Pack } from './pack';
import { PLAIN, tinted } from './tint';

export interface ClassedMeta {
  classes: ClassStyle[];
}

const VERTEX = `${LIFT}
in float vclass;
void main() {
  tint = tintOf(vclass);
  gl_Position = lifted(modelViewMatrix * vec4(position, 1.0), 0.45);
}`;

export class SurfacesLayer implements Layer {
  readonly object: Mesh;
  readonly classes: readonly ClassStyle[];
  private readonly material: ShaderMaterial;

  constructor(
    readonly id: string,
    pack: Pack,
    order: number,
  ) {
    this.classes = (pack.meta as ClassedMeta).classes;
    this.material = tinted(this.classes, VERTEX, PLAIN, {}, { side: DoubleSide });
    const geometry = indexed(pack.array('positions', 'f4'), pack.array('indices', 'u4'));
    geometry.setAttribute('vclass', new BufferAttribute(pack.array('vclass', 'u1'), 1));
    this.object = new Mesh(geometry, this.material);
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
