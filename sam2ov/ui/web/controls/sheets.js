// On a phone the panels are sheets over the lower half, one at a time: the picture stays in sight.

import { findAll, under } from "../dom.js";

export class Sheets {
  /** @param {HTMLElement} section */
  constructor(section) {
    this.section = section;
    this.buttons = findAll(section, "[data-sheet]", HTMLButtonElement);
    section.addEventListener("click", (event) => {
      const name = under(event, "button[data-sheet]", HTMLElement)?.dataset.sheet;
      if (name) this.#show(name === this.#shown ? null : name);
      else if (under(event, ".s2-main", HTMLElement)) this.#show(null);
    });
    section.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.#show(null);
    });
  }

  get #shown() {
    return this.section.dataset.sheetShown ?? null;
  }

  /** @param {string | null} name */
  #show(name) {
    if (name === this.#shown) return;
    if (name) this.section.dataset.sheetShown = name;
    else delete this.section.dataset.sheetShown;
    for (const button of this.buttons) {
      button.setAttribute("aria-expanded", String(button.dataset.sheet === name));
    }
    const panel = this.section.querySelector(`[data-panel="${name}"]`);
    if (panel instanceof HTMLDetailsElement) panel.open = true;
    if (name) scrollTo({ top: 0 });
  }
}
