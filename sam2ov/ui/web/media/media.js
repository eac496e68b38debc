// Frames and masks of the open clip: fetched, decoded, and kept within a budget.
//
// Both come in levels: "proxy" to find one's way, "view" fits a screen, "full" has the video's pixels.
// What is wanted is said anew with each move of the playhead; requests under way are let finish, and
// of everything else the newest wish wins. Masks are kept as they come, and decoded with the colours
// of the present looks.

/** @import { Looks } from "./looks.js" */
/** @import { Level, Masks } from "./requests.js" */

import { Cache, bitmapCache } from "./cache.js";
import { LookRefusedError, Requests } from "./requests.js";

const SMALL_BUDGET_BYTES = 96 * 2 ** 20;
const FRAME_BUDGET_BYTES = 128 * 2 ** 20;
const MASK_BUDGET_BYTES = 96 * 2 ** 20;
const PNG_BUDGET_BYTES = 64 * 2 ** 20;
/** @type {Level[]} */
const LEVELS = ["proxy", "view", "full"];
// Browsers open six connections to a server; one belongs to Gradio.
/** @type {Record<Kind, number>} */
const AT_ONCE = { near: 2, run: 2, picture: 1, neighbour: 1, masks: 1 };
const RUN = 8; // frames that come in one answer
const RUNS_AHEAD = 3;
const NEIGHBOURS = 5;

/** @typedef {"moving" | "resting" | "settled" | "playing"} Mode */
/** @typedef {"near" | "picture" | "neighbour" | "masks" | "run"} Kind */

/**
 * @typedef {object} Single something of one frame
 * @property {Exclude<Kind, "run">} kind
 * @property {number} frame
 * @property {Level} level
 */

/**
 * @typedef {object} Run small pictures of every `step`th frame from `first` on; those before `from`
 *   are there
 * @property {"run"} kind
 * @property {number} first
 * @property {number} step
 * @property {number} from
 */

/** @type {{ frame: number, mode: Mode, step: number, wrapTo: number | null }} */
const START = { frame: 0, mode: "resting", step: 1, wrapTo: null };
/** @type {Record<Kind, number>} */
const NONE = { near: 0, run: 0, picture: 0, neighbour: 0, masks: 0 };

/** @type {(frame: number, level: Level) => string} */
const keyOf = (frame, level) => `${frame} ${level}`;

export class Media {
  /**
   * @param {string} root
   * @param {Looks} looks decode masks
   * @param {(frame: number) => void} onReady hears of every frame of which there is something new
   * @param {(frame: number, reason: string) => void} onError hears of what cannot be shown; `reason`
   *   may be empty
   */
  constructor(root, looks, onReady, onError) {
    this.root = root;
    this.looks = looks;
    this.onReady = onReady;
    this.onError = onError;
    /** @type {Record<Level, Cache<number, ImageBitmap>>} */
    this.pictures = {
      proxy: bitmapCache(SMALL_BUDGET_BYTES),
      view: bitmapCache(FRAME_BUDGET_BYTES),
      full: bitmapCache(FRAME_BUDGET_BYTES),
    };
    /** @type {Cache<string, ImageBitmap>} */
    this.masks = bitmapCache(MASK_BUDGET_BYTES);
    /** @type {Cache<string, Masks>} */
    this.pngs = new Cache(PNG_BUDGET_BYTES, ({ png }) => png.length);
    /** @type {(frame: number) => boolean} */
    this.hasMasks = () => false;
    /** @type {Requests | null} */
    this.requests = null;
    this.numFrames = 0;
    /** @type {Level} */
    this.level = "view";
    this.epoch = 0; // of the clip
    this.revision = 0; // of the masks
    this.focus = START;
    /** @type {number[]} */
    this.around = []; // frames by their distance whose masks are wanted beside those in sight
    /** @type {Set<string>} */
    this.loading = new Set();
    this.inFlight = { ...NONE };
    /** @type {Set<string>} */
    this.failed = new Set();
  }

  /**
   * @param {string} token
   * @param {number} numFrames
   */
  open(token, numFrames) {
    this.epoch += 1;
    this.requests = new Requests(`${this.root}/media/${token}`);
    this.numFrames = numFrames;
    this.level = "view";
    for (const level of LEVELS) this.pictures[level].clear();
    this.#forget();
    this.forgetMasks();
  }

  close() {
    this.epoch += 1;
    this.requests = null;
    for (const level of LEVELS) this.pictures[level].clear();
    this.#forget();
    this.forgetMasks();
  }

  forgetMasks() {
    this.revision += 1;
    this.masks.clear();
    this.pngs.clear();
    this.failed.clear(); // what is asked for now is something else
  }

  // The looks have changed: what is there is decoded anew; what the server draws, it draws again.
  relook() {
    if (this.looks.live) this.forgetMasks();
    else this.masks.clear();
    this.failed.clear();
    this.#next();
  }

  /**
   * How closely the frame at the playhead is looked at.
   *
   * @param {"view" | "full"} level
   */
  setLevel(level) {
    if (level === this.level) return;
    this.level = level;
    this.#next();
  }

  /**
   * @param {number} frame
   * @param {string} base64 a PNG
   * @param {Masks["objects"]} objects
   */
  async putMasks(frame, base64, objects) {
    const revision = ++this.revision; // what is on its way is older
    const png = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    for (const level of LEVELS) this.#dropMasks(keyOf(frame, level));
    if (this.looks.live) return this.#next(); // the server draws them
    const masks = { png, objects, look: "" };
    await this.#takeMasks(keyOf(frame, "view"), masks, this.epoch, revision);
    if (revision !== this.revision) return undefined;
    this.onReady(frame);
    return this.#next();
  }

  /** @param {number} frame */
  hasPicture(frame) {
    return LEVELS.some((level) => this.pictures[level].has(frame));
  }

  /**
   * Whether a frame can be painted with all that belongs to it, be it small.
   *
   * @param {number} frame
   */
  isReady(frame) {
    return this.hasPicture(frame) && this.#hasMasksFrom(frame, "proxy");
  }

  /**
   * The sharpest of what is there, or null where there is no picture; `masks` may be missing.
   *
   * @param {number} frame
   */
  get(frame) {
    const levels = [...LEVELS].reverse();
    const masks = levels.map((one) => this.masks.get(keyOf(frame, one))).find(Boolean);
    for (const level of levels) {
      const picture = this.pictures[level].get(frame);
      if (picture) return { picture, masks, level };
    }
    return null;
  }

  /**
   * The masks of a frame as they came, or undefined.
   *
   * @param {number} frame
   */
  masksOf(frame) {
    const known = LEVELS.map((one) => this.pngs.get(keyOf(frame, one)));
    return known.find((masks) => masks?.look === "");
  }

  /**
   * Say where the playhead is and what it does; once it has settled, its neighbours are likely to be
   * next.
   *
   * @param {number} frame
   * @param {Mode} mode
   * @param {number} step the direction; while playing, every so many frames are shown, backwards
   *   below 0
   * @param {number | null} wrapTo where playing goes on at the end
   */
  want(frame, mode, step, wrapTo = null) {
    if (frame !== this.focus.frame) this.failed.clear(); // going to a frame again tries again
    this.focus = { frame, mode, step, wrapTo };
    this.#next();
  }

  #forget() {
    this.focus = START;
    this.loading = new Set(); // requests of the clip before end in their own set
    this.inFlight = { ...NONE };
    this.failed = new Set();
  }

  /**
   * What there is to do, the most urgent first.
   *
   * @returns {Generator<Single | Run>}
   */
  *#jobs() {
    const { frame, mode, step } = this.focus;
    if (mode === "playing") {
      yield* this.#runs();
      return;
    }
    if (!this.hasPicture(frame)) yield { kind: "near", frame, level: "proxy" };
    if (!this.#hasMasksFrom(frame, "view")) yield { kind: "masks", frame, level: "view" };
    if (mode === "moving") return;
    if (!this.#hasPictureFrom(frame, "view")) yield { kind: "picture", frame, level: "view" };
    if (this.level === "full") {
      if (!this.#hasPictureFrom(frame, "full")) yield { kind: "picture", frame, level: "full" };
      if (!this.#hasMasksFrom(frame, "full")) yield { kind: "masks", frame, level: "full" };
    }
    for (const by of this.around) {
      const next = frame + by;
      const isThere = next < 0 || next >= this.numFrames || this.masksOf(next);
      if (!isThere && this.hasMasks(next)) yield { kind: "masks", frame: next, level: "view" };
    }
    if (mode !== "settled" || !this.#hasPictureFrom(frame, "view")) return;
    for (let i = 1; i <= NEIGHBOURS; i += 1) {
      const next = frame + i * step;
      if (next < 0 || next >= this.numFrames) break;
      if (!this.#hasPictureFrom(next, "view")) {
        yield { kind: "neighbour", frame: next, level: "view" };
      }
      if (!this.#hasMasksFrom(next, "view")) yield { kind: "masks", frame: next, level: "view" };
    }
  }

  /** @returns {Generator<Run>} */
  *#runs() {
    const { frame, step, wrapTo } = this.focus;
    const stride = Math.abs(step);
    /** @type {(wanted: number) => boolean} */
    const isMissing = (wanted) => wanted < this.numFrames && !this.isReady(wanted);
    // Runs begin at multiples of their length, so that the next move asks for the same ones.
    const length = RUN * stride;
    let first = frame - (frame % length);
    for (let i = 0; i < RUNS_AHEAD && first >= 0; i += 1, first += step > 0 ? length : -length) {
      const isPresent = i === 0 && step > 0;
      let from = first + (isPresent ? Math.floor((frame - first) / stride) * stride : 0);
      while (from < first + length && !isMissing(from)) from += stride;
      if (from < first + length && from < this.numFrames) {
        yield { kind: "run", first, step: stride, from };
      }
    }
    if (wrapTo !== null && isMissing(wrapTo)) {
      yield { kind: "run", first: wrapTo, step: stride, from: wrapTo };
    }
  }

  /**
   * @param {number} frame
   * @param {Level} level or a sharper one
   */
  #hasPictureFrom(frame, level) {
    return LEVELS.slice(LEVELS.indexOf(level)).some((one) => this.pictures[one].has(frame));
  }

  /**
   * @param {number} frame
   * @param {Level} level or a sharper one
   */
  #hasMasksFrom(frame, level) {
    if (!this.looks.live && !this.hasMasks(frame)) return true; // effects may be for all else
    return LEVELS.slice(LEVELS.indexOf(level)).some((one) => this.masks.has(keyOf(frame, one)));
  }

  #next() {
    const { requests } = this;
    if (!requests) return; // no clip is open
    for (const job of this.#jobs()) {
      const key = Object.values(job).join(" ");
      if (this.inFlight[job.kind] >= AT_ONCE[job.kind]) continue;
      if (this.loading.has(key) || this.failed.has(key)) continue;
      this.#start(job, key, requests);
    }
  }

  /**
   * @param {Single | Run} job
   * @param {string} key
   * @param {Requests} requests
   */
  async #start(job, key, requests) {
    const { kind } = job;
    const { epoch, loading, inFlight } = this;
    const look = this.looks.wanted;
    loading.add(key);
    inFlight[kind] += 1;
    try {
      const frame =
        job.kind === "run" ? await this.#loadRun(job, requests) : await this.#load(job, requests);
      // Once is enough, also where what came is another frame, or outdated already.
      if (kind === "near" && epoch === this.epoch) this.failed.add(key);
      if (frame !== null && epoch === this.epoch) this.onReady(frame);
    } catch (error) {
      if (epoch !== this.epoch) return;
      if (look !== this.looks.wanted) return; // nobody asks for it any more
      this.failed.add(key);
      const reason = error instanceof LookRefusedError ? error.message : "";
      if (kind !== "near") this.onError(job.kind === "run" ? job.first : job.frame, reason);
    } finally {
      loading.delete(key);
      inFlight[kind] -= 1;
      if (epoch === this.epoch) this.#next();
    }
  }

  /**
   * Fetch and keep; gives the frame of which there is something new, or null.
   *
   * @param {Single} job
   * @param {Requests} requests
   */
  async #load({ kind, frame, level }, requests) {
    const { epoch, revision } = this;
    const isPresent = () => epoch === this.epoch;
    if (kind === "near") {
      const { shown, picture } = await requests.near(frame);
      if (!isPresent()) return null;
      this.pictures.proxy.set(shown, picture);
      return shown;
    }
    if (kind === "masks") {
      const key = keyOf(frame, level);
      const known = this.pngs.get(key);
      const { wanted } = this.looks;
      const masks = known?.look === wanted ? known : await requests.masks(frame, level, wanted);
      if (!masks || !isPresent() || revision !== this.revision) return null;
      await this.#takeMasks(key, masks, epoch, revision);
      return frame;
    }
    const picture = await requests.picture(frame, level);
    if (!isPresent() || !picture) return null;
    this.pictures[level].set(frame, picture);
    return frame;
  }

  /**
   * The same for a run.
   *
   * @param {Run} job
   * @param {Requests} requests
   */
  async #loadRun({ first, step, from }, requests) {
    const { epoch, revision } = this;
    const count = RUN - (from - first) / step;
    const frames = Array.from({ length: count }, (_, i) => from + i * step);
    const { wanted } = this.looks;
    const parts = await requests.run(from, count, step, frames.some(this.hasMasks), wanted);
    if (epoch !== this.epoch) return null;
    for (const part of parts) this.pictures.proxy.set(part.frame, part.picture);
    if (revision !== this.revision) return null;
    await Promise.all(
      parts.map(
        ({ frame, masks }) =>
          masks && this.#takeMasks(keyOf(frame, "proxy"), masks, epoch, revision),
      ),
    );
    return from;
  }

  /** @param {string} key */
  #dropMasks(key) {
    this.pngs.delete(key);
    this.masks.delete(key);
  }

  /**
   * @param {string} key
   * @param {Masks} masks
   * @param {number} epoch
   * @param {number} revision
   */
  async #takeMasks(key, masks, epoch, revision) {
    const { version } = this.looks;
    this.pngs.set(key, masks);
    const bitmap = await this.looks.decode(masks);
    const isPresent = epoch === this.epoch && revision === this.revision;
    if (isPresent && version === this.looks.version) this.masks.set(key, bitmap);
    else bitmap.close();
  }
}
