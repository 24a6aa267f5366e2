import type { Text } from './strings';

/** Something the user must read: the same sentence in both languages. `message` is the English one. */
export class Failure extends Error {
  constructor(readonly text: Text) {
    super(text.en);
    this.name = 'Failure';
  }
}

/** The server did not answer, or not with what was asked for: worth another try, unlike other failures. */
export class Unreachable extends Failure {}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** An unexpected error in the words of the page; a Failure keeps its own. */
export function textOf(error: unknown): Text {
  if (error instanceof Failure) return error.text;
  const detail = error instanceof Error ? error.message : String(error);
  return { ja: `表示中に問題が起きました（${detail}）。`, en: `The view ran into a problem (${detail}).` };
}
