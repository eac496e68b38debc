// The panel beside the editor that says how the chosen object's masks are cleaned up.
//
// Gradio puts it on the page, so it may come later than the editor.

/** @import { CleanUp, ObjectView } from "../messages.js" */

import { find, findAll, under } from "../dom.js";

const SLIDERS = ".s2-clean-up [data-clean-up]";

export class CleanUpPanel {
  /** @param {(settings: CleanUp) => void} change is told of new settings */
  constructor(change) {
    this.change = change;
    /** @type {CleanUp | null} */
    this.present = null;
    document.addEventListener("input", (event) => {
      const slider = under(event, SLIDERS, HTMLInputElement);
      if (slider) describe(slider);
    });
    // Each release of a slider is a step that can be undone.
    document.addEventListener("change", (event) => {
      const slider = under(event, SLIDERS, HTMLInputElement);
      if (slider) this.#set({ ...this.present, [nameOf(slider)]: valueOf(slider) });
    });
    document.addEventListener("click", (event) => {
      if (under(event, "[data-clean-up-reset]", Element)) this.#set({});
    });
  }

  /** @param {ObjectView | null} object the chosen one */
  show(object) {
    const panel = document.querySelector(".s2-clean-up");
    if (!panel) return;
    this.present = object?.clean_up ?? null;
    find(panel, "[data-clean-up-object]", HTMLElement).textContent = object?.name ?? "";
    const isOpen = this.present !== null;
    let isPlain = true;
    for (const slider of findAll(panel, "[data-clean-up]", HTMLInputElement)) {
      const value = this.present?.[nameOf(slider)] ?? 0;
      isPlain &&= value === 0;
      slider.disabled = !isOpen;
      slider.value = String(slider.dataset.curve ? Math.sqrt(value) : value);
      describe(slider, value);
    }
    find(panel, "[data-clean-up-reset]", HTMLButtonElement).disabled = isPlain;
  }

  /** @param {CleanUp} settings */
  #set(settings) {
    if (this.present === null) return;
    this.present = settings; // the next change may come before the answer
    this.change(settings);
  }
}

/**
 * The setting of a slider, by the server's name.
 *
 * @param {HTMLInputElement} slider
 */
function nameOf({ dataset }) {
  return /** @type {keyof CleanUp} */ (dataset.cleanUp);
}

/** @param {HTMLInputElement} slider */
function valueOf(slider) {
  const value = Number(slider.value);
  return slider.dataset.curve ? value * value : value;
}

/** @param {HTMLInputElement} slider */
function describe(slider, value = valueOf(slider)) {
  const output = find(slider.parentElement ?? document, "output", HTMLElement);
  const text = value === 0 ? "off" : `${value} ${output.dataset.unit}`;
  if (output.textContent !== text) output.textContent = text;
  slider.setAttribute("aria-valuetext", text);
}
