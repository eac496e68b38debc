// What the pointer looks like: the brush at its size, the mark that it would take away, or a cursor.

/** @import { Gesture, PromptHandlers } from "./pointer.js" */
/** @import { Stage } from "./stage.js" */
/** @import { Point } from "./viewport.js" */

const PREVIEW_MS = 900;
const LEFT_PIXELS = 14; // so far away, the pointer has left a mark that it has just put there

export class Cursor {
  /**
   * @param {Stage} stage
   * @param {PromptHandlers} handlers
   * @param {() => { gesture: Gesture | null, isSpaceHeld: boolean }} present what is being done
   */
  constructor(stage, handlers, present) {
    this.stage = stage;
    this.handlers = handlers;
    this.present = present;
    this.isShift = false;
    /** @type {PointerEvent | null} */
    this.last = null; // where the pointer is; a finger hovers nowhere
    /** @type {Point | null} */
    this.fresh = null; // where it has just put a mark, which is not meant to be taken away yet
    /** @type {number | undefined} */
    this.preview = undefined;
    stage.element.addEventListener("pointerleave", () => this.#leave());
    /** @param {KeyboardEvent} event */
    const turnOver = ({ key, shiftKey }) => {
      if (key === "Shift") this.refresh(shiftKey);
    };
    document.addEventListener("keydown", turnOver);
    document.addEventListener("keyup", turnOver);
  }

  /** @param {PointerEvent} event */
  moved(event) {
    if (event.pointerType !== "touch") this.last = event;
  }

  /**
   * A mark has been put under the pointer: it looks like one until the pointer has left it.
   *
   * @param {Point} at on the stage
   */
  placed(at) {
    this.fresh = at;
  }

  /** @param {PointerEvent} event */
  showBrush(event) {
    this.stage.showBrush(this.#brushAt(this.stage.position(event)));
  }

  // Show the brush in the middle for a moment, where no pointer shows it.
  previewBrush() {
    const { stage } = this;
    if (this.last || !stage.clip) return;
    const { width, height } = stage.viewport.stage;
    const middle = stage.viewport.toPicture({ x: width / 2, y: height / 2 });
    stage.showBrush(this.#brushAt(middle));
    clearTimeout(this.preview);
    this.preview = setTimeout(() => this.refresh(), PREVIEW_MS);
  }

  // Call when the tool, the brush or the prompts have changed under the pointer.
  refresh(isShift = this.isShift) {
    this.isShift = isShift;
    const { stage, last } = this;
    const { gesture, isSpaceHeld } = this.present();
    const isBrush = ["brush", "eraser"].includes(this.handlers.tool());
    if (last && this.fresh) {
      const { x, y } = stage.stagePoint(last);
      if (Math.hypot(x - this.fresh.x, y - this.fresh.y) > LEFT_PIXELS) this.fresh = null;
    }
    const hovers = last && !this.fresh && !isBrush && this.#canHover();
    if (!gesture) stage.hover(hovers ? stage.markAt(last) : -1);
    stage.element.dataset.cursor = this.#look(isBrush);
    if (isBrush && last && stage.clip && !isSpaceHeld) this.showBrush(last);
    else if (gesture?.kind !== "stroke") stage.showBrush(null);
  }

  #leave() {
    this.last = null;
    this.fresh = null;
    this.stage.hover(-1);
    this.stage.showBrush(null);
  }

  /** @param {Point} place */
  #brushAt(place) {
    const { gesture } = this.present();
    const isEraser = (this.handlers.tool() === "eraser") !== this.isShift;
    const erase = gesture?.kind === "stroke" ? gesture.stroke.erase : isEraser;
    return { ...place, radius: this.handlers.radius(), erase, colour: this.handlers.colour() };
  }

  #canHover() {
    const { isSpaceHeld } = this.present();
    return this.handlers.tool() !== "pan" && !isSpaceHeld && !this.handlers.refusal();
  }

  /** @param {boolean} isBrush */
  #look(isBrush) {
    const { gesture, isSpaceHeld } = this.present();
    if (gesture?.kind === "pan") return "grabbing";
    if (isSpaceHeld || this.handlers.tool() === "pan") return "grab";
    if (gesture?.kind === "mark") return "grabbing";
    if (this.handlers.refusal()) return "refused";
    if (this.stage.hovered >= 0) return "mark";
    if (isBrush) return "brush";
    const tool = this.handlers.tool();
    return tool === "positive" && this.isShift ? "negative" : tool;
  }
}
