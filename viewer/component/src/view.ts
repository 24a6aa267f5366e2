// Puts the parts together: properties in, reports out.
import { Vector3 } from 'three';
import { freeArea, isNarrow } from './area';
import { attributions } from './attribution';
import { BuildingsLayer, type ColorBy } from './buildings';
import { CameraRig } from './camera';
import { make } from './dom';
import { isAbort, textOf } from './failure';
import { BUILD, installHooks } from './hooks';
import { Hover } from './hover';
import { Hud } from './hud';
import { listenToKeys, listenToTaps } from './input';
import { type Layer, show } from './layer';
import type { Box } from './labels';
import { Legend, type Mark } from './legend';
import { type OverlayEntry, type OverlayKind, Screen } from './overlay';
import type { OverlayHit } from './overlays';
import { type Hit, Picker } from './picking';
import { Playback } from './playback';
import { PointsLayer } from './points';
import type { LayerSetting, Props, Report, Status } from './props';
import { loadScene, makeLayer, type PackEntry, type SceneDocument } from './scene';
import { Stage } from './stage';
import { both, type Lang, say, type Text } from './strings';
import { installStyle } from './style';
import { TerrainLayer } from './terrain';

const MARKS: Partial<Record<PackEntry['kind'] | OverlayKind, Mark>> = {
  lines: 'line', points: 'dot', agents: 'dot', shelters: 'dot', markers: 'dot', links: 'line', flights: 'line',
};

const WARM_MS = 300;

export class View {
  readonly stage: Stage;
  readonly rig: CameraRig;
  readonly playback: Playback;
  readonly layers = new Map<string, Layer>();
  private readonly picker: Picker;
  private readonly hud: Hud;
  private readonly hover: Hover;
  private readonly legend: Legend;
  private readonly labels = make('div', 'tv-labels', { 'aria-hidden': 'true' });
  private readonly undo: (() => void)[] = [];
  private props: Props = {};
  private lang: Lang = 'ja';
  private document: SceneDocument | null = null;
  private loading: AbortController | null = null;
  private missing = 0;
  private readonly errors: Record<'scene' | 'run' | 'canvas', Text | null> = { scene: null, run: null, canvas: null };
  private reported = '';
  private clicks = 0;

  constructor(
    readonly host: HTMLElement,
    private readonly report: (report: Report) => void,
  ) {
    installStyle();
    this.legend = new Legend();
    this.stage = new Stage(host, {
      camera: () => this.rig.camera,
      before: (now) => this.beforeDraw(now),
      after: () => this.afterDraw(),
      resized: (width, height) => this.resized(width, height),
      contextLost: (lost) => this.setError('canvas', lost ? both('contextLost') : null),
    });
    const { canvas, invalidate, viewport } = this.stage;
    canvas.tabIndex = 0;
    canvas.setAttribute('role', 'application');
    this.rig = new CameraRig(
      canvas,
      (x, y) => this.first(TerrainLayer)?.heightAt(x, y) ?? Number.NaN,
      invalidate,
      (camera) => this.report({ camera }),
    );
    this.rig.resize(viewport.x, viewport.y);
    this.picker = new Picker(this.stage.renderer);
    this.hud = new Hud({
      zoom: (factor) => this.rig.zoom(factor),
      home: () => this.rig.goHome(),
      north: () => this.rig.turnNorth(),
    });
    this.playback = new Playback({
      stage: this.stage,
      around: { viewport, pixelRatio: this.stage.pixelRatio, labels: this.labels },
      add: (layer, entry) => this.add(layer, entry),
      drop: (id) => this.drop(id),
      setting: (id) => this.props.layers?.[id] ?? {},
      report,
      runChanged: () => this.runChanged(),
      trouble: (error) => this.trouble('run', error),
      notice: (text) => this.setError('run', text),
    });
    this.hover = new Hover(
      canvas,
      (x, y) => this.playback.overlays.near(this.screen, x, y)?.text ?? null,
      () => this.lang,
    );
    const { controls, foot, message, progress } = this.hud;
    const { element: tip } = this.hover;
    host.append(this.labels, foot, this.legend.element, controls, this.playback.timeBar.element, progress, message, tip);
    this.undo.push(listenToKeys(canvas, this.rig, this.playback), listenToTaps(canvas, (x, y) => this.click(x, y)));
    this.undo.push(installHooks(this));
    this.legend.element.addEventListener('toggle', () => {
      this.reframe();
      this.stage.invalidate();
    });
    this.setLang('ja');
  }

  get phase(): Status['phase'] {
    if (this.error !== null) return 'error';
    if (this.missing > 0) return 'loading';
    return this.document === null ? 'empty' : 'ready';
  }

  get error(): Text | null {
    return this.errors.canvas ?? this.errors.scene ?? this.errors.run;
  }

  /** Nothing that was asked for is still on its way, and the picture shows it. */
  get settled(): boolean {
    return this.missing === 0 && this.playback.settled && this.stage.clean;
  }

  update(props: Props): void {
    const old = this.props;
    this.props = props;
    if ((props.lang ?? 'ja') !== this.lang) this.setLang(props.lang ?? 'ja');
    if (props.scene !== old.scene) {
      if (old.scene) this.rig.showHome();
      this.loadScene(props.scene ?? null);
    }
    if (changed(props.camera, old.camera) && props.camera && changed(props.camera, this.rig.state)) {
      this.rig.set(props.camera);
    }
    if (props.run !== old.run) this.errors.run = null;
    this.playback.update(props, old);
    if (changed(props.layers, old.layers)) this.applyLayers();
    if (props.colorBy !== old.colorBy) this.paint();
    if (props.selected !== old.selected) this.first(BuildingsLayer)?.select(props.selected ?? null);
    this.stage.invalidate();
  }

  dispose(): void {
    for (const undo of this.undo) undo();
    this.hover.dispose();
    this.playback.dispose();
    this.loading?.abort();
    this.rig.dispose();
    for (const id of [...this.layers.keys()]) this.drop(id);
    this.picker.dispose();
    this.stage.dispose();
    this.host.replaceChildren();
  }

  setLayer(id: string, setting: LayerSetting): void {
    const layer = this.layers.get(id);
    if (layer === undefined) return;
    if (setting.visible !== undefined) show(layer, setting.visible);
    if (setting.opacity !== undefined) layer.setOpacity(Math.min(Math.max(setting.opacity, 0), 1));
    this.stage.invalidate();
  }

  pick(x: number, y: number): Hit {
    const { viewport } = this.stage;
    this.rig.fit();
    return this.picker.pick(this.rig.camera, viewport.x, viewport.y, x, y);
  }

  private first<T extends Layer>(kind: abstract new (...args: never[]) => T): T | null {
    for (const layer of this.layers.values()) if (layer instanceof kind) return layer;
    return null;
  }

  /** What a run shows at a place on the screen: marks and lines before buildings, volumes before the ground. */
  pickOverlay(x: number, y: number, building: number | null): OverlayHit | null {
    const { overlays } = this.playback;
    const found = overlays.near(this.screen, x, y);
    if (found !== null || building !== null) return found;
    const { viewport } = this.stage;
    const { camera } = this.rig;
    const direction = new Vector3((2 * x) / viewport.x - 1, 1 - (2 * y) / viewport.y, 0.5).unproject(camera);
    return overlays.hit(camera.position, direction.sub(camera.position).normalize());
  }

  private get screen(): Screen {
    const { viewport } = this.stage;
    return new Screen(this.rig.camera, viewport.x, viewport.y);
  }

  private click(x: number, y: number): void {
    const under = this.pick(x, y);
    const hit = this.pickOverlay(x, y, under.building);
    const building = hit === null ? under.building : null;
    const buildings = this.first(BuildingsLayer);
    buildings?.select(building);
    const feature = building === null ? null : (buildings?.features[building] ?? null);
    const [px, py, pz] = hit?.at ?? under.at ?? [null, null, null];
    const overlay = hit && { id: hit.overlay, feature: hit.item };
    const terrain = hit === null && under.terrain;
    const clickData = { building, feature, x: px, y: py, z: pz, terrain, overlay, n: ++this.clicks };
    this.report({ clickData, selected: building });
    this.stage.invalidate();
  }

  private beforeDraw(now: number): void {
    this.playback.tick(now);
    this.rig.fit();
  }

  private afterDraw(): void {
    const { x: width, y: height } = this.stage.viewport;
    const taken: Box[] = [this.legend.element, this.hud.controls].map((card) => ({
      left: card.offsetLeft,
      top: card.offsetTop,
      right: card.offsetLeft + card.offsetWidth,
      bottom: card.offsetTop + card.offsetHeight,
    }));
    for (const layer of this.layers.values()) {
      if (layer instanceof PointsLayer) layer.place(this.rig.camera, width, height, this.lang, taken);
    }
    this.playback.overlays.place(this.rig.camera, width, height, this.lang, taken);
    const tan = Math.tan((this.rig.camera.fov * Math.PI) / 360);
    this.hud.setView(this.rig.bearing, (2 * this.rig.distance * tan) / height, this.lang);
    this.tell();
  }

  private setLang(lang: Lang): void {
    this.lang = lang;
    this.host.lang = lang;
    this.stage.canvas.setAttribute('aria-label', say('view', lang));
    this.hud.setLang(lang);
    this.playback.timeBar.setLang(lang);
    this.words();
  }

  /** Everything written in the page that depends on what is shown. */
  private words(): void {
    const { lang, document: doc } = this;
    const packs = doc?.packs ?? [];
    const buildings = this.first(BuildingsLayer);
    const shown = this.playback.overlays.entries.flatMap((entry) => {
      const layer = this.layers.get(entry.id);
      if (!layer?.object.visible || !layer.classes) return [];
      // People are one block, whichever of their states are shown.
      const name = entry.kind === 'agents' ? both('people') : entry.name;
      const { note } = this.playback.overlays.layers.get(entry.id) ?? {};
      return [{ name, mark: MARKS[entry.kind] ?? 'area', classes: layer.classes, note }];
    });
    const content = {
      depth: this.playback.run?.flood?.classes ?? null,
      water: this.layers.get('water')?.object.visible ?? true,
      sea: this.playback.water?.hasSea ?? false,
      colorBy: this.colorBy,
      usages: buildings?.object.visible ? buildings.meta.usages : null,
      hasResult: this.playback.result !== null,
      overlays: shown,
      others: packs.flatMap((entry) => {
        const layer = this.layers.get(entry.id);
        if (!layer?.object.visible || !layer.classes) return [];
        return [{ name: entry.name, mark: MARKS[entry.kind] ?? 'area', classes: layer.classes }];
      }),
    };
    this.legend.show(content, lang);
    this.hud.setSources(attributions(packs), lang);
    const counted = doc === null ? '' : ` ${packs.length - this.missing} / ${packs.length}`;
    this.hud.foot.hidden = this.hud.controls.hidden = doc === null;
    const state = this.playback.words(lang);
    this.hud.setProgress(this.missing > 0 ? `${say('loading', lang)}…${counted}` : state);
    this.host.classList.toggle('tv-has-time', !this.playback.timeBar.element.hidden);
    const idle = doc === null && this.missing === 0;
    this.hud.setMessage(this.error ?? (idle ? both('empty') : null), this.error !== null, lang);
    this.reframe();
  }

  private get colorBy(): ColorBy {
    return this.props.colorBy ?? 'usage';
  }

  private setError(part: keyof View['errors'], text: Text | null): void {
    this.errors[part] = text;
    this.words();
    this.tell();
  }

  private trouble(part: 'scene' | 'run', error: unknown): void {
    if (isAbort(error)) return;
    console.error(error);
    this.setError(part, textOf(error));
  }

  /** Reports the status when it differs from what was reported last. */
  private tell(): void {
    const { run, water } = this.playback;
    const status: Status = {
      phase: this.phase,
      error: this.error?.[this.lang] ?? null,
      frames: water?.frames ?? 0,
      build: BUILD,
      run: run?.status ?? null,
      progress: run?.progress ?? null,
    };
    const text = JSON.stringify(status);
    if (text === this.reported) return;
    this.reported = text;
    this.report({ status });
  }

  private drop(id: string): void {
    const layer = this.layers.get(id);
    if (layer === undefined) return;
    layer.object.removeFromParent();
    layer.proxy?.removeFromParent();
    layer.dispose();
    this.layers.delete(id);
  }

  private add(layer: Layer, entry?: OverlayEntry): void {
    this.drop(layer.id);
    this.layers.set(layer.id, layer);
    this.stage.scene.add(layer.object);
    if (layer.proxy) this.picker.scene.add(layer.proxy);
    show(layer, (entry ?? this.document?.packs.find((p) => p.id === layer.id))?.visible ?? true);
    this.setLayer(layer.id, { ...(entry && { opacity: entry.opacity }), ...this.props.layers?.[layer.id] });
  }

  private applyLayers(): void {
    for (const [id, setting] of Object.entries(this.props.layers ?? {})) this.setLayer(id, setting);
    this.playback.overlays.load();
    this.words();
  }

  private paint(): void {
    this.first(BuildingsLayer)?.paint(this.colorBy, this.playback.run?.flood?.classes ?? []);
    this.words();
    this.stage.invalidate();
  }

  private runChanged(): void {
    const buildings = this.first(BuildingsLayer);
    if (this.colorBy === 'max_depth' || buildings?.result !== this.playback.result) {
      buildings?.setResult(this.playback.result);
      this.paint();
    } else this.words();
    this.tell();
  }

  private loadScene(url: string | null): void {
    this.loading?.abort();
    for (const id of [...this.layers.keys()]) if (id !== 'water' && !this.playback.overlays.layers.has(id)) this.drop(id);
    this.document = null;
    this.errors.scene = null;
    this.missing = url === null ? 0 : 1;
    this.words();
    this.tell();
    if (url === null) return;
    const loading = new AbortController();
    this.loading = loading;
    const around = {
      budget: this.stage.budget,
      textureSize: this.stage.limits.size,
      viewport: this.stage.viewport,
      pixelRatio: this.stage.pixelRatio,
      labels: this.labels,
    };
    const failed = (error: unknown): void => {
      this.missing = Math.max(this.missing - 1, 0);
      this.trouble('scene', error);
      this.stage.invalidate();
    };
    loadScene(
      url,
      loading.signal,
      (doc) => this.begin(doc),
      (entry, pack, k) => this.arrive(makeLayer(entry, pack, 1 + k / 100, around)),
      failed,
    ).catch((error: unknown) => {
      if (!loading.signal.aborted) failed(error);
    });
  }

  /** The first picking pass compiles shaders: better once everything is shown than under a click. */
  private warmPicking(): void {
    const loading = this.loading;
    setTimeout(() => {
      if (loading === null || loading.signal.aborted || this.loading !== loading) return;
      const { viewport } = this.stage;
      this.pick(viewport.x / 2, viewport.y / 2);
    }, WARM_MS);
  }

  private begin(doc: SceneDocument): void {
    this.document = doc;
    this.missing = doc.packs.length;
    this.words();
    this.stage.invalidate();
  }

  private arrive(layer: Layer): void {
    this.missing--;
    this.add(layer);
    if (this.missing === 0) this.warmPicking();
    if (layer instanceof BuildingsLayer) {
      layer.select(this.props.selected ?? null);
      layer.setResult(this.playback.result);
      this.paint();
    } else this.words();
    this.stage.invalidate();
  }

  private resized(width: number, height: number): void {
    this.legend.fold(isNarrow(width));
    this.rig?.resize(width, height);
    this.reframe();
  }

  /** Fits the first view to what is free of cards now. */
  private reframe(): void {
    if (this.document === null) return;
    const { x: width, y: height } = this.stage.viewport;
    const cards = { legend: this.legend.element, timeBar: this.playback.timeBar.element, foot: this.hud.foot };
    const terrain = this.first(TerrainLayer);
    const free = freeArea(width, height, cards);
    this.rig.frame(this.document.bounds, terrain?.base ?? 0, terrain?.high ?? 30, free);
  }
}

function changed(a: unknown, b: unknown): boolean {
  return a !== b && JSON.stringify(a ?? null) !== JSON.stringify(b ?? null);
}
