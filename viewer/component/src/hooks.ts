// window.__view: what browser tests ask the view. The view mounted last owns it.
import { Vector3 } from 'three';
import type { View } from './view';

declare const __BUILD__: string;

/** sha256 of the sources this bundle was built from; twin_view/build.json holds the same. */
export const BUILD = __BUILD__;

export interface Hooks {
  /** Everything asked for has arrived and has been drawn. */
  readonly ready: boolean;
  /** Number of pictures drawn so far. */
  readonly renderedFrame: number;
  readonly lastError: string | null;
  readonly build: string;
  readonly canvas: HTMLCanvasElement;
  project(point: [number, number, number]): [number, number];
  pick(x: number, y: number): number | null;
  setTime(seconds: number): void;
  time(): number;
  frames(): number;
  info(): Record<string, unknown>;
  depthCodeAt(col: number, row: number, frame: number): number | null;
  /** What the run's overlays draw now, by id. */
  overlays(): Record<string, unknown>;
  /** The thing of a run at a place on the screen. */
  pickOverlay(x: number, y: number): { id: string; feature: number } | null;
  setLayer(id: string, setting: { visible?: boolean; opacity?: number }): void;
}

export function installHooks(view: View): () => void {
  const { stage, rig, playback } = view;
  const hooks: Hooks = {
    get ready() {
      return view.phase === 'ready' && view.settled;
    },
    get renderedFrame() {
      return stage.drawn;
    },
    get lastError() {
      return view.error?.en ?? null;
    },
    build: BUILD,
    canvas: stage.canvas,
    project(point) {
      rig.camera.updateMatrixWorld();
      const p = new Vector3(...point).project(rig.camera);
      return [((p.x + 1) / 2) * stage.viewport.x, ((1 - p.y) / 2) * stage.viewport.y];
    },
    pick: (x, y) => view.pick(x, y).building,
    setTime: (seconds) => playback.setTime(seconds),
    time: () => playback.player.time,
    frames: () => playback.water?.frames ?? 0,
    info: () => ({
      phase: view.phase,
      layers: [...view.layers.values()].map((layer) => ({ id: layer.id, visible: layer.object.visible })),
      calls: stage.renderer.info.render.calls,
      triangles: stage.renderer.info.render.triangles,
      geometries: stage.renderer.info.memory.geometries,
      textures: stage.renderer.info.memory.textures,
      programs: stage.renderer.info.programs?.length ?? 0,
      software: stage.budget.software,
      contextLost: stage.renderer.getContext().isContextLost(),
      camera: rig.state,
      playing: playback.player.playing,
    }),
    depthCodeAt: (col, row, frame) => playback.water?.codeAt(col, row, frame) ?? null,
    overlays: () => playback.overlays.facts(),
    pickOverlay(x, y) {
      const hit = view.pickOverlay(x, y, view.pick(x, y).building);
      return hit && { id: hit.overlay, feature: hit.item };
    },
    setLayer: (id, setting) => view.setLayer(id, setting),
  };
  const page = window as unknown as { __view?: Hooks };
  page.__view = hooks;
  return () => {
    if (page.__view === hooks) delete page.__view;
  };
}
