// The help, the list of recent projects, and the one question that the editor asks.

export class Dialogs {
  constructor(section) {
    this.help = section.querySelector('[data-dialog="help"]');
    this.recent = section.querySelector('[data-dialog="recent"]');
    this.question = section.querySelector('[data-dialog="question"]');
  }

  showHelp() {
    this.help.showModal();
  }

  showRecent() {
    if (!this.recent.open) this.recent.showModal();
  }

  // Resolves to whether the user wants it; Esc means no.
  ask(text, yes = "Continue") {
    const dialog = this.question;
    dialog.querySelector("p").textContent = text;
    dialog.querySelector('[value="yes"]').textContent = yes;
    dialog.returnValue = "no";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    });
  }

  get isOpen() {
    return this.help.open || this.question.open || this.recent.open;
  }
}
