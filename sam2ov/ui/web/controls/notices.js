// What people should know until it is over or they have answered: a few lines over the picture, one
// for each cause, each gone with its cause.

import { find } from "../dom.js";

/**
 * @typedef {object} Notice
 * @property {string} text
 * @property {string} [label] of the button; none without it
 * @property {() => void} [act] what that does; the notice goes
 * @property {() => void} [close] is called when it is put away; it can be only if this is given
 */

const NOTICE = `<p></p>
  <button type="button" class="s2-button" data-notice="act"></button>
  <button type="button" class="s2-small" data-notice="close" aria-label="Put away"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="m4 4 8 8m0-8-8 8" /></svg></button>`;

export class Notices {
  /** @param {HTMLElement} place over which they are shown */
  constructor(place) {
    this.element = document.createElement("div");
    this.element.className = "s2-notices";
    this.element.setAttribute("role", "status");
    place.append(this.element);
    /** @type {Map<string, HTMLElement>} */
    this.shown = new Map();
  }

  /**
   * @param {string} cause replaces what it said before
   * @param {Notice} notice
   */
  show(cause, { text, label = "", act, close }) {
    this.hide(cause);
    const element = document.createElement("div");
    element.className = "s2-notice";
    element.dataset.cause = cause;
    element.innerHTML = NOTICE;
    find(element, "p", HTMLElement).textContent = text;
    const button = find(element, '[data-notice="act"]', HTMLButtonElement);
    button.textContent = label;
    button.hidden = !act;
    button.addEventListener("click", () => {
      this.hide(cause);
      act?.();
    });
    const cross = find(element, '[data-notice="close"]', HTMLButtonElement);
    cross.hidden = !close;
    cross.addEventListener("click", () => {
      this.hide(cause);
      close?.();
    });
    this.shown.set(cause, element);
    this.element.append(element);
  }

  /** @param {string} cause */
  hide(cause) {
    this.shown.get(cause)?.remove();
    this.shown.delete(cause);
  }
}
