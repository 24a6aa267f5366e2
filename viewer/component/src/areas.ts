// Areas that a run shows, in the colours of their classes, draped on the ground: how probable water is.
import type { OverlayEntry, OverlayLayer } from './overlay';
import type { Pack } from './pack';
import { SurfacesLayer } from './surfaces';

const ORDER = 5.3;

export class AreasLayer extends SurfacesLayer implements OverlayLayer {
  private readonly triangles: number;

  constructor(entry: OverlayEntry, pack: Pack) {
    super(entry.id, pack, ORDER);
    this.triangles = pack.array('indices', 'u4').length / 3;
  }

  /** The same at all times. */
  setTime(): void {}

  facts(): Record<string, unknown> {
    return { triangles: this.triangles };
  }
}
