import type { Object3D } from 'three';
import type { Text } from './strings';

/** What the view needs of anything it draws. `proxy` is the same shape in the picking scene. */
export interface Layer {
  readonly id: string;
  readonly object: Object3D;
  readonly proxy?: Object3D;
  /** Classes for the legend, of layers that have them. */
  readonly classes?: readonly ClassStyle[];
  setOpacity(opacity: number): void;
  dispose(): void;
}

export interface ClassStyle {
  name: Text;
  color: string;
  opacity?: number;
}

export function show(layer: Layer, visible: boolean): void {
  layer.object.visible = visible;
  if (layer.proxy) layer.proxy.visible = visible;
}

/** The id the picking pass writes for the ground; buildings write their number + 1, nothing is 0. */
export const GROUND = -1;

/**
 * GLSL: the clip position of a view-space point whose depth is compared as if it lay `metres` (plus a
 * little with distance) nearer to the eye. Draped things stay where they are on the screen and neither
 * flicker against nor sink into a ground mesh that is coarser than the data they were draped on.
 */
export const LIFT = `
vec4 lifted(vec4 v, float metres) {
  vec4 c = projectionMatrix * v;
  float d = -v.z;
  vec4 n = projectionMatrix * vec4(v.xy, v.z + min(metres + 0.0015 * d, 0.5 * d), 1.0);
  if (n.w > 0.0) c.z = n.z / n.w * c.w;
  return c;
}
`;
