// What lies under a finger, larger and above it.

/** @import { Stage } from "./stage.js" */
/** @import { Point } from "./viewport.js" */

import { prepare } from "../canvas.js";
import { find } from "../dom.js";

const ZOOM = 2.5;
const SIZE = 128; // CSS pixels, as in the style sheet
const ABOVE = 36; // between the finger and the magnifier

export class Magnifier {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    this.canvas = find(stage.element, ".s2-magnifier", HTMLCanvasElement);
  }

  /** @param {Point} at the finger, on the stage */
  show(at) {
    const { stage, canvas } = this;
    const { viewport, clip } = stage;
    if (!clip) return;
    canvas.hidden = false;
    this.#place(at);
    const surface = prepare(canvas);
    if (!surface) return;
    const { context, width, height, ratio } = surface;
    const scale = ZOOM * ratio;
    context.fillStyle = "#0b0d12";
    context.fillRect(0, 0, width, height);
    context.setTransform(scale, 0, 0, scale, width / 2 - at.x * scale, height / 2 - at.y * scale);
    const { x, y, scaleX, scale: scaleY } = viewport;
    for (const picture of [stage.frame, stage.masks]) {
      context.drawImage(picture, x, y, clip.width * scaleX, clip.height * scaleY);
    }
    context.drawImage(stage.prompts, 0, 0, viewport.stage.width, viewport.stage.height);
    context.setTransform(1, 0, 0, 1, 0, 0);
    drawAim(context, width / 2, height / 2, ratio);
  }

  hide() {
    this.canvas.hidden = true;
  }

  /**
   * Above the finger; beside it where there is no room above.
   *
   * @param {Point} at
   */
  #place({ x, y }) {
    const { width } = this.stage.viewport.stage;
    const half = SIZE / 2;
    let [left, top] = [x - half, y - SIZE - ABOVE];
    if (top < 4) {
      top = 4;
      left = x > width / 2 ? x - SIZE - ABOVE : x + ABOVE;
    }
    left = Math.min(Math.max(left, 4), Math.max(width - SIZE - 4, 4));
    Object.assign(this.canvas.style, { left: `${left}px`, top: `${top}px` });
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} ratio device pixels per CSS pixel
 */
function drawAim(context, x, y, ratio) {
  for (const { width, style } of [
    { width: 3, style: "rgb(0 0 0 / 60%)" },
    { width: 1.5, style: "#fff" },
  ]) {
    context.beginPath();
    context.arc(x, y, 7 * ratio, 0, 2 * Math.PI);
    context.lineWidth = width * ratio;
    context.strokeStyle = style;
    context.stroke();
  }
}
