// People in time. Two outputs lie on the graphics card, the shader moves everybody between them; the others wait in
// memory as 16-bit codes. Layers of different states share the positions.
import {
  BufferAttribute,
  BufferGeometry,
  GLSL3,
  type IUniform,
  Points,
  ShaderMaterial,
  Sphere,
  Vector3,
} from 'three';
import { Failure } from './failure';
import { type ClassStyle, LIFT } from './layer';
import { type FrameSource, indexAt, type OverlayEntry, type OverlayHost, type OverlayLayer } from './overlay';
import type { Pack } from './pack';
import { palette } from './tint';

const STATES = 5;
const NOBODY = 255;
/** Size of the mark of a person [m], and its least and greatest size on the screen [CSS px]. */
const MARK_M = 2.2;
const LEAST_PX = 3;
const MOST_PX = 20;
/** People are drawn as if they stood this much nearer: a house does not hide those inside and behind it [m]. */
const NEARER_M = 40;

const VERTEX = `${LIFT}
in vec4 a;
in vec4 b;
uniform vec3 offset, unit;
uniform float blend, ratio;
uniform vec2 viewport;
uniform int shown;
uniform vec4 palette[${STATES}];
flat out vec4 tint;
flat out float size;
void main() {
  int state = int(a.w + 0.5);
  tint = palette[min(state, ${STATES - 1})];
  size = 0.0;
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  if (state < ${STATES} && ((shown >> state) & 1) == 1) {
    vec3 p = offset + unit * mix(a.xyz, b.w > ${NOBODY - 1}.5 ? a.xyz : b.xyz, blend);
    vec4 v = modelViewMatrix * vec4(p.xy, p.z + ${(MARK_M / 2).toFixed(1)}, 1.0);
    gl_Position = lifted(v, ${NEARER_M.toFixed(1)} + float(state));
    float perMetre = 0.5 * projectionMatrix[1][1] * viewport.y / max(-v.z, 0.1);
    size = ratio * clamp(${MARK_M.toFixed(1)} * perMetre, ${LEAST_PX.toFixed(1)}, ${MOST_PX.toFixed(1)});
  }
  gl_PointSize = size;
}`;
const FRAGMENT = `
uniform float opacity;
flat in vec4 tint;
flat in float size;
out vec4 color;
void main() {
  float r = length(gl_PointCoord - 0.5) * size;
  if (r > 0.5 * size && size > 4.0) discard;
  float rim = smoothstep(0.5 * size - 1.8, 0.5 * size - 0.8, r) * smoothstep(5.0, 7.0, size);
  color = vec4(mix(tint.rgb, vec3(1.0), 0.85 * rim), opacity);
}`;

interface Meta {
  first: number;
  count: number;
  n: number;
  offset: [number, number, number];
  step: [number, number, number];
}

/** The people of a run: outputs as they arrive, and those two between which the time lies. */
export class Crowd {
  readonly geometry = new BufferGeometry();
  readonly uniforms: Record<string, IUniform> = {
    offset: { value: new Vector3() },
    unit: { value: new Vector3() },
    blend: { value: 0 },
  };
  private readonly frames: Uint16Array[] = [];
  private times: readonly number[] = [];
  private n = 0;
  private shown: [number, number] = [-1, -1];

  constructor() {
    this.geometry.boundingSphere = new Sphere(new Vector3(), Infinity);
  }

  /** Number of outputs that are here. */
  get count(): number {
    return this.frames.length;
  }

  append(pack: Pack, source: FrameSource): number {
    const { first, count, n, offset, step } = pack.meta as Meta;
    const codes = [pack.array('x', 'u2'), pack.array('y', 'u2'), pack.array('z', 'u2')];
    const state = pack.array('state', 'u1');
    if (first !== this.count || (this.n !== 0 && n !== this.n) || state.length !== count * n) {
      throw new Failure({
        ja: `人の位置のコマが合いません（${first} から ${count} コマ、手元は ${this.count} コマ）。`,
        en: `Outputs of people do not fit (${count} from ${first} on, ${this.count} here).`,
      });
    }
    if (this.n === 0) {
      this.n = n;
      for (const name of ['a', 'b']) this.geometry.setAttribute(name, new BufferAttribute(new Uint16Array(4 * n), 4));
      this.geometry.setDrawRange(0, n);
      (this.uniforms.offset.value as Vector3).fromArray(offset);
      (this.uniforms.unit.value as Vector3).fromArray(step);
    }
    // Codes are differences to the output before: what stands still costs nothing on the way here.
    let before: Uint16Array | null = null;
    for (let k = 0; k < count; k++) {
      const frame = new Uint16Array(4 * n);
      for (let i = 0, at = k * n; i < n; i++, at++) {
        const o = 4 * i;
        frame[o] = codes[0][at] + (before ? before[o] : 0);
        frame[o + 1] = codes[1][at] + (before ? before[o + 1] : 0);
        frame[o + 2] = codes[2][at] + (before ? before[o + 2] : 0);
        frame[o + 3] = state[at];
      }
      this.frames.push(frame);
      before = frame;
    }
    this.times = source.times_s;
    this.shown = [-1, -1];
    return this.count;
  }

  setTime(seconds: number): void {
    if (this.count === 0) return;
    const k = indexAt(this.times, this.count, seconds);
    const next = Math.min(k + 1, this.count - 1);
    const span = this.times[next] - this.times[k];
    this.uniforms.blend.value = span > 0 ? Math.min(Math.max((seconds - this.times[k]) / span, 0), 1) : 0;
    if (k !== this.shown[0]) this.upload('a', k);
    if (next !== this.shown[1]) this.upload('b', next);
    this.shown = [k, next];
  }

  /** How many are in each state at the time shown. */
  counts(): number[] {
    const found = new Array<number>(STATES).fill(0);
    const frame = this.frames[this.shown[0]];
    if (frame) for (let k = 3; k < frame.length; k += 4) if (frame[k] < STATES) found[frame[k]]++;
    return found;
  }

  dispose(): void {
    this.geometry.dispose();
  }

  private upload(name: string, frame: number): void {
    const attribute = this.geometry.getAttribute(name) as BufferAttribute;
    (attribute.array as Uint16Array).set(this.frames[frame]);
    attribute.needsUpdate = true;
  }
}

export class AgentsLayer implements OverlayLayer {
  readonly id: string;
  readonly object: Points;
  readonly classes: readonly ClassStyle[];
  private readonly material: ShaderMaterial;
  private readonly states: readonly number[];

  constructor(
    entry: OverlayEntry,
    private readonly crowd: Crowd,
    host: OverlayHost,
  ) {
    this.id = entry.id;
    this.states = entry.states ?? [];
    this.classes = this.states.map((state) => entry.classes[state]);
    this.material = new ShaderMaterial({
      glslVersion: GLSL3,
      uniforms: {
        ...crowd.uniforms,
        palette: { value: palette(entry.classes) },
        shown: { value: this.states.reduce((mask, state) => mask | (1 << state), 0) },
        opacity: { value: 1 },
        viewport: { value: host.viewport },
        ratio: { value: host.pixelRatio },
      },
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      transparent: true,
      depthWrite: false,
    });
    this.object = new Points(crowd.geometry, this.material);
    this.object.frustumCulled = false;
    this.object.renderOrder = 6 + (this.states.includes(0) ? 0 : 0.1);
  }

  setTime(seconds: number): void {
    this.crowd.setTime(seconds);
  }

  setOpacity(opacity: number): void {
    this.material.uniforms.opacity.value = opacity;
  }

  facts(): Record<string, unknown> {
    const counts = this.crowd.counts();
    return { frames: this.crowd.count, counts: Object.fromEntries(this.states.map((s) => [s, counts[s]])) };
  }

  dispose(): void {
    this.material.dispose();
  }
}
