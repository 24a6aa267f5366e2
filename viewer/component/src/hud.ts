// What lies over the picture beside the legend and the clock: compass, zoom, scale, sources, messages.
import { icon, make, name } from './dom';
import { type Lang, say, type Text } from './strings';

export interface HudListener {
  zoom(factor: number): void;
  home(): void;
  north(): void;
}

/** The longest of 1, 2, 5 x 10^k that is not longer than `most`. */
function roundLength(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  return (most >= 5 * power ? 5 : most >= 2 * power ? 2 : 1) * power;
}

const SCALE_PX = 120;

export class Hud {
  readonly controls: HTMLElement;
  readonly foot: HTMLElement;
  readonly message = make('div', 'tv-card tv-message', { role: 'status' });
  readonly progress = make('div', 'tv-card tv-progress', { role: 'status' });
  private readonly zoomIn = make('button', 'tv-button', { type: 'button' }, icon('M12 5v14M5 12h14'));
  private readonly zoomOut = make('button', 'tv-button', { type: 'button' }, icon('M5 12h14'));
  private readonly home = make(
    'button',
    'tv-button',
    { type: 'button' },
    icon('M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5'),
  );
  private readonly north = make('button', 'tv-button tv-north', { type: 'button' });
  private readonly needle: SVGSVGElement;
  private readonly scaleBar = make('span', 'tv-scale-bar');
  private readonly scaleText = make('span', '');
  private readonly scale = make('div', 'tv-scale', { role: 'img' }, this.scaleText, this.scaleBar);
  private readonly sources = make('div', 'tv-sources');
  private metres = 0;

  constructor(listener: HudListener) {
    const ns = 'http://www.w3.org/2000/svg';
    this.needle = icon('M12 2.5 16 13H8z', true);
    const south = document.createElementNS(ns, 'path');
    south.setAttribute('d', 'M12 21.5 8 13h8z');
    south.setAttribute('class', 'tv-south');
    this.needle.append(south);
    this.north.append(this.needle, make('b', '', { 'aria-hidden': 'true' }, 'N'));
    const zoom = make('div', 'tv-card tv-stack', {}, this.zoomIn, this.zoomOut, this.home);
    this.controls = make('div', 'tv-controls', { role: 'group' }, make('div', 'tv-card tv-stack', {}, this.north), zoom);
    this.foot = make('div', 'tv-foot', {}, this.sources, this.scale);
    this.zoomIn.addEventListener('click', () => listener.zoom(0.7));
    this.zoomOut.addEventListener('click', () => listener.zoom(1 / 0.7));
    this.home.addEventListener('click', () => listener.home());
    this.north.addEventListener('click', () => listener.north());
    this.message.hidden = this.progress.hidden = true;
  }

  setLang(lang: Lang): void {
    this.controls.setAttribute('aria-label', say('viewBar', lang));
    name(this.zoomIn, say('zoomIn', lang));
    name(this.zoomOut, say('zoomOut', lang));
    name(this.home, say('home', lang));
    name(this.north, say('north', lang));
    this.metres = 0;
  }

  /** Bearing in degrees; the scale holds in the middle of the view. */
  setView(bearing: number, metresPerPixel: number, lang: Lang): void {
    this.needle.style.transform = `rotate(${bearing.toFixed(1)}deg)`;
    const metres = roundLength(metresPerPixel * SCALE_PX);
    this.scaleBar.style.width = `${(metres / metresPerPixel).toFixed(1)}px`;
    if (metres === this.metres) return;
    this.metres = metres;
    this.scaleText.textContent = metres >= 1000 ? `${metres / 1000} km` : `${metres} m`;
    this.scale.setAttribute('aria-label', `${say('scale', lang)} ${this.scaleText.textContent}`);
  }

  setSources(lines: readonly string[], lang: Lang): void {
    const text = lines.join(' · ');
    this.sources.textContent = text === '' ? '' : `${say('sources', lang)}: ${text}`;
    this.sources.title = text;
  }

  setMessage(text: Text | null, isError: boolean, lang: Lang): void {
    this.message.classList.toggle('tv-error', isError);
    this.message.hidden = text === null;
    this.message.textContent = text?.[lang] ?? '';
  }

  setProgress(text: string): void {
    this.progress.hidden = text === '';
    this.progress.textContent = text;
  }
}
