// The camera: map controls with z up, a first view that frames the bounds from the south, keys.
import { PerspectiveCamera, Vector3 } from 'three';
import { MapControls } from 'three/addons/controls/MapControls.js';
import type { Box } from './labels';

export interface CameraState {
  position: [number, number, number];
  target: [number, number, number];
}

export type Bounds = readonly [west: number, south: number, east: number, north: number];

const degrees = (angle: number): number => (angle * Math.PI) / 180;
const LEAST_PITCH = degrees(35);
const MOST_PITCH = degrees(56);
const PITCH_STEP = degrees(0.5);
const MIN_DISTANCE = 15;
const SETTLE_MS = 250;
const CLEARANCE = 2;

interface Fit {
  eye: Vector3;
  ahead: Vector3;
  /** Distances along the line of sight that the width and the height of the picture each ask for. */
  forWidth: number;
  forHeight: number;
}

/**
 * The nearest place, looking north and down by `pitch`, from which all points lie between sight lines of the
 * given slopes. With axes x right, u up, k back, a point p shows at (p.x - eye.x) / (eye.k - p.k): each side of
 * the frame is linear in the place of the eye, so that the nearest place follows from extremes.
 */
function fitted(points: readonly Vector3[], pitch: number, left: number, right: number, below: number, above: number): Fit {
  const up = new Vector3(0, Math.sin(pitch), Math.cos(pitch));
  const back = new Vector3(0, -Math.cos(pitch), Math.sin(pitch));
  const p = points.map((v) => ({ x: v.x, u: v.dot(up), k: v.dot(back) }));
  const eastmost = Math.max(...p.map(({ x, k }) => x + right * k));
  const westmost = Math.min(...p.map(({ x, k }) => x + left * k));
  const topmost = Math.max(...p.map(({ u, k }) => u + above * k));
  const lowest = Math.min(...p.map(({ u, k }) => u + below * k));
  const forWidth = (eastmost - westmost) / (right - left);
  const forHeight = (topmost - lowest) / (above - below);
  const k = Math.max(forWidth, forHeight, Math.max(...p.map((q) => q.k)) + MIN_DISTANCE);
  const x = (eastmost - right * k + westmost - left * k) / 2;
  // What height is to spare is shared on the screen, not on the ground, which perspective shrinks with distance.
  let [least, most] = [topmost - above * k, lowest - below * k];
  for (let turn = 0; turn < 24; turn++) {
    const u = (least + most) / 2;
    const slopes = p.map((q) => (q.u - u) / (k - q.k));
    if (above - Math.max(...slopes) < Math.min(...slopes) - below) least = u;
    else most = u;
  }
  const eye = new Vector3(x, 0, 0).addScaledVector(up, (least + most) / 2).addScaledVector(back, k);
  return { eye, ahead: back.negate(), forWidth, forHeight };
}

export class CameraRig {
  readonly camera = new PerspectiveCamera(38, 1, 1, 10_000);
  readonly controls: MapControls;
  private home: CameraState = { position: [0, -1000, 800], target: [0, 0, 0] };
  private radius = 1000;
  private settle: ReturnType<typeof setTimeout> | undefined;
  private quiet = false;
  private down = false;
  private told = '';
  private width = 1;
  private height = 1;
  private resting = '';

  constructor(
    element: HTMLElement,
    private readonly groundAt: (x: number, y: number) => number,
    private readonly moved: () => void,
    private readonly settled: (state: CameraState) => void,
  ) {
    this.camera.up.set(0, 0, 1);
    this.controls = new MapControls(this.camera, element);
    this.controls.enableDamping = false;
    this.controls.zoomToCursor = true;
    this.controls.maxPolarAngle = (86 * Math.PI) / 180;
    this.controls.zoomSpeed = 1.4;
    this.controls.addEventListener('start', () => (this.down = true));
    this.controls.addEventListener('end', () => {
      this.down = false;
      this.later();
    });
    this.controls.addEventListener('change', () => {
      this.keepAbove();
      this.moved();
      if (!this.quiet) this.later();
    });
    this.showHome();
  }

  get state(): CameraState {
    const round = (v: Vector3): [number, number, number] => [
      Math.round(v.x * 100) / 100,
      Math.round(v.y * 100) / 100,
      Math.round(v.z * 100) / 100,
    ];
    return { position: round(this.camera.position), target: round(this.controls.target) };
  }

  /** The camera stands where the first view put it: nobody has moved it since. */
  private get isHome(): boolean {
    return this.resting === JSON.stringify(this.state);
  }

  /** Degrees clockwise that north lies from the top of the screen. */
  get bearing(): number {
    return (this.controls.getAzimuthalAngle() * 180) / Math.PI;
  }

  get distance(): number {
    return this.camera.position.distanceTo(this.controls.target);
  }

  /** Moves the camera without telling anyone that the user did. */
  set(state: CameraState): void {
    this.place(state);
    this.told = JSON.stringify(this.state);
  }

  resize(width: number, height: number): void {
    this.width = width;
    this.height = Math.max(height, 1);
    this.camera.aspect = width / this.height;
    this.camera.updateProjectionMatrix();
  }

  /**
   * The oblique view from the south in which the whole box just fills the free part of the canvas. The pitch
   * grows, within limits, as long as the width decides: a canvas with height to spare looks down more steeply.
   * A camera that nobody has moved goes along.
   */
  frame(bounds: Bounds, low: number, high: number, free: Box): void {
    const [w, s, e, n] = bounds;
    const corners = [w, e].flatMap((x) => [s, n].flatMap((y) => [low, high].map((z) => new Vector3(x, y, z))));
    // Slopes of the sight lines along the four sides of the free part.
    const tan = Math.tan((this.camera.fov * Math.PI) / 360) / (this.height / 2);
    const [left, right] = [free.left - this.width / 2, free.right - this.width / 2].map((px) => px * tan);
    const [below, above] = [this.height / 2 - free.bottom, this.height / 2 - free.top].map((px) => px * tan);
    let pitch = LEAST_PITCH;
    let fit = fitted(corners, pitch, left, right, below, above);
    for (; pitch < MOST_PITCH; pitch += PITCH_STEP) {
      const steeper = fitted(corners, pitch + PITCH_STEP, left, right, below, above);
      if (steeper.forHeight > steeper.forWidth) break;
      fit = steeper;
    }
    this.radius = Math.hypot(e - w, n - s, high - low) / 2;
    const { eye, ahead } = fit;
    const distance = Math.max((eye.z - low) / -ahead.z, MIN_DISTANCE);
    this.controls.maxDistance = Math.max(6 * this.radius + 1000, 1.5 * distance);
    this.controls.minDistance = MIN_DISTANCE;
    const { isHome, home } = this;
    this.home = { position: eye.toArray(), target: eye.clone().addScaledVector(ahead, distance).toArray() };
    if (isHome && JSON.stringify(home) !== JSON.stringify(this.home)) this.showHome();
  }

  showHome(): void {
    this.set(this.home);
    this.resting = JSON.stringify(this.state);
  }

  goHome(): void {
    this.user(() => this.place(this.home));
    this.resting = JSON.stringify(this.state);
  }

  turnNorth(): void {
    this.user(() => {
      const { position, target } = this.state;
      const flat = Math.hypot(position[0] - target[0], position[1] - target[1]);
      this.place({ position: [target[0], target[1] - Math.max(flat, 0.01), position[2]], target });
    });
  }

  /** Factor < 1 goes nearer. */
  zoom(factor: number): void {
    this.user(() => {
      const eye = this.camera.position.clone().sub(this.controls.target).multiplyScalar(factor);
      eye.clampLength(this.controls.minDistance, this.controls.maxDistance);
      this.place({ position: eye.add(this.controls.target).toArray(), target: this.controls.target.toArray() });
    });
  }

  /** Pans by fractions of the view, along the screen's right and into the picture. */
  pan(right: number, forward: number): void {
    this.user(() => {
      const step = this.distance * 0.1;
      const a = this.controls.getAzimuthalAngle();
      const dx = step * (right * Math.cos(a) - forward * Math.sin(a));
      const dy = step * (right * Math.sin(a) + forward * Math.cos(a));
      const move = (v: Vector3): [number, number, number] => [v.x + dx, v.y + dy, v.z];
      this.place({ position: move(this.camera.position), target: move(this.controls.target) });
    });
  }

  /** Near and far planes close around what can be seen, for the sake of depth precision. */
  fit(): void {
    const far = this.camera.position.length() + 4 * this.radius + 1000;
    const near = Math.min(Math.max(0.5, 0.01 * this.distance), 200);
    if (near === this.camera.near && far === this.camera.far) return;
    this.camera.near = near;
    this.camera.far = far;
    this.camera.updateProjectionMatrix();
  }

  dispose(): void {
    clearTimeout(this.settle);
    this.controls.dispose();
  }

  private place(state: CameraState): void {
    this.quiet = true;
    this.camera.position.set(...state.position);
    this.controls.target.set(...state.target);
    this.controls.update();
    this.quiet = false;
    this.moved();
  }

  private user(move: () => void): void {
    move();
    this.later();
  }

  private keepAbove(): void {
    const { position } = this.camera;
    const ground = this.groundAt(position.x, position.y);
    if (position.z < ground + CLEARANCE) position.z = ground + CLEARANCE;
  }

  private later(): void {
    clearTimeout(this.settle);
    this.settle = setTimeout(() => {
      const state = JSON.stringify(this.state);
      if (this.down || state === this.told) return;
      this.told = state;
      this.settled(this.state);
    }, SETTLE_MS);
  }
}
