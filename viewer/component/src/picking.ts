// What lies under a pixel: the scene's shapes are drawn once more into one float pixel (x, y, z, id).
import { FloatType, NearestFilter, type PerspectiveCamera, RGBAFormat, Scene, type WebGLRenderer, WebGLRenderTarget } from 'three';
import { GROUND } from './layer';

export interface Hit {
  /** Building number, null on the ground or on nothing. */
  building: number | null;
  terrain: boolean;
  /** Local coordinates of the point, null on nothing. */
  at: [number, number, number] | null;
}

export class Picker {
  readonly scene = new Scene();
  private readonly target = new WebGLRenderTarget(1, 1, {
    format: RGBAFormat,
    type: FloatType,
    minFilter: NearestFilter,
    magFilter: NearestFilter,
  });
  private readonly pixel = new Float32Array(4);

  constructor(private readonly renderer: WebGLRenderer) {}

  /** x, y in CSS pixels from the upper left corner of a view of the given size. */
  pick(camera: PerspectiveCamera, width: number, height: number, x: number, y: number): Hit {
    camera.setViewOffset(width, height, x - 0.5, y - 0.5, 1, 1);
    const { renderer } = this;
    const alpha = renderer.getClearAlpha();
    renderer.setClearAlpha(0);
    renderer.setRenderTarget(this.target);
    renderer.clear();
    renderer.render(this.scene, camera);
    renderer.readRenderTargetPixels(this.target, 0, 0, 1, 1, this.pixel);
    renderer.setRenderTarget(null);
    renderer.setClearAlpha(alpha);
    camera.clearViewOffset();
    const [px, py, pz, id] = this.pixel;
    const terrain = id === GROUND;
    const building = id > 0 ? id - 1 : null;
    return { building, terrain, at: terrain || building !== null ? [px, py, pz] : null };
  }

  dispose(): void {
    this.target.dispose();
  }
}
