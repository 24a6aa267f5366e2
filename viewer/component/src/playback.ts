// A scenario's runs in the view: their feed, the water, what else they show, the clock and the time bar.
import { type Clock, clockOf } from './clock';
import { isAbort } from './failure';
import type { Layer } from './layer';
import type { OverlayEntry, OverlayHost } from './overlay';
import { Overlays } from './overlays';
import type { Pack } from './pack';
import { Player } from './player';
import type { LayerSetting, Props, Report } from './props';
import { isLive, type RunDocument, RunFeed } from './run';
import type { Stage } from './stage';
import { type Lang, say, type Text } from './strings';
import { TimeBar } from './timebar';
import { WaterLayer } from './water';

/** What playback asks of the view it plays in. */
export interface PlaybackHost {
  readonly stage: Stage;
  readonly around: OverlayHost;
  /** `entry` says how an overlay is shown at first. */
  add(layer: Layer, entry?: OverlayEntry): void;
  drop(id: string): void;
  setting(id: string): LayerSetting;
  report(report: Report): void;
  /** The run's results, classes or state have changed: colours and words are due. */
  runChanged(): void;
  trouble(error: unknown): void;
  notice(text: Text | null): void;
}

export class Playback {
  readonly player = new Player();
  readonly timeBar: TimeBar;
  readonly overlays: Overlays;
  run: RunDocument | null = null;
  water: WaterLayer | null = null;
  /** Maximum depth at each building of the run, once it is known. */
  result: Float32Array | null = null;
  private feed: RunFeed | null = null;
  private props: Props = {};
  private follow = false;
  private clock: Clock = { times: [], count: 0, front: 0 };
  /** The time has been set to where a run opens. */
  private opened = false;

  constructor(private readonly host: PlaybackHost) {
    this.overlays = new Overlays({
      around: host.around,
      setting: (id) => host.setting(id),
      add: (layer, entry) => host.add(layer, entry),
      drop: (id) => host.drop(id),
      changed: () => {
        host.runChanged();
        host.stage.invalidate();
      },
      trouble: (error) => host.trouble(error),
    });
    this.timeBar = new TimeBar({
      toggle: () => this.toggle(),
      step: (frames) => this.step(frames),
      scrub: (seconds) => this.userTime(seconds, false),
      scrubbed: () => host.report({ time: this.player.time }),
      speed: (value) => {
        this.player.speed = value;
        host.report({ speed: value });
      },
    });
    this.timeBar.element.hidden = true;
  }

  /** Nothing that was asked for is still on its way; of a live run, what is there now. */
  get settled(): boolean {
    return (this.feed?.caughtUp ?? true) && this.overlays.settled;
  }

  update(props: Props, old: Props): void {
    this.props = props;
    const { player } = this;
    if (props.run !== old.run) this.load(props.run ?? null);
    if (props.speed !== old.speed && props.speed) {
      player.speed = props.speed;
      this.timeBar.setSpeed(props.speed);
    }
    if (props.time !== old.time && props.time != null && props.time !== player.time) this.setTime(props.time);
    if (props.playing !== old.playing && (props.playing ?? false) !== player.playing) player.play(props.playing ?? false);
    this.timeBar.setPlaying(player.playing);
  }

  load(url: string | null): void {
    this.feed?.stop();
    this.feed = null;
    this.run = this.result = null;
    this.water = null;
    this.opened = false;
    this.clock = { times: [], count: 0, front: 0 };
    this.host.drop('water');
    this.overlays.clear();
    this.player.setFrames([], 0);
    this.player.play(false);
    this.timeBar.element.hidden = true;
    if (url !== null) this.feed = this.newFeed(url);
    this.host.runChanged();
  }

  setTime(seconds: number): void {
    this.player.seek(seconds);
    this.follow = this.run !== null && isLive(this.run) && this.player.time >= this.clock.front;
    this.host.stage.invalidate();
  }

  toggle(): void {
    if (this.clock.count === 0) return;
    this.player.play(!this.player.playing);
    this.follow = false;
    const { playing, time } = this.player;
    this.timeBar.setPlaying(playing);
    this.host.report(playing ? { playing } : { playing, time });
    this.host.stage.invalidate();
  }

  step(frames: number): void {
    if (this.clock.count === 0) return;
    this.player.step(frames);
    this.userTime(this.player.time, true);
  }

  /** Moves the clock on and shows its time; called in every animation frame that draws. */
  tick(now: number): void {
    const { player } = this;
    if (player.playing && player.advance(now)) this.host.stage.invalidate();
    else if (player.playing) {
      player.play(false);
      this.timeBar.setPlaying(false);
      this.host.report({ playing: false, time: player.time });
    }
    this.water?.setTime(player.time);
    this.overlays.setTime(player.time);
    this.timeBar.setTime(player.time);
  }

  /** Writes the run's state beside the clock; gives it back while there is no clock to write it beside. */
  words(lang: Lang): string {
    const { run } = this;
    const state = run && run.status !== 'done' ? say(run.status, lang) : '';
    this.timeBar.setState(state, run && isLive(run) ? run.progress : null);
    return this.timeBar.element.hidden ? state : '';
  }

  dispose(): void {
    this.feed?.stop();
    this.overlays.clear();
  }

  private userTime(seconds: number, final: boolean): void {
    this.setTime(seconds);
    const { playing } = this.player;
    if (playing) this.player.play(false);
    this.timeBar.setPlaying(false);
    if (final || playing) this.host.report({ playing: false, time: this.player.time });
  }

  private newFeed(url: string): RunFeed {
    const { host } = this;
    const { budget, limits } = host.stage;
    const base = new URL(url, document.baseURI).href;
    return new RunFeed(url, {
      document: (run) => this.show(run, base),
      bed: (flood, bed) => {
        this.water = new WaterLayer(flood, bed, budget.vertices, limits);
        host.add(this.water);
        host.runChanged();
      },
      frames: (pack) => this.addFrames(pack),
      buildings: (pack) => {
        this.result = pack.array('max_depth', 'f4');
        host.runChanged();
      },
      trouble: (error) => {
        if (!isAbort(error)) host.trouble(error);
      },
      notice: (text) => host.notice(text),
    });
  }

  private show(run: RunDocument, base: string): void {
    if (this.run === null) this.follow = isLive(run);
    // A poll may be answered late: what has been reached stays reached.
    const progress = Math.max(run.progress, this.run?.progress ?? 0);
    const before = this.run;
    this.run = { ...run, progress };
    this.retime();
    this.overlays.update(run.overlays, base, isLive(run));
    if (before?.status !== run.status || before.progress !== progress || !before.flood !== !run.flood) {
      this.timeBar.element.hidden = run.flood === null && this.clock.count === 0;
      this.host.runChanged();
    }
  }

  private addFrames(pack: Pack): number {
    const { water, run } = this;
    if (!water || !run?.flood) return 0;
    const count = water.append(pack);
    this.retime();
    this.host.stage.invalidate();
    return count;
  }

  /** The clock runs over what all stages have brought; the first time is set once the flood, if any, is there. */
  private retime(): void {
    const { run, player, water } = this;
    if (run === null) return;
    this.clock = clockOf(run, water?.frames ?? 0);
    const { times, count, front } = this.clock;
    player.setFrames(times, count);
    this.timeBar.setSpan(player.end, player.planned);
    if (count === 0) return;
    if (!this.opened && (run.flood === null || (water?.frames ?? 0) > 0)) {
      this.opened = true;
      player.seek(this.follow ? front : (this.props.time ?? player.end));
      if (this.props.playing) player.play(true);
    } else if (this.opened && this.follow) player.seek(front);
    this.timeBar.setPlaying(player.playing);
    this.host.stage.invalidate();
  }
}
