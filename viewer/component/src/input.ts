// Keys and clicks on the canvas. The page's own inputs keep their keys: only the focused canvas listens.
interface Movable {
  pan(right: number, forward: number): void;
  zoom(factor: number): void;
  goHome(): void;
}

interface Playable {
  toggle(): void;
  step(frames: number): void;
}

const TAP_PX = 4;

export function listenToKeys(canvas: HTMLCanvasElement, rig: Movable, clock: Playable): () => void {
  const actions: Record<string, () => void> = {
    ArrowLeft: () => rig.pan(-1, 0),
    ArrowRight: () => rig.pan(1, 0),
    ArrowUp: () => rig.pan(0, 1),
    ArrowDown: () => rig.pan(0, -1),
    '+': () => rig.zoom(0.8),
    ';': () => rig.zoom(0.8),
    '=': () => rig.zoom(0.8),
    '-': () => rig.zoom(1.25),
    ' ': () => clock.toggle(),
    '[': () => clock.step(-1),
    ']': () => clock.step(1),
    Home: () => rig.goHome(),
  };
  const onKey = (event: KeyboardEvent): void => {
    const action = actions[event.key];
    if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  };
  canvas.addEventListener('keydown', onKey);
  return () => canvas.removeEventListener('keydown', onKey);
}

/** A press and release of the main button at one place; a drag is not a tap. */
export function listenToTaps(canvas: HTMLCanvasElement, tap: (x: number, y: number) => void): () => void {
  let start: { id: number; x: number; y: number } | null = null;
  const onDown = (event: PointerEvent): void => {
    start = event.button === 0 && event.isPrimary ? { id: event.pointerId, x: event.clientX, y: event.clientY } : null;
  };
  const onUp = (event: PointerEvent): void => {
    if (start === null || event.pointerId !== start.id) return;
    const moved = Math.hypot(event.clientX - start.x, event.clientY - start.y);
    start = null;
    if (moved > TAP_PX) return;
    const box = canvas.getBoundingClientRect();
    tap(event.clientX - box.left, event.clientY - box.top);
  };
  canvas.addEventListener('pointerdown', onDown);
  canvas.addEventListener('pointerup', onUp);
  return () => {
    canvas.removeEventListener('pointerdown', onDown);
    canvas.removeEventListener('pointerup', onUp);
  };
}
