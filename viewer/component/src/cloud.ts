// A point cloud in the colours of the ASPRS classes.
import { BufferAttribute, BufferGeometry, GLSL3, Points, ShaderMaterial } from 'three';
import { rgb } from './color';
import type { Layer } from './layer';
import type { Pack } from './pack';

/** LAS 1.4 R15, table 17: standard point classes; the colours are ours. */
const CLASSES: readonly (readonly [number, string])[] = [
  [2, '#b59f7d'],
  [3, '#a9c18a'],
  [4, '#86ad62'],
  [5, '#5c8f45'],
  [6, '#c9694f'],
  [9, '#5b9bd1'],
  [11, '#8d9096'],
  [17, '#a79cc0'],
];
const OTHER = '#a8abb0';

const VERTEX = `
in vec4 tint;
uniform float scale;
flat out vec3 shown;
void main() {
  shown = tint.rgb;
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  gl_PointSize = clamp(scale / gl_Position.w, 1.5, 6.0);
}`;
const FRAGMENT = `
uniform float opacity;
flat in vec3 shown;
out vec4 color;
void main() { color = vec4(shown, opacity); }`;

/** A step coprime to n near the golden section: k * step mod n visits every point, any prefix evenly. */
function stepFor(n: number): number {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  let step = Math.max(Math.floor(n * 0.6180339887), 1);
  while (gcd(step, n) !== 1) step++;
  return step;
}

export class CloudLayer implements Layer {
  readonly object: Points;
  private readonly material: ShaderMaterial;

  /** Draws at most `budget` points, evenly taken from all. */
  constructor(
    readonly id: string,
    pack: Pack,
    budget: number,
  ) {
    const positions = pack.array('positions', 'f4');
    const classes = pack.array('class', 'u1');
    const table = new Uint8Array(256 * 4);
    for (let k = 0; k < 256; k++) table.set([...rgb(OTHER), 255], 4 * k);
    for (const [code, color] of CLASSES) table.set([...rgb(color), 255], 4 * code);
    const n = classes.length;
    const count = Math.min(n, budget);
    const step = n > budget ? stepFor(n) : 1;
    const xyz = new Float32Array(3 * count);
    const tint = new Uint8Array(4 * count);
    for (let k = 0, at = 0; k < count; k++, at = (at + step) % n) {
      xyz.set(positions.subarray(3 * at, 3 * at + 3), 3 * k);
      tint.set(table.subarray(4 * classes[at], 4 * classes[at] + 4), 4 * k);
    }
    const geometry = new BufferGeometry();
    geometry.setAttribute('position', new BufferAttribute(xyz, 3));
    geometry.setAttribute('tint', new BufferAttribute(tint, 4, true));
    this.material = new ShaderMaterial({
      glslVersion: GLSL3,
      uniforms: { opacity: { value: 1 }, scale: { value: 900 } },
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
    });
    this.object = new Points(geometry, this.material);
  }

  setOpacity(opacity: number): void {
    this.material.uniforms.opacity.value = opacity;
    this.material.transparent = opacity < 1;
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.material.dispose();
  }
}
