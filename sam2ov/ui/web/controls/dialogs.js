// The help, the list of recent projects, and the one question that the editor asks.

import { find } from "../dom.js";

export class Dialogs {
  /** @param {HTMLElement} section */
  constructor(section) {
    this.help = find(section, '[data-dialog="help"]', HTMLDialogElement);
    this.recent = find(section, '[data-dialog="recent"]', HTMLDialogElement);
    this.question = find(section, '[data-dialog="question"]', HTMLDialogElement);
  }

  showHelp() {
    this.help.showModal();
    find(this.help, "h3", HTMLElement).focus(); // its beginning, not its only button
    this.help.scrollTop = 0;
  }

  showRecent() {
    if (!this.recent.open) this.recent.showModal();
  }

  /**
   * Resolves to whether the user wants it; Esc means no.
   *
   * @param {string} text
   * @param {string} yes
   * @returns {Promise<boolean>}
   */
  ask(text, yes = "Continue") {
    const dialog = this.question;
    find(dialog, "p", HTMLElement).textContent = text;
    find(dialog, '[value="yes"]', HTMLElement).textContent = yes;
    dialog.returnValue = "no";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    });
  }

  get isOpen() {
    return document.querySelector("dialog[open]") !== null;
  }
}
