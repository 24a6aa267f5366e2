// What a run shows over the city, as the run document lists it, and what the view asks of anything that shows it.
import { type PerspectiveCamera, Vector3, type Vector2 } from 'three';
import type { Box } from './labels';
import type { ClassStyle, Layer } from './layer';
import type { Lang, Text } from './strings';

export interface OverlayClass extends ClassStyle {
  /** Drawn dashed: a route beyond the traveller's limits. */
  dash?: boolean;
  /** Nothing of this class is there: not in the legend. */
  hidden?: boolean;
}

export type OverlayKind = 'agents' | 'shelters' | 'links' | 'lines' | 'markers' | 'surfaces' | 'volumes' | 'flights';

export interface FrameSource {
  url: string;
  n_frames: number;
  times_s: number[];
}

export interface OverlayEntry {
  id: string;
  stage: string;
  key: string;
  kind: OverlayKind;
  name: Text;
  visible: boolean;
  opacity: number;
  classes: OverlayClass[];
  /** Of people: the states that this overlay shows. */
  states?: number[];
  shape?: MarkerShape;
  labels?: boolean;
  url: string | null;
  frames: FrameSource | null;
}

export type MarkerShape = 'disc' | 'triangle' | 'square' | 'diamond';

/** A thing under the pointer: its number, how far off it is [px], where it is, and what is written beside it. */
export interface Near {
  item: number;
  distance: number;
  at: [number, number, number];
  text: Text | null;
}

export interface OverlayLayer extends Layer {
  /** A sentence for the legend. */
  readonly note?: Text;
  setTime(seconds: number): void;
  /** The nearest thing shown within reach of a place on the screen. */
  near?(screen: Screen, x: number, y: number): Near | null;
  /** The first thing shown that a ray from the eye meets. */
  hit?(origin: Vector3, direction: Vector3): (Near & { range: number }) | null;
  place?(camera: PerspectiveCamera, width: number, height: number, lang: Lang, taken: Box[]): void;
  /** What is drawn now, in numbers: for tests. */
  facts(): Record<string, unknown>;
}

/** What overlays need from the view they are drawn in. */
export interface OverlayHost {
  readonly viewport: Vector2;
  readonly pixelRatio: number;
  readonly labels: HTMLElement;
}

/** Places in the picture [CSS px]. */
export class Screen {
  private readonly at = new Vector3();

  constructor(
    private readonly camera: PerspectiveCamera,
    private readonly width: number,
    private readonly height: number,
  ) {
    camera.updateMatrixWorld();
  }

  /** null behind the eye. */
  project(x: number, y: number, z: number): [number, number] | null {
    const v = this.at.set(x, y, z).applyMatrix4(this.camera.matrixWorldInverse);
    if (v.z > -this.camera.near) return null;
    v.applyMatrix4(this.camera.projectionMatrix);
    return [((v.x + 1) / 2) * this.width, ((1 - v.y) / 2) * this.height];
  }
}

/** The nearest of those places (x, y, z of each) that are shown within `reach` pixels; `item` is its number. */
export function nearest(
  screen: Screen,
  x: number,
  y: number,
  positions: Float32Array,
  reach: number,
  isShown: (k: number) => boolean = () => true,
): Near | null {
  let best: Near | null = null;
  for (let k = 0; 3 * k < positions.length; k++) {
    if (!isShown(k)) continue;
    const at = positions.subarray(3 * k, 3 * k + 3);
    const p = screen.project(at[0], at[1], at[2]);
    const distance = p === null ? Infinity : Math.hypot(x - p[0], y - p[1]);
    if (distance > reach || (best !== null && distance >= best.distance)) continue;
    best = { item: k, distance, at: [at[0], at[1], at[2]], text: null };
  }
  return best;
}

/** Index of the last time at or before `seconds`; 0 before the first. */
export function indexAt(times: ArrayLike<number>, count: number, seconds: number): number {
  let [low, high] = [0, Math.max(count - 1, 0)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= seconds) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Whether something that is shown from `from` until `until` is shown at a time. */
export function isActive(from: number, until: number, seconds: number): boolean {
  return seconds >= from && seconds < until;
}
