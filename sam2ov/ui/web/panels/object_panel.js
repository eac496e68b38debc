// The panel of the chosen object: its class in annotations, and how its masks are cleaned up.

/** @import { CleanUp, ObjectView } from "../messages.js" */

import { paintSlider } from "../controls/sliders.js";
import { find, findAll } from "../dom.js";

export class ObjectPanel {
  /**
   * @param {HTMLElement} section
   * @param {(settings: CleanUp) => void} change is told of new settings
   * @param {(category: string) => void} classify is told of another class
   */
  constructor(section, change, classify) {
    this.change = change;
    this.category = find(section, "[data-object-class]", HTMLInputElement);
    this.classes = find(section, "#s2-classes", HTMLDataListElement);
    this.category.addEventListener("change", () => classify(this.category.value.trim()));
    this.panel = find(section, '[data-panel="object"]', HTMLElement);
    this.name = find(this.panel, "[data-clean-up-object]", HTMLElement);
    this.reset = find(this.panel, "[data-clean-up-reset]", HTMLButtonElement);
    this.sliders = findAll(this.panel, "[data-clean-up]", HTMLInputElement);
    /** @type {CleanUp | null} */
    this.present = null;
    for (const slider of this.sliders) {
      slider.addEventListener("input", () => describe(slider));
      // Each release of a slider is a step that can be undone.
      slider.addEventListener("change", () =>
        this.#set({ ...this.present, [nameOf(slider)]: valueOf(slider) }),
      );
      // Back to zero, which is hard to hit exactly.
      slider.addEventListener("dblclick", () =>
        this.#set({ ...this.present, [nameOf(slider)]: 0 }),
      );
    }
    this.reset.addEventListener("click", () => this.#set({}));
  }

  /**
   * @param {ObjectView | null} object the chosen one
   * @param {ObjectView[]} objects of the project, whose classes are offered
   */
  show(object, objects) {
    if (document.activeElement !== this.category) this.category.value = object?.category ?? "";
    const classes = [...new Set(objects.map(({ category }) => category).filter(Boolean))];
    if (classes.join("\n") !== [...this.classes.options].map(({ value }) => value).join("\n")) {
      this.classes.replaceChildren(...classes.map((name) => new Option(name, name)));
    }
    this.panel.hidden = object === null;
    this.present = object?.clean_up ?? null;
    this.name.textContent = object?.name ?? "";
    if (object) this.panel.style.setProperty("--object", object.colour);
    let isPlain = true;
    for (const slider of this.sliders) {
      const value = this.present?.[nameOf(slider)] ?? 0;
      isPlain &&= value === 0;
      slider.disabled = this.present === null;
      slider.value = String(slider.dataset.curve ? Math.sqrt(value) : value);
      describe(slider, value);
    }
    this.reset.disabled = isPlain;
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
  paintSlider(slider);
}
