// The scene document and the layers its packs become.
import type { Vector2 } from 'three';
import { BuildingsLayer } from './buildings';
import type { Bounds } from './camera';
import { CloudLayer } from './cloud';
import { Failure } from './failure';
import type { Layer } from './layer';
import { LinesLayer } from './lines';
import { fetchJson, fetchPack, type Pack } from './pack';
import { PointsLayer } from './points';
import type { Budget } from './stage';
import type { Text } from './strings';
import { SurfacesLayer } from './surfaces';
import { TerrainLayer } from './terrain';

export interface PackEntry {
  id: string;
  kind: 'terrain' | 'buildings' | 'surfaces' | 'lines' | 'points' | 'cloud';
  url: string;
  name: Text;
  visible: boolean;
  source: string;
  licence: string;
}

export interface SceneDocument {
  title: Text;
  origin: [number, number];
  frame: string;
  bounds: Bounds;
  packs: PackEntry[];
}

/** What layers need from the view they are drawn in. */
export interface Surroundings {
  budget: Budget;
  textureSize: number;
  viewport: Vector2;
  pixelRatio: number;
  labels: HTMLElement;
}

export function makeLayer(entry: PackEntry, pack: Pack, order: number, around: Surroundings): Layer {
  const { budget } = around;
  switch (entry.kind) {
    case 'terrain':
      return new TerrainLayer(entry.id, pack, budget, around.textureSize);
    case 'buildings':
      return new BuildingsLayer(entry.id, pack);
    case 'surfaces':
      return new SurfacesLayer(entry.id, pack, order);
    case 'lines':
      return new LinesLayer(entry.id, pack, order, around.viewport);
    case 'points':
      return new PointsLayer(entry.id, pack, around.labels, around.pixelRatio);
    case 'cloud':
      return new CloudLayer(entry.id, pack, budget.points);
    default:
      throw new Failure({
        ja: `レイヤー「${String(entry.id)}」の種類 ${String(entry.kind)} は表示できません。`,
        en: `Layer "${String(entry.id)}" is of a kind that cannot be shown: ${String(entry.kind)}.`,
      });
  }
}

/**
 * Fetches the document, then all packs at once; each becomes visible as soon as it is here, and one that
 * cannot be had does not take the others with it.
 */
export async function loadScene(
  url: string,
  signal: AbortSignal,
  begun: (doc: SceneDocument) => void,
  arrived: (entry: PackEntry, pack: Pack, index: number) => void,
  failed: (error: unknown) => void,
): Promise<void> {
  const doc = await fetchJson<SceneDocument>(url, signal);
  begun(doc);
  const base = new URL(url, document.baseURI);
  await Promise.all(
    doc.packs.map(async (entry, index) => {
      try {
        const pack = await fetchPack(new URL(entry.url, base).href, signal);
        if (!signal.aborted) arrived(entry, pack, index);
      } catch (error) {
        if (!signal.aborted) failed(error);
      }
    }),
  );
}
