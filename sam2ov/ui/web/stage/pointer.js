// Mouse, pen and touch on the stage become prompts, strokes, and moves of the view.
//
// One gesture at a time: a press (a click until it moves), a drag of a box, a mark or the brush, a
// pan, or a pinch. A second finger always means the view, and drops what the first one began. A finger
// that is held aims: the click is where it is let go.

/** @import { Corners, Drag } from "./marks.js" */
/** @import { Stage } from "./stage.js" */
/** @import { Tool } from "./tools.js" */
/** @import { Point } from "./viewport.js" */

import { under } from "../dom.js";
import { Cursor } from "./cursor.js";
import { Magnifier } from "./magnifier.js";
import { Stroke } from "./strokes.js";
import { listenToWheel } from "./wheel.js";

/**
 * @typedef {object} PromptHandlers what becomes of a gesture, or of the crosshair's
 * @property {() => Tool} tool
 * @property {() => number} radius of the brush, in video pixels
 * @property {() => string} colour
 * @property {() => string} refusal why there can be no prompts now, or ""
 * @property {() => void} refuse
 * @property {(point: Point, isPositive: boolean) => void} click
 * @property {(corners: Corners) => void} box
 * @property {(stroke: Stroke) => void} brush
 * @property {(mark: Drag) => void} movePoint
 * @property {(index: number) => void} deletePoint
 * @property {(stroke: Stroke | null) => void} strokes hears of a stroke while it is drawn
 */

/**
 * @typedef {object} Common to what is done with one pointer
 * @property {number} id
 * @property {string} type
 * @property {Point} at on the stage
 */

/**
 * @typedef {object} Press
 * @property {Point} start in video pixels
 * @property {number} mark index of the mark under it, or -1
 * @property {boolean} isNegative
 * @property {boolean} canDrag
 */

/**
 * @typedef {Common & Press & { kind: "press" | "mark" | "box" | "aim" }
 *   | Common & { kind: "pan" }
 *   | Common & { kind: "stroke", stroke: Stroke }
 *   | { kind: "pinch" }} Gesture
 */

/** @type {{ [pointerType: string]: number }} */
const DRAG_PIXELS = { mouse: 5, pen: 6, touch: 10 };
const DOUBLE_MS = 400;
const DOUBLE_PIXELS = 8;
const HOLD_MS = 280; // until a finger aims
const OUTSIDE_PIXELS = 15; // how far a stroke may leave the picture; the server knows little more

export class Pointer {
  /**
   * @param {Stage} stage
   * @param {PromptHandlers} handlers
   */
  constructor(stage, handlers) {
    this.stage = stage;
    this.element = stage.element;
    this.handlers = handlers;
    /** @type {Map<number, Point>} */
    this.fingers = new Map(); // touches, by pointer id
    /** @type {Gesture | null} */
    this.gesture = null;
    this.isSpaceHeld = false;
    this.hasPanned = false; // since it is held
    this.lastClick = { time: -Infinity, at: { x: 0, y: 0 } };
    this.cursor = new Cursor(stage, handlers, () => this);
    this.magnifier = new Magnifier(stage);
    /** @type {number | undefined} */
    this.holding = undefined; // until a press of a finger aims
    this.#listen();
    listenToWheel(stage);
  }

  #listen() {
    const { element } = this;
    element.addEventListener("contextmenu", (event) => {
      if (this.stage.clip) event.preventDefault(); // a right click is a prompt
    });
    // Without this the middle button scrolls, and a finger that paints does.
    element.addEventListener("mousedown", (event) => {
      if (event.button === 1) event.preventDefault();
    });
    /** @param {TouchEvent} event */
    const keepFromScrolling = (event) => {
      if (this.#isTaken(event)) event.preventDefault();
    };
    element.addEventListener("touchstart", keepFromScrolling, { passive: false });
    element.addEventListener("touchmove", keepFromScrolling, { passive: false });
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    element.addEventListener("pointerup", (event) => this.#up(event));
    element.addEventListener("pointercancel", (event) => this.#lost(event));
    element.addEventListener("lostpointercapture", (event) => this.#lost(event));
  }

  // ---- Keys that change what a drag means

  holdSpace() {
    this.isSpaceHeld = true;
    this.hasPanned = false;
    this.cursor.refresh();
  }

  // Returns whether nothing was dragged: then the key was meant for itself.
  releaseSpace() {
    const wasTap = this.isSpaceHeld && !this.hasPanned;
    this.isSpaceHeld = false;
    this.cursor.refresh();
    return wasTap;
  }

  // Esc drops what is being dragged; tells whether there was anything.
  cancel() {
    const hadDrag = this.gesture !== null && this.gesture.kind !== "press";
    this.#finish();
    return hadDrag;
  }

  // ---- Gestures

  /** @param {PointerEvent} event */
  #down(event) {
    const { stage } = this;
    if (!stage.clip || under(event, "button, input, .s2-notice", Element)) return;
    this.element.focus({ preventScroll: true });
    const isTouch = event.pointerType === "touch";
    if (isTouch) this.fingers.set(event.pointerId, stage.stagePoint(event));
    if (this.fingers.size === 2) {
      this.#startPinch(event);
      return;
    }
    if (this.gesture || ![0, 1, 2].includes(event.button)) return;
    const tool = this.handlers.tool();
    this.element.setPointerCapture(event.pointerId);
    const common = { id: event.pointerId, type: event.pointerType, at: stage.stagePoint(event) };
    if (event.button === 1 || this.isSpaceHeld || (tool === "pan" && event.button === 0)) {
      this.hasPanned = true;
      this.#start({ ...common, kind: "pan" });
      return;
    }
    const isSecondary = event.button === 2 || event.shiftKey;
    if (tool === "brush" || tool === "eraser") {
      this.#startStroke(event, common, isSecondary);
      return;
    }
    this.#start({
      ...common,
      kind: "press",
      start: stage.position(event),
      mark: this.handlers.refusal() ? -1 : stage.markAt(event),
      isNegative: isSecondary || tool === "negative",
      canDrag: event.button === 0,
    });
    if (isTouch) this.holding = setTimeout(() => this.#aim(), HOLD_MS);
  }

  // A finger has been held where it was put: from now on it aims.
  #aim() {
    const { gesture, handlers } = this;
    if (gesture?.kind !== "press" || gesture.mark >= 0 || handlers.refusal()) return;
    if (handlers.tool() === "box") return;
    this.#start({ ...gesture, kind: "aim" });
    this.magnifier.show(gesture.at);
  }

  /** @param {Gesture} gesture */
  #start(gesture) {
    this.gesture = gesture;
    this.cursor.refresh();
  }

  /**
   * @param {PointerEvent} event
   * @param {Common} common
   * @param {boolean} isSecondary
   */
  #startStroke(event, common, isSecondary) {
    const radius = this.handlers.radius();
    if (!this.stage.isInside(this.stage.position(event), radius)) return;
    if (this.handlers.refusal()) return this.handlers.refuse();
    const stroke = new Stroke(radius, (this.handlers.tool() === "eraser") !== isSecondary);
    this.#start({ ...common, kind: "stroke", stroke });
    this.#extend(stroke, event);
  }

  /** @param {PointerEvent} event */
  #startPinch(event) {
    this.#drop();
    this.element.setPointerCapture(event.pointerId);
    this.gesture = { kind: "pinch" };
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const { gesture, stage, fingers } = this;
    if (!stage.clip) return;
    const at = stage.stagePoint(event);
    this.cursor.moved(event);
    if (gesture?.kind === "pinch") return this.#pinch(event.pointerId, at);
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, at);
    if (!gesture) {
      if (event.pointerType !== "touch") this.cursor.refresh(event.shiftKey);
      return;
    }
    if (gesture.id !== event.pointerId) return;
    if (gesture.kind === "press") this.#maybeDrag(gesture, event, at);
    else if (gesture.kind === "pan") {
      stage.panBy(at.x - gesture.at.x, at.y - gesture.at.y);
      gesture.at = at;
    } else if (gesture.kind === "stroke") this.#extend(gesture.stroke, event);
    else if (gesture.kind === "box") {
      stage.showBox({ ...this.#corners(gesture, event), colour: this.handlers.colour() });
    } else if (gesture.kind === "mark") {
      stage.showDrag({ index: gesture.mark, ...stage.clamp(stage.position(event)) });
    }
    if (this.gesture && event.pointerType === "touch") this.#magnify(this.gesture, at);
  }

  /**
   * What is drawn, dragged or aimed at lies under the finger.
   *
   * @param {Gesture} gesture
   * @param {Point} at
   */
  #magnify({ kind }, at) {
    if (["aim", "mark", "box", "stroke"].includes(kind)) this.magnifier.show(at);
  }

  /**
   * A press that moves far enough becomes a drag.
   *
   * @param {Common & Press} press
   * @param {PointerEvent} event
   * @param {Point} at
   */
  #maybeDrag(press, event, at) {
    const moved = Math.hypot(at.x - press.at.x, at.y - press.at.y);
    if (!press.canDrag || moved < (DRAG_PIXELS[press.type] ?? DRAG_PIXELS.mouse)) return;
    const isFinger = press.type === "touch" && this.handlers.tool() !== "box";
    if (press.mark >= 0) this.#start({ ...press, kind: "mark" });
    else if (isFinger) this.#start({ ...press, kind: "pan" });
    else if (this.handlers.refusal()) {
      this.#finish();
      this.handlers.refuse();
    } else this.#start({ ...press, kind: "box" });
  }

  /**
   * @param {Stroke} stroke
   * @param {PointerEvent} event
   */
  #extend(stroke, event) {
    const events = event.getCoalescedEvents?.() ?? [];
    for (const part of events.length ? events : [event]) {
      stroke.add(this.stage.clamp(this.stage.position(part), OUTSIDE_PIXELS));
    }
    this.handlers.strokes(stroke);
    this.cursor.showBrush(event);
  }

  /**
   * @param {number} id of the pointer
   * @param {Point} at
   */
  #pinch(id, at) {
    const other = [...this.fingers].find(([finger]) => finger !== id)?.[1];
    const before = this.fingers.get(id);
    if (!other || !before) return;
    /** @type {(point: Point) => number} */
    const apart = (point) => Math.hypot(point.x - other.x, point.y - other.y);
    /** @type {(point: Point) => Point} */
    const middle = (point) => ({ x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 });
    const [from, to] = [middle(before), middle(at)];
    this.stage.panBy(to.x - from.x, to.y - from.y);
    this.stage.zoomBy(Math.max(apart(at), 1) / Math.max(apart(before), 1), to);
    this.fingers.set(id, at);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    const { gesture, stage, handlers } = this;
    this.fingers.delete(event.pointerId);
    if (gesture?.kind === "pinch") {
      // The finger that stays may go on moving the picture, but prompts nothing.
      const [rest] = this.fingers;
      this.gesture = rest ? { kind: "pan", id: rest[0], type: "touch", at: rest[1] } : null;
      return;
    }
    if (!gesture || gesture.id !== event.pointerId) return;
    const box = gesture.kind === "box" ? this.#corners(gesture, event) : null;
    const { drag } = stage;
    this.#finish();
    if (gesture.kind === "press") this.#click(gesture, event);
    else if (gesture.kind === "aim") {
      const place = stage.position(event);
      if (stage.isInside(place)) handlers.click(place, !gesture.isNegative);
    }
    else if (gesture.kind === "stroke") handlers.brush(gesture.stroke);
    else if (box && box.x1 - box.x0 >= 1 && box.y1 - box.y0 >= 1) handlers.box(box);
    else if (gesture.kind === "mark" && drag) handlers.movePoint(drag);
  }

  /**
   * @param {Common & Press} press
   * @param {PointerEvent} event
   */
  #click(press, { timeStamp }) {
    const { x, y } = press.at;
    const { time, at } = this.lastClick;
    const isDouble =
      timeStamp - time < DOUBLE_MS && Math.hypot(x - at.x, y - at.y) < DOUBLE_PIXELS;
    this.lastClick = { time: timeStamp, at: { x, y } };
    // Double clicks are a habit: the second one must not take away what the first one put there.
    if (isDouble || !this.stage.isInside(press.start)) return;
    if (this.handlers.refusal()) this.handlers.refuse();
    else if (press.mark >= 0) this.handlers.deletePoint(press.mark);
    else {
      this.cursor.placed(press.at);
      this.handlers.click(press.start, !press.isNegative);
    }
  }

  /** @param {PointerEvent} event */
  #lost(event) {
    this.fingers.delete(event.pointerId);
    if (this.gesture?.kind === "pinch") this.gesture = null;
    else if (this.gesture?.id === event.pointerId) this.#finish();
  }

  #drop() {
    this.gesture = null;
    clearTimeout(this.holding);
    this.magnifier.hide();
    this.stage.showBox(null);
    this.stage.showDrag(null);
    this.handlers.strokes(null);
  }

  #finish() {
    this.#drop();
    this.cursor.refresh();
  }

  /**
   * @param {Press} press where the box begins
   * @param {PointerEvent} event where it ends
   * @returns {Corners}
   */
  #corners(press, event) {
    const start = this.stage.clamp(press.start);
    const end = this.stage.clamp(this.stage.position(event));
    return {
      x0: Math.min(start.x, end.x),
      y0: Math.min(start.y, end.y),
      x1: Math.max(start.x, end.x),
      y1: Math.max(start.y, end.y),
    };
  }

  /**
   * Whether a touch is the stage's; what is not scrolls the page.
   *
   * @param {TouchEvent} event
   */
  #isTaken(event) {
    if (!this.stage.clip || under(event, "button, input, .s2-notice", Element)) return false;
    if (event.touches.length > 1 || !this.stage.viewport.isFit) return true;
    if (["box", "brush", "eraser"].includes(this.handlers.tool())) return true;
    if (this.gesture) return this.gesture.kind !== "press" || this.gesture.mark >= 0;
    const { clientX, clientY } = event.touches[0];
    return this.stage.markAt({ clientX, clientY, pointerType: "touch" }) >= 0;
  }
}
