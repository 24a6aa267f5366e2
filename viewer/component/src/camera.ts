// The camera: map controls with z up, a first view that frames the bounds from the south, keys.
import { PerspectiveCamera, Vector3 } from 'three';
import { MapControls } from 'three/addons/controls/MapControls.js';

export interface CameraState {
  position: [number, number, number];
  target: [number, number, number];
}

export type Bounds = readonly [west: number, south: number, east: number, north: number];

const PITCH = (38 * Math.PI) / 180;
/** Share of the half height of the view that the first picture fills, and how far up its middle lies. */
const FREE = 0.86;
const LIFTED = 0.06;
const LEGEND_PX = 140;
const SETTLE_MS = 250;
const CLEARANCE = 2;

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
    this.set(this.home);
  }

  get state(): CameraState {
    const round = (v: Vector3): [number, number, number] => [
      Math.round(v.x * 100) / 100,
      Math.round(v.y * 100) / 100,
      Math.round(v.z * 100) / 100,
    ];
    return { position: round(this.camera.position), target: round(this.controls.target) };
  }

  /** Pixels on the left that the legend covers, on pages wide enough for it. */
  private get inset(): number {
    return this.width > 800 ? LEGEND_PX : 0;
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
    this.camera.aspect = width / Math.max(height, 1);
    this.camera.updateProjectionMatrix();
  }

  /** The oblique view from the south in which the whole box is just visible. */
  frame(bounds: Bounds, low: number, high: number): void {
    const [w, s, e, n] = bounds;
    const target = new Vector3((w + e) / 2, (s + n) / 2, low);
    const back = new Vector3(0, -Math.cos(PITCH), Math.sin(PITCH));
    const up = new Vector3(0, Math.sin(PITCH), Math.cos(PITCH));
    const tanV = Math.tan((this.camera.fov * Math.PI) / 360);
    const tanH = tanV * this.camera.aspect;
    const free = 1 - this.inset / this.width;
    let distance = 1;
    // Perspective makes the near edge taller on the screen than the far one: the target moves until the
    // box sits in the middle of what the time bar leaves free.
    for (let turn = 0; turn < 12; turn++) {
      const corners = [w, e].flatMap((x) => [s, n].flatMap((y) => [low, high].map((z) => new Vector3(x, y, z).sub(target))));
      distance = Math.max(
        50,
        ...corners.map((p) => Math.max(Math.abs(p.x) / (0.95 * free * tanH), Math.abs(p.dot(up)) / (FREE * tanV)) + p.dot(back)),
      );
      const heights = corners.map((p) => p.dot(up) / (distance - p.dot(back)) / tanV);
      const middle = (Math.max(...heights) + Math.min(...heights)) / 2 - LIFTED;
      target.y += (middle * tanV * distance) / Math.sin(PITCH);
    }
    target.x -= (this.inset / this.width) * tanH * distance;
    this.radius = Math.hypot(e - w, n - s, high - low) / 2;
    this.controls.maxDistance = 6 * this.radius + 1000;
    this.controls.minDistance = 15;
    const eye = target.clone().addScaledVector(back, distance);
    this.home = { position: eye.toArray(), target: target.toArray() };
  }

  showHome(): void {
    this.set(this.home);
  }

  goHome(): void {
    this.user(() => this.place(this.home));
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
