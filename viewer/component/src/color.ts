// Colours are plain sRGB bytes from the legend to the frame buffer: nothing converts them on the way.
export type Rgb = readonly [number, number, number];

export function rgb(hex: string): Rgb {
  const n = Number.parseInt(hex.slice(1, 7), 16);
  return [(n >> 16) & 255, (n >> 8) & 255, n & 255];
}

export interface HeightClass {
  upper: number;
  color: string;
  label: string;
}

/** Building heights [m]; 31 m and 60 m are thresholds of the Building Standards Act of Japan. */
export const HEIGHT_CLASSES: readonly HeightClass[] = [
  { upper: 5, color: '#f1f0ea', label: '< 5 m' },
  { upper: 10, color: '#dcebe6', label: '5 – 10 m' },
  { upper: 20, color: '#b5d9d7', label: '10 – 20 m' },
  { upper: 31, color: '#80bfca', label: '20 – 31 m' },
  { upper: 60, color: '#4c97b4', label: '31 – 60 m' },
  { upper: 100, color: '#2d6a94', label: '60 – 100 m' },
  { upper: Infinity, color: '#1c3f6e', label: '≥ 100 m' },
];

export const NO_DATA = '#c9ccd1';
export const DRY = '#ecebe7';

/** Index of the class of a value: the first whose upper edge lies above it. */
export function classOf(value: number, uppers: readonly number[]): number {
  let k = 0;
  while (k < uppers.length - 1 && !(value < uppers[k])) k++;
  return k;
}
