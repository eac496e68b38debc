// The head of the timeline: a ruler with times, and a strip of thumbnails below it.

/** @import { Clock } from "../media/clock.js" */
/** @import { ClipView } from "../messages.js" */

import { prepare } from "../canvas.js";
import { Cache, weighBitmap } from "../media/cache.js";
import { timecode } from "../texts.js";
import { Span } from "./span.js";

/** @typedef {{ bitmap: ImageBitmap, shown: number, isFinal: boolean }} Thumbnail of a frame nearby */

const AT_ONCE = 1; // what the user waits for goes first
// The server makes its small pictures while the strip is in sight.
const LOOK_AGAIN_MS = 4000; // seldom: whoever scrubs meanwhile is served first
const BUDGET_BYTES = 24 * 2 ** 20;
const TICK_PIXELS = 84;
const STEPS = [0.04, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200];
const LONGEST_STEP = 3600;

export class Strip {
  /**
   * @param {HTMLCanvasElement} ruler
   * @param {HTMLCanvasElement} canvas
   */
  constructor(ruler, canvas) {
    this.ruler = ruler;
    this.canvas = canvas;
    this.base = "";
    this.aspect = 1;
    this.span = new Span();
    /** @type {Cache<number, Thumbnail>} */
    this.thumbnails = new Cache(
      BUDGET_BYTES,
      ({ bitmap }) => weighBitmap(bitmap),
      ({ bitmap }) => bitmap.close(),
    );
    /** @type {Set<number>} */
    this.loading = new Set();
    /** @type {Set<number>} */
    this.failed = new Set();
    /** @type {number[]} */
    this.wanted = [];
    /** @type {Set<number>} */
    this.asked = new Set(); // in this round; who is not content with the answer asks again in the next
    /** @type {number | undefined} */
    this.timer = undefined;
    this.epoch = 0;
  }

  /**
   * @param {ClipView} clip
   * @param {string} base media/<token>
   */
  open(clip, base) {
    this.epoch += 1;
    this.base = base;
    this.aspect = (clip.width * clip.pixel_aspect) / clip.height;
    this.thumbnails.clear();
    this.loading = new Set();
    this.failed.clear();
    this.asked.clear();
  }

  close() {
    this.epoch += 1;
    this.thumbnails.clear();
    this.wanted = [];
    prepare(this.ruler);
    prepare(this.canvas);
  }

  /**
   * @param {Span} span
   * @param {Clock} clock
   */
  draw(span, clock) {
    this.span = span;
    this.#drawRuler(span, clock);
    this.#drawStrip();
  }

  /**
   * @param {Span} span
   * @param {Clock} clock
   */
  #drawRuler(span, clock) {
    const surface = prepare(this.ruler);
    if (!surface) return;
    const { context, width, height, ratio } = surface;
    const from = clock.timeOf(span.start);
    const seconds = clock.timeOf(span.end) - from;
    const least = (seconds * TICK_PIXELS * ratio) / width;
    const step = STEPS.find((one) => one >= least) ?? LONGEST_STEP;
    const style = getComputedStyle(this.ruler);
    context.fillStyle = style.color;
    context.font = `${11 * ratio}px ${style.fontFamily}`;
    context.textBaseline = "top";
    for (let number = Math.ceil(from / step); number * step <= from + seconds; number += 1) {
      const x = Math.round(span.shareOf(this.#place(clock, number * step)) * width);
      context.globalAlpha = 0.5;
      context.fillRect(x, height - 5 * ratio, ratio, 5 * ratio);
      context.globalAlpha = 1;
      const text = timecode(number * step, step < 1);
      if (x + context.measureText(text).width + 4 * ratio < width) {
        context.fillText(text, x + 3 * ratio, 2 * ratio);
      }
    }
  }

  /**
   * A time on the axis of frames, with fractions where the clip has an even rate.
   *
   * @param {Clock} clock
   * @param {number} seconds
   */
  #place(clock, seconds) {
    return clock.times ? clock.frameAt(seconds) : seconds * clock.fps;
  }

  #drawStrip() {
    const surface = prepare(this.canvas);
    if (!surface) return;
    const { context, width, height } = surface;
    const wide = Math.max(height * this.aspect, 8);
    const count = Math.ceil(width / wide);
    this.wanted = [];
    const apart = this.span.count / Math.max(count, 1);
    for (let slot = 0; slot < count; slot += 1) {
      const frame = this.span.frameAt(Math.min(((slot + 0.5) * wide) / width, 1));
      const thumbnail = this.thumbnails.get(frame);
      if (thumbnail) context.drawImage(thumbnail.bitmap, slot * wide, 0, wide, height);
      const isNear = thumbnail && Math.abs(thumbnail.shown - frame) <= apart / 2;
      if (!thumbnail || !(isNear || thumbnail.isFinal)) this.wanted.push(frame);
    }
    this.#next();
  }

  #next() {
    this.wanted = this.wanted.filter((frame) => !this.failed.has(frame));
    for (const frame of this.wanted) {
      if (this.loading.size >= AT_ONCE) return;
      if (!this.asked.has(frame)) this.#load(frame);
    }
    if (!this.wanted.length || this.loading.size) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.asked.clear();
      this.#next();
    }, LOOK_AGAIN_MS);
  }

  /** @param {number} frame */
  async #load(frame) {
    const { epoch, loading } = this;
    loading.add(frame);
    this.asked.add(frame);
    try {
      const response = await fetch(`${this.base}/thumbnails/${frame}.jpg`, { priority: "low" });
      if (response.status === 200) {
        const shown = Number(response.headers.get("X-Frame"));
        const isFinal = response.headers.get("X-Final") === "1";
        const bitmap = await createImageBitmap(await response.blob());
        if (epoch === this.epoch) this.thumbnails.set(frame, { bitmap, shown, isFinal });
        else bitmap.close();
      } else if (response.status !== 204) throw new Error(response.statusText);
      else for (const one of this.wanted) this.asked.add(one); // nothing is there yet, for none of them
    } catch {
      this.failed.add(frame); // a gap in the strip says it
    } finally {
      loading.delete(frame);
    }
    if (epoch === this.epoch) this.#drawStrip();
  }
}
