// The panel beside the editor that tells of the project: what it is, what it takes, what to do.

/** @import { KeptProjects, ProjectView } from "../messages.js" */

import { find, findAll } from "../dom.js";
import { bytes, days } from "../texts.js";

/** @typedef {"save" | "browse" | "recent" | "close" | "delete"} Action */

export class ProjectPanel {
  /**
   * @param {HTMLElement} section
   * @param {Record<Action, () => void>} actions by the names of the panel's buttons
   */
  constructor(section, actions) {
    this.panel = find(section, ".s2-project", HTMLElement);
    for (const button of findAll(this.panel, "[data-project-action]", HTMLElement)) {
      const act = Object.entries(actions).find(([name]) => name === button.dataset.projectAction);
      if (act) button.addEventListener("click", act[1]);
    }
  }

  // Whether a project file is to hold the clip.
  get withClip() {
    return find(this.panel, '[data-project="with-clip"]', HTMLInputElement).checked;
  }

  /**
   * @param {object} shown
   * @param {ProjectView | null} shown.project
   * @param {KeptProjects | null} shown.kept null until the server has told of them
   * @param {boolean} shown.canOpen
   * @param {boolean} shown.canChange
   */
  show({ project, kept, canOpen, canChange }) {
    const { panel } = this;
    const isOpen = project !== null;
    const facts = kept?.projects.find(({ token }) => token === project?.token);
    say(panel, "name", isOpen ? project.name : "No project is open.");
    part(panel, "saving").hidden = !isOpen || !facts || facts.is_sample;
    if (facts) {
      say(panel, "clip-size", bytes(facts.clip_bytes));
      part(panel, "save").title = `Prompts, masks and their objects: ${bytes(facts.journal_bytes)}`;
    }
    if (kept) {
      const used = `${bytes(kept.used_bytes)} of ${bytes(kept.keep_bytes)}`;
      const time = days(kept.keep_days);
      say(
        panel,
        "kept",
        `Every step is saved here at once. Projects are kept for ${time} after their last use; ` +
          `together they take ${used}, beyond that the oldest go.`,
      );
    }
    const enabled = {
      save: isOpen && canChange,
      close: isOpen && canChange,
      delete: isOpen && canChange,
      browse: canOpen,
      recent: true,
    };
    for (const [action, is] of Object.entries(enabled)) {
      find(panel, `[data-project-action="${action}"]`, HTMLButtonElement).disabled = !is;
    }
  }
}

/**
 * @param {Element} panel
 * @param {string} name
 */
function part(panel, name) {
  return find(panel, `[data-project="${name}"]`, HTMLElement);
}

/**
 * @param {Element} panel
 * @param {string} name
 * @param {string} text
 */
function say(panel, name, text) {
  const element = part(panel, name);
  if (element.textContent !== text) element.textContent = text;
}
