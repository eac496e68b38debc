// Which frame is shown: seeking, stepping and playing. The newest request wins.

const AHEAD = 24;
const LAG_MS = 400;

export class Player {
  // `onShown(frame)` hears of every frame that has been painted, `onMoved()` of every new position.
  constructor(media, stage, { onMoved, onShown }) {
    this.media = media;
    this.stage = stage;
    this.onMoved = onMoved;
    this.onShown = onShown;
    this.frame = 0;
    this.painted = null;
    this.numFrames = 0;
    this.fps = 25;
    this.isPlaying = false;
    this.step = 1;
  }

  open({ num_frames, fps }) {
    this.pause();
    this.numFrames = num_frames;
    this.fps = fps;
    this.painted = null;
    this.frame = 0;
    this.seek(0);
  }

  seek(frame) {
    const target = Math.min(Math.max(Math.round(frame), 0), Math.max(this.numFrames - 1, 0));
    if (target !== this.frame) this.step = target > this.frame ? 1 : -1;
    this.frame = target;
    this.onMoved();
    this.refresh();
  }

  // Paint the current frame, as soon as it is there.
  refresh() {
    if (this.media.isReady(this.frame)) this.#paint(this.frame);
    this.media.want(this.#neighbours());
  }

  // A frame has arrived. While the user scrubs, whatever comes closer is better than standing still.
  arrived(frame) {
    const isCloser =
      this.painted === null ||
      Math.abs(frame - this.frame) < Math.abs(this.painted - this.frame);
    if (frame === this.frame || (isCloser && !this.isPlaying)) this.#paint(frame);
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  play() {
    if (this.numFrames < 2) return;
    if (this.frame >= this.numFrames - 1) this.seek(0);
    this.isPlaying = true;
    this.step = 1;
    this.#restartClock();
    this.onMoved();
    this.request = requestAnimationFrame((now) => this.#tick(now));
  }

  pause() {
    if (!this.isPlaying) return;
    this.isPlaying = false;
    cancelAnimationFrame(this.request);
    this.onMoved();
    this.refresh();
  }

  #restartClock() {
    this.clock = { frame: this.frame, since: performance.now() };
  }

  #tick(now) {
    if (!this.isPlaying) return;
    const elapsed = Math.max(now - this.clock.since, 0);
    const due = Math.min(
      this.clock.frame + Math.floor((elapsed / 1000) * this.fps),
      this.numFrames - 1,
    );
    let next = due;
    while (next > this.frame && !this.media.isReady(next)) next -= 1;
    if (next > this.frame || this.painted !== this.frame) {
      this.frame = next;
      if (this.media.isReady(next)) this.#paint(next);
      this.onMoved();
    }
    // Frames that come too slowly are waited for, not skipped by the second.
    if (((due - this.frame) / this.fps) * 1000 > LAG_MS) this.#restartClock();
    this.media.want(this.#neighbours());
    if (this.frame >= this.numFrames - 1) this.pause();
    else this.request = requestAnimationFrame((later) => this.#tick(later));
  }

  #neighbours() {
    const frames = [this.frame];
    const ahead = this.isPlaying ? AHEAD : AHEAD / 4;
    for (let i = 1; i <= ahead; i += 1) frames.push(this.frame + i * this.step);
    if (!this.isPlaying) frames.push(this.frame - this.step, this.frame - 2 * this.step);
    return frames;
  }

  #paint(frame) {
    this.stage.paint(this.media.get(frame));
    this.painted = frame;
    this.onShown(frame);
  }
}
