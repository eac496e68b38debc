// The camera: click an object in the live picture, see it followed, record it, and edit that.

/** @import { CameraOrder, CameraState, Snapshot } from "../messages.js" */
/** @import { Shown } from "./link.js" */
/** @import { Effect } from "./effects.js" */

import { find, under } from "../dom.js";
import { isEffect, Painter } from "./effects.js";
import { Link } from "./link.js";
import { Objects } from "./objects.js";

const LONGEST_SIDE = 1280;
const PACE_MS = 1000;
const HINT = "Click an object to follow it";

export class Camera {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.section
   * @param {string} parts.root
   * @param {() => Snapshot} parts.snapshot gives the present one
   * @param {() => void} parts.recorded is called when a recording is there to be opened
   */
  constructor({ section, root, snapshot, recorded }) {
    this.root = root;
    this.snapshot = snapshot;
    this.recorded = recorded;
    const dialog = find(section, '[data-dialog="camera"]', HTMLDialogElement);
    this.dialog = dialog;
    this.picture = find(dialog, ".s2-camera-picture", HTMLElement);
    this.canvas = find(dialog, "canvas", HTMLCanvasElement);
    this.hint = find(dialog, ".s2-camera-hint", HTMLElement);
    this.pace = find(dialog, ".s2-camera-pace", HTMLElement);
    this.beside = find(dialog, '[data-camera="beside"]', HTMLButtonElement);
    this.recordButton = find(dialog, '[data-camera="record"]', HTMLButtonElement);
    this.editButton = find(dialog, '[data-camera="edit"]', HTMLButtonElement);
    this.effects = find(dialog, "[data-camera-effect]", HTMLSelectElement);
    this.devices = find(dialog, "[data-camera-device]", HTMLSelectElement);
    this.objects = new Objects(find(dialog, ".s2-camera-objects", HTMLElement), (id) =>
      this.#order({ kind: "remove", object: id }),
    );
    this.painter = new Painter(this.canvas);
    this.video = document.createElement("video");
    this.video.muted = true;
    this.video.playsInline = true;
    /** @type {Effect} */
    this.effect = "overlay";
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {Link | null} */
    this.link = null;
    /** @type {CameraState | null} */
    this.state = null;
    this.isFinishing = false;
    /** @type {[number, number]} */
    this.size = [0, 0];
    /** @type {number[]} */
    this.times = []; // of pictures that were shown within the last second
    this.told = 0;
    this.#listen();
  }

  #listen() {
    const { dialog, canvas } = this;
    dialog.addEventListener("click", (event) => {
      const name = under(event, "button", HTMLButtonElement)?.dataset.camera;
      if (name === "close") dialog.close();
      if (name === "beside") this.#setBeside(this.beside.ariaPressed !== "true");
      if (name === "record") this.#order({ kind: "record" });
      if (name === "edit") this.#finish();
    });
    dialog.addEventListener("close", () => this.#off());
    dialog.addEventListener("cancel", (event) => {
      if (this.isFinishing) event.preventDefault();
    });
    canvas.addEventListener("click", (event) => this.#click(event, event.shiftKey));
    canvas.addEventListener("contextmenu", (event) => {
      event.preventDefault();
      this.#click(event, true);
    });
    this.effects.addEventListener("change", () => {
      if (isEffect(this.effects.value)) this.effect = this.effects.value;
      this.picture.dataset.effect = this.effect;
    });
    this.devices.addEventListener("change", () => this.#start(this.devices.value));
    addEventListener("pagehide", () => this.#off());
  }

  async open() {
    if (!this.dialog.open) this.dialog.showModal();
    await this.#start(null);
  }

  /** @param {string | null} device */
  async #start(device) {
    this.#off();
    this.dialog.dataset.state = "starting";
    this.#say("Waiting for the camera …");
    const link = new Link(`${this.root}/camera/${this.snapshot().upload}`, {
      show: (shown) => this.#show(shown),
      failed: (text) => this.#fail(text),
    });
    this.link = link;
    try {
      const [stream] = await Promise.all([this.#camera(device), link.begin()]);
      if (this.link !== link) {
        for (const track of stream.getTracks()) track.stop(); // it was closed meanwhile
        return;
      }
      this.stream = stream;
      this.video.srcObject = stream;
      await this.video.play();
      this.#listDevices(stream);
    } catch (error) {
      if (this.link === link) this.#fail(explain(error));
      return;
    }
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(LONGEST_SIDE / Math.max(videoWidth, videoHeight), 1);
    this.size = [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
    this.canvas.style.setProperty("--picture", `${videoWidth} / ${videoHeight}`);
    this.dialog.dataset.state = "on";
    this.#say(HINT);
    this.#watch(link);
  }

  /** @param {string | null} device */
  #camera(device) {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error(
        "The browser gives its camera to pages over HTTPS or from localhost only. Open this page " +
          "that way: the server takes a certificate with --certfile.",
      );
    }
    const which = device ? { deviceId: { exact: device } } : { facingMode: "environment" };
    const video = { width: { ideal: 1280 }, height: { ideal: 720 }, ...which };
    return navigator.mediaDevices.getUserMedia({ video, audio: false });
  }

  /** @param {MediaStream} stream */
  async #listDevices(stream) {
    const present = stream.getVideoTracks()[0]?.getSettings().deviceId;
    const all = await navigator.mediaDevices.enumerateDevices();
    const cameras = all.filter(({ kind }) => kind === "videoinput");
    this.devices.replaceChildren(
      ...cameras.map(({ deviceId, label }, index) => {
        const isPresent = deviceId === present;
        return new Option(label || `Camera ${index + 1}`, deviceId, isPresent, isPresent);
      }),
    );
    const label = this.devices.closest("label");
    if (label) label.hidden = cameras.length < 2;
  }

  /** @param {Link} link */
  #watch(link) {
    const next = () => {
      if (this.link !== link || link.isOver) return;
      if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(come);
      else requestAnimationFrame(come);
    };
    const come = () => {
      if (!this.isFinishing) link.offer(this.video, ...this.size);
      next();
    };
    next();
  }

  /** @param {Shown} shown */
  #show({ picture, masks, state }) {
    this.painter.paint(picture, masks, this.effect);
    this.#take(state);
    const now = performance.now();
    this.times = [...this.times.filter((time) => now - time < PACE_MS), now];
    if (now - this.told < PACE_MS || !this.link) return;
    this.told = now;
    const latency = Math.round(this.link.latency);
    this.pace.textContent =
      `${this.times.length} frames/s · ${latency} ms behind the camera · ` +
      `${this.link.skipped} skipped`;
  }

  /** @param {CameraState} state */
  #take(state) {
    this.state = state;
    this.objects.show(state.objects);
    const { recorded, problem } = state;
    this.dialog.toggleAttribute("data-recording", recorded !== null);
    find(this.recordButton, "span", HTMLElement).textContent =
      recorded === null ? "Record" : `${Math.floor(recorded)} s`;
    this.recordButton.disabled = recorded !== null;
    this.editButton.disabled = !recorded || this.isFinishing;
    if (problem) this.#say(problem);
    else if (this.dialog.dataset.state === "on") {
      if (state.objects.length === 0) this.#say(HINT);
      else if (this.hint.textContent === HINT) this.#say("");
    }
  }

  /**
   * @param {MouseEvent} event
   * @param {boolean} isBeside
   */
  #click(event, isBeside) {
    if (!this.state || !this.link) return;
    const box = this.canvas.getBoundingClientRect();
    const positive = !(isBeside || this.beside.ariaPressed === "true");
    const object = this.objects.target;
    this.#order({
      kind: "click",
      object,
      frame: Math.max(this.state.frame, 0),
      x: ((event.clientX - box.left) / box.width) * this.canvas.width,
      y: ((event.clientY - box.top) / box.height) * this.canvas.height,
      positive,
    });
    this.objects.choose(object);
  }

  /** @param {Partial<CameraOrder> & Pick<CameraOrder, "kind">} order */
  async #order(order) {
    const { link } = this;
    if (!link) return;
    try {
      const state = await link.order({
        object: 1,
        frame: 0,
        x: 0,
        y: 0,
        positive: true,
        ...order,
      });
      if (this.link === link) this.#take(state);
    } catch (error) {
      if (this.link === link) this.#say(explain(error));
    }
  }

  async #finish() {
    const { link } = this;
    if (!link || this.isFinishing) return;
    this.isFinishing = true;
    this.editButton.disabled = true;
    this.#say("Completing the recording …");
    try {
      await link.order({ kind: "finish", object: 1, frame: 0, x: 0, y: 0, positive: true });
      this.isFinishing = false;
      this.dialog.close();
      this.recorded();
    } catch (error) {
      this.isFinishing = false;
      this.#say(explain(error));
    }
  }

  #off() {
    this.link?.close();
    this.link = null;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.state = null;
    this.dialog.dataset.state = "off";
    this.dialog.removeAttribute("data-recording");
    this.objects.reset();
    this.#setBeside(false);
    this.pace.textContent = "";
    this.canvas.getContext("2d")?.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** @param {boolean} isBeside */
  #setBeside(isBeside) {
    this.beside.ariaPressed = String(isBeside);
  }

  /** @param {string} text */
  #say(text) {
    this.hint.textContent = text;
  }

  /** @param {string} text */
  #fail(text) {
    this.#off();
    this.dialog.dataset.state = "failed";
    this.#say(text);
  }
}

/** @param {unknown} error */
function explain(error) {
  if (error instanceof DOMException) {
    if (error.name === "NotAllowedError") {
      return "The browser was not allowed to use the camera. Allow it in the address bar, and try again.";
    }
    if (error.name === "NotFoundError") return "This device has no camera that the browser knows.";
    if (error.name === "NotReadableError") {
      return "The camera is in use by another program. Close that, and try again.";
    }
  }
  return error instanceof Error ? error.message : String(error);
}
