// The head of the timeline: a ruler with times, and a strip of thumbnails below it.

/** @import { Cache } from "../media/cache.js" */
/** @import { Clock } from "../media/clock.js" */
/** @import { ClipView } from "../messages.js" */

import { prepare } from "../canvas.js";
import { bitmapCache } from "../media/cache.js";
import { timecode } from "../texts.js";
import { Span } from "./span.js";

const AT_ONCE = 2; // what the user waits for goes first
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
    /** @type {Cache<number, ImageBitmap>} */
    this.thumbnails = bitmapCache(BUDGET_BYTES);
    /** @type {Set<number>} */
    this.loading = new Set();
    /** @type {Set<number>} */
    this.failed = new Set();
    /** @type {number[]} */
    this.wanted = [];
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
    for (let slot = 0; slot < count; slot += 1) {
      const frame = this.span.frameAt(Math.min(((slot + 0.5) * wide) / width, 1));
      const thumbnail = this.thumbnails.get(frame);
      if (thumbnail) context.drawImage(thumbnail, slot * wide, 0, wide, height);
      else this.wanted.push(frame);
    }
    this.#next();
  }

  #next() {
    for (const frame of this.wanted) {
      if (this.loading.size >= AT_ONCE) return;
      const isOpen = !this.thumbnails.has(frame) && !this.loading.has(frame);
      if (isOpen && !this.failed.has(frame)) this.#load(frame);
    }
  }

  /** @param {number} frame */
  async #load(frame) {
    const { epoch, loading } = this;
    loading.add(frame);
    try {
      const response = await fetch(`${this.base}/thumbnails/${frame}.jpg`, { priority: "low" });
      if (response.status !== 200) throw new Error(response.statusText);
      const bitmap = await createImageBitmap(await response.blob());
      if (epoch !== this.epoch) {
        bitmap.close();
        return;
      }
      this.thumbnails.set(frame, bitmap);
    } catch {
      this.failed.add(frame); // a gap in the strip says it
    } finally {
      loading.delete(frame);
    }
    if (epoch === this.epoch) this.#drawStrip();
  }
}
