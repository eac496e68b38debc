// A crosshair that the keyboard moves: every prompt that a pointer can give, without one.
//
// It moves by lengths on the screen, so zooming in makes its steps finer. Enter does at its place
// what a click with the chosen tool does; a box or a stroke lasts from one Enter to the next.

/** @import { Corners } from "./marks.js" */
/** @import { PromptHandlers } from "./pointer.js" */
/** @import { Stage } from "./stage.js" */
/** @import { Point } from "./viewport.js" */

import { Stroke } from "./strokes.js";

const STEP = 6; // CSS pixels
const LEAP = 48; // with Shift
const MARGIN = 24; // how close to the stage's edge it may come before the picture moves

export class Crosshair {
  /**
   * @param {Stage} stage
   * @param {PromptHandlers & { changed: () => void }} handlers
   */
  constructor(stage, handlers) {
    this.stage = stage;
    this.handlers = handlers;
    /** @type {Point | null} */
    this.kept = null; // its place in video pixels, also while it is hidden
    this.isShown = false;
    /** @type {Point | null} */
    this.corner = null; // of a box in the making
    /** @type {Stroke | null} */
    this.stroke = null;
    stage.element.addEventListener("pointerdown", () => this.hide());
  }

  // In video pixels; in the middle of what is in sight until it is moved.
  get place() {
    return this.kept ?? this.#middle();
  }

  // The clip is another one.
  reset() {
    this.hide();
    this.kept = null;
  }

  toggle() {
    if (this.isShown) return this.hide();
    this.isShown = true;
    if (!this.#isInSight(this.place)) this.kept = null;
    this.kept = this.place;
    this.stage.element.focus({ preventScroll: true });
    return this.refresh();
  }

  hide() {
    if (!this.isShown) return;
    this.#drop();
    this.isShown = false;
    this.stage.showCrosshair(null);
    this.handlers.changed();
  }

  // Esc gives up a box or a stroke, then the crosshair; tells whether there was anything.
  cancel() {
    if (!this.isShown) return false;
    if (this.corner || this.stroke) {
      this.#drop();
      this.refresh();
    } else this.hide();
    return true;
  }

  /**
   * @param {number} x -1, 0 or 1
   * @param {number} y
   * @param {boolean} isLeap
   */
  move(x, y, isLeap) {
    const { stage } = this;
    const by = isLeap ? LEAP : STEP;
    const { scale, scaleX } = stage.viewport;
    this.kept = stage.clamp({
      x: this.place.x + (x * by) / scaleX,
      y: this.place.y + (y * by) / scale,
    });
    this.#follow();
    this.stroke?.add(this.place);
    if (this.stroke) this.handlers.strokes(this.stroke);
    this.refresh();
  }

  /**
   * Enter; with Shift it means the opposite.
   *
   * @param {boolean} isOpposite
   */
  press(isOpposite) {
    const { handlers } = this;
    const tool = handlers.tool();
    if (handlers.refusal()) handlers.refuse();
    else if (tool === "box") this.#pressBox();
    else if (tool === "brush" || tool === "eraser") this.#pressBrush(isOpposite);
    else {
      const mark = this.stage.markAtPlace(this.place);
      if (mark >= 0) handlers.deletePoint(mark);
      else handlers.click(this.place, (tool !== "negative") !== isOpposite);
    }
    this.refresh();
  }

  // Call when the tool, the brush, the colour or the view has changed.
  refresh() {
    if (!this.isShown) return;
    const { handlers, stage, corner, stroke } = this;
    const tool = handlers.tool();
    const isBrush = tool === "brush" || tool === "eraser";
    if ((corner && tool !== "box") || (stroke && !isBrush)) this.#drop();
    if (this.corner) stage.showBox({ ...this.#box(this.corner), colour: handlers.colour() });
    const erase = stroke?.erase ?? tool === "eraser";
    const brush = isBrush ? { radius: handlers.radius(), erase, colour: handlers.colour() } : null;
    stage.showCrosshair({ ...this.place, brush });
    handlers.changed();
  }

  // What it is about, in words.
  get hint() {
    const { x, y } = this.place;
    const at = `${Math.round(x)}, ${Math.round(y)}`;
    return `Crosshair at ${at}: Enter ${this.#whatEnterDoes()}; arrows move it, K hides it.`;
  }

  #whatEnterDoes() {
    const tool = this.handlers.tool();
    if (tool === "box") return this.corner ? "closes the box" : "begins a box";
    if (this.stroke) return "ends the stroke";
    if (tool === "brush" || tool === "eraser") return "begins a stroke";
    if (this.stage.markAtPlace(this.place) >= 0) return "takes this point away";
    return tool === "negative" ? "subtracts, Shift + Enter adds" : "adds, Shift + Enter subtracts";
  }

  #pressBox() {
    if (!this.corner) {
      this.corner = this.place;
      return;
    }
    const box = this.#box(this.corner);
    this.#drop();
    if (box.x1 - box.x0 >= 1 && box.y1 - box.y0 >= 1) this.handlers.box(box);
  }

  /** @param {boolean} isOpposite */
  #pressBrush(isOpposite) {
    const { handlers, stroke } = this;
    if (stroke) {
      this.#drop();
      handlers.brush(stroke);
      return;
    }
    this.stroke = new Stroke(handlers.radius(), (handlers.tool() === "eraser") !== isOpposite);
    this.stroke.add(this.place);
    handlers.strokes(this.stroke);
  }

  /**
   * @param {Point} corner opposite to where the crosshair is
   * @returns {Corners}
   */
  #box(corner) {
    const { place } = this;
    return {
      x0: Math.min(corner.x, place.x),
      y0: Math.min(corner.y, place.y),
      x1: Math.max(corner.x, place.x),
      y1: Math.max(corner.y, place.y),
    };
  }

  #drop() {
    if (this.corner) this.stage.showBox(null);
    if (this.stroke) this.handlers.strokes(null);
    this.corner = this.stroke = null;
  }

  #middle() {
    const { viewport } = this.stage;
    const { width, height } = viewport.stage;
    return this.stage.clamp(viewport.toPicture({ x: width / 2, y: height / 2 }));
  }

  /** @param {Point} place */
  #isInSight(place) {
    const { viewport } = this.stage;
    const { x, y } = viewport.toStage(place);
    return x >= 0 && y >= 0 && x <= viewport.stage.width && y <= viewport.stage.height;
  }

  // Where it comes to the edge of a picture that is zoomed in, the picture moves instead.
  #follow() {
    const { viewport } = this.stage;
    const { x, y } = viewport.toStage(this.place);
    /** @type {(at: number, size: number) => number} */
    const beyond = (at, size) => Math.min(at - MARGIN, 0) + Math.max(at - size + MARGIN, 0);
    const by = [beyond(x, viewport.stage.width), beyond(y, viewport.stage.height)];
    if (by.some(Boolean)) this.stage.panBy(-by[0], -by[1]);
  }
}

/**
 * Black and white, to be seen on anything; open in the middle, where it aims.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Point} place on the stage
 */
export function drawCrosshair(context, { x, y }) {
  for (const { width, style } of [
    { width: 4, style: "rgb(0 0 0 / 60%)" },
    { width: 2, style: "#fff" },
  ]) {
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 5 * dx, y + 5 * dy);
      context.lineTo(x + 16 * dx, y + 16 * dy);
    }
    context.lineWidth = width;
    context.strokeStyle = style;
    context.stroke();
  }
}
