// The legend: depth classes in the official colours, the present colours of buildings, other layers' classes.
import type { ColorBy, Usage } from './buildings';
import { DRY, HEIGHT_CLASSES } from './color';
import { make } from './dom';
import type { ClassStyle } from './layer';
import type { DepthClass } from './run';
import { type Lang, say, type Text } from './strings';
import { DRY_LIMIT } from './water';

export interface LegendContent {
  depth: readonly DepthClass[] | null;
  /** The flood itself is visible, not only its mark on the buildings. */
  water: boolean;
  colorBy: ColorBy;
  usages: readonly Usage[] | null;
  hasResult: boolean;
  others: readonly { name: Text; mark: Mark; classes: readonly ClassStyle[] }[];
}

/** "0.3 – 0.5 m", "≥ 20 m": the range of a class from its own edge and the one below. */
export function range(classes: readonly DepthClass[], k: number): string {
  const lower = k === 0 ? DRY_LIMIT : classes[k - 1].upper;
  const upper = classes[k].upper;
  return upper === null ? `≥ ${lower} m` : `${lower} – ${upper} m`;
}

export type Mark = 'area' | 'line' | 'dot';

function row(color: string, text: string, title?: string, mark: Mark = 'area'): HTMLElement {
  const item = make('li', '', {}, make('i', `tv-swatch tv-${mark}`, { style: `background:${color}` }), text);
  if (title) item.title = title;
  return item;
}

function block(title: string, rows: HTMLElement[], note?: string): HTMLElement {
  const list = make('ul', 'tv-rows', {}, ...rows);
  const section = make('section', '', {}, make('h3', '', {}, title), list);
  if (note) section.append(make('p', 'tv-note', {}, note));
  return section;
}

export class Legend {
  readonly element: HTMLDetailsElement;
  private readonly summary = make('summary', '');
  private readonly body = make('div', 'tv-legend-body');

  /** On a narrow page the legend starts folded: it would hide the city. */
  constructor(open: boolean) {
    this.element = make('details', 'tv-card tv-legend', {}, this.summary, this.body);
    this.element.open = open;
    this.body.tabIndex = 0;
    this.body.setAttribute('role', 'group');
  }

  show(content: LegendContent, lang: Lang): void {
    this.summary.textContent = say('legend', lang);
    this.body.setAttribute('aria-label', say('legend', lang));
    const blocks: HTMLElement[] = [];
    const { depth, usages } = content;
    const depthRows = (classes: readonly DepthClass[]): HTMLElement[] =>
      classes.map((c, k) => row(c.color, range(classes, k), c.name[lang])).reverse();
    const dry = row(DRY, say('dry', lang));
    const byDepth = usages !== null && content.colorBy === 'max_depth';
    if (depth && (content.water || byDepth)) {
      const rows = byDepth ? [...depthRows(depth), dry] : depthRows(depth);
      const title = byDepth ? `${say('depth', lang)} / ${say('maxDepth', lang)}` : say('depth', lang);
      blocks.push(block(title, rows, byDepth && !content.hasResult ? say('noResult', lang) : undefined));
    } else if (depth === null && byDepth) {
      blocks.push(block(say('maxDepth', lang), [dry], say('noResult', lang)));
    }
    if (usages && content.colorBy === 'usage') {
      blocks.push(block(say('usage', lang), usages.map((u) => row(u.color, u.name[lang]))));
    } else if (usages && content.colorBy === 'height') {
      blocks.push(block(say('height', lang), HEIGHT_CLASSES.map((c) => row(c.color, c.label)).reverse()));
    }
    for (const other of content.others) {
      blocks.push(block(other.name[lang], other.classes.map((c) => row(c.color, c.name[lang], undefined, other.mark))));
    }
    this.body.replaceChildren(...blocks);
    this.element.hidden = blocks.length === 0;
  }
}
