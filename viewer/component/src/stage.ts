// The canvas: one WebGL context, a sky, one draw a dirty animation frame.
import {
  BufferAttribute,
  BufferGeometry,
  ColorManagement,
  GLSL3,
  LinearSRGBColorSpace,
  Mesh,
  type PerspectiveCamera,
  Scene,
  ShaderMaterial,
  Vector2,
  WebGLRenderer,
} from 'three';
import { Failure } from './failure';
import { both } from './strings';

const MOST_PIXELS_PER_CSS_PIXEL = 2;

/** Budgets follow what draws: a rasteriser in software has no multisampling to spare. */
export interface Budget {
  software: boolean;
  vertices: number;
  points: number;
  anisotropy: number;
}

function probe(): Budget {
  const gl = document.createElement('canvas').getContext('webgl2');
  if (gl === null) throw new Failure(both('noWebgl'));
  const info = gl.getExtension('WEBGL_debug_renderer_info');
  const name = String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  const software = /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
  return software
    ? { software, vertices: 262_144, points: 400_000, anisotropy: 1 }
    : { software, vertices: 1_050_000, points: 5_000_000, anisotropy: 8 };
}

const SKY_VERTEX = `
uniform vec4 eye;
uniform mat3 turn;
out vec3 ray;
void main() {
  ray = turn * vec3(position.xy * eye.xy, -1.0);
  gl_Position = vec4(position.xy, 1.0, 1.0);
}`;
const SKY_FRAGMENT = `
in vec3 ray;
out vec4 color;
void main() {
  float h = normalize(ray).z;
  vec3 horizon = vec3(0.925, 0.941, 0.949);
  vec3 c = h > 0.0 ? mix(horizon, vec3(0.63, 0.76, 0.87), pow(min(h * 1.6, 1.0), 0.7))
                   : mix(horizon, vec3(0.82, 0.85, 0.87), smoothstep(0.0, 0.9, -h));
  // Half a step of noise: a smooth sky must not show the steps of eight bits.
  float noise = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))) - 0.5;
  color = vec4(c + noise / 255.0, 1.0);
}`;

export interface StageListener {
  camera(): PerspectiveCamera;
  before(now: number): void;
  after(): void;
  resized(width: number, height: number): void;
  contextLost(lost: boolean): void;
}

export class Stage {
  readonly scene = new Scene();
  readonly renderer: WebGLRenderer;
  readonly budget: Budget;
  /** Size of the canvas in CSS pixels; layers hold on to this very object. */
  readonly viewport = new Vector2(1, 1);
  drawn = 0;
  private readonly sky: Mesh<BufferGeometry, ShaderMaterial>;
  private readonly watch: ResizeObserver;
  private request = 0;
  private lost = false;

  constructor(
    private readonly host: HTMLElement,
    private readonly on: StageListener,
  ) {
    this.budget = probe();
    // Colours are sRGB bytes everywhere (see color.ts), so nothing may convert them.
    ColorManagement.enabled = false;
    this.renderer = new WebGLRenderer({ antialias: !this.budget.software, powerPreference: 'high-performance' });
    this.renderer.outputColorSpace = LinearSRGBColorSpace;
    this.renderer.setPixelRatio(this.pixelRatio);
    host.prepend(this.canvas);
    const triangle = new BufferGeometry();
    triangle.setAttribute('position', new BufferAttribute(new Float32Array([-1, -1, 0, 3, -1, 0, -1, 3, 0]), 3));
    this.sky = new Mesh(
      triangle,
      new ShaderMaterial({
        glslVersion: GLSL3,
        uniforms: { eye: { value: [1, 1, 0, 0] }, turn: { value: new Array(9).fill(0) } },
        vertexShader: SKY_VERTEX,
        fragmentShader: SKY_FRAGMENT,
        depthTest: false,
        depthWrite: false,
      }),
    );
    this.sky.frustumCulled = false;
    this.sky.renderOrder = -10;
    this.scene.add(this.sky);
    this.canvas.addEventListener('webglcontextlost', this.onLost);
    this.canvas.addEventListener('webglcontextrestored', this.onRestored);
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(host);
    this.resize();
  }

  get canvas(): HTMLCanvasElement {
    return this.renderer.domElement;
  }

  /** Drawn, and nothing has changed since. */
  get clean(): boolean {
    return this.drawn > 0 && this.request === 0;
  }

  get pixelRatio(): number {
    return Math.min(window.devicePixelRatio || 1, MOST_PIXELS_PER_CSS_PIXEL);
  }

  get limits(): { layers: number; size: number } {
    const gl = this.renderer.getContext() as WebGL2RenderingContext;
    return {
      layers: gl.getParameter(gl.MAX_ARRAY_TEXTURE_LAYERS) as number,
      size: gl.getParameter(gl.MAX_TEXTURE_SIZE) as number,
    };
  }

  /** Asks for one draw in the next animation frame; asking twice draws once. */
  readonly invalidate = (): void => {
    if (this.request === 0) this.request = requestAnimationFrame(this.frame);
  };

  dispose(): void {
    cancelAnimationFrame(this.request);
    this.request = -1;
    this.watch.disconnect();
    this.canvas.removeEventListener('webglcontextlost', this.onLost);
    this.canvas.removeEventListener('webglcontextrestored', this.onRestored);
    this.sky.geometry.dispose();
    this.sky.material.dispose();
    this.renderer.dispose();
    // Browsers keep few contexts; the collector alone would return this one too late.
    this.renderer.forceContextLoss();
    this.canvas.remove();
  }

  private readonly onLost = (event: Event): void => {
    event.preventDefault();
    this.lost = true;
    this.on.contextLost(true);
  };

  private readonly onRestored = (): void => {
    this.lost = false;
    this.on.contextLost(false);
    this.invalidate();
  };

  private readonly frame = (now: number): void => {
    this.request = 0;
    if (this.lost) return;
    this.on.before(now);
    const camera = this.on.camera();
    camera.updateMatrixWorld();
    const tan = Math.tan((camera.fov * Math.PI) / 360);
    const { eye, turn } = this.sky.material.uniforms;
    eye.value = [tan * camera.aspect, tan, 0, 0];
    const m = camera.matrixWorld.elements;
    turn.value = [m[0], m[1], m[2], m[4], m[5], m[6], m[8], m[9], m[10]];
    this.renderer.render(this.scene, camera);
    this.drawn++;
    this.on.after();
  };

  private resize(): void {
    const width = Math.max(this.host.clientWidth, 1);
    const height = Math.max(this.host.clientHeight, 1);
    if (width === this.viewport.x && height === this.viewport.y) return;
    this.viewport.set(width, height);
    this.renderer.setPixelRatio(this.pixelRatio);
    this.renderer.setSize(width, height);
    this.on.resized(width, height);
    this.invalidate();
  }
}
