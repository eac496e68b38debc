// How the masks are shown: style, opacity, and which objects. The server need not know.

import { recolour } from "./palette.js";

export const STYLES = ["fill", "outline", "matte", "cutout", "none"];
const STORED = "sam2ov.looks";
const CLEAR = [0, 0, 0, 0];
const WHITE = [255, 255, 255, 255];

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

  // `ids`: the objects of the PNG's indices: 2n - 1 is the area, 2n the border of the n-th.
  decode(png, ids) {
    const entries = [CLEAR, ...ids.flatMap((id) => this.#entries(id))];
    return createImageBitmap(recolour(png, entries));
  }

  #entries(id) {
    if (!this.isVisible(id)) return [CLEAR, CLEAR];
    if (this.style === "matte" || this.style === "cutout") return [WHITE, WHITE];
    const { colour } = this.objects.get(id);
    const rgb = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    const alpha = this.style === "fill" ? Math.round(255 * this.opacity) : 0;
    return [
      [...rgb, alpha],
      [...rgb, 255],
    ];
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
