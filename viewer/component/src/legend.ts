// The legend: depth classes in the official colours, the present colours of buildings, other layers' classes.
import type { ColorBy, Usage } from './buildings';
import { DRY, HEIGHT_CLASSES } from './color';
import { make } from './dom';
import type { ClassStyle } from './layer';
import type { DepthClass } from './run';
import { type Lang, say, type Text } from './strings';
import { SEA } from './style';
import { DRY_LIMIT } from './water';

export interface LegendLayer {
  name: Text;
  mark: Mark;
  classes: readonly (ClassStyle & { dash?: boolean })[];
  note?: Text;
}

export interface LegendContent {
  depth: readonly DepthClass[] | null;
  /** The flood itself is visible, not only its mark on the buildings. */
  water: boolean;
  /** The run has cells of sea or river. */
  sea: boolean;
  colorBy: ColorBy;
  usages: readonly Usage[] | null;
  hasResult: boolean;
  /** What the run shows beside its water. */
  overlays: readonly LegendLayer[];
  others: readonly LegendLayer[];
}

/** "0.3 – 0.5 m", "≥ 20 m": the range of a class from its own edge and the one below. */
export function range(classes: readonly DepthClass[], k: number): string {
  const lower = k === 0 ? DRY_LIMIT : classes[k - 1].upper;
  const upper = classes[k].upper;
  return upper === null ? `≥ ${lower} m` : `${lower} – ${upper} m`;
}

export type Mark = 'area' | 'line' | 'dot';

function row(color: string, text: string, title?: string, mark: Mark = 'area', dash = false): HTMLElement {
  const style = dash ? `background:repeating-linear-gradient(90deg,${color} 0 7px,#fff 7px 10px)` : `background:${color}`;
  const item = make('li', '', {}, make('i', `tv-swatch tv-${mark}`, { style }), text);
  if (title) item.title = title;
  return item;
}

function section(title: string, rows: readonly HTMLElement[], note?: string): HTMLElement {
  const element = make('section', '', {}, make('h3', '', {}, title), list(rows));
  if (note) element.append(make('p', 'tv-note', {}, note));
  return element;
}

function list(rows: readonly HTMLElement[]): HTMLElement {
  return make('ul', 'tv-rows', {}, ...rows);
}

/** A block a heading; a layer of one class that is called like the layer needs none: such rows share a block. */
function layerBlocks(layers: readonly LegendLayer[], lang: Lang): HTMLElement[] {
  const plain: HTMLElement[] = [];
  const headed = new Map<string, HTMLElement[]>();
  const notes = new Map<string, string>();
  for (const { name, mark, classes, note } of layers) {
    const rows = classes.map((c) => row(c.color, c.name[lang], undefined, mark, c.dash));
    if (note) notes.set(name[lang], note[lang]);
    if (rows.length === 0 && !note) continue;
    if (classes.length === 1 && classes[0].name[lang] === name[lang]) plain.push(...rows);
    else headed.set(name[lang], [...(headed.get(name[lang]) ?? []), ...rows]);
  }
  const blocks = [...headed].map(([title, rows]) => section(title, rows, notes.get(title)));
  return plain.length > 0 ? [...blocks, make('section', '', {}, list(plain))] : blocks;
}

export class Legend {
  readonly element: HTMLDetailsElement;
  private readonly summary = make('summary', '');
  private readonly body = make('div', 'tv-legend-body');
  /** The user has opened or folded the legend: its width no longer decides. */
  private touched = false;
  /** What the user made of the building block; until then it is folded while depths are listed. */
  private buildingsOpen: boolean | null = null;

  constructor() {
    this.element = make('details', 'tv-card tv-legend', {}, this.summary, this.body);
    this.element.open = true;
    this.body.tabIndex = 0;
    this.body.setAttribute('role', 'group');
    this.summary.addEventListener('click', () => (this.touched = true));
  }

  /** On a narrow canvas the legend starts folded: it would hide the city. */
  fold(isNarrow: boolean): void {
    if (!this.touched) this.element.open = !isNarrow;
  }

  show(content: LegendContent, lang: Lang): void {
    this.summary.textContent = say('legend', lang);
    this.body.setAttribute('aria-label', say('legend', lang));
    const blocks: HTMLElement[] = [];
    const listed = layerBlocks(content.overlays, lang);
    const { depth, usages } = content;
    const depthRows = (classes: readonly DepthClass[]): HTMLElement[] =>
      classes.map((c, k) => row(c.color, range(classes, k), c.name[lang])).reverse();
    const dry = row(DRY, say('dry', lang));
    const byDepth = usages !== null && content.colorBy === 'max_depth';
    if (depth && (content.water || byDepth)) {
      const rows = byDepth ? [...depthRows(depth), dry] : depthRows(depth);
      if (content.water && content.sea) rows.push(row(SEA, say('sea', lang)));
      const title = byDepth ? `${say('depth', lang)} / ${say('maxDepth', lang)}` : say('depth', lang);
      blocks.push(section(title, rows, byDepth && !content.hasResult ? say('noResult', lang) : undefined));
    } else if (depth === null && byDepth) {
      blocks.push(section(say('maxDepth', lang), [dry], say('noResult', lang)));
    }
    blocks.push(...listed);
    if (usages && content.colorBy === 'usage') {
      const rows = usages.map((u) => row(u.color, u.name[lang]));
      blocks.push(this.buildings(say('usage', lang), rows, blocks.length === 0));
    } else if (usages && content.colorBy === 'height') {
      const rows = HEIGHT_CLASSES.map((c) => row(c.color, c.label)).reverse();
      blocks.push(this.buildings(say('height', lang), rows, blocks.length === 0));
    }
    blocks.push(...layerBlocks(content.others, lang));
    this.body.replaceChildren(...blocks);
    this.element.hidden = blocks.length === 0;
  }

  /** The classes of buildings, which are many, under a heading that folds them away. */
  private buildings(title: string, rows: readonly HTMLElement[], open: boolean): HTMLElement {
    const summary = make('summary', '', {}, make('h3', '', {}, title));
    const details = make('details', 'tv-fold', {}, summary, list(rows));
    details.open = this.buildingsOpen ?? open;
    summary.addEventListener('click', () => (this.buildingsOpen = !details.open));
    return make('section', '', {}, details);
  }
}
