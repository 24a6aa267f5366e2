import type { ColorBy } from './buildings';
import type { CameraState } from './camera';
import type { Lang } from './strings';

export interface LayerSetting {
  visible?: boolean;
  opacity?: number;
}

export interface ClickData {
  building: number | null;
  feature: number | null;
  x: number | null;
  y: number | null;
  z: number | null;
  terrain: boolean;
  /** A thing of a run: the overlay and the row of its table. */
  overlay: { id: string; feature: number } | null;
  /** Counts clicks, so that a second click on the same spot is an event too. */
  n: number;
}

export interface Status {
  phase: 'empty' | 'loading' | 'ready' | 'error';
  error: string | null;
  frames: number;
  build: string;
  /** State and progress 0..1 of the run shown, null without one. */
  run: string | null;
  progress: number | null;
}

/** What the component reports to the server; every field is a Dash property. */
export interface Report {
  time?: number;
  playing?: boolean;
  speed?: number;
  selected?: number | null;
  camera?: CameraState;
  clickData?: ClickData;
  status?: Status;
}

/** Dash properties; everything is optional and null means "not given". */
export interface Props {
  id?: string;
  scene?: string | null;
  run?: string | null;
  layers?: Record<string, LayerSetting> | null;
  colorBy?: ColorBy | null;
  lang?: Lang | null;
  time?: number | null;
  playing?: boolean | null;
  speed?: number | null;
  selected?: number | null;
  camera?: CameraState | null;
  className?: string;
  style?: Record<string, string | number>;
  setProps?: (report: Report) => void;
}
