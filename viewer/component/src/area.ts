// The part of the canvas that nothing lies over: where the first picture of the city belongs.
import type { Box } from './points';

const MARGIN_PX = 14;
/** Cards may take so much of a side; one that takes more is looked past, not around. */
const MOST = 0.45;

export interface Cards {
  legend: HTMLDetailsElement;
  controls: HTMLElement;
  timeBar: HTMLElement;
  foot: HTMLElement;
}

/**
 * Free part of a canvas in CSS pixels: right of the legend while that is open, left of the buttons, and
 * above the time bar and the line of sources. Hidden cards take nothing.
 */
export function freeArea(width: number, height: number, cards: Cards): Box {
  const { legend, controls, timeBar, foot } = cards;
  const reach = legend.open && !legend.hidden ? legend.offsetLeft + legend.offsetWidth : 0;
  const buttons = controls.hidden ? 0 : width - controls.offsetLeft;
  const tops = [timeBar, foot].filter((card) => !card.hidden).map((card) => card.offsetTop);
  const below = height - Math.min(height, ...tops);
  const unless = (taken: number, of: number): number => (taken > MOST * of ? 0 : taken);
  // Buttons are short: on a narrow canvas the width they would cost is worth more than what they cover.
  const narrow = isNarrow(width);
  return {
    left: unless(reach, width) + MARGIN_PX,
    top: MARGIN_PX,
    right: width - (narrow ? 0 : unless(buttons, width)) - MARGIN_PX,
    bottom: height - unless(below, height) - MARGIN_PX,
  };
}

/** Narrower canvases belong to phones: cards start folded and lie over the picture. */
export function isNarrow(width: number): boolean {
  return width < 700;
}
