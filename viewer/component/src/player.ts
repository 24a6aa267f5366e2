/** The clock of the view: a time between the first and the newest frame, which may run. */
export class Player {
  time = 0;
  playing = false;
  speed = 600;
  private times: readonly number[] = [];
  private count = 0;
  private last: number | null = null;

  get end(): number {
    return this.count > 0 ? this.times[this.count - 1] : 0;
  }

  get planned(): number {
    return this.times.length > 0 ? this.times[this.times.length - 1] : 0;
  }

  get atEnd(): boolean {
    return this.time >= this.end;
  }

  /** The frames there are; `times` covers all that are planned. */
  setFrames(times: readonly number[], count: number): void {
    this.times = times;
    this.count = count;
  }

  seek(seconds: number): void {
    this.time = Math.min(Math.max(seconds, this.count > 0 ? this.times[0] : 0), this.end);
  }

  /** Jumps to a neighbouring frame time; from between two frames, to the nearer side. */
  step(frames: number): void {
    let k = 0;
    while (k + 1 < this.count && this.times[k + 1] <= this.time) k++;
    if (frames < 0 && this.time > (this.times[k] ?? 0)) frames++;
    this.seek(this.times[Math.min(Math.max(k + frames, 0), Math.max(this.count - 1, 0))] ?? 0);
  }

  play(playing: boolean): void {
    if (playing && !this.playing && this.atEnd) this.seek(0);
    this.playing = playing;
    this.last = null;
  }

  /** Moves on by the wall clock [ms]; false once the end is reached and playing stops. */
  advance(now: number): boolean {
    if (!this.playing) return false;
    // A hidden tab or a slow frame must not make the clock leap.
    const elapsed = this.last === null ? 0 : Math.min((now - this.last) / 1000, 0.5);
    this.last = now;
    this.seek(this.time + elapsed * this.speed);
    return !this.atEnd;
  }
}
