// Mouse, pen and touch on the stage become prompts, strokes, and moves of the view.
//
// One gesture at a time: a press (a click until it moves), a drag of a box, a mark or the brush, a
// pan, or a pinch. A second finger always means the view, and drops what the first one began.

import { Stroke } from "./strokes.js";
import { listenToWheel } from "./wheel.js";

const DRAG_PIXELS = { mouse: 5, pen: 6, touch: 10 };
const DOUBLE_MS = 400;
const DOUBLE_PIXELS = 8;
const PREVIEW_MS = 900;
const OUTSIDE_PIXELS = 15; // how far a stroke may leave the picture; the server knows little more

// `handlers`: tool(), radius(), colour(), refusal() → why there can be no prompts now, or "";
// refuse(), click(point, isPositive), box(corners), brush(stroke), movePoint(mark), deletePoint(index),
// strokes(stroke or null) while one is drawn.
export class Pointer {
  constructor(stage, handlers) {
    this.stage = stage;
    this.element = stage.element;
    this.handlers = handlers;
    this.fingers = new Map(); // touches, by pointer id
    this.gesture = null;
    this.isSpaceHeld = false;
    this.isShift = false;
    this.lastClick = { time: -Infinity, at: [0, 0] };
    this.lastHover = null;
    this.#listen();
    listenToWheel(stage);
  }

  #listen() {
    const { element } = this;
    const on = (type, listener, options) => element.addEventListener(type, listener, options);
    on("contextmenu", (event) => {
      if (this.stage.clip) event.preventDefault(); // a right click is a prompt
    });
    // Without this the middle button scrolls, and a finger that paints does.
    on("mousedown", (event) => event.button === 1 && event.preventDefault());
    const keepFromScrolling = (event) => this.#isTaken(event) && event.preventDefault();
    on("touchstart", keepFromScrolling, { passive: false });
    on("touchmove", keepFromScrolling, { passive: false });
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", (event) => this.#lost(event));
    on("lostpointercapture", (event) => this.#lost(event));
    on("pointerleave", () => this.#leave());
    for (const type of ["keydown", "keyup"]) {
      document.addEventListener(type, ({ key, shiftKey }) => {
        if (key === "Shift") this.refreshCursor(shiftKey);
      });
    }
  }

  // ---- Keys that change what a drag means

  holdSpace() {
    this.isSpaceHeld = true;
    this.hasPanned = false;
    this.refreshCursor();
  }

  // Returns whether nothing was dragged: then the key was meant for itself.
  releaseSpace() {
    const wasTap = this.isSpaceHeld && !this.hasPanned;
    this.isSpaceHeld = false;
    this.refreshCursor();
    return wasTap;
  }

  // Esc drops what is being dragged; tells whether there was anything.
  cancel() {
    const hadDrag = Boolean(this.gesture) && this.gesture.kind !== "press";
    this.#finish();
    return hadDrag;
  }

  // ---- Gestures

  #down(event) {
    const { stage } = this;
    if (!stage.clip || event.target.closest("button, input")) return;
    this.element.focus({ preventScroll: true });
    const isTouch = event.pointerType === "touch";
    if (isTouch) this.fingers.set(event.pointerId, stage.stagePoint(event));
    if (this.fingers.size === 2) return this.#startPinch(event);
    if (this.gesture || ![0, 1, 2].includes(event.button)) return undefined;
    const tool = this.handlers.tool();
    this.element.setPointerCapture(event.pointerId);
    const common = { id: event.pointerId, type: event.pointerType, at: stage.stagePoint(event) };
    if (event.button === 1 || this.isSpaceHeld || (tool === "pan" && event.button === 0)) {
      this.hasPanned = true;
      return this.#start({ ...common, kind: "pan" });
    }
    const isSecondary = event.button === 2 || event.shiftKey;
    if (tool === "brush" || tool === "eraser") return this.#startStroke(event, common, isSecondary);
    return this.#start({
      ...common,
      kind: "press",
      start: stage.position(event),
      mark: this.handlers.refusal() ? -1 : stage.markAt(event),
      isNegative: isSecondary || tool === "negative",
      canDrag: event.button === 0,
    });
  }

  #start(gesture) {
    this.gesture = gesture;
    this.refreshCursor();
  }

  #startStroke(event, common, isSecondary) {
    const radius = this.handlers.radius();
    if (!this.stage.isInside(this.stage.position(event), radius)) return;
    if (this.handlers.refusal()) return this.handlers.refuse();
    const stroke = new Stroke(radius, (this.handlers.tool() === "eraser") !== isSecondary);
    this.#start({ ...common, kind: "stroke", stroke });
    this.#extend(event);
  }

  #startPinch(event) {
    this.#drop();
    this.element.setPointerCapture(event.pointerId);
    this.gesture = { kind: "pinch" };
  }

  #move(event) {
    const { gesture, stage, fingers } = this;
    if (!stage.clip) return;
    const at = stage.stagePoint(event);
    if (event.pointerType !== "touch") this.lastHover = event;
    if (gesture?.kind === "pinch") return this.#pinch(event.pointerId, at);
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, at);
    if (!gesture) return this.#hover(event);
    if (gesture.id !== event.pointerId) return;
    if (gesture.kind === "press") this.#maybeDrag(gesture, event, at);
    if (gesture.kind === "pan") {
      stage.panBy(at.x - gesture.at.x, at.y - gesture.at.y);
      gesture.at = at;
    } else if (gesture.kind === "stroke") this.#extend(event);
    else if (gesture.kind === "box") {
      stage.showBox({ ...this.#corners(event), colour: this.handlers.colour() });
    } else if (gesture.kind === "mark") {
      stage.showDrag({ index: gesture.mark, ...stage.clamp(stage.position(event)) });
    }
  }

  // A press that moves far enough becomes a drag.
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

  #extend(event) {
    const { stroke } = this.gesture;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const part of events.length ? events : [event]) {
      stroke.add(this.stage.clamp(this.stage.position(part), OUTSIDE_PIXELS));
    }
    this.handlers.strokes(stroke);
    this.#showBrush(event);
  }

  #pinch(id, at) {
    const other = [...this.fingers].find(([finger]) => finger !== id)?.[1];
    const before = this.fingers.get(id);
    if (!other || !before) return;
    const apart = (point) => Math.hypot(point.x - other.x, point.y - other.y);
    const middle = (point) => ({ x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 });
    const [from, to] = [middle(before), middle(at)];
    this.stage.panBy(to.x - from.x, to.y - from.y);
    this.stage.zoomBy(Math.max(apart(at), 1) / Math.max(apart(before), 1), to);
    this.fingers.set(id, at);
  }

  #up(event) {
    const { gesture, stage, handlers } = this;
    this.fingers.delete(event.pointerId);
    if (gesture?.kind === "pinch") {
      // The finger that stays may go on moving the picture, but prompts nothing.
      const [rest] = this.fingers;
      this.gesture = rest ? { kind: "pan", id: rest[0], type: "touch", at: rest[1] } : null;
      return;
    }
    if (gesture?.id !== event.pointerId) return;
    const box = gesture.kind === "box" ? this.#corners(event) : null;
    const { drag } = stage;
    this.#finish();
    if (gesture.kind === "press") this.#click(gesture, event);
    else if (gesture.kind === "stroke") handlers.brush(gesture.stroke);
    else if (box && box.x1 - box.x0 >= 1 && box.y1 - box.y0 >= 1) handlers.box(box);
    else if (gesture.kind === "mark" && drag) handlers.movePoint(drag);
  }

  #click(press, { timeStamp }) {
    const { x, y } = press.at;
    const { time, at } = this.lastClick;
    const isDouble =
      timeStamp - time < DOUBLE_MS && Math.hypot(x - at[0], y - at[1]) < DOUBLE_PIXELS;
    this.lastClick = { time: timeStamp, at: [x, y] };
    // Double clicks are a habit: the second one must not take away what the first one put there.
    if (isDouble || !this.stage.isInside(press.start)) return;
    if (this.handlers.refusal()) this.handlers.refuse();
    else if (press.mark >= 0) this.handlers.deletePoint(press.mark);
    else this.handlers.click(press.start, !press.isNegative);
  }

  #lost(event) {
    this.fingers.delete(event.pointerId);
    if (this.gesture?.kind === "pinch") this.gesture = null;
    else if (this.gesture?.id === event.pointerId) this.#finish();
  }

  #drop() {
    this.gesture = null;
    this.stage.showBox(null);
    this.stage.showDrag(null);
    this.handlers.strokes(null);
  }

  #finish() {
    this.#drop();
    this.refreshCursor();
  }

  #corners(event) {
    const start = this.stage.clamp(this.gesture.start);
    const end = this.stage.clamp(this.stage.position(event));
    return {
      x0: Math.min(start.x, end.x),
      y0: Math.min(start.y, end.y),
      x1: Math.max(start.x, end.x),
      y1: Math.max(start.y, end.y),
    };
  }

  // Whether a touch is the stage's; what is not scrolls the page.
  #isTaken(event) {
    if (!this.stage.clip || event.target.closest("button, input")) return false;
    if (event.touches.length > 1 || !this.stage.viewport.isFit) return true;
    if (["box", "brush", "eraser"].includes(this.handlers.tool())) return true;
    if (this.gesture) return this.gesture.kind !== "press" || this.gesture.mark >= 0;
    const [{ clientX, clientY }] = event.touches;
    return this.stage.markAt({ clientX, clientY, pointerType: "touch" }) >= 0;
  }

  // ---- What the pointer looks like

  #hover(event) {
    if (event.pointerType === "touch") return;
    this.refreshCursor(event.shiftKey);
  }

  #leave() {
    this.lastHover = null;
    this.stage.hover(-1);
    this.stage.showBrush(null);
  }

  #showBrush(event) {
    this.stage.showBrush(this.#brushAt(this.stage.position(event)));
  }

  #brushAt(place) {
    const isEraser = (this.handlers.tool() === "eraser") !== this.isShift;
    const erase = this.gesture?.stroke?.erase ?? isEraser;
    return { ...place, radius: this.handlers.radius(), erase, colour: this.handlers.colour() };
  }

  // Show the brush in the middle for a moment, where no pointer shows it.
  previewBrush() {
    const { stage } = this;
    if (this.lastHover || !stage.clip) return;
    const { width, height } = stage.viewport.stage;
    const middle = stage.viewport.toPicture({ x: width / 2, y: height / 2 });
    stage.showBrush(this.#brushAt(middle));
    clearTimeout(this.preview);
    this.preview = setTimeout(() => this.refreshCursor(), PREVIEW_MS);
  }

  // Call when the tool, the brush or the prompts have changed under the pointer.
  refreshCursor(isShift = this.isShift) {
    this.isShift = isShift;
    const { stage, gesture, lastHover } = this;
    const isBrush = ["brush", "eraser"].includes(this.handlers.tool());
    if (!gesture) stage.hover(lastHover && !isBrush && this.#canHover() ? stage.markAt(lastHover) : -1);
    this.element.dataset.cursor = this.#cursor(isBrush);
    if (isBrush && lastHover && stage.clip && !this.isSpaceHeld) this.#showBrush(lastHover);
    else if (gesture?.kind !== "stroke") stage.showBrush(null);
  }

  #canHover() {
    return this.handlers.tool() !== "pan" && !this.isSpaceHeld && !this.handlers.refusal();
  }

  #cursor(isBrush) {
    const { gesture } = this;
    if (gesture?.kind === "pan") return "grabbing";
    if (this.isSpaceHeld || this.handlers.tool() === "pan") return "grab";
    if (gesture?.kind === "mark") return "grabbing";
    if (this.handlers.refusal()) return "refused";
    if (this.stage.hovered >= 0) return "mark";
    if (isBrush) return "brush";
    const tool = this.handlers.tool();
    return tool === "positive" && this.isShift ? "negative" : tool;
  }
}
