// Play, step, scrub, speed. Native inputs, so that keyboards and screen readers work as everywhere.
import { icon, make, name } from './dom';
import { clock, type Lang, say } from './strings';

const PLAY = 'M8 5.5v13l10.5-6.5z';
const PAUSE = 'M7 5h3.6v14H7zM13.4 5H17v14h-3.6z';
const BACK = 'M7 5.5v13M18 6l-8 6 8 6z';
const FORWARD = 'M17 5.5v13M6 6l8 6-8 6z';

/** Simulated seconds a second of wall clock. */
export const SPEEDS = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200] as const;
export const DEFAULT_SPEED = 600;

export interface TimeBarListener {
  toggle(): void;
  step(frames: number): void;
  scrub(seconds: number): void;
  scrubbed(): void;
  speed(value: number): void;
}

export class TimeBar {
  readonly element: HTMLElement;
  private readonly play = make('button', 'tv-button tv-play', { type: 'button' });
  private readonly back = make('button', 'tv-button', { type: 'button' }, icon(BACK));
  private readonly forward = make('button', 'tv-button', { type: 'button' }, icon(FORWARD));
  private readonly slider = make('input', 'tv-slider', { type: 'range', min: '0', max: '1', step: 'any' });
  private readonly label = make('output', 'tv-clock');
  private readonly end = make('span', 'tv-end');
  private readonly speed = make('select', 'tv-speed');
  private readonly state = make('span', 'tv-state', { role: 'status' });
  private readonly bar = make('span', 'tv-bar', { 'aria-hidden': 'true' }, make('i', ''));
  private arrived = 0;
  private lang: Lang = 'ja';
  private playing: boolean | null = null;

  constructor(listener: TimeBarListener) {
    this.element = make(
      'div',
      'tv-card tv-time',
      { role: 'group' },
      this.back,
      this.play,
      this.forward,
      this.label,
      make('span', 'tv-track', {}, this.slider, this.bar),
      this.end,
      this.speed,
      this.state,
    );
    this.play.addEventListener('click', () => listener.toggle());
    this.back.addEventListener('click', () => listener.step(-1));
    this.forward.addEventListener('click', () => listener.step(1));
    this.slider.addEventListener('input', () => {
      const seconds = Math.min(Number(this.slider.value), this.arrived);
      this.setTime(seconds);
      listener.scrub(seconds);
    });
    this.slider.addEventListener('change', () => listener.scrubbed());
    this.slider.addEventListener('keydown', (event) => {
      const steps: Record<string, number> = {
        ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -6, PageUp: 6,
      };
      const step = steps[event.key];
      if (step === undefined) return;
      event.preventDefault();
      listener.step(step);
    });
    this.speed.addEventListener('change', () => listener.speed(Number(this.speed.value)));
    this.setSpeed(DEFAULT_SPEED);
    this.setPlaying(false);
  }

  setLang(lang: Lang): void {
    this.lang = lang;
    this.element.setAttribute('aria-label', say('timeBar', lang));
    this.slider.setAttribute('aria-label', say('time', lang));
    this.speed.setAttribute('aria-label', say('speed', lang));
    this.speed.title = say('speed', lang);
    name(this.back, say('previous', lang));
    name(this.forward, say('next', lang));
    this.playing = !this.playing;
    this.setPlaying(!this.playing);
  }

  /** How much of the run has arrived, and all of it [s]: the bar's length; what is ahead cannot be chosen. */
  setSpan(end: number, planned: number): void {
    this.arrived = end;
    this.slider.max = String(Math.max(end, planned, 1));
    this.end.textContent = clock(Math.max(end, planned));
  }

  setTime(seconds: number): void {
    const text = clock(seconds);
    this.slider.value = String(seconds);
    this.slider.setAttribute('aria-valuetext', text);
    const part = Number(this.slider.max) > 0 ? (seconds / Number(this.slider.max)) * 100 : 0;
    this.slider.style.setProperty('--part', `${Math.min(Math.max(part, 0), 100)}%`);
    if (this.label.value !== text) this.label.value = text;
  }

  setPlaying(playing: boolean): void {
    if (playing === this.playing) return;
    this.playing = playing;
    this.play.replaceChildren(icon(playing ? PAUSE : PLAY, true));
    name(this.play, say(playing ? 'pause' : 'play', this.lang));
  }

  setSpeed(value: number): void {
    const options = [...new Set([...SPEEDS, value])].sort((a, b) => a - b);
    this.speed.replaceChildren(...options.map((s) => make('option', '', { value: String(s) }, `×${s}`)));
    this.speed.value = String(value);
  }

  /** The run's state beside the clock; progress 0..1 or null when there is nothing to wait for. */
  setState(text: string, progress: number | null): void {
    const shown = progress === null ? text : `${text} ${Math.floor(progress * 100)}%`;
    if (this.state.textContent !== shown) this.state.textContent = shown;
    this.state.hidden = shown === '';
    this.bar.hidden = progress === null;
    (this.bar.firstElementChild as HTMLElement).style.width = `${(progress ?? 0) * 100}%`;
  }
}
