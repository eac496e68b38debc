// The panel beside the editor that tells of the project: what it is, what it takes, what to do.
//
// Gradio puts it on the page, so it may come later than the editor.

import { bytes, days } from "../texts.js";

export class ProjectPanel {
  // `actions` by the names of the panel's buttons.
  constructor(actions) {
    document.addEventListener("click", (event) => {
      const button = event.target.closest?.(".s2-project [data-project-action]");
      if (button) actions[button.dataset.projectAction]();
    });
  }

  get withClip() {
    return Boolean(this.#find("with-clip")?.checked);
  }

  // `project` as in a snapshot or null, `kept` as the server tells it or null until it has.
  show({ project, kept, canOpen, canChange }) {
    const panel = document.querySelector(".s2-project");
    if (!panel) return;
    const isOpen = project !== null;
    const facts = kept?.projects.find(({ token }) => token === project?.token);
    this.#say("name", isOpen ? project.name : "No project is open.");
    this.#find("saving").hidden = !isOpen || !facts || facts.is_sample;
    if (facts) {
      this.#say("clip-size", bytes(facts.clip_bytes));
      this.#find("save").title = `Prompts, masks and their objects: ${bytes(facts.journal_bytes)}`;
    }
    if (kept) {
      const used = `${bytes(kept.used_bytes)} of ${bytes(kept.keep_bytes)}`;
      const time = days(kept.keep_days);
      this.#say(
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
      panel.querySelector(`[data-project-action="${action}"]`).disabled = !is;
    }
  }

  #find(name) {
    return document.querySelector(`.s2-project [data-project="${name}"]`);
  }

  #say(name, text) {
    const element = this.#find(name);
    if (element.textContent !== text) element.textContent = text;
  }
}
