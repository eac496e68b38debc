// A control for an option of a format: what suits its kind, with its unit and what is meant when
// it is left alone.

/** @import { OptionView } from "../messages.js" */
/** @import { OptionText } from "./export_texts.js" */

import { paintSlider } from "../controls/sliders.js";
import { EXPORT, qualityName } from "./export_texts.js";

/** @typedef {boolean | number | string | File | null} Value null: left alone */

/**
 * @typedef {object} Field
 * @property {HTMLElement} element
 * @property {() => Value} value
 */

/** @typedef {Pick<OptionView, "name" | "kind" | "default" | "choices" | "least" | "most" | "step">} Option */

/**
 * @param {Option} option
 * @param {OptionText} text
 * @param {Value} present what was chosen before, or null
 * @param {string} id
 * @param {() => void} changed
 * @returns {Field}
 */
export function makeField(option, text, present, id, changed) {
  const make = { switch: check, choice: select, number, text: line, colour, file }[option.kind];
  const field = make(option, text, present ?? option.default, id, changed);
  field.element.dataset.option = option.name;
  field.element.id = id;
  if (text.hint) field.element.title = text.hint;
  return field;
}

/**
 * A label is for the first control in it, and an output counts as one: it comes last.
 *
 * @param {string} label
 * @param {HTMLElement[]} parts
 */
function labelled(label, ...parts) {
  const element = document.createElement("label");
  element.className = "s2-field";
  const words = document.createElement("span");
  words.textContent = label;
  element.append(words, ...parts);
  return element;
}

/**
 * @param {string} type
 * @param {string} className
 * @param {() => void} changed
 */
function input(type, className, changed) {
  const element = document.createElement("input");
  element.type = type;
  element.className = className;
  element.addEventListener("input", changed);
  return element;
}

/** @type {typeof makeField} */
function check(_, text, present, __, changed) {
  const box = input("checkbox", "s2-check", changed);
  box.checked = present === true;
  const element = document.createElement("label");
  element.className = "s2-field s2-line";
  element.append(box, text.label);
  return { element, value: () => box.checked };
}

/** @type {typeof makeField} */
function select(option, text, present, _, changed) {
  const list = document.createElement("select");
  list.className = "s2-select";
  for (const choice of option.choices) list.append(new Option(text.choices?.[choice] ?? choice, choice));
  list.value = String(present);
  list.addEventListener("change", changed);
  return { element: labelled(text.label, list), value: () => list.value };
}

/** @type {typeof makeField} */
function number(option, text, present, id, changed) {
  const { least, most } = option;
  const isSlider = least !== null && most !== null && option.default !== null;
  return isSlider ? slider(option, text, present, id, changed) : digits(option, text, present, id, changed);
}

/** @type {typeof makeField} */
function slider(option, text, present, _, changed) {
  const { least, most, step } = /** @type {{ least: number, most: number, step: number }} */ (option);
  const range = input("range", "s2-range", () => {
    show();
    changed();
  });
  range.min = String(least);
  range.max = String(most);
  range.step = String(step);
  /** @type {(value: number) => number} */
  const turned = (value) => (text.isReversed ? least + most - value : value);
  range.value = String(turned(Number(present)));
  const output = document.createElement("output");
  function show() {
    const value = turned(Number(range.value));
    const share = (Number(range.value) - least) / (most - least);
    const shown = text.unit === "%" ? `${Math.round(value * 100)} %` : `${value} ${text.unit ?? ""}`;
    output.textContent = text.isReversed ? `${qualityName(share)} (${value})` : shown.trim();
    range.setAttribute("aria-valuetext", output.textContent);
    paintSlider(range);
  }
  show();
  return { element: labelled(text.label, range, output), value: () => turned(Number(range.value)) };
}

/** @type {typeof makeField} */
function digits({ least, most, step }, text, present, _, changed) {
  const box = input("number", "s2-input", changed);
  if (least !== null) box.min = String(least);
  if (most !== null) box.max = String(most);
  box.step = step === 1 ? "1" : "any";
  box.placeholder = text.empty ?? "";
  box.value = present === null ? "" : String(present);
  const parts = document.createElement("span");
  parts.className = "s2-with-unit";
  parts.append(box);
  if (text.unit) parts.append(text.unit);
  const value = () => {
    if (box.value === "" || !Number.isFinite(box.valueAsNumber)) return null;
    const within = Math.min(Math.max(box.valueAsNumber, least ?? -Infinity), most ?? Infinity);
    return step === 1 ? Math.round(within) : within;
  };
  return { element: labelled(text.label, parts), value };
}

/** @type {typeof makeField} */
function line({ most }, text, present, _, changed) {
  const box = input("text", "s2-input", changed);
  box.spellcheck = false;
  box.autocomplete = "off";
  if (most !== null) box.maxLength = most;
  box.placeholder = text.empty ?? "";
  box.value = typeof present === "string" ? present : "";
  return { element: labelled(text.label, box), value: () => box.value.trim() || null };
}

/** @type {typeof makeField} */
function colour(_, text, present, __, changed) {
  const picker = input("color", "s2-colour-field", () => {
    output.textContent = picker.value;
    changed();
  });
  picker.value = String(present);
  const output = document.createElement("output");
  output.textContent = picker.value;
  return { element: labelled(text.label, picker, output), value: () => picker.value };
}

/** @type {typeof makeField} */
function file(_, text, present, __, changed) {
  let chosen = present instanceof File ? present : null;
  const picker = input("file", "s2-hidden-file", () => {
    chosen = picker.files?.[0] ?? chosen;
    button.textContent = chosen?.name ?? EXPORT.choose;
    changed();
  });
  picker.accept = "image/*,video/*";
  picker.hidden = true;
  picker.setAttribute("aria-label", text.label);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "s2-button";
  button.textContent = chosen?.name ?? EXPORT.choose;
  button.addEventListener("click", () => picker.click());
  const element = document.createElement("div");
  element.className = "s2-field";
  const words = document.createElement("span");
  words.textContent = text.label;
  element.append(words, button, picker);
  return { element, value: () => chosen };
}
