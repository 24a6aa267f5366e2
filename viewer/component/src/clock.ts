// One clock for all runs of a scenario.
import type { RunDocument } from './run';

/** Times closer than this are one [s]. */
const SAME = 1e-3;

export interface Clock {
  /** All times that are planned, ascending. */
  times: number[];
  /** How many of them have arrived with any of the runs. */
  count: number;
  /** Newest time of what is being computed; of all that is there where nothing is. */
  front: number;
}

/** `floodFrames`: how many frames of the flood are here. */
export function clockOf(run: RunDocument, floodFrames: number): Clock {
  const times: number[] = [];
  let end = -Infinity;
  let front = Infinity;
  for (const stage of run.stages) {
    const here = stage.stage === 'flood' && run.flood ? floodFrames : stage.outputs_done;
    const have = stage.status === 'done' && stage.stage !== 'flood' ? stage.times_s.length : Math.min(here, stage.times_s.length);
    if (have === 0) continue;
    times.push(...stage.times_s);
    end = Math.max(end, stage.times_s[have - 1]);
    if (stage.status === 'running') front = Math.min(front, stage.times_s[have - 1]);
  }
  times.sort((a, b) => a - b);
  const union = times.filter((time, k) => k === 0 || time - times[k - 1] > SAME);
  const count = union.filter((time) => time <= end + SAME).length;
  return { times: union, count, front: Number.isFinite(front) ? front : end };
}
