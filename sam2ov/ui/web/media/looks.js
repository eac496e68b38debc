// How the masks are shown: style, opacity, and which objects. The server need not know.

import { recolour } from "./palette.js";

export const STYLES = ["fill", "outline", "matte", "cutout", "none"];
const STORED = "sam2ov.looks";
const CLEAR = [0, 0, 0, 0];
const WHITE = [255, 255, 255];

function stored() {
  try {
    const { style, opacity } = JSON.parse(localStorage.getItem(STORED)) ?? {};
    return {
      style: STYLES.includes(style) ? style : "fill",
      opacity: opacity >= 0 && opacity <= 1 ? opacity : 0.45,
    };
  } catch {
    return { style: "fill", opacity: 0.45 }; // nothing is kept in a private window
  }
}

export class Looks {
  constructor() {
    Object.assign(this, stored());
    this.solo = null; // the only object that is shown, by id
    this.objects = new Map();
    this.version = "";
  }

  // Take what has changed and tell whether masks look different now.
  set(changes) {
    Object.assign(this, changes);
    try {
      localStorage.setItem(STORED, JSON.stringify({ style: this.style, opacity: this.opacity }));
    } catch {
      // Not kept for the next time.
    }
    return this.#renew();
  }

  setObjects(objects) {
    this.objects = new Map(objects.map((object) => [object.id, object]));
    if (!this.objects.has(this.solo)) this.solo = null;
    return this.#renew();
  }

  isVisible(id) {
    if (this.style === "none" || !this.objects.has(id)) return false;
    if (this.solo !== null) return id === this.solo;
    return !this.objects.get(id).hidden;
  }

  // `objects`: whose the PNG's indices are, [[object id, number of soft levels]].
  decode({ png, objects }) {
    const entries = [CLEAR, ...objects.flatMap(([id, soft]) => this.#entries(id, soft))];
    return createImageBitmap(recolour(png, entries));
  }

  // The colours of an object's area, its border, and its soft edges from the faintest on. Soft
  // edges take the place of the border, but for the outline, which is the mask's.
  #entries(id, soft) {
    const levels = Array.from({ length: soft }, (_, index) => (index + 1) / (soft + 1));
    if (!this.isVisible(id)) return [CLEAR, CLEAR, ...levels.map(() => CLEAR)];
    const isWhite = this.style === "matte" || this.style === "cutout";
    const { colour } = this.objects.get(id);
    const rgb = isWhite ? WHITE : [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    const strength = { fill: this.opacity, outline: 0 }[this.style] ?? 1;
    const paint = (share) => [...rgb, Math.round(255 * strength * share)];
    const hasBorder = this.style === "outline" || (this.style === "fill" && !soft);
    const border = hasBorder ? [...rgb, 255] : paint(soft ? 0.5 : 1);
    return [paint(1), border, ...levels.map(paint)];
  }

  #renew() {
    const { version } = this;
    const shown = [...this.objects.values()].map(({ id, colour }) => [
      id,
      this.isVisible(id) && colour,
    ]);
    this.version = JSON.stringify([this.style, this.opacity, shown]);
    return version !== this.version;
  }
}
