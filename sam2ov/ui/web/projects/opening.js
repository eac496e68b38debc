// Opening: clips or project files, chosen, dropped or pasted; the sample; a project that the server
// keeps. Of several files the first is opened, the others wait for their turn.

/** @import { Send } from "../connection.js" */
/** @import { Notices } from "../controls/notices.js" */
/** @import { Task } from "../controls/status.js" */
/** @import { Open, Snapshot } from "../messages.js" */
/** @import { Limits } from "./limits.js" */

import { find } from "../dom.js";
import { refusal } from "./limits.js";
import { listenToArrivals } from "./arriving.js";
import { clipsOf, packed } from "./pack.js";
import { Upload } from "./upload.js";

const CAUSE = "waiting";
const NAMES = 3; // of files that wait, told in one line

export class Opening {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.section
   * @param {HTMLElement} parts.stage highlighted while files are over the page
   * @param {Notices} parts.notices
   * @param {string} parts.root
   * @param {Limits} parts.limits
   * @param {Send} parts.send
   * @param {() => Snapshot} parts.snapshot gives the present one
   * @param {() => void} parts.changed is called when there is something new to show
   * @param {(text: string) => void} parts.failed is told of errors
   */
  constructor({ section, stage, notices, root, limits, send, snapshot, changed, failed }) {
    this.notices = notices;
    /** @type {File[]} */
    this.waiting = []; // to be opened after the present clip
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
      const chosen = [...(this.file.files ?? [])];
      this.file.value = "";
      this.take(chosen);
    });
    listenToArrivals(stage, {
      onFiles: (files) => this.take(files),
      onRefused: failed,
      onLink: () =>
        failed("Links are not fetched, so that nothing leaves this machine. Download the file, then drop it here."),
    });
  }

  get isBusy() {
    return Boolean(this.checking || this.upload || this.reading);
  }

  /**
   * Open the first of some files now, and the others one after the other; images of a folder are one clip.
   *
   * @param {File[]} files
   */
  async take(files) {
    const { sequences, single } = clipsOf(files);
    for (const images of sequences) {
      this.checking = `${images.length} images`;
      this.changed();
      try {
        this.waiting.push(await packed(images));
      } catch (error) {
        this.failed(error instanceof Error ? error.message : String(error));
      }
      this.checking = null;
      this.changed();
    }
    this.waiting.push(...single);
    if (!this.isBusy) this.#openNext();
    this.#tell();
  }

  #openNext() {
    const next = this.waiting.shift();
    if (next) this.#send(next);
    this.#tell();
  }

  // Which files wait; nothing is lost of a clip that the next one takes the place of.
  #tell() {
    const { waiting } = this;
    if (!waiting.length) {
      this.notices.hide(CAUSE);
      return;
    }
    const names = waiting.slice(0, NAMES).map(({ name }) => name);
    const more = waiting.length > NAMES ? ` and ${waiting.length - NAMES} more` : "";
    this.notices.show(CAUSE, {
      text: `Next: ${names.join(", ")}${more}. The clip that is open is kept.`,
      label: "Open next",
      act: () => {
        if (this.isBusy) this.#tell();
        else this.#openNext();
      },
      close: () => (this.waiting = []),
    });
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
