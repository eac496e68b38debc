// Which frame is shown: seeking, stepping and playing. The newest request wins.

/** @import { ClipView, RangeView } from "../messages.js" */
/** @import { Stage } from "../stage/stage.js" */
/** @import { Media } from "./media.js" */

import { Clock } from "./clock.js";

const REST_MS = 90;
const SETTLED_MS = 400;
const MASKS_PATIENCE_MS = 70;
const LAG_SECONDS = 0.3;
const MAX_STRIDE = 4;
const CALM_MS = 3000;

export class Player {
  /**
   * @param {Media} media
   * @param {Stage} stage
   * @param {object} handlers
   * @param {() => void} handlers.onMoved hears of every new position
   * @param {(frame: number) => void} handlers.onShown hears of every frame that has been painted
   * @param {() => void} handlers.onTick is called all the time while playing, also where no picture comes
   */
  constructor(media, stage, { onMoved, onShown, onTick }) {
    this.media = media;
    this.stage = stage;
    this.onMoved = onMoved;
    this.onShown = onShown;
    this.onTick = onTick;
    this.clock = new Clock();
    this.frame = 0;
    /** @type {number | null} */
    this.painted = null; // the frame in sight; while scrubbing it may be one nearby
    this.numFrames = 0;
    /** @type {RangeView | null} */
    this.range = null; // what is played
    this.loops = false;
    this.isPlaying = false;
    this.rate = 1; // of playing now; below 0 backwards
    this.chosenRate = 1; // what playing begins with
    this.direction = 1;
    this.stride = 1; // while playing, every so many frames are shown
    this.started = { time: 0, at: 0 }; // where and when playing began, in seconds and ms
    this.calmSince = 0;
    this.request = 0; // for the next frame of the screen
    /** @type {number | undefined} */
    this.resting = undefined;
    /** @type {number | undefined} */
    this.waiting = undefined; // for masks, before the picture is painted without
    this.isPatienceOver = false;
  }

  /**
   * @param {ClipView} clip
   * @param {string} timesUrl
   */
  open({ num_frames, fps }, timesUrl) {
    this.pause();
    this.numFrames = num_frames;
    this.clock = new Clock(fps, num_frames);
    const { clock } = this;
    clock.fetchTimes(timesUrl).then(
      () => clock === this.clock && clock.times && this.onMoved(),
      () => {}, // the rate will do; a server that is gone is told elsewhere
    );
    this.painted = null;
    this.frame = 0;
    this.range = null;
    this.seek(0);
  }

  close() {
    this.pause();
    clearTimeout(this.resting);
    this.numFrames = 0;
    this.painted = null;
    this.frame = 0;
    this.onMoved();
  }

  /** @param {number} frame */
  seek(frame) {
    const target = Math.min(Math.max(Math.round(frame), 0), Math.max(this.numFrames - 1, 0));
    const isMove = target !== this.frame;
    const isStep = Math.abs(target - this.frame) <= 1;
    // Frames before the present one are decoded at a cost: only for those who walk backwards.
    if (isMove) this.direction = isStep ? target - this.frame : 1;
    this.frame = target;
    this.onMoved();
    if (isMove && !isStep) this.#moveOn();
    else this.refresh();
  }

  // Paint the current frame, as soon as it is there.
  refresh() {
    clearTimeout(this.resting);
    if (this.isPlaying) return;
    this.media.want(this.frame, "settled", this.direction);
    if (this.media.isReady(this.frame)) this.#paint(this.frame);
  }

  // The playhead leaps: something at once, and the sharp picture where it comes to rest.
  #moveOn() {
    this.media.want(this.frame, "moving", this.direction);
    if (this.media.isReady(this.frame)) this.#paint(this.frame);
    else this.#paintSoonWithoutMasks(this.frame);
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.media.want(this.frame, "resting", this.direction), REST_MS);
  }

  // The sharp picture is there: its neighbours are likely to be next, unless the playhead leaps on.
  #settleSoon() {
    clearTimeout(this.resting);
    this.resting = setTimeout(
      () => !this.isPlaying && this.media.want(this.frame, "settled", this.direction),
      SETTLED_MS,
    );
  }

  /** @param {number} frame */
  #paintSoonWithoutMasks(frame) {
    clearTimeout(this.waiting);
    this.isPatienceOver = false;
    this.waiting = setTimeout(() => {
      this.isPatienceOver = true;
      if (this.isPlaying) return; // the clock paints, with masks
      if (frame === this.frame && this.painted !== frame && this.media.hasPicture(frame)) {
        this.#paint(frame);
      }
    }, MASKS_PATIENCE_MS);
  }

  /**
   * There is something new of a frame. While the user scrubs, whatever comes closer is better than
   * standing still.
   *
   * @param {number} frame
   */
  arrived(frame) {
    if (this.isPlaying) return; // the clock paints
    if (frame === this.frame) {
      const isLate = this.painted === frame || this.isPatienceOver;
      if (this.media.isReady(frame) || (isLate && this.media.hasPicture(frame))) this.#paint(frame);
      return;
    }
    const away = this.painted === null ? Infinity : Math.abs(this.painted - this.frame);
    if (this.media.hasPicture(frame) && Math.abs(frame - this.frame) < away) this.#paint(frame);
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play(this.chosenRate);
  }

  /** @param {number} rate 1: as fast as the clip; below 0 backwards */
  play(rate = this.rate) {
    if (this.numFrames < 2) return;
    this.rate = rate;
    const { first, last } = this.#limits();
    if (rate > 0 && this.frame >= last) this.seek(first);
    if (rate < 0 && this.frame <= first) this.seek(last);
    clearTimeout(this.resting);
    const wasPlaying = this.isPlaying;
    this.isPlaying = true;
    this.direction = Math.sign(rate);
    this.stride = 1;
    this.calmSince = performance.now();
    this.#startClock();
    this.onMoved();
    if (!wasPlaying) this.request = requestAnimationFrame((now) => this.#tick(now));
  }

  pause() {
    if (!this.isPlaying) return;
    this.isPlaying = false;
    cancelAnimationFrame(this.request);
    this.onMoved();
    this.refresh();
  }

  // What is played from here: the range, if the playhead is in it, or to the end of the clip.
  #limits() {
    const whole = { first: 0, last: this.numFrames - 1 };
    const { range, frame } = this;
    return range && frame >= range.first && frame <= range.last ? range : whole;
  }

  #startClock() {
    this.started = { time: this.clock.timeOf(this.frame), at: performance.now() };
  }

  /** @param {number} now */
  #tick(now) {
    if (!this.isPlaying) return;
    const { clock, started, rate } = this;
    const { first, last } = this.#limits();
    const isForward = rate > 0;
    const [start, end] = isForward ? [first, last] : [last, first];
    const seconds = started.time + (rate * Math.max(now - started.at, 0)) / 1000;
    const isOver = isForward ? seconds >= clock.timeOf(last + 1) : seconds < clock.timeOf(first);
    const step = isForward ? 1 : -1;
    let due = isOver ? end : Math.min(Math.max(clock.frameAt(seconds), first), last);
    const beyond = Math.abs(due - start) % this.stride;
    if (due !== end) due -= step * beyond;
    let next = due;
    while ((next - this.frame) * step > 0 && !this.media.isReady(next)) next -= step;
    if ((next - this.frame) * step > 0 || this.painted !== this.frame) {
      if ((next - this.frame) * step > 0) this.frame = next;
      if (this.media.isReady(this.frame)) this.#paint(this.frame);
      this.onMoved();
    }
    this.onTick();
    this.#keepPace(Math.abs(clock.timeOf(due) - clock.timeOf(this.frame)) / Math.abs(rate), now);
    if (isOver && (this.frame - end) * step >= 0) {
      if (!this.loops) return this.pause();
      this.frame = start;
      this.#startClock();
    }
    this.media.want(this.frame, "playing", step * this.stride, this.loops ? start : null);
    this.request = requestAnimationFrame((later) => this.#tick(later));
    return undefined;
  }

  /**
   * Pictures that come too slowly are dropped evenly, every second, third …, rather than in gaps.
   *
   * @param {number} lag in seconds
   * @param {number} now
   */
  #keepPace(lag, now) {
    if (lag > LAG_SECONDS) {
      this.stride = Math.min(this.stride + 1, MAX_STRIDE);
      this.calmSince = now;
      this.#startClock();
    } else if (this.stride > 1 && now - this.calmSince > CALM_MS) {
      this.stride -= 1;
      this.calmSince = now;
    }
  }

  /** @param {number} frame */
  #paint(frame) {
    const found = this.media.get(frame);
    if (!found) return;
    this.stage.paint(found);
    this.stage.element.dataset.level = found.level;
    this.painted = frame;
    if (frame === this.frame && found.level !== "proxy" && !this.isPlaying) this.#settleSoon();
    this.onShown(frame);
  }
}
