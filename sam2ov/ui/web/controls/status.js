// The line below the picture: what to do next, what is running, and what went wrong.

import { find } from "../dom.js";

/**
 * @typedef {object} Task
 * @property {string} text
 * @property {number | null} share 0…1, null while unknown
 * @property {boolean} canCancel
 */

const ERROR_MS = 12000;

export class Status {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.bar = find(element, ".s2-bar", HTMLElement);
    this.filled = find(this.bar, "i", HTMLElement);
    this.message = find(element, ".s2-message", HTMLElement);
    this.cancel = find(element, '[data-action="cancel"]', HTMLElement);
    this.hint = "";
    /** @type {Task | null} */
    this.task = null;
    /** @type {string | null} */
    this.error = null; // of the page's own, for a while
    /** @type {string | null} */
    this.problem = null; // of the server, until it says that it is over
    /** @type {number | undefined} */
    this.timer = undefined; // until the error is taken away
  }

  /** @param {string} hint what to do next; shown while nothing runs */
  suggest(hint) {
    this.hint = hint;
    this.#show();
  }

  /** @param {Task | null} task null when it is over */
  run(task) {
    this.task = task;
    this.#show();
  }

  /** @param {string} text */
  fail(text) {
    this.error = text;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.clearError(), ERROR_MS);
    this.#show();
  }

  /** @param {string | null} text what the server says went wrong; null: nothing any more */
  showProblem(text) {
    this.problem = text;
    this.#show();
  }

  // The user goes on.
  clearError() {
    this.error = null;
    this.problem = null;
    clearTimeout(this.timer);
    this.#show();
  }

  #show() {
    const { task } = this;
    const error = this.error ?? this.problem;
    const text = task ? task.text : (error ?? this.hint);
    if (this.message.textContent !== text) this.message.textContent = text;
    this.message.ariaLive = task ? "off" : "polite"; // the progress bar speaks for a task
    this.element.classList.toggle("s2-failed", !task && Boolean(error));
    this.element.classList.toggle("s2-running", Boolean(task));
    this.cancel.hidden = !task?.canCancel;
    this.bar.classList.toggle("s2-unknown", task !== null && task.share === null);
    const percent = Math.round((task?.share ?? 0) * 100);
    this.filled.style.width = `${percent}%`;
    this.bar.setAttribute("aria-valuenow", String(percent));
    this.bar.setAttribute("aria-valuetext", task ? task.text : "");
  }
}

