// The help and the one question that the editor asks.

export class Dialogs {
  constructor(section) {
    this.help = section.querySelector('[data-dialog="help"]');
    this.question = section.querySelector('[data-dialog="question"]');
  }

  showHelp() {
    this.help.showModal();
  }

  // Resolves to whether the user wants it; Esc means no.
  ask(text) {
    const dialog = this.question;
    dialog.querySelector("p").textContent = text;
    dialog.returnValue = "no";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    });
  }

  get isOpen() {
    return this.help.open || this.question.open;
  }
}
