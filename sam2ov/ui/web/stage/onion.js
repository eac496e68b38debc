// The masks of the frames around, as outlines: red those before, green those that come.

/** @import { Media } from "../media/media.js" */
/** @import { Colour } from "../media/palette.js" */
/** @import { Stage } from "./stage.js" */

import { penOf } from "../canvas.js";
import { find } from "../dom.js";
import { recolour } from "../media/palette.js";

const AROUND = [-2, -1, 1, 2];
const BEFORE = [255, 82, 82];
const AFTER = [52, 211, 106];
/** @type {Colour} */
const CLEAR = [0, 0, 0, 0];

export class Onion {
  /**
   * @param {Stage} stage
   * @param {Media} media
   */
  constructor(stage, media) {
    this.stage = stage;
    this.media = media;
    this.canvas = find(stage.element, ".s2-onion", HTMLCanvasElement);
    this.isOn = false;
    /** @type {number | null} */
    this.frame = null; // in sight, and at rest
    this.drawn = 0; // counts: the newest drawing is the one that is shown
  }

  toggle() {
    this.isOn = !this.isOn;
    this.media.around = this.isOn ? AROUND : [];
  }

  /** @param {number | null} frame in sight, null while it moves or another look is shown */
  show(frame) {
    this.frame = this.isOn && !this.stage.looks.live ? frame : null;
    this.#draw();
  }

  /** @param {number} frame of which there is something new */
  arrived(frame) {
    if (this.frame !== null && AROUND.includes(frame - this.frame)) this.#draw();
  }

  async #draw() {
    const { canvas, frame } = this;
    this.drawn += 1;
    const { drawn } = this;
    const shown = frame === null ? [] : await Promise.all(AROUND.map((by) => this.#outline(frame, by)));
    const bitmaps = shown.filter((one) => one !== null);
    if (drawn !== this.drawn) return bitmaps.forEach((one) => one.close());
    canvas.hidden = bitmaps.length === 0;
    if (bitmaps.length) {
      canvas.width = bitmaps[0].width;
      canvas.height = bitmaps[0].height;
    }
    const context = penOf(canvas);
    for (const bitmap of bitmaps) {
      context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      bitmap.close();
    }
    return undefined;
  }

  /**
   * @param {number} frame
   * @param {number} by
   */
  async #outline(frame, by) {
    const masks = this.media.masksOf(frame + by);
    if (!masks) return null;
    const [red, green, blue] = by < 0 ? BEFORE : AFTER;
    /** @type {Colour} */
    const border = [red, green, blue, Math.abs(by) > 1 ? 110 : 220];
    const { looks } = this.stage;
    const entries = masks.objects.flatMap(([id, soft]) => [
      CLEAR,
      looks.isVisible(id) ? border : CLEAR,
      ...Array.from({ length: soft }, () => CLEAR),
    ]);
    return createImageBitmap(recolour(masks.png, [CLEAR, ...entries]));
  }
}

