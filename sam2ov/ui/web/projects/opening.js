// Opening: a clip or a project file, chosen or dropped; the sample; a project that the server keeps.

/** @import { Send } from "../connection.js" */
/** @import { Task } from "../controls/status.js" */
/** @import { Open, Snapshot } from "../messages.js" */
/** @import { Limits } from "./limits.js" */

import { find } from "../dom.js";
import { refusal } from "./limits.js";
import { listenToDrops, Upload } from "./upload.js";

export class Opening {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.section
   * @param {HTMLElement} parts.stage where files are dropped
   * @param {string} parts.root
   * @param {Limits} parts.limits
   * @param {Send} parts.send
   * @param {() => Snapshot} parts.snapshot gives the present one
   * @param {() => void} parts.changed is called when there is something new to show
   * @param {(text: string) => void} parts.failed is told of errors
   */
  constructor({ section, stage, root, limits, send, snapshot, changed, failed }) {
    this.root = root;
    this.limits = limits;
    this.send = send;
    this.snapshot = snapshot;
    this.changed = changed;
    this.failed = failed;
    /** @type {Upload | null} */
    this.upload = null;
    /** @type {string | null} */
    this.checking = null; // the name of a file that is looked at before it is sent
    /** @type {string | null} */
    this.reading = null; // the name of what the server reads
    this.file = find(section, ".s2-file", HTMLInputElement);
    this.file.addEventListener("change", () => {
      const chosen = this.file.files?.[0];
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

  /**
   * Tells whether it is being opened: there is one at a time.
   *
   * @param {string} token
   * @param {string} name
   * @param {Open["field_order"]} fieldOrder how the clip is to be read from now on
   */
  openProject(token, name, fieldOrder = null) {
    if (this.isBusy) return false;
    this.#open("project", name, token, fieldOrder);
    return true;
  }

  // What the camera has recorded lies on the server as an upload does.
  openRecording() {
    if (!this.isBusy) this.#open("upload", "the recording");
  }

  cancel() {
    this.upload?.abort();
  }

  // The server has answered, with a clip or without.
  answered() {
    this.reading = null;
  }

  /** @returns {Task | null} */
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

  /** @param {File} file */
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

  /**
   * @param {Open["source"]} source
   * @param {string} name
   * @param {string | null} project its token
   * @param {Open["field_order"]} fieldOrder
   */
  #open(source, name, project = null, fieldOrder = null) {
    this.reading = name;
    this.send("open", { source, project, field_order: fieldOrder });
    this.changed();
  }
}
