// The React face of the view, hand-written for Dash: no JSX, and React is the one Dash has loaded.
import { textOf } from './failure';
import { BUILD } from './hooks';
import type { Props, Status } from './props';
import { View } from './view';

interface Ref<T> {
  current: T;
}

interface ReactLike {
  useRef<T>(initial: T): Ref<T>;
  useEffect(effect: () => void | (() => void), dependencies?: unknown[]): void;
  createElement(type: string, props: Record<string, unknown>): unknown;
}

declare global {
  interface Window {
    React: ReactLike;
  }
}

const NAMESPACE = 'viewer.component.twin_view';

/** The status of a view that could not even be made: a browser without WebGL 2. */
function failed(error: string): Status {
  return { phase: 'error', error, frames: 0, build: BUILD, run: null, progress: null };
}

function TwinView(props: Props): unknown {
  const React = window.React;
  const host = React.useRef<HTMLDivElement | null>(null);
  const view = React.useRef<View | null>(null);
  const latest = React.useRef(props);
  latest.current = props;

  React.useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    try {
      view.current = new View(element, (report) => latest.current.setProps?.(report));
    } catch (error) {
      console.error(error);
      const text = textOf(error)[latest.current.lang ?? 'ja'];
      element.textContent = text;
      latest.current.setProps?.({ status: failed(text) });
    }
    return () => {
      view.current?.dispose();
      view.current = null;
    };
  }, []);
  React.useEffect(() => view.current?.update(props));

  const className = ['tv', props.className].filter(Boolean).join(' ');
  return React.createElement('div', { id: props.id, ref: host, className, style: props.style });
}

// Dash passes on only what is declared here.
const any = (): null => null;
TwinView.propTypes = {
  id: any, scene: any, run: any, layers: any, colorBy: any, lang: any, time: any, playing: any, speed: any,
  selected: any, camera: any, clickData: any, status: any, className: any, style: any, setProps: any,
};

// Dash looks a component up as window[namespace][type].
(window as unknown as Record<string, object>)[NAMESPACE] = { TwinView };
