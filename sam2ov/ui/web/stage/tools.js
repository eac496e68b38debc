// What a click means, and how large the brush is.

/** @import { ClipView } from "../messages.js" */

import { find, findAll } from "../dom.js";

/** @typedef {"positive" | "negative" | "box" | "brush" | "eraser" | "pan"} Tool */

/** @type {Tool[]} */
const TOOLS = ["positive", "negative", "box", "brush", "eraser", "pan"];

/**
 * @param {unknown} tool
 * @returns {tool is Tool}
 */
export const isTool = (tool) => TOOLS.some((one) => one === tool);

const STORED = "sam2ov.brush";
const SMALLEST = 0.5; // radius in video pixels
const LARGEST_SHARE = 1 / 6; // of the longest side
const USUAL_SHARE = 1 / 60;
const STEP = 1.25;

export class Tools {
  /**
   * @param {HTMLElement} section
   * @param {object} handlers
   * @param {() => void} handlers.changed hears of another tool or brush
   * @param {() => void} handlers.resized hears of a brush that has another size
   */
  constructor(section, { changed, resized }) {
    this.section = section;
    this.changed = changed;
    this.resized = resized;
    /** @type {Tool} */
    this.tool = "positive";
    this.longest = 1;
    this.share = USUAL_SHARE;
    try {
      const share = Number(localStorage.getItem(STORED));
      if (share > 0 && share <= LARGEST_SHARE) this.share = share;
    } catch {
      // A private window keeps nothing.
    }
    this.panel = find(section, ".s2-brush", HTMLElement);
    this.slider = find(this.panel, "input", HTMLInputElement);
    this.slider.addEventListener("input", () => {
      this.#setShare(this.#shareAt(this.slider.valueAsNumber));
      this.resized();
    });
    this.choose("positive");
  }

  /** @param {ClipView} clip */
  open({ width, height }) {
    this.longest = Math.max(width, height);
    this.#setShare(this.share);
  }

  get isBrush() {
    return this.tool === "brush" || this.tool === "eraser";
  }

  // In video pixels.
  get radius() {
    return Math.max(this.share * this.longest, SMALLEST);
  }

  /** @param {Tool} tool */
  choose(tool) {
    this.tool = tool;
    this.section.dataset.mode = tool;
    for (const button of findAll(this.section, "[data-tool]", HTMLElement)) {
      button.setAttribute("aria-checked", String(button.dataset.tool === tool));
    }
    this.panel.hidden = !this.isBrush;
    this.changed();
  }

  /**
   * By so many steps of a quarter.
   *
   * @param {number} steps
   */
  resize(steps) {
    this.#setShare((this.radius / this.longest) * STEP ** steps);
    this.resized();
  }

  get #smallestShare() {
    return Math.min(SMALLEST / this.longest, LARGEST_SHARE / 2);
  }

  /**
   * The slider's way is even in ratios: small brushes differ by a pixel, large ones by many.
   *
   * @param {number} value in percent
   */
  #shareAt(value) {
    return this.#smallestShare * (LARGEST_SHARE / this.#smallestShare) ** (value / 100);
  }

  /** @param {number} share */
  #setShare(share) {
    const least = this.#smallestShare;
    this.share = Math.min(Math.max(share, least), LARGEST_SHARE);
    const way = Math.log(this.share / least) / Math.log(LARGEST_SHARE / least);
    this.slider.value = String(100 * way);
    const text = `${Math.max(Math.round(2 * this.radius), 1)} px`;
    find(this.panel, "output", HTMLElement).textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
    try {
      localStorage.setItem(STORED, String(this.share));
    } catch {
      // Not kept for the next time.
    }
    this.changed();
  }
}
