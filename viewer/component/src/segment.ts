// Lines of constant width on the screen: every segment is one instance of a quad, widened in the shader.
import { BufferAttribute, InstancedBufferAttribute, InstancedBufferGeometry, Sphere, Vector3 } from 'three';
import { LIFT } from './layer';

/**
 * GLSL: the clip position of the quad's corner `position` on the segment from `a` to `b` (view space; `a` is moved to
 * where the segment comes before the eye), drawn `width` pixels wide and as if `nearer` metres nearer to the eye.
 */
export const WIDEN = `${LIFT}
in vec3 from;
in vec3 to;
uniform vec2 viewport;
vec4 widened(inout vec4 a, vec4 b, float nearer, float width) {
  float near = -0.5;
  if (a.z > near && b.z < near) a = mix(a, b, (near - a.z) / (b.z - a.z));
  if (b.z > near && a.z < near) b = mix(b, a, (near - b.z) / (a.z - b.z));
  vec4 ca = lifted(a, nearer), cb = lifted(b, nearer);
  vec2 run = (cb.xy / cb.w - ca.xy / ca.w) * viewport;
  vec2 dir = length(run) > 1e-6 ? normalize(run) : vec2(1.0, 0.0);
  vec4 p = position.x < 0.5 ? ca : cb;
  p.xy += (vec2(-dir.y, dir.x) * position.y + dir * (position.x - 0.5) * 0.5) * width / viewport * p.w;
  return p;
}
`;

/** Quads for the segments, pairs of vertices; `ofSegment` are attributes with a value a segment, and their sizes. */
export function segmentQuads(
  positions: Float32Array,
  segments: Uint32Array,
  ofSegment: Record<string, [values: Float32Array | Uint8Array, size: number]>,
): InstancedBufferGeometry {
  const count = segments.length / 2;
  const [from, to] = [new Float32Array(3 * count), new Float32Array(3 * count)];
  for (let k = 0; k < count; k++) {
    from.set(positions.subarray(3 * segments[2 * k], 3 * segments[2 * k] + 3), 3 * k);
    to.set(positions.subarray(3 * segments[2 * k + 1], 3 * segments[2 * k + 1] + 3), 3 * k);
  }
  const geometry = new InstancedBufferGeometry();
  const quad = new Float32Array([0, -1, 0, 1, -1, 0, 0, 1, 0, 1, 1, 0]);
  geometry.setAttribute('position', new BufferAttribute(quad, 3));
  geometry.setIndex([0, 1, 2, 2, 1, 3]);
  for (const [name, [values, size]] of Object.entries({ from: [from, 3], to: [to, 3], ...ofSegment } as typeof ofSegment)) {
    geometry.setAttribute(name, new InstancedBufferAttribute(values, size));
  }
  geometry.instanceCount = count;
  geometry.boundingSphere = new Sphere(new Vector3(), Infinity);
  return geometry;
}
