// Who made what is shown: each body once with its licence, never the place of a file on some machine.

interface Credited {
  source: string;
  licence: string;
}

const ABSOLUTE_PATH = /^(?:file:|[a-z]:)?[\\/]/i;
const URL_START = /^[a-z][a-z0-9+.-]+:\/\//i;

/** The text before the first ": ", else the last part of a path; other text, and an address, as it stands. */
export function bodyOf(source: string): string {
  const text = source.trim();
  const end = text.indexOf(': ');
  if (end > 0) return text.slice(0, end).trim();
  const isPath = ABSOLUTE_PATH.test(text) || (!URL_START.test(text) && !/\s/.test(text));
  return isPath ? (text.split(/[\\/]/).filter(Boolean).at(-1) ?? '') : text;
}

/** "body (licence)" of every distinct pair, in the order of the packs. */
export function attributions(packs: readonly Credited[]): string[] {
  const lines = packs.map(({ source, licence }) => [bodyOf(source), licence ? `(${licence})` : ''].filter(Boolean).join(' '));
  return [...new Set(lines.filter((line) => line !== ''))];
}
