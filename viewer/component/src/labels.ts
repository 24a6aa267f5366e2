// Names of points, in the page over the picture: nearest to the eye first, never over one another.
import { type PerspectiveCamera, Vector3 } from 'three';
import type { Lang, Text } from './strings';

const MOST_LABELS = 40;
const MARKER_PX = 12;

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && a.right > b.left && a.top < b.bottom && a.bottom > b.top;
}

export class Labels {
  private readonly elements: HTMLSpanElement[];
  private readonly sizes: [number, number][] = [];
  private lang: Lang | null = null;

  /** `positions`: x, y, z of each; markers of `size` CSS pixels stand there. */
  constructor(
    host: HTMLElement,
    private readonly texts: Text[],
    private readonly positions: Float32Array,
    private readonly size = MARKER_PX,
  ) {
    this.elements = texts.map(() => {
      const label = document.createElement('span');
      label.className = 'tv-label';
      label.hidden = true;
      host.append(label);
      return label;
    });
  }

  /** Places what `isShown` lets through; `taken` are the boxes already used, and is added to. */
  place(
    camera: PerspectiveCamera,
    width: number,
    height: number,
    lang: Lang,
    taken: Box[],
    isShown: (k: number) => boolean,
  ): void {
    if (this.lang !== lang) this.write(lang);
    const at = new Vector3();
    const near: { k: number; x: number; y: number; depth: number }[] = [];
    for (let k = 0; k < this.elements.length; k++) {
      at.fromArray(this.positions, 3 * k).project(camera);
      const x = ((at.x + 1) / 2) * width;
      const y = ((1 - at.y) / 2) * height;
      if (isShown(k) && at.z < 1 && at.z > -1 && x > 0 && y > 0 && x < width && y < height) {
        near.push({ k, x, y, depth: at.z });
      } else this.elements[k].hidden = true;
    }
    near.sort((a, b) => a.depth - b.depth);
    const r = this.size / 2;
    const markers = near.map(({ k, x, y }) => ({ k, left: x - r, top: y - r, right: x + r, bottom: y + r }));
    let shown = 0;
    for (const { k, x, y } of near) {
      const [w, h] = this.sizes[k];
      const left = x + r + 4;
      const box = { left: left - 4, top: y - h / 2 - 2, right: left + w + 4, bottom: y + h / 2 + 2 };
      const free =
        shown < MOST_LABELS &&
        box.right < width &&
        !taken.some((t) => overlap(box, t)) &&
        !markers.some((m) => m.k !== k && overlap(box, m));
      this.elements[k].hidden = !free;
      if (!free) continue;
      this.elements[k].style.transform = `translate(${Math.round(left)}px, ${Math.round(y - h / 2)}px)`;
      taken.push(box);
      shown++;
    }
  }

  /** Another text of about the same length: its room is not measured again. */
  setText(k: number, text: Text): void {
    this.texts[k] = text;
    if (this.lang !== null) this.elements[k].textContent = text[this.lang];
  }

  setOpacity(opacity: number): void {
    for (const label of this.elements) label.style.opacity = String(opacity);
  }

  dispose(): void {
    for (const label of this.elements) label.remove();
  }

  /** Labels are measured once a language, not once a frame: reading sizes makes the page lay itself out. */
  private write(lang: Lang): void {
    this.lang = lang;
    this.elements.forEach((label, k) => {
      label.textContent = this.texts[k][lang];
      label.hidden = false;
    });
    this.elements.forEach((label, k) => {
      this.sizes[k] = [label.offsetWidth, label.offsetHeight];
    });
  }
}
