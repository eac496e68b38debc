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
   */
  async ask(text, yes = "Continue") {
    return (await this.choose(text, yes, "Keep")) === "yes";
  }

  /**
   * Resolves to the answer; Esc is none.
   *
   * @param {string} text
   * @param {string} yes
   * @param {string} no
   * @returns {Promise<"yes" | "no" | null>}
   */
  choose(text, yes, no) {
    const dialog = this.question;
    find(dialog, "p", HTMLElement).textContent = text;
    find(dialog, '[value="yes"]', HTMLElement).textContent = yes;
    find(dialog, '[value="no"]', HTMLElement).textContent = no;
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => {
      const answer = () => {
        const { returnValue } = dialog;
        resolve(returnValue === "yes" || returnValue === "no" ? returnValue : null);
      };
      dialog.addEventListener("close", answer, { once: true });
    });
  }

  get isOpen() {
    return document.querySelector("dialog[open]") !== null;
  }
}
