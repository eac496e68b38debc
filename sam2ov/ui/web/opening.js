// Opening a clip: chosen, dropped or the sample; sent to the server and read there.

import { isPrompted } from "./texts.js";
import { listenToDrops, Upload } from "./upload.js";

export class Opening {
  // `snapshot()` gives the present one, `ask(text)` resolves to yes or no, `changed()` and
  // `failed(text)` are called when there is something new to show.
  constructor({ section, stage, root, limits, send, snapshot, ask, changed, failed }) {
    Object.assign(this, { root, limits, send, snapshot, ask, changed, failed });
    this.upload = null;
    this.reading = null; // the name of what the server reads
    this.file = section.querySelector(".s2-file");
    this.file.addEventListener("change", () => {
      const [chosen] = this.file.files;
      this.file.value = "";
      if (chosen) this.#send(chosen);
    });
    listenToDrops(stage, (dropped) => this.#send(dropped));
  }

  get isBusy() {
    return Boolean(this.upload || this.reading);
  }

  browse() {
    this.file.click();
  }

  async openSample() {
    if (!this.isBusy && (await this.#mayReplace())) this.#open("sample", "the sample");
  }

  cancel() {
    this.upload?.abort();
  }

  // The server has answered, with a clip or without.
  answered() {
    this.reading = null;
  }

  task() {
    if (this.upload) {
      const { name, share } = this.upload;
      const text = `Uploading ${name}: ${Math.round(share * 100)} %`;
      return { text, share, canCancel: true };
    }
    if (this.reading) return { text: `Opening ${this.reading} …`, share: null, canCancel: false };
    return null;
  }

  async #send(file) {
    if (this.isBusy) return;
    if (file.size > this.limits.bytes) {
      this.failed(`${file.name} is too large: a clip may have ${this.limits.text}.`);
      return;
    }
    if (!(await this.#mayReplace())) return;
    const url = `${this.root}/media/${this.snapshot().upload}/clip`;
    this.upload = new Upload(url, file, this.changed, (error) => {
      this.upload = null;
      if (error === null) this.#open("upload", file.name);
      else if (error) this.failed(error);
      this.changed();
    });
    this.changed();
  }

  #open(source, name) {
    this.reading = name;
    this.send("open", { source });
    this.changed();
  }

  async #mayReplace() {
    const { clip, objects } = this.snapshot();
    if (!clip || !objects.some(isPrompted)) return true;
    return this.ask(`Open another clip? The prompts and masks of ${clip.name} will be gone.`);
  }
}
