// The line that says what is done to a clip's pictures to show them, and how its fields are read.

/** @import { ClipView } from "../messages.js" */

import { find } from "../dom.js";
import { asSentence } from "../texts.js";

/** @typedef {NonNullable<ClipView["field_order"]>} FieldOrder */

/** @type {FieldOrder[]} */
const ORDERS = ["auto", "tff", "bff", "off"];

export class Treatment {
  /**
   * @param {HTMLElement} section
   * @param {(order: FieldOrder) => void} choose
   */
  constructor(section, choose) {
    this.element = find(section, ".s2-treatment", HTMLElement);
    this.text = find(this.element, "span", HTMLElement);
    this.label = find(this.element, "label", HTMLElement);
    this.select = find(this.element, "select", HTMLSelectElement);
    this.select.addEventListener("change", () => {
      const order = ORDERS.find((one) => one === this.select.value);
      if (order) choose(order);
    });
  }

  /** @param {ClipView | null} clip */
  show(clip) {
    this.text.textContent = clip?.treatment.map(asSentence).join(" ") ?? "";
    const order = clip?.field_order ?? null;
    this.label.hidden = order === null;
    this.select.value = order ?? "auto";
    this.element.hidden = !this.text.textContent && order === null;
  }
}
