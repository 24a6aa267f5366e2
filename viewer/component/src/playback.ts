// A run in the view: its feed, its water, the clock and the time bar.
import { isAbort } from './failure';
import type { Layer } from './layer';
import type { Pack } from './pack';
import { Player } from './player';
import type { Props, Report } from './props';
import { isLive, type RunDocument, RunFeed } from './run';
import type { Stage } from './stage';
import { type Lang, say, type Text } from './strings';
import { TimeBar } from './timebar';
import { WaterLayer } from './water';

/** What playback asks of the view it plays in. */
export interface PlaybackHost {
  readonly stage: Stage;
  add(layer: Layer): void;
  drop(id: string): void;
  report(report: Report): void;
  /** The run's results, classes or state have changed: colours and words are due. */
  runChanged(): void;
  trouble(error: unknown): void;
  notice(text: Text | null): void;
}

export class Playback {
  readonly player = new Player();
  readonly timeBar: TimeBar;
  run: RunDocument | null = null;
  water: WaterLayer | null = null;
  /** Maximum depth at each building of the run, once it is known. */
  result: Float32Array | null = null;
  private feed: RunFeed | null = null;
  private props: Props = {};
  private follow = false;

  constructor(private readonly host: PlaybackHost) {
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
    return this.feed?.caughtUp ?? true;
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
    this.host.drop('water');
    this.player.setFrames([], 0);
    this.player.play(false);
    this.timeBar.element.hidden = true;
    if (url !== null) this.feed = this.newFeed(url);
    this.host.runChanged();
  }

  setTime(seconds: number): void {
    this.player.seek(seconds);
    this.follow = this.run !== null && isLive(this.run) && this.player.atEnd;
    this.host.stage.invalidate();
  }

  toggle(): void {
    if (this.water === null) return;
    this.player.play(!this.player.playing);
    this.follow = false;
    const { playing, time } = this.player;
    this.timeBar.setPlaying(playing);
    this.host.report(playing ? { playing } : { playing, time });
    this.host.stage.invalidate();
  }

  step(frames: number): void {
    if (this.water === null) return;
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
    return new RunFeed(url, {
      document: (run) => this.show(run),
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

  private show(run: RunDocument): void {
    if (this.run === null) this.follow = isLive(run);
    // A poll may be answered late: what has been reached stays reached.
    const progress = Math.max(run.progress, this.run?.progress ?? 0);
    const before = this.run;
    this.run = { ...run, progress };
    if (before?.status !== run.status || before.progress !== progress || !before.flood !== !run.flood) {
      this.timeBar.element.hidden = run.flood === null;
      this.host.runChanged();
    }
  }

  private addFrames(pack: Pack): number {
    const { water, run, player } = this;
    if (!water || !run?.flood) return 0;
    const before = water.frames;
    const count = water.append(pack);
    player.setFrames(run.flood.times_s, count);
    this.timeBar.setSpan(player.end, player.planned);
    if (before === 0) {
      player.seek(this.follow ? player.end : (this.props.time ?? player.end));
      if (this.props.playing) player.play(true);
    } else if (this.follow) player.seek(player.end);
    this.timeBar.setPlaying(player.playing);
    this.host.stage.invalidate();
    return count;
  }
}
