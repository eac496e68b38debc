// The timeline: ruler, thumbnails, in and out, the rows of objects with their lanes, and the playhead
// over all of them. Everything but the playhead is drawn only when it has changed.

/** @import { ClipView, ObjectView, RangeView } from "../messages.js" */
/** @import { Coverage } from "./coverage.js" */
/** @import { ObjectHandlers } from "./objects.js" */

import { find, under } from "../dom.js";
import { Clock } from "../media/clock.js";
import { timecode } from "../texts.js";
import { InOut } from "./inout.js";
import { LaneData } from "./lanes.js";
import { Objects } from "./objects.js";
import { Review } from "./review.js";
import { Span } from "./span.js";
import { Strip } from "./strip.js";

/**
 * @typedef {object} TimelineHandlers
 * @property {(frame: number) => void} seek
 * @property {(range: RangeView | null) => void} setRange
 * @property {(frame: number, id: number) => void} review
 */

/**
 * @typedef {object} Shown
 * @property {ObjectView[]} objects
 * @property {number | null} activeId
 * @property {number | null} soloId
 * @property {number[]} chosen all that are, by id
 * @property {RangeView | null} range
 * @property {string} version changes whenever results do
 * @property {boolean} isTracking
 */

const ZOOM_STEP = 0.6;

export class Timeline {
  /**
   * @param {HTMLElement} section
   * @param {Coverage} coverage
   * @param {TimelineHandlers & ObjectHandlers} handlers
   */
  constructor(section, coverage, handlers) {
    this.handlers = handlers;
    this.element = find(section, ".s2-timeline", HTMLElement);
    this.track = find(section, ".s2-head-track", HTMLElement);
    this.overview = find(section, ".s2-overview", HTMLElement);
    this.thumb = find(this.overview, "i", HTMLElement);
    this.tip = find(section, ".s2-tip", HTMLElement);
    this.slider = find(section, ".s2-slider", HTMLInputElement);
    this.clock = new Clock();
    this.span = new Span();
    this.strip = new Strip(
      find(section, ".s2-ruler", HTMLCanvasElement),
      find(section, ".s2-strip", HTMLCanvasElement),
    );
    this.inout = new InOut(this.track, {
      onChange: handlers.setRange,
      onLook: (frame) => handlers.seek(frame),
    });
    this.data = new LaneData(() => this.#drawSoon());
    const list = find(section, ".s2-objects", HTMLElement);
    this.objects = new Objects(list, this.data, coverage, handlers);
    this.review = new Review(find(section, ".s2-review", HTMLElement), {
      go: handlers.review,
      changed: () => this.#drawSoon(),
    });
    /** @type {ClipView | null} */
    this.clip = null;
    this.frame = 0;
    this.version = "";
    /** @type {number | null} */
    this.activeId = null;
    /** @type {number | null} */
    this.scrubbing = null; // the pointer that does
    /** @type {number | null} */
    this.drawing = null; // what was asked of the browser
    this.#listen();
    new ResizeObserver(() => this.#drawSoon()).observe(this.element);
  }

  // The names of `data-action`, and more for keys.
  get actions() {
    const { inout, review, handlers } = this;
    return {
      setIn: () => inout.set("first", this.frame),
      setOut: () => inout.set("last", this.frame),
      clearRange: () => inout.clear(),
      goIn: () => handlers.seek(inout.present.first),
      goOut: () => handlers.seek(inout.present.last),
      closer: () => this.#zoom(ZOOM_STEP),
      wider: () => this.#zoom(1 / ZOOM_STEP),
      wholeClip: () => this.#showAll(),
      nextReview: () => review.step(1),
      previousReview: () => review.step(-1),
    };
  }

  /**
   * @param {ClipView} clip
   * @param {string} base media/<token>
   * @param {Clock} clock
   * @param {string} project
   */
  open(clip, base, clock, project) {
    this.clip = clip;
    this.clock = clock;
    this.span.open(clip.num_frames);
    this.strip.open(clip, base);
    this.data.open(base);
    this.review.open(base, project);
    this.slider.max = String(clip.num_frames - 1);
    this.#drawSoon();
  }

  close() {
    this.clip = null;
    this.strip.close();
    this.data.open(null);
    this.review.open(null, null);
    this.overview.hidden = true;
  }

  /** @param {Shown} shown */
  show({ objects, activeId, soloId, chosen, range, version, isTracking }) {
    this.objects.show(objects, activeId, soloId, chosen);
    if (activeId !== null && activeId !== this.activeId) this.objects.reveal(activeId);
    this.activeId = activeId;
    if (!this.clip) return;
    this.inout.show(range, this.clip.num_frames);
    this.version = version;
    this.review.show(objects, (frame) => this.clock.timeOf(frame));
    this.review.want(version, isTracking);
    this.#drawSoon();
  }

  /**
   * The playhead has moved; nothing else is drawn unless it left the part in sight.
   *
   * @param {number} frame
   */
  moveTo(frame) {
    this.frame = frame;
    this.slider.value = String(frame);
    const time = this.clip ? timecode(this.clock.timeOf(frame)) : "";
    this.slider.setAttribute("aria-valuetext", this.clip ? `Frame ${frame}, ${time}` : "");
    if (this.scrubbing === null && this.span.reveal(frame)) this.#drawSoon();
    this.#placePlayhead();
  }

  /** @param {number} by */
  #zoom(by) {
    const share = this.span.shareOf(this.frame + 0.5);
    this.span.zoom(by, Math.min(Math.max(share, 0), 1));
    this.#drawSoon();
  }

  #showAll() {
    this.span.open(this.span.numFrames);
    this.#drawSoon();
  }

  #drawSoon() {
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      this.#draw();
    });
  }

  #draw() {
    if (!this.clip || !this.track.clientWidth) return;
    const { span } = this;
    const columns = Math.round(this.track.clientWidth * (window.devicePixelRatio || 1));
    this.data.want(span, columns, this.version);
    this.strip.draw(span, this.clock);
    this.inout.draw(span);
    this.objects.draw(span, (id) => this.review.framesOf(id));
    this.overview.hidden = !span.isZoomed;
    this.thumb.style.left = `${(100 * span.start) / span.numFrames}%`;
    this.thumb.style.width = `${(100 * span.count) / span.numFrames}%`;
    this.#placePlayhead();
  }

  #placePlayhead() {
    const share = this.span.shareOf(this.frame + 0.5);
    this.element.style.setProperty("--playhead", share.toFixed(5));
    this.element.classList.toggle("s2-playhead-away", share < 0 || share > 1);
  }

  #listen() {
    const { element } = this;
    element.addEventListener("pointerdown", (event) => {
      const area = under(event, ".s2-head-track, .s2-lane", HTMLElement);
      if (!this.clip || !area || event.button !== 0) return;
      event.preventDefault(); // no selection, and the focus stays
      this.scrubbing = event.pointerId;
      element.setPointerCapture(event.pointerId);
      this.handlers.seek(this.#frameAt(event));
      this.#hideTip();
    });
    element.addEventListener("pointermove", (event) => {
      if (this.scrubbing === event.pointerId) this.handlers.seek(this.#frameAt(event));
      else if (event.pointerType === "mouse") this.#showTip(event);
    });
    /** @param {PointerEvent} event */
    const letGo = (event) => {
      if (this.scrubbing === event.pointerId) this.scrubbing = null;
    };
    element.addEventListener("pointerup", letGo);
    element.addEventListener("pointercancel", letGo);
    element.addEventListener("lostpointercapture", letGo);
    element.addEventListener("pointerleave", () => this.#hideTip());
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.slider.addEventListener("input", () => this.handlers.seek(Number(this.slider.value)));
    this.#listenToOverview();
  }

  /**
   * Ctrl + wheel (or a pinch on a touch pad) zooms where the pointer is; Shift + wheel moves along.
   *
   * @param {WheelEvent} event
   */
  #wheel(event) {
    const area = under(event, ".s2-head-track, .s2-lane, .s2-overview", HTMLElement);
    if (!this.clip || !area) return;
    const along = event.deltaX || (event.shiftKey ? event.deltaY : 0);
    if (event.ctrlKey || event.metaKey) {
      this.span.zoom(Math.exp(event.deltaY * 0.004), this.#shareAt(event));
    } else if (along && this.span.isZoomed) {
      this.span.moveTo(this.span.start + (along / this.track.clientWidth) * this.span.count);
    } else return;
    event.preventDefault();
    this.#drawSoon();
  }

  #listenToOverview() {
    const { overview } = this;
    /** @type {number | null} */
    let grip = null;
    overview.addEventListener("pointerdown", (event) => {
      const bounds = overview.getBoundingClientRect();
      const share = (event.clientX - bounds.left) / bounds.width;
      const at = share * this.span.numFrames;
      const isInside = at >= this.span.start && at <= this.span.end;
      grip = isInside ? at - this.span.start : this.span.count / 2;
      overview.setPointerCapture(event.pointerId);
      move(event);
    });
    /** @param {PointerEvent} event */
    const move = (event) => {
      if (grip === null) return;
      const bounds = overview.getBoundingClientRect();
      const share = (event.clientX - bounds.left) / bounds.width;
      this.span.moveTo(share * this.span.numFrames - grip);
      this.#drawSoon();
    };
    overview.addEventListener("pointermove", move);
    for (const kind of ["pointerup", "pointercancel"]) {
      overview.addEventListener(kind, () => {
        grip = null;
      });
    }
  }

  /** @param {MouseEvent} event */
  #shareAt(event) {
    const bounds = this.track.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - bounds.left) / bounds.width, 0), 1);
  }

  /** @param {MouseEvent} event */
  #frameAt(event) {
    return this.span.frameAt(this.#shareAt(event));
  }

  /** @param {PointerEvent} event */
  #showTip(event) {
    const area = under(event, ".s2-head-track, .s2-lane", HTMLElement);
    if (!this.clip || !area) {
      this.#hideTip();
      return;
    }
    const frame = this.#frameAt(event);
    const parts = [`Frame ${frame}`, timecode(this.clock.timeOf(frame))];
    const row = under(event, ".s2-object", HTMLElement);
    if (row) parts.push(this.#factOf(Number(row.dataset.object), frame));
    this.tip.textContent = parts.filter(Boolean).join("  ·  ");
    this.tip.hidden = false;
    const bounds = this.element.getBoundingClientRect();
    const x = event.clientX - bounds.left;
    const half = this.tip.offsetWidth / 2;
    this.tip.style.left = `${Math.min(Math.max(x, half), bounds.width - half)}px`;
    this.tip.style.top = `${area.getBoundingClientRect().top - bounds.top - 4}px`;
  }

  /**
   * @param {number} id
   * @param {number} frame
   */
  #factOf(id, frame) {
    const object = this.objects.objects.find((one) => one.id === id);
    if (this.data.isAbsentAt(id, frame)) return "absent";
    const confidence = this.data.confidenceAt(id, frame);
    const prompted = object && frame in object.prompts ? "prompted" : "";
    const score = confidence === null ? "not tracked" : `confidence ${confidence} %`;
    return [prompted, score].filter(Boolean).join(", ");
  }

  #hideTip() {
    this.tip.hidden = true;
  }
}
