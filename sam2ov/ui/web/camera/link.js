// The camera's pictures on their way to the server, and its masks on their way back.
//
// The newest picture is sent as soon as there is room: two are under way at most, so that one is
// sent while the other is worked on. Those that come meanwhile are skipped.

/** @import { CameraOrder, CameraState } from "../messages.js" */

import { explainAnswer } from "../answers.js";

const UNDER_WAY = 2;
const QUALITY = 0.85;
const LATENCIES = 120;

/**
 * @typedef {object} Shown
 * @property {ImageBitmap} picture
 * @property {ImageBitmap} masks
 * @property {CameraState} state
 */

export class Link {
  /**
   * @param {string} url of the tab's camera
   * @param {object} to
   * @param {(shown: Shown) => void} to.show gets pictures with their masks, in order
   * @param {(text: string) => void} to.failed is told once why nothing comes any more
   */
  constructor(url, { show, failed }) {
    this.url = url;
    this.show = show;
    this.failed = failed;
    this.sent = 0;
    this.shown = 0;
    this.underWay = 0;
    this.skipped = 0;
    this.pending = 0; // skipped since the last one that was sent
    /** @type {number[]} */
    this.latencies = []; // from capture to being shown, in ms, lately
    this.isOver = false;
    this.canvas = document.createElement("canvas");
  }

  async begin() {
    await this.#post("begin", null);
  }

  /**
   * Send the picture that a video shows, if there is room.
   *
   * @param {HTMLVideoElement} video
   * @param {number} width
   * @param {number} height
   */
  async offer(video, width, height) {
    if (this.isOver) return;
    if (this.underWay >= UNDER_WAY) {
      this.skipped += 1;
      this.pending += 1;
      return;
    }
    this.underWay += 1;
    const captured = performance.now();
    const number = (this.sent += 1);
    const dropped = this.pending;
    this.pending = 0;
    try {
      const { canvas } = this;
      canvas.width = width;
      canvas.height = height;
      canvas.getContext("2d")?.drawImage(video, 0, 0, width, height);
      const [picture, jpeg] = await Promise.all([createImageBitmap(canvas), toJpeg(canvas)]);
      const answer = await this.#post(`picture?dropped=${dropped}`, jpeg);
      const masks = await createImageBitmap(await answer.blob());
      if (number > this.shown && !this.isOver) {
        this.shown = number;
        this.latencies.push(performance.now() - captured);
        if (this.latencies.length > LATENCIES) this.latencies.shift();
        this.show({ picture, masks, state: JSON.parse(answer.headers.get("X-Camera") ?? "{}") });
      }
      picture.close();
      masks.close();
    } catch (error) {
      if (!this.isOver) {
        this.isOver = true;
        this.failed(error instanceof Error ? error.message : String(error));
      }
    } finally {
      this.underWay -= 1;
    }
  }

  /**
   * @param {CameraOrder} order
   * @returns {Promise<CameraState>}
   */
  async order(order) {
    return (await this.#post("order", JSON.stringify(order))).json();
  }

  // Nothing is sent or shown any more.
  close() {
    this.isOver = true;
    // The page may be on its way out: this is sent all the same.
    navigator.sendBeacon(`${this.url}/order`, JSON.stringify({ kind: "leave" }));
  }

  get latency() {
    const sorted = [...this.latencies].sort((a, b) => a - b);
    return sorted.length ? sorted[sorted.length >> 1] : 0;
  }

  /**
   * @param {string} what
   * @param {Blob | string | null} body
   */
  async #post(what, body) {
    let response;
    try {
      response = await fetch(`${this.url}/${what}`, { method: "POST", body });
    } catch {
      throw new Error("The server cannot be reached. Check that it is running.");
    }
    if (response.ok) return response;
    if (response.status === 404) throw new Error("The server has forgotten this page. Reload it.");
    const type = response.headers.get("Content-Type");
    throw new Error(explainAnswer(response.status, type, await response.text()));
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {Promise<Blob>}
 */
function toJpeg(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("The picture cannot be encoded."))),
      "image/jpeg",
      QUALITY,
    );
  });
}
