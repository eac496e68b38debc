// A model of one's own: a checkpoint is chosen, sent, converted and used.

/** @import { GettingView } from "../messages.js" */

import { find } from "../dom.js";
import { Upload } from "../projects/upload.js";
import { bytes } from "../texts.js";
import { showProgress } from "./model_card.js";

export class OwnModel {
  /**
   * @param {HTMLElement} element
   * @param {object} parts
   * @param {() => string} parts.url where the file goes
   * @param {() => number} parts.most bytes that the server takes; 0: none
   * @param {() => void} parts.uploaded is called when the server has the file
   */
  constructor(element, { url, most, uploaded }) {
    this.element = element;
    this.url = url;
    this.most = most;
    this.uploaded = uploaded;
    /** @type {Upload | null} */
    this.upload = null;
    this.button = find(element, '[data-models="choose"]', HTMLButtonElement);
    this.file = find(element, "input", HTMLInputElement);
    this.progress = find(element, ".s2-model-getting", HTMLElement);
    this.bar = find(this.progress, "progress", HTMLProgressElement);
    this.line = find(this.progress, "p", HTMLElement);
    this.button.addEventListener("click", () => {
      if (this.upload) this.upload.abort();
      else this.file.click();
    });
    this.file.addEventListener("change", () => {
      const chosen = this.file.files?.[0];
      this.file.value = "";
      if (chosen) this.#send(chosen);
    });
  }

  /** @param {GettingView | null} getting */
  show(getting) {
    this.element.hidden = !this.most();
    this.button.textContent = this.upload ? "Cancel" : "Choose a file …";
    this.button.disabled = Boolean(getting);
    const isConverted = getting?.model === "";
    if (isConverted) showProgress(this.progress, getting.job);
    if (this.upload) {
      this.bar.value = this.upload.share;
      this.line.textContent = `Uploading ${this.upload.name}: ${Math.round(this.upload.share * 100)} %`;
    }
    if (isConverted || this.upload) this.progress.hidden = false;
    else if (!this.progress.classList.contains("s2-failed")) this.progress.hidden = true;
  }

  /** @param {File} file */
  #send(file) {
    this.progress.classList.remove("s2-failed");
    this.bar.hidden = false;
    if (file.size > this.most()) {
      this.#fail(`${file.name} has ${bytes(file.size)}; the server takes ${bytes(this.most())}.`);
      return;
    }
    this.upload = new Upload(this.url(), file, () => this.show(null), (error) => {
      this.upload = null;
      if (error === null) this.uploaded();
      else if (error) this.#fail(error);
      this.show(null);
    });
    this.show(null);
  }

  /** @param {string} text */
  #fail(text) {
    this.progress.classList.add("s2-failed");
    this.progress.hidden = false;
    this.bar.hidden = true;
    this.line.textContent = text;
  }
}
