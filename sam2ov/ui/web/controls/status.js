// The line below the picture: what to do next, what is running, and what went wrong.

const ERROR_MS = 12000;

export class Status {
  constructor(element) {
    this.element = element;
    this.bar = element.querySelector(".s2-bar");
    this.message = element.querySelector(".s2-message");
    this.cancel = element.querySelector('[data-action="cancel"]');
    this.hint = "";
    this.task = null;
  }

  // What to do next; shown while nothing runs.
  suggest(hint) {
    this.hint = hint;
    this.#show();
  }

  // A task: { text, share: 0…1 or null while unknown, canCancel }, or null when it is over.
  run(task) {
    this.task = task;
    this.#show();
  }

  fail(text) {
    this.error = text;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.clearError(), ERROR_MS);
    this.#show();
  }

  clearError() {
    this.error = null;
    clearTimeout(this.timer);
    this.#show();
  }

  #show() {
    const { task, error } = this;
    const text = task ? task.text : (error ?? this.hint);
    if (this.message.textContent !== text) this.message.textContent = text;
    this.message.ariaLive = task ? "off" : "polite"; // the progress bar speaks for a task
    this.element.classList.toggle("s2-failed", !task && Boolean(error));
    this.element.classList.toggle("s2-running", Boolean(task));
    this.cancel.hidden = !task?.canCancel;
    this.bar.classList.toggle("s2-unknown", Boolean(task) && task.share === null);
    const percent = task?.share == null ? 0 : Math.round(task.share * 100);
    this.bar.firstElementChild.style.width = `${percent}%`;
    this.bar.setAttribute("aria-valuenow", String(percent));
    this.bar.setAttribute("aria-valuetext", task ? task.text : "");
  }
}

