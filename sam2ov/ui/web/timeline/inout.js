// In and out: the stretch of the clip that is tracked, played and exported, with a handle at each end.

/** @import { RangeView } from "../messages.js" */

import { find, findAll } from "../dom.js";
import { Span } from "./span.js";

/** @typedef {keyof RangeView} End */

/** @type {End[]} */
const ENDS = ["first", "last"];
const WORDS = { first: "In", last: "Out" };
/** @type {{ [key: string]: number }} */
const KEYS = { ArrowLeft: -1, ArrowRight: 1 };

export class InOut {
  /**
   * @param {HTMLElement} area
   * @param {object} handlers
   * @param {(range: RangeView | null) => void} handlers.onChange null: the whole clip
   * @param {(frame: number) => void} handlers.onLook hears of frames while a handle is dragged
   */
  constructor(area, { onChange, onLook }) {
    this.area = area;
    this.onChange = onChange;
    this.onLook = onLook;
    /** @type {RangeView | null} */
    this.range = null;
    this.numFrames = 1;
    this.span = new Span();
    /** @type {{ pointer: number, before: RangeView | null } | null} */
    this.drag = null;
    this.handles = {
      first: find(area, ".s2-in", HTMLElement),
      last: find(area, ".s2-out", HTMLElement),
    };
    this.shades = findAll(area, ".s2-shade", HTMLElement);
    for (const end of ENDS) this.#listen(this.handles[end], end);
  }

  /**
   * @param {RangeView | null} range
   * @param {number} numFrames
   */
  show(range, numFrames) {
    this.numFrames = numFrames;
    if (!this.drag) this.range = range;
  }

  get present() {
    return this.range ?? { first: 0, last: this.numFrames - 1 };
  }

  /** @param {Span} span */
  draw(span) {
    this.span = span;
    const { first, last } = this.present;
    /** @type {(share: number) => number} */
    const clamp = (share) => Math.min(Math.max(share, 0), 1);
    const left = clamp(span.shareOf(first));
    const right = clamp(span.shareOf(last + 1));
    this.handles.first.style.left = `${100 * left}%`;
    this.handles.last.style.left = `${100 * right}%`;
    this.handles.first.hidden = first < Math.floor(span.start) || first >= span.end;
    this.handles.last.hidden = last < span.start || last >= Math.ceil(span.end);
    this.shades[0].style.width = `${100 * left}%`;
    this.shades[1].style.width = `${100 * (1 - right)}%`;
    this.area.classList.toggle("s2-has-range", this.range !== null);
    for (const end of ENDS) {
      const handle = this.handles[end];
      handle.setAttribute("aria-valuemax", String(this.numFrames - 1));
      handle.setAttribute("aria-valuenow", String(this.present[end]));
      handle.setAttribute("aria-valuetext", `${WORDS[end]} point at frame ${this.present[end]}`);
    }
  }

  /**
   * Put one end at a frame; the other gives way.
   *
   * @param {End} end
   * @param {number} frame
   */
  set(end, frame) {
    const range = { ...this.present, [end]: Math.min(Math.max(frame, 0), this.numFrames - 1) };
    if (range.first > range.last) {
      if (end === "first") range.last = this.numFrames - 1;
      else range.first = 0;
    }
    this.#take(range);
  }

  clear() {
    if (this.range) this.#take(null);
  }

  /** @param {RangeView | null} range */
  #take(range) {
    const isWhole = range && range.first === 0 && range.last === this.numFrames - 1;
    this.range = isWhole ? null : range;
    this.draw(this.span);
    this.onChange(this.range);
  }

  /**
   * @param {HTMLElement} handle
   * @param {End} end
   */
  #listen(handle, end) {
    handle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.stopPropagation();
      handle.setPointerCapture(event.pointerId);
      this.drag = { pointer: event.pointerId, before: this.range };
    });
    handle.addEventListener("pointermove", (event) => {
      if (this.drag?.pointer !== event.pointerId) return;
      const bounds = this.area.getBoundingClientRect();
      const edge = this.span.start + ((event.clientX - bounds.left) / bounds.width) * this.span.count;
      const { first, last } = this.present;
      const frame =
        end === "first"
          ? Math.min(Math.max(Math.round(edge), 0), last)
          : Math.max(Math.min(Math.round(edge) - 1, this.numFrames - 1), first);
      this.range = { first, last, [end]: frame };
      this.draw(this.span);
      this.onLook(frame);
    });
    /** @param {PointerEvent} event */
    const letGo = (event) => {
      if (this.drag?.pointer !== event.pointerId) return;
      const { before } = this.drag;
      this.drag = null;
      if (event.type === "pointerup" && this.range !== before) this.#take(this.range);
      else this.range = before;
      this.draw(this.span);
    };
    handle.addEventListener("pointerup", letGo);
    handle.addEventListener("pointercancel", letGo);
    handle.addEventListener("keydown", (event) => {
      const by = KEYS[event.key];
      if (!by) return;
      event.preventDefault();
      this.set(end, this.present[end] + by * (event.shiftKey ? 10 : 1));
      this.onLook(this.present[end]);
    });
  }
}
