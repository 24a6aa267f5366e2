// The name of what lies under the pointer, beside it; once an animation frame at most, and never while dragging.
import { make } from './dom';
import type { Text } from './strings';

export class Hover {
  readonly element = make('div', 'tv-card tv-tip', { role: 'tooltip' });
  private request = 0;
  private readonly undo: () => void;

  constructor(
    canvas: HTMLCanvasElement,
    private readonly find: (x: number, y: number) => Text | null,
    private readonly lang: () => keyof Text,
  ) {
    this.element.hidden = true;
    const onMove = (event: PointerEvent): void => {
      if (this.request !== 0) return;
      const { buttons, clientX, clientY, pointerType } = event;
      this.request = requestAnimationFrame(() => {
        this.request = 0;
        const box = canvas.getBoundingClientRect();
        const [x, y] = [clientX - box.left, clientY - box.top];
        this.show(buttons === 0 && pointerType === 'mouse' ? this.find(x, y) : null, x, y, box.width);
      });
    };
    const onLeave = (): void => this.show(null, 0, 0, 0);
    canvas.addEventListener('pointermove', onMove);
    canvas.addEventListener('pointerleave', onLeave);
    this.undo = () => {
      cancelAnimationFrame(this.request);
      canvas.removeEventListener('pointermove', onMove);
      canvas.removeEventListener('pointerleave', onLeave);
    };
  }

  dispose(): void {
    this.undo();
  }

  private show(text: Text | null, x: number, y: number, width: number): void {
    this.element.hidden = text === null;
    if (text === null) return;
    const words = text[this.lang()];
    if (this.element.textContent !== words) this.element.textContent = words;
    const right = x > width / 2;
    this.element.style.transform = `translate(${Math.round(x + (right ? -12 : 14))}px, ${Math.round(y + 14)}px) translateX(${right ? '-100%' : '0'})`;
  }
}
