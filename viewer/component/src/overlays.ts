// The overlays of the run shown: fetched when they are first wanted, moved with the clock, found under the pointer.
import type { PerspectiveCamera, Vector3 } from 'three';
import { AgentsLayer, Crowd } from './agents';
import { AreasLayer } from './areas';
import { Failure, isAbort, Unreachable } from './failure';
import { FlightsLayer } from './flights';
import type { Box } from './labels';
import { MarkersLayer } from './markers';
import type { Near, OverlayEntry, OverlayHost, OverlayLayer, Screen } from './overlay';
import { fetchPack, type Pack } from './pack';
import { pathData, PathsLayer } from './paths';
import type { LayerSetting } from './props';
import { SheltersLayer } from './shelters';
import type { Lang } from './strings';
import { VolumesLayer } from './volumes';

export interface OverlaysHost {
  readonly around: OverlayHost;
  setting(id: string): LayerSetting;
  add(layer: OverlayLayer, entry: OverlayEntry): void;
  drop(id: string): void;
  /** Something new is shown: words and picture are due. */
  changed(): void;
  trouble(error: unknown): void;
}

export interface OverlayHit extends Near {
  overlay: string;
}

export class Overlays {
  entries: readonly OverlayEntry[] = [];
  readonly layers = new Map<string, OverlayLayer>();
  private readonly crowds = new Map<string, Crowd>();
  private readonly fetching = new Set<string>();
  private abort = new AbortController();
  private base = '';
  private isLive = false;
  private time = 0;

  constructor(private readonly host: OverlaysHost) {}

  get settled(): boolean {
    return this.fetching.size === 0;
  }

  /** A new look at the run: what it shows now, addresses relative to `base`. */
  update(entries: readonly OverlayEntry[], base: string, isLive: boolean): void {
    this.entries = entries;
    this.base = base;
    this.isLive = isLive;
    this.load();
  }

  /** Fetches what is shown and not here yet. */
  load(): void {
    for (const entry of this.entries) {
      if (!(this.host.setting(entry.id).visible ?? entry.visible)) continue;
      if (entry.frames) {
        const here = this.crowds.get(entry.key)?.count ?? 0;
        if (here < entry.frames.n_frames) this.fetch(`${entry.key}/people`, () => this.fetchPeople(entry));
      }
      if (entry.url && !this.layers.has(entry.id)) this.fetch(entry.id, () => this.fetchPack(entry));
    }
  }

  clear(): void {
    this.abort.abort();
    this.abort = new AbortController();
    for (const id of this.layers.keys()) this.host.drop(id);
    for (const crowd of this.crowds.values()) crowd.dispose();
    this.layers.clear();
    this.crowds.clear();
    this.fetching.clear();
    this.entries = [];
  }

  setTime(seconds: number): void {
    this.time = seconds;
    for (const layer of this.layers.values()) layer.setTime(seconds);
  }

  /** The thing nearest to a place on the screen: marks before lines. */
  near(screen: Screen, x: number, y: number): OverlayHit | null {
    let best: OverlayHit | null = null;
    for (const [overlay, layer] of this.layers) {
      if (!layer.object.visible || !layer.near) continue;
      const found = layer.near(screen, x, y);
      if (found && (best === null || rank(found) < rank(best))) best = { ...found, overlay };
    }
    return best;
  }

  hit(origin: Vector3, direction: Vector3): OverlayHit | null {
    let best: (OverlayHit & { range: number }) | null = null;
    for (const [overlay, layer] of this.layers) {
      const found = layer.object.visible ? layer.hit?.(origin, direction) : null;
      if (found && (best === null || found.range < best.range)) best = { ...found, overlay };
    }
    return best;
  }

  place(camera: PerspectiveCamera, width: number, height: number, lang: Lang, taken: Box[]): void {
    for (const layer of this.layers.values()) layer.place?.(camera, width, height, lang, taken);
  }

  facts(): Record<string, unknown> {
    return Object.fromEntries([...this.layers].map(([id, layer]) => [id, { visible: layer.object.visible, ...layer.facts() }]));
  }

  /** One fetch of a name at a time; one that was asked for while another run was shown is dropped. */
  private fetch(name: string, work: () => Promise<void>): void {
    if (this.fetching.has(name)) return;
    this.fetching.add(name);
    const { signal } = this.abort;
    work()
      .catch((error: unknown) => {
        // What a live run moved away is asked for again at the next look.
        if (signal.aborted || isAbort(error) || (this.isLive && error instanceof Unreachable)) return;
        this.host.trouble(error);
      })
      .finally(() => {
        if (signal.aborted) return;
        this.fetching.delete(name);
        this.host.changed();
      });
  }

  private async fetchPack(entry: OverlayEntry): Promise<void> {
    const { signal } = this.abort;
    const pack = await fetchPack(new URL(entry.url ?? '', this.base).href, signal);
    if (!signal.aborted) this.add(entry, makeOverlay(entry, pack, this.host.around));
  }

  private async fetchPeople(entry: OverlayEntry): Promise<void> {
    const { signal } = this.abort;
    const crowd = this.crowds.get(entry.key) ?? new Crowd();
    this.crowds.set(entry.key, crowd);
    for (;;) {
      const source = this.entries.find((other) => other.key === entry.key && other.frames)?.frames;
      if (!source || crowd.count >= source.n_frames) break;
      const pack = await fetchPack(new URL(source.url + crowd.count, this.base).href, signal);
      if (signal.aborted) return;
      const before = crowd.count;
      if (crowd.append(pack, source) === before) break;
      crowd.setTime(this.time);
      this.addPeople(crowd, entry.key);
      this.host.changed();
    }
  }

  private addPeople(crowd: Crowd, key: string): void {
    for (const other of this.entries) {
      if (other.frames && other.key === key && !this.layers.has(other.id)) {
        this.add(other, new AgentsLayer(other, crowd, this.host.around));
      }
    }
  }

  private add(entry: OverlayEntry, layer: OverlayLayer): void {
    layer.setTime(this.time);
    this.layers.set(entry.id, layer);
    this.host.add(layer, entry);
  }
}

/** Marks are small: they win over a line that passes by. */
function rank(near: Near): number {
  return near.distance + (near.text === null ? 100 : 0);
}

function makeOverlay(entry: OverlayEntry, pack: Pack, host: OverlayHost): OverlayLayer {
  switch (entry.kind) {
    case 'shelters':
      return new SheltersLayer(entry, pack, host);
    case 'markers':
      return new MarkersLayer(entry, pack, host);
    case 'surfaces':
      return new AreasLayer(entry, pack);
    case 'volumes':
      return new VolumesLayer(entry, pack, host);
    case 'flights':
      return new FlightsLayer(entry, pack, host);
    case 'links':
      return new PathsLayer(entry.id, pathData(pack), entry.classes, { width: 4, nearer: 1.5, order: 5.5 }, host);
    case 'lines': {
      const data = pathData(pack);
      const look = data.weight
        ? { width: 7, nearer: 25, casing: 1.3, order: 8.6 }
        : { width: 3, nearer: 1.5, order: 5.4 };
      return new PathsLayer(entry.id, data, entry.classes, look, host);
    }
    default:
      throw new Failure({
        ja: `「${entry.id}」の種類 ${String(entry.kind)} は表示できません。`,
        en: `"${entry.id}" is of a kind that cannot be shown: ${String(entry.kind)}.`,
      });
  }
}
