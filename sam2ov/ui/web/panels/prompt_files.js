// Prompts and masks as files: saved for elsewhere, and taken from elsewhere.

/** @import { Send } from "../connection.js" */
/** @import { Snapshot } from "../messages.js" */

import { find } from "../dom.js";
import { Upload } from "../projects/upload.js";
import { isPrompted } from "../texts.js";
import { EXPORT } from "./export_texts.js";

export class PromptFiles {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.section
   * @param {string} parts.root
   * @param {Send} parts.send
   * @param {() => Snapshot} parts.snapshot
   */
  constructor({ section, root, send, snapshot }) {
    this.root = root;
    this.send = send;
    this.snapshot = snapshot;
    this.panel = find(section, ".s2-prompt-files", HTMLElement);
    this.saveButton = find(this.panel, "#save-prompts", HTMLButtonElement);
    this.openButton = find(this.panel, "#open-prompts", HTMLButtonElement);
    this.state = find(this.panel, '[data-prompts="state"]', HTMLElement);
    this.file = find(this.panel, 'input[type="file"]', HTMLInputElement);
    /** @type {Upload | null} */
    this.upload = null;
    this.saveButton.addEventListener("click", () => send("save_prompts", {}));
    this.openButton.addEventListener("click", () => this.file.click());
    this.file.addEventListener("change", () => {
      const chosen = this.file.files?.[0];
      this.file.value = "";
      if (chosen) this.#take(chosen);
    });
  }

  show() {
    const { clip, objects, job } = this.snapshot();
    const isFree = Boolean(clip) && !job && !this.upload;
    this.saveButton.disabled = !isFree || !objects.some(isPrompted);
    this.openButton.disabled = !isFree;
    this.state.textContent = this.upload ? EXPORT.uploading(this.upload.name, this.upload.share) : "";
  }

  /** @param {File} file */
  #take(file) {
    const masks = find(this.panel, '[name="s2-open-masks"]:checked', HTMLInputElement).value;
    const url = `${this.root}/media/${this.snapshot().upload}/attachment`;
    const problem = find(this.panel, '[data-problem="prompts"]', HTMLElement);
    problem.textContent = "";
    this.upload = new Upload(url, file, () => this.show(), (error) => {
      this.upload = null;
      if (error === null) this.send("open_prompts", { masks: masks === "all" ? "all" : "first" });
      else problem.textContent = error;
      this.show();
    });
    this.show();
  }
}
