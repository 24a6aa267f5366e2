// The part of the canvas that no card lies over: where the first picture of the city belongs.
import type { Box } from './labels';

const MARGIN_PX = 14;
/** Cards may take so much of a side; what takes more is looked past, not around. */
const MOST = 0.45;

export interface Cards {
  legend: HTMLDetailsElement;
  timeBar: HTMLElement;
  foot: HTMLElement;
}

/**
 * Free part of a canvas in CSS pixels: right of the legend while that is open, and above the time bar and the
 * line of sources. Hidden cards take nothing; neither do the buttons, which stand where the far edge is short.
 */
export function freeArea(width: number, height: number, { legend, timeBar, foot }: Cards): Box {
  const reach = legend.open && !legend.hidden ? legend.offsetLeft + legend.offsetWidth : 0;
  const tops = [timeBar, foot].filter((card) => !card.hidden).map((card) => card.offsetTop);
  const below = height - Math.min(height, ...tops);
  return {
    left: (reach > MOST * width ? 0 : reach) + MARGIN_PX,
    top: MARGIN_PX,
    right: width - MARGIN_PX,
    bottom: height - (below > MOST * height ? 0 : below) - MARGIN_PX,
  };
}

/** A canvas of a phone: cards start folded and lie over the picture. */
export function isNarrow(width: number): boolean {
  return width < 700;
}
