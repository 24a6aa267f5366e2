// A run as the page sees it: its document, the bed, flood frames as they appear, results at buildings.
import { Failure, isAbort, Unreachable } from './failure';
import type { OverlayEntry } from './overlay';
import { fetchJson, fetchPack, type Pack } from './pack';
import { both, type Text } from './strings';

export interface DepthClass {
  upper: number | null;
  color: string;
  name: Text;
}

export interface Flood {
  nx: number;
  ny: number;
  cell_size: number;
  west: number;
  north: number;
  nt_total: number;
  n_frames: number;
  times_s: number[];
  code_depth: number[];
  classes: DepthClass[];
  frames_url: string;
  bed_url: string;
}

export type RunStatus = 'queued' | 'running' | 'done' | 'failed' | 'cancelled';

/** One of the runs of a scenario; `times_s` is empty for one whose picture does not move. */
export interface StageState {
  stage: string;
  key: string;
  status: RunStatus;
  progress: number;
  outputs_done: number;
  outputs: number;
  times_s: number[];
}

export interface RunDocument {
  key: string;
  name: string | Text;
  /** Of all stages together. */
  status: RunStatus;
  progress: number;
  stages: StageState[];
  flood: Flood | null;
  buildings_url: string | null;
  overlays: OverlayEntry[];
}

export interface RunListener {
  document(run: RunDocument): void;
  bed(flood: Flood, bed: Pack): void;
  frames(pack: Pack): number;
  buildings(pack: Pack): void;
  trouble(error: unknown): void;
  /** A notice while the server cannot be reached, null when it answers again. */
  notice(text: Text | null): void;
}

const POLL_MS = 1000;
const POLL_MS_AT_MOST = 10_000;

export function isLive(run: RunDocument): boolean {
  return run.status === 'queued' || run.status === 'running';
}

export class RunFeed {
  /** All that the server had at the last look is here, or the feed has given up. */
  caughtUp = false;
  private readonly abort = new AbortController();
  private have = 0;
  private hasBed = false;
  private hasBuildings = false;

  constructor(
    private readonly url: string,
    private readonly listener: RunListener,
  ) {
    void this.follow();
  }

  stop(): void {
    this.abort.abort();
  }

  private async follow(): Promise<void> {
    const signal = this.abort.signal;
    let pause = POLL_MS;
    let seen = false;
    for (;;) {
      try {
        const run = await fetchJson<RunDocument>(this.url, signal);
        if (seen && pause > POLL_MS) this.listener.notice(null);
        seen = true;
        pause = POLL_MS;
        this.listener.document(run);
        await this.fetchNew(run);
        this.caughtUp = true;
        if (!isLive(run)) return;
      } catch (error) {
        if (signal.aborted || isAbort(error)) return;
        // A run that was there and cannot be reached now is asked again; one that never was is an error, and
        // data that do not fit would not fit the next time either.
        if (!seen || (error instanceof Failure && !(error instanceof Unreachable))) {
          this.caughtUp = true;
          this.listener.trouble(error);
          return;
        }
        if (pause === POLL_MS) {
          this.listener.trouble(error);
          this.listener.notice(both('reconnecting'));
        }
        pause = Math.min(pause * 2, POLL_MS_AT_MOST);
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (signal.aborted) return;
    }
  }

  private async fetchNew(run: RunDocument): Promise<void> {
    const signal = this.abort.signal;
    const resolve = (url: string): string => new URL(url, new URL(this.url, document.baseURI)).href;
    const flood = run.flood;
    if (flood) {
      if (!this.hasBed) {
        const bed = await fetchPack(resolve(flood.bed_url), signal);
        this.listener.bed(flood, bed);
        this.hasBed = true;
      }
      while (this.have < flood.n_frames) {
        const pack = await fetchPack(resolve(flood.frames_url + this.have), signal);
        const now = this.listener.frames(pack);
        if (now <= this.have) break;
        this.have = now;
      }
    }
    if (run.buildings_url && !this.hasBuildings) {
      this.listener.buildings(await fetchPack(resolve(run.buildings_url), signal));
      this.hasBuildings = true;
    }
  }
}
