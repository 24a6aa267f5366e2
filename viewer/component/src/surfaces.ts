// Flat coloured surfaces draped on the ground: roads, hazard zones, landing sites.
import { BufferAttribute, DoubleSide, GLSL3, Mesh, ShaderMaterial, Vector4 } from 'three';
import { rgb } from './color';
import { indexed } from './grid';
import { type ClassStyle, type Layer, LIFT } from './layer';
import type { Pack } from './pack';

export interface ClassedMeta {
  classes: ClassStyle[];
}

export function palette(classes: readonly ClassStyle[]): Vector4[] {
  return classes.map((c) => {
    const [r, g, b] = rgb(c.color);
    return new Vector4(r / 255, g / 255, b / 255, c.opacity ?? 1);
  });
}

const vertex = (n: number): string => `${LIFT}
in float vclass;
uniform vec4 palette[${n}];
flat out vec4 tint;
void main() {
  tint = palette[clamp(int(vclass + 0.5), 0, ${n - 1})];
  gl_Position = lifted(modelViewMatrix * vec4(position, 1.0), 0.45);
}`;
const FRAGMENT = `
uniform float opacity;
flat in vec4 tint;
out vec4 color;
void main() { color = vec4(tint.rgb, tint.a * opacity); }`;

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
    this.material = new ShaderMaterial({
      glslVersion: GLSL3,
      uniforms: { palette: { value: palette(this.classes) }, opacity: { value: 1 } },
      vertexShader: vertex(Math.max(this.classes.length, 1)),
      fragmentShader: FRAGMENT,
      transparent: true,
      depthWrite: false,
      side: DoubleSide,
    });
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
