// What a click would give, seen before it is made, where a mouse or a pen rests on the picture.
//
// At most ten times a second, one question at a time, of which the newest place counts. The server
// answers only while nobody else wants the model. Whatever the user does drops it at once.

/** @import { Colour } from "../media/palette.js" */
/** @import { Hover as Wanted } from "../messages.js" */
/** @import { Stage } from "./stage.js" */
/** @import { Point } from "./viewport.js" */

import { penOf } from "../canvas.js";
import { find, under } from "../dom.js";
import { recolour } from "../media/palette.js";
import { readKept, writeKept } from "../storage.js";

/**
 * @typedef {object} Aim what a click would be meant for
 * @property {string} clip its token
 * @property {number} frame
 * @property {number} object
 * @property {string} colour of the object
 * @property {boolean} positive what it means without Shift
 */

const KEPT = "sam2ov.hover";
const PERIOD_MS = 100;
const RETRY_MS = 200; // until the frame is prepared, or the model is free
const RETRIES = 40;
/** @type {Colour} */
const CLEAR = [0, 0, 0, 0];

export class Hover {
  /**
   * @param {object} parts
   * @param {Stage} parts.stage
   * @param {string} parts.root
   * @param {() => Aim | null} parts.aim null while there is nothing that a click would do
   */
  constructor({ stage, root, aim }) {
    this.stage = stage;
    this.root = root;
    this.aim = aim;
    this.canvas = find(stage.element, ".s2-hover", HTMLCanvasElement);
    this.isOn = readKept("localStorage", KEPT) !== false;
    /** @type {{ place: Point, isShift: boolean } | null} */
    this.last = null; // where the pointer is
    /** @type {AbortController | null} */
    this.asking = null;
    /** @type {number | undefined} */
    this.timer = undefined;
    this.askedAt = -Infinity;
    this.retries = 0;
    const { element } = stage;
    element.addEventListener("pointermove", (event) => this.#moved(event));
    element.addEventListener("pointerleave", () => this.drop());
    element.addEventListener("pointerdown", () => this.drop(), { capture: true });
    element.addEventListener("wheel", () => this.drop(), { passive: true });
  }

  toggle() {
    this.isOn = !this.isOn;
    writeKept("localStorage", KEPT, this.isOn);
    this.drop();
  }

  // Something has begun or changed: nothing is shown until the pointer moves again.
  drop() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.asking?.abort();
    this.asking = null;
    this.last = null;
    this.#clear();
  }

  #clear() {
    if (this.canvas.hidden) return;
    this.canvas.hidden = true;
    penOf(this.canvas).clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** @param {PointerEvent} event */
  #moved(event) {
    const { stage } = this;
    if (!this.isOn || event.pointerType === "touch" || !stage.clip) return;
    const place = stage.position(event);
    const isAside = event.buttons !== 0 || !stage.isInside(place) || stage.hovered >= 0;
    if (isAside || under(event, "button", Element) || !this.aim()) return this.drop();
    this.last = { place, isShift: event.shiftKey };
    this.retries = 0;
    this.#askSoon(this.askedAt + PERIOD_MS - performance.now());
  }

  /** @param {number} after in ms */
  #askSoon(after) {
    if (this.asking || this.timer !== undefined) return;
    this.timer = setTimeout(() => this.#ask(), Math.max(after, 0));
  }

  async #ask() {
    this.timer = undefined;
    const { last } = this;
    const aim = this.aim();
    if (!last || !aim) return this.drop();
    const asking = new AbortController();
    this.asking = asking;
    this.askedAt = performance.now();
    try {
      const bitmap = await this.#fetch(aim, last.place, last.isShift, asking.signal);
      if (this.asking !== asking) return bitmap?.close();
      if (bitmap) this.#show(bitmap);
      else this.#clear();
      this.asking = null;
      if (this.last !== last) this.#askSoon(this.askedAt + PERIOD_MS - performance.now());
      else if (!bitmap && (this.retries += 1) <= RETRIES) this.#askSoon(RETRY_MS);
    } catch {
      // Dropped, or the server is gone, which is told elsewhere.
      if (this.asking === asking) this.drop();
    }
    return undefined;
  }

  /**
   * @param {Aim} aim
   * @param {Point} place
   * @param {boolean} isShift
   * @param {AbortSignal} signal
   */
  async #fetch({ clip, frame, object, colour, positive }, { x, y }, isShift, signal) {
    /** @type {Wanted} */
    const wanted = { object, x, y, positive: positive && !isShift };
    const query = encodeURIComponent(JSON.stringify(wanted));
    const url = `${this.root}/media/${clip}/hover/${frame}.png?hover=${query}`;
    const response = await fetch(url, { cache: "no-store", signal });
    if (response.status !== 200) return null; // the model is busy, or the frame not prepared yet
    const png = new Uint8Array(await response.arrayBuffer());
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    const blob = recolour(png, [CLEAR, [red, green, blue, 90], [255, 255, 255, 255]]);
    return createImageBitmap(blob);
  }

  /** @param {ImageBitmap} bitmap */
  #show(bitmap) {
    const { canvas } = this;
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    penOf(canvas).drawImage(bitmap, 0, 0);
    bitmap.close();
    canvas.hidden = false;
  }
}
