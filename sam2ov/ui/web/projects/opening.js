// Opening: a clip or a project file, chosen or dropped; the sample; a project that the server keeps.

import { refusal } from "./limits.js";
import { listenToDrops, Upload } from "./upload.js";

export class Opening {
  // `snapshot()` gives the present one, `changed()` and `failed(text)` are called when there is
  // something new to show.
  constructor({ section, stage, root, limits, send, snapshot, changed, failed }) {
    Object.assign(this, { root, limits, send, snapshot, changed, failed });
    this.upload = null;
    this.checking = null; // the name of a file that is looked at before it is sent
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
    return Boolean(this.checking || this.upload || this.reading);
  }

  browse() {
    this.file.click();
  }

  openSample() {
    if (!this.isBusy) this.#open("sample", "the sample");
  }

  // Tells whether it is being opened: there is one at a time.
  openProject(token, name) {
    if (this.isBusy) return false;
    this.#open("project", name, token);
    return true;
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
    if (this.checking) {
      return { text: `Looking at ${this.checking} …`, share: null, canCancel: false };
    }
    if (this.reading) return { text: `Opening ${this.reading} …`, share: null, canCancel: false };
    return null;
  }

  async #send(file) {
    if (this.isBusy) return;
    this.checking = file.name;
    this.changed();
    const reason = await refusal(file, this.limits);
    this.checking = null;
    this.changed();
    if (reason) {
      this.failed(reason);
      return;
    }
    const url = `${this.root}/media/${this.snapshot().upload}/clip`;
    this.upload = new Upload(url, file, this.changed, (error) => {
      this.upload = null;
      if (error === null) this.#open("upload", file.name);
      else if (error) this.failed(error);
      this.changed();
    });
    this.changed();
  }

  #open(source, name, project = null) {
    this.reading = name;
    this.send("open", { source, project });
    this.changed();
  }
}
