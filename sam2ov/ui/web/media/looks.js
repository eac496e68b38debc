// How the masks are shown: style, opacity, and which objects. The server need not know; it draws what
// is shown as an export would have it.

/** @import { Look, ObjectView } from "../messages.js" */
/** @import { Colour } from "./palette.js" */
/** @import { Masks } from "./requests.js" */

import { recolour } from "./palette.js";

/** @typedef {"fill" | "outline" | "matte" | "cutout" | "none"} Style */

/**
 * @typedef {object} Changes
 * @property {Style} [style]
 * @property {number} [opacity] 0…1
 * @property {number | null} [solo]
 * @property {Look | null} [live]
 */

/** @type {Style[]} */
export const STYLES = ["fill", "outline", "matte", "cutout", "none"];
const STORED = "sam2ov.looks";
/** @type {Colour} */
const CLEAR = [0, 0, 0, 0];

/**
 * @param {unknown} style
 * @returns {style is Style}
 */
export const isStyle = (style) => STYLES.some((one) => one === style);

/** @returns {{ style: Style, opacity: number }} */
function stored() {
  try {
    const { style, opacity } = JSON.parse(localStorage.getItem(STORED) ?? "{}");
    return {
      style: isStyle(style) ? style : "fill",
      opacity: opacity >= 0 && opacity <= 1 ? opacity : 0.45,
    };
  } catch {
    return { style: "fill", opacity: 0.45 }; // nothing is kept in a private window
  }
}

export class Looks {
  constructor() {
    const { style, opacity } = stored();
    this.style = style;
    this.opacity = opacity;
    /** @type {number | null} */
    this.solo = null; // the only object that is shown, by id
    /** @type {Look | null} */
    this.live = null; // the export that is shown in place of masks
    /** @type {Map<number, ObjectView>} */
    this.objects = new Map();
    this.version = "";
  }

  /**
   * Take what has changed and tell whether masks look different now.
   *
   * @param {Changes} changes
   */
  set({ style = this.style, opacity = this.opacity, solo = this.solo, live = this.live }) {
    this.style = style;
    this.opacity = opacity;
    this.solo = solo;
    this.live = live;
    try {
      localStorage.setItem(STORED, JSON.stringify({ style, opacity }));
    } catch {
      // Not kept for the next time.
    }
    return this.#renew();
  }

  /** @param {ObjectView[]} objects */
  setObjects(objects) {
    this.objects = new Map(objects.map((object) => [object.id, object]));
    if (this.solo !== null && !this.objects.has(this.solo)) this.solo = null;
    return this.#renew();
  }

  /** @param {number} id */
  isVisible(id) {
    const object = this.objects.get(id);
    if (this.style === "none" || !object) return false;
    if (this.solo !== null) return id === this.solo;
    return !object.hidden;
  }

  // What the server is asked to draw, or "".
  get wanted() {
    return this.live ? JSON.stringify(this.live) : "";
  }

  /** @param {Masks} masks */
  decode({ png, objects, look }) {
    if (look) return createImageBitmap(new Blob([png], { type: "image/jpeg" }));
    const entries = [CLEAR, ...objects.flatMap(([id, soft]) => this.#entries(id, soft))];
    return createImageBitmap(recolour(png, entries));
  }

  /**
   * The colours of an object's area, its border, and its soft edges from the faintest on. Soft
   * edges take the place of the border, but for the outline, which is the mask's.
   *
   * @param {number} id
   * @param {number} soft how many levels of soft edges there are
   * @returns {Colour[]}
   */
  #entries(id, soft) {
    const levels = Array.from({ length: soft }, (_, index) => (index + 1) / (soft + 1));
    const object = this.objects.get(id);
    if (!object || !this.isVisible(id)) return [CLEAR, CLEAR, ...levels.map(() => CLEAR)];
    const isWhite = this.style === "matte" || this.style === "cutout";
    const { colour } = object;
    const [red, green, blue] = [1, 3, 5].map((at) =>
      isWhite ? 255 : parseInt(colour.slice(at, at + 2), 16),
    );
    const strength = this.style === "fill" ? this.opacity : Number(this.style !== "outline");
    /** @type {(share: number) => Colour} */
    const paint = (share) => [red, green, blue, Math.round(255 * strength * share)];
    const hasBorder = this.style === "outline" || (this.style === "fill" && !soft);
    /** @type {Colour} */
    const border = hasBorder ? [red, green, blue, 255] : paint(soft ? 0.5 : 1);
    return [paint(1), border, ...levels.map(paint)];
  }

  #renew() {
    const { version } = this;
    const shown = [...this.objects.values()].map(({ id, colour }) => [
      id,
      this.isVisible(id) && colour,
    ]);
    this.version = JSON.stringify([this.style, this.opacity, shown, this.live]);
    return version !== this.version;
  }
}
