// What a click means, and how large the brush is.

const STORED = "sam2ov.brush";
const SMALLEST = 0.5; // radius in video pixels
const LARGEST_SHARE = 1 / 6; // of the longest side
const USUAL_SHARE = 1 / 60;
const STEP = 1.25;

export class Tools {
  // `changed()` hears of another tool or brush, `resized()` of a brush that has another size.
  constructor(section, { changed, resized }) {
    this.section = section;
    this.changed = changed;
    this.resized = resized;
    this.tool = "positive";
    this.longest = 1;
    this.share = USUAL_SHARE;
    try {
      const share = Number(localStorage.getItem(STORED));
      if (share > 0 && share <= LARGEST_SHARE) this.share = share;
    } catch {
      // A private window keeps nothing.
    }
    this.panel = section.querySelector(".s2-brush");
    this.slider = this.panel.querySelector("input");
    this.slider.addEventListener("input", () => {
      this.#setShare(this.#shareAt(this.slider.value));
      this.resized();
    });
    this.choose("positive");
  }

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

  choose(tool) {
    this.tool = tool;
    this.section.dataset.mode = tool;
    for (const button of this.section.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-checked", String(button.dataset.tool === tool));
    }
    this.panel.hidden = !this.isBrush;
    this.changed();
  }

  // By so many steps of a quarter.
  resize(steps) {
    this.#setShare((this.radius / this.longest) * STEP ** steps);
    this.resized();
  }

  get #smallestShare() {
    return Math.min(SMALLEST / this.longest, LARGEST_SHARE / 2);
  }

  // The slider's way is even in ratios: small brushes differ by a pixel, large ones by many.
  #shareAt(value) {
    return this.#smallestShare * (LARGEST_SHARE / this.#smallestShare) ** (value / 100);
  }

  #setShare(share) {
    const least = this.#smallestShare;
    this.share = Math.min(Math.max(share, least), LARGEST_SHARE);
    this.slider.value = (100 * Math.log(this.share / least)) / Math.log(LARGEST_SHARE / least);
    const text = `${Math.max(Math.round(2 * this.radius), 1)} px`;
    this.panel.querySelector("output").textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
    try {
      localStorage.setItem(STORED, String(this.share));
    } catch {
      // Not kept for the next time.
    }
    this.changed();
  }
}
