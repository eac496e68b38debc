// What the server says went wrong: beside the control that it is about where that is in sight, and
// in the status line otherwise. One message per cause, gone with it.

/** @import { ProblemView } from "../messages.js" */
/** @import { Status } from "./status.js" */

import { findAll } from "../dom.js";

export class Problems {
  /**
   * @param {HTMLElement} section
   * @param {Status} status
   */
  constructor(section, status) {
    this.section = section;
    this.status = status;
    /** @type {number | null} the one that is shown */
    this.number = null;
  }

  /** @param {ProblemView | null} problem */
  show(problem) {
    const number = problem?.number ?? null;
    if (number === this.number) return;
    this.number = number;
    let isShown = false;
    for (const line of findAll(this.section, "[data-problem]", HTMLElement)) {
      const text = problem && line.dataset.problem === problem.about ? problem.text : "";
      line.textContent = text;
      isShown ||= Boolean(text) && line.checkVisibility();
    }
    this.status.showProblem(problem && !isShown ? problem.text : null);
  }
}
