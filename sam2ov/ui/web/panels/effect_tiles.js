// The effects of an overlay as tiles, each with a small drawing of what it does.

/** @import { OptionView } from "../messages.js" */
/** @import { Field } from "./export_fields.js" */

import { find } from "../dom.js";
import { EFFECTS } from "./export_texts.js";

const SKY = '<path fill="#9cc3e8" d="M0 0h48v32H0z" /><path fill="#6f9e6a" d="M0 22c10-6 20 4 30-1s12-3 18-1v12H0z" />';
const BALL = '<circle cx="24" cy="15" r="8" fill="#e0574f" /><path fill="#f5e9d8" d="M24 7a8 8 0 0 1 7 4l-7 4z" />';

/** @type {Record<string, string>} what is drawn, by the effect's name */
const DRAWINGS = {
  colour: `${SKY}${BALL}<circle cx="24" cy="15" r="8" fill="#2f6fe4" fill-opacity=".6" stroke="#2f6fe4" stroke-width="1.5" />`,
  outline: `${SKY}${BALL}<circle cx="24" cy="15" r="8.6" fill="none" stroke="#ffd23f" stroke-width="2" />`,
  blur: `${SKY}<circle cx="24" cy="15" r="9.5" fill="#e0574f" opacity=".35" /><circle cx="24" cy="15" r="7.5" fill="#e2776f" opacity=".6" /><circle cx="24" cy="15" r="4.5" fill="#e68d84" opacity=".8" />`,
  pixelate: `${SKY}<path fill="#d8655e" d="M16 9h5v5h-5zM26 14h5v5h-5zM21 19h5v4h-5z" /><path fill="#e98f86" d="M21 9h5v5h-5zM16 14h5v5h-5z" /><path fill="#f3cdbf" d="M26 9h5v5h-5zM21 14h5v5h-5z" />`,
  grey: `${SKY}<circle cx="24" cy="15" r="8" fill="#8a8a8a" /><path fill="#e2e2e2" d="M24 7a8 8 0 0 1 7 4l-7 4z" />`,
  spotlight: `${SKY}<path fill="#05070c" fill-opacity=".68" d="M0 0h48v32H0z" />${BALL}`,
  replace: `<path fill="#5b3f8c" d="M0 0h48v32H0z" /><path fill="#e8a15c" d="M0 20h48v12H0z" /><circle cx="39" cy="9" r="4" fill="#ffe3a3" />${BALL}`,
  remove: `<path fill="#00b140" d="M0 0h48v32H0z" />${BALL}`,
};

/**
 * @param {OptionView} option
 * @param {string} present
 * @param {string} id
 * @param {() => void} changed
 * @returns {Field}
 */
export function effectTiles(option, present, id, changed) {
  const element = document.createElement("div");
  element.className = "s2-tiles";
  element.id = id;
  element.dataset.option = option.name;
  element.setAttribute("role", "radiogroup");
  element.ariaLabel = "Effect";
  element.innerHTML = option.choices.map(tile).join("");
  const chosen = element.querySelector(`input[value="${present}"]`);
  if (chosen instanceof HTMLInputElement) chosen.checked = true;
  element.addEventListener("change", changed);
  return { element, value: () => find(element, "input:checked", HTMLInputElement).value };
}

/** @param {string} name of an effect of the registry */
function tile(name) {
  const label = EFFECTS[name]?.label ?? name;
  const drawing = `<svg viewBox="0 0 48 32" aria-hidden="true">${DRAWINGS[name] ?? SKY}</svg>`;
  return `<label class="s2-tile"><input type="radio" name="s2-effect" value="${name}" />${drawing}<span>${label}</span></label>`;
}
