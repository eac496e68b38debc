// The canvases: a frame with its masks, placed by the viewport, and what is drawn over them at the
// screen's resolution: prompts, a box or a stroke in the making, the brush.

/** @import { Looks } from "../media/looks.js" */
/** @import { ClipView } from "../messages.js" */
/** @import { Corners, Drag, Group } from "./marks.js" */
/** @import { BrushShape } from "./strokes.js" */
/** @import { Point } from "./viewport.js" */

import { penOf } from "../canvas.js";
import { find } from "../dom.js";
import { drawCrosshair } from "./crosshair.js";
import { drawBox, drawMarks, markAt, moved } from "./marks.js";
import { drawBrush, drawStroke } from "./strokes.js";
import { Viewport } from "./viewport.js";

/** @typedef {{ clientX: number, clientY: number }} PlaceInWindow */
/** @typedef {{ points: [number, number][] } & BrushShape} ShownStroke */

const PIXELS_FROM = 2; // device pixels per video pixel from which pixels are shown as such
const VIEW_SIDE = 1280; // the longest side of pictures in the level "view"
const SHARP_ENOUGH = 1.25; // how far those may be enlarged

export class Stage {
  /**
   * @param {HTMLElement} element
   * @param {Looks} looks
   * @param {() => void} onView hears of every change of what is in sight
   */
  constructor(element, looks, onView) {
    this.element = element;
    this.looks = looks;
    this.onView = onView;
    this.view = find(element, ".s2-view", HTMLElement);
    this.frame = find(element, ".s2-frame", HTMLCanvasElement);
    this.masks = find(element, ".s2-masks", HTMLCanvasElement);
    this.prompts = find(element, ".s2-prompts", HTMLCanvasElement);
    this.viewport = new Viewport();
    this.ratio = 1; // device pixels per CSS pixel
    /** @type {ClipView | null} */
    this.clip = null;
    /** @type {Group[]} */
    this.groups = [];
    /** @type {ShownStroke[]} */
    this.strokes = []; // that no mask shows yet
    /** @type {(Corners & { colour: string }) | null} */
    this.box = null; // while it is dragged
    /** @type {Drag | null} */
    this.drag = null;
    /** @type {(Point & BrushShape) | null} */
    this.brush = null;
    /** @type {(Point & { brush: BrushShape | null }) | null} */
    this.crosshair = null;
    this.hovered = -1; // index of a mark of the active object
    new ResizeObserver(() => this.layout()).observe(element);
  }

  /** @param {ClipView} clip */
  open(clip) {
    this.clip = clip;
    this.#reset();
    this.#clear();
    this.viewport.open(clip.width, clip.height, clip.pixel_aspect);
    this.layout();
  }

  close() {
    this.clip = null;
    this.#reset();
    this.#clear();
    this.onView();
  }

  #reset() {
    this.groups = [];
    this.strokes = [];
    this.box = null;
    this.drag = null;
    this.brush = null;
    this.crosshair = null;
    this.hovered = -1;
  }

  #clear() {
    for (const canvas of [this.frame, this.masks]) canvas.width = canvas.height = 1;
  }

  layout() {
    const { clientWidth, clientHeight } = this.element;
    this.viewport.resize(clientWidth, clientHeight);
    this.ratio = window.devicePixelRatio || 1;
    this.prompts.width = Math.round(clientWidth * this.ratio);
    this.prompts.height = Math.round(clientHeight * this.ratio);
    this.#place();
  }

  // ---- What is in sight

  /**
   * @param {number} factor
   * @param {Point} [at]
   */
  zoomBy(factor, at) {
    this.viewport.zoomBy(factor, at);
    this.#place();
  }

  /**
   * @param {number} zoom device pixels per row of the video
   * @param {Point} [at]
   */
  zoomTo(zoom, at) {
    this.viewport.zoomTo(zoom / this.ratio, at);
    this.#place();
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  panBy(x, y) {
    this.viewport.panBy(x, y);
    this.#place();
  }

  fit() {
    this.viewport.fit();
    this.#place();
  }

  get zoom() {
    return this.viewport.scale * this.ratio;
  }

  // Whether pictures that fit a screen are too coarse for what is in sight.
  get needsFull() {
    if (!this.clip) return false;
    const longest = Math.max(this.clip.width, this.clip.height);
    const zoom = this.zoom * Math.max(this.clip.pixel_aspect, 1);
    return longest > VIEW_SIDE && zoom > (SHARP_ENOUGH * VIEW_SIDE) / longest;
  }

  #place() {
    if (!this.clip) return;
    const { scale, scaleX, x, y, isFit } = this.viewport;
    Object.assign(this.view.style, {
      left: `${x}px`,
      top: `${y}px`,
      width: `${this.clip.width * scaleX}px`,
      height: `${this.clip.height * scale}px`,
    });
    this.view.classList.toggle("s2-pixels", !isFit && this.zoom >= PIXELS_FROM);
    this.#draw();
    this.onView();
  }

  /**
   * Where a pointer is on the stage.
   *
   * @param {PlaceInWindow} event
   */
  stagePoint(event) {
    const bounds = this.element.getBoundingClientRect();
    return {
      x: event.clientX - bounds.left - this.element.clientLeft,
      y: event.clientY - bounds.top - this.element.clientTop,
    };
  }

  /**
   * The same in video pixels.
   *
   * @param {PlaceInWindow} event
   */
  position(event) {
    return this.viewport.toPicture(this.stagePoint(event));
  }

  /** @param {Point} place in video pixels */
  clamp({ x, y }, margin = 0) {
    const { width, height } = this.viewport.picture;
    return {
      x: Math.min(Math.max(x, -margin), width + margin),
      y: Math.min(Math.max(y, -margin), height + margin),
    };
  }

  /** @param {Point} place in video pixels */
  isInside({ x, y }, margin = 0) {
    const { width, height } = this.viewport.picture;
    return x >= -margin && y >= -margin && x <= width + margin && y <= height + margin;
  }

  // ---- The picture

  /**
   * The picture as it is, and over it what is made of it. Without masks there is nothing to cut out:
   * the picture stays.
   *
   * @param {object} frame
   * @param {ImageBitmap} frame.picture
   * @param {ImageBitmap} [frame.masks]
   */
  paint({ picture, masks }) {
    const { style, live } = this.looks;
    this.view.dataset.style = live ? "live" : masks ? style : "fill";
    painted(this.frame, picture);
    penOf(this.masks).clearRect(0, 0, this.masks.width, this.masks.height);
    if (!masks || (style === "none" && !live)) return;
    if (style !== "cutout" || live) {
      painted(this.masks, masks);
      return;
    }
    const context = painted(this.masks, picture);
    context.imageSmoothingEnabled = false; // an edge is where it is in the mask
    context.globalCompositeOperation = "destination-in";
    context.drawImage(masks, 0, 0, this.masks.width, this.masks.height);
    context.globalCompositeOperation = "source-over";
  }

  // ---- What is drawn over it

  /** @param {Group[]} groups */
  showPrompts(groups) {
    this.groups = [...groups].sort((a, b) => Number(a.isActive) - Number(b.isActive));
    if (this.hovered >= this.activeMarks.length) this.hovered = -1;
    this.#draw();
  }

  /** @param {ShownStroke[]} strokes that no mask shows yet */
  showStrokes(strokes) {
    this.strokes = strokes;
    this.#draw();
  }

  /**
   * A box while it is dragged, in video pixels, or null.
   *
   * @param {(Corners & { colour: string }) | null} box
   */
  showBox(box) {
    this.box = box;
    this.#draw();
  }

  /**
   * A mark of the active object while it is dragged, or null.
   *
   * @param {Drag | null} drag
   */
  showDrag(drag) {
    this.drag = drag && { ...drag, ...moved(this.activeMarks, drag) };
    this.#draw();
  }

  /**
   * The brush under the pointer, in video pixels, or null.
   *
   * @param {(Point & BrushShape) | null} brush
   */
  showBrush(brush) {
    if (!brush && !this.brush) return;
    this.brush = brush;
    this.#draw();
  }

  /**
   * The keyboard's place in video pixels, with the brush if that is chosen; or null.
   *
   * @param {(Point & { brush: BrushShape | null }) | null} crosshair
   */
  showCrosshair(crosshair) {
    this.crosshair = crosshair;
    this.#draw();
  }

  /** @param {number} index of a mark of the active object, or -1 */
  hover(index) {
    if (index === this.hovered) return;
    this.hovered = index;
    this.#draw();
  }

  // None where they are not drawn: what is not seen is not meant.
  get activeMarks() {
    if (this.looks.live) return [];
    return this.groups.find(({ isActive }) => isActive)?.marks ?? [];
  }

  /** @param {PlaceInWindow & { pointerType: string }} event */
  markAt(event) {
    return markAt(this.activeMarks, this.viewport, this.stagePoint(event), event.pointerType);
  }

  /**
   * The mark that a press at a place in video pixels is meant for, or -1.
   *
   * @param {Point} place
   */
  markAtPlace(place) {
    return markAt(this.activeMarks, this.viewport, this.viewport.toStage(place));
  }

  #draw() {
    if (!this.clip) return;
    const { viewport, crosshair } = this;
    const context = penOf(this.prompts);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.prompts.width, this.prompts.height);
    for (const stroke of this.strokes) drawStroke(context, viewport, stroke);
    const aimedAt = crosshair && !crosshair.brush ? this.markAtPlace(crosshair) : this.hovered;
    for (const group of this.looks.live ? [] : this.groups) {
      const hovered = group.isActive && !this.drag ? aimedAt : -1;
      drawMarks(context, viewport, this.#dragged(group), hovered);
    }
    if (this.box) drawBox(context, viewport, this.box, this.box.colour, true);
    if (this.brush) drawBrush(context, viewport, this.brush);
    if (crosshair?.brush) drawBrush(context, viewport, { ...crosshair, ...crosshair.brush });
    else if (crosshair) drawCrosshair(context, viewport.toStage(crosshair));
  }

  /**
   * @param {Group} group
   * @returns {Group}
   */
  #dragged(group) {
    if (!group.isActive || !this.drag) return group;
    const { index, x, y } = this.drag;
    return { ...group, marks: group.marks.map((m, at) => (at === index ? { ...m, x, y } : m)) };
  }
}

/**
 * What draws on a canvas that now has the pixels of a bitmap.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} bitmap
 */
function painted(canvas, bitmap) {
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  const context = penOf(canvas);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0);
  return context;
}
