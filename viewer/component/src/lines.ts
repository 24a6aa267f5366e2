// Lines of constant width on the screen: every segment is one instance of a quad, widened in the shader.
import {
  BufferAttribute,
  GLSL3,
  InstancedBufferAttribute,
  InstancedBufferGeometry,
  Mesh,
  ShaderMaterial,
  Sphere,
  Vector2,
  Vector3,
} from 'three';
import { type ClassStyle, type Layer, LIFT } from './layer';
import type { Pack } from './pack';
import { type ClassedMeta, palette } from './surfaces';

const vertex = (n: number): string => `${LIFT}
in vec3 from;
in vec3 to;
in float vclass;
uniform vec4 palette[${n}];
uniform vec2 viewport;
uniform float width;
flat out vec4 tint;
void main() {
  tint = palette[clamp(int(vclass + 0.5), 0, ${n - 1})];
  vec4 a = modelViewMatrix * vec4(from, 1.0);
  vec4 b = modelViewMatrix * vec4(to, 1.0);
  float near = -0.5;
  if (a.z > near && b.z < near) a = mix(a, b, (near - a.z) / (b.z - a.z));
  if (b.z > near && a.z < near) b = mix(b, a, (near - b.z) / (a.z - b.z));
  vec4 ca = lifted(a, 0.7), cb = lifted(b, 0.7);
  vec2 along = (cb.xy / cb.w - ca.xy / ca.w) * viewport;
  vec2 dir = length(along) > 1e-6 ? normalize(along) : vec2(1.0, 0.0);
  vec4 p = position.x < 0.5 ? ca : cb;
  p.xy += (vec2(-dir.y, dir.x) * position.y + dir * (position.x - 0.5) * 0.5) * width / viewport * p.w;
  gl_Position = p;
}`;
const FRAGMENT = `
uniform float opacity;
flat in vec4 tint;
out vec4 color;
void main() { color = vec4(tint.rgb, tint.a * opacity); }`;

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
    const positions = pack.array('positions', 'f4');
    const segments = pack.array('segments', 'u4');
    const vclass = pack.array('vclass', 'u1');
    const count = segments.length / 2;
    const from = new Float32Array(3 * count);
    const to = new Float32Array(3 * count);
    const kind = new Uint8Array(count);
    for (let k = 0; k < count; k++) {
      from.set(positions.subarray(3 * segments[2 * k], 3 * segments[2 * k] + 3), 3 * k);
      to.set(positions.subarray(3 * segments[2 * k + 1], 3 * segments[2 * k + 1] + 3), 3 * k);
      kind[k] = vclass[segments[2 * k]];
    }
    const geometry = new InstancedBufferGeometry();
    const quad = new Float32Array([0, -1, 0, 1, -1, 0, 0, 1, 0, 1, 1, 0]);
    geometry.setAttribute('position', new BufferAttribute(quad, 3));
    geometry.setIndex([0, 1, 2, 2, 1, 3]);
    geometry.setAttribute('from', new InstancedBufferAttribute(from, 3));
    geometry.setAttribute('to', new InstancedBufferAttribute(to, 3));
    geometry.setAttribute('vclass', new InstancedBufferAttribute(kind, 1));
    geometry.instanceCount = count;
    geometry.boundingSphere = new Sphere(new Vector3(), Infinity);
    this.material = new ShaderMaterial({
      glslVersion: GLSL3,
      uniforms: {
        palette: { value: palette(this.classes) },
        opacity: { value: 1 },
        viewport: { value: viewport },
        width: { value: 2.2 },
      },
      vertexShader: vertex(Math.max(this.classes.length, 1)),
      fragmentShader: FRAGMENT,
      transparent: true,
      depthWrite: false,
    });
    this.object = new Mesh(geometry, this.material);
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
