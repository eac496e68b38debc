// Frames and masks of the open clip: fetched, decoded, and kept within a budget.
//
// Both come in levels: "proxy" to find one's way, "view" fits a screen, "full" has the video's pixels.
// What is wanted is said anew with each move of the playhead; requests under way are let finish, and
// of everything else the newest wish wins. Masks are kept as they come, and decoded with the colours
// of the present looks.

import { Cache } from "./cache.js";
import { Requests } from "./requests.js";

const SMALL_BUDGET_BYTES = 96 * 2 ** 20;
const FRAME_BUDGET_BYTES = 128 * 2 ** 20;
const MASK_BUDGET_BYTES = 96 * 2 ** 20;
const PNG_BUDGET_BYTES = 64 * 2 ** 20;
const LEVELS = ["proxy", "view", "full"];
// Browsers open six connections to a server; one belongs to Gradio.
const AT_ONCE = { near: 2, run: 2, picture: 1, neighbour: 1, masks: 1 };
const RUN = 8; // frames that come in one answer
const RUNS_AHEAD = 3;
const NEIGHBOURS = 5;

const keyOf = (frame, level) => `${frame} ${level}`;

export class Media {
  // `looks` decodes masks; `onReady(frame)` hears of every frame of which there is something new.
  constructor(root, looks, onReady, onError) {
    this.root = root;
    this.looks = looks;
    this.onReady = onReady;
    this.onError = onError;
    this.pictures = {
      proxy: new Cache(SMALL_BUDGET_BYTES),
      view: new Cache(FRAME_BUDGET_BYTES),
      full: new Cache(FRAME_BUDGET_BYTES),
    };
    this.masks = new Cache(MASK_BUDGET_BYTES);
    this.pngs = new Cache(PNG_BUDGET_BYTES, ({ png }) => png.length);
    this.hasMasks = () => false;
    this.level = "view";
    this.epoch = 0; // of the clip
    this.revision = 0; // of the masks
    this.#forget();
  }

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
  }

  // The looks have changed: what is there is decoded anew, nothing is fetched.
  relook() {
    this.masks.clear();
    this.#next();
  }

  // How closely the frame at the playhead is looked at: "view" or "full".
  setLevel(level) {
    if (level === this.level) return;
    this.level = level;
    this.#next();
  }

  async putMasks(frame, base64, objects) {
    const revision = ++this.revision; // what is on its way is older
    const png = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    for (const level of LEVELS) this.#dropMasks(keyOf(frame, level));
    await this.#takeMasks(keyOf(frame, "view"), { png, objects }, this.epoch, revision);
    if (revision !== this.revision) return;
    this.onReady(frame);
    this.#next();
  }

  hasPicture(frame) {
    return LEVELS.some((level) => this.pictures[level].has(frame));
  }

  // Whether a frame can be painted with all that belongs to it, be it small.
  isReady(frame) {
    return this.hasPicture(frame) && this.#hasMasksFrom(frame, "proxy");
  }

  // The sharpest of what is there: { picture, masks, level }; `masks` may be missing.
  get(frame) {
    const levels = [...LEVELS].reverse();
    const level = levels.find((one) => this.pictures[one].has(frame));
    const masks = levels.map((one) => this.masks.get(keyOf(frame, one))).find(Boolean);
    return { picture: this.pictures[level].get(frame), masks, level };
  }

  // Say where the playhead is and what it does: "moving", "resting", "settled" (its neighbours are
  // likely to be next) or "playing". `step` is the direction; while playing, every so many frames
  // are shown.
  want(frame, mode, step, wrapTo = null) {
    if (frame !== this.focus.frame) this.failed.clear(); // going to a frame again tries again
    this.focus = { frame, mode, step, wrapTo };
    this.#next();
  }

  #forget() {
    this.focus = { frame: 0, mode: "resting", step: 1, wrapTo: null };
    this.loading = new Map(); // requests of the clip before end in their own map
    this.inFlight = Object.fromEntries(Object.keys(AT_ONCE).map((kind) => [kind, 0]));
    this.failed = new Set();
  }

  // What there is to do, the most urgent first: [kind, frame, level]
  *#jobs() {
    const { frame, mode, step } = this.focus;
    if (!this.requests) return; // no clip is open
    if (mode === "playing") {
      yield* this.#runs();
      return;
    }
    if (!this.hasPicture(frame)) yield ["near", frame, "proxy"];
    if (!this.#hasMasksFrom(frame, "view")) yield ["masks", frame, "view"];
    if (mode === "moving") return;
    if (!this.#hasPictureFrom(frame, "view")) yield ["picture", frame, "view"];
    if (this.level === "full") {
      if (!this.#hasPictureFrom(frame, "full")) yield ["picture", frame, "full"];
      if (!this.#hasMasksFrom(frame, "full")) yield ["masks", frame, "full"];
    }
    if (mode !== "settled" || !this.#hasPictureFrom(frame, "view")) return;
    for (let i = 1; i <= NEIGHBOURS; i += 1) {
      const next = frame + i * step;
      if (next < 0 || next >= this.numFrames) break;
      if (!this.#hasPictureFrom(next, "view")) yield ["neighbour", next, "view"];
      if (!this.#hasMasksFrom(next, "view")) yield ["masks", next, "view"];
    }
  }

  *#runs() {
    const { frame, step, wrapTo } = this.focus;
    const isMissing = (wanted) => wanted < this.numFrames && !this.isReady(wanted);
    // Runs begin at multiples of their length, so that the next move asks for the same ones.
    const length = RUN * step;
    let first = frame - (frame % length);
    for (let i = 0; i < RUNS_AHEAD; i += 1, first += length) {
      let from = first + (i === 0 ? Math.floor((frame - first) / step) * step : 0);
      while (from < first + length && !isMissing(from)) from += step;
      if (from < first + length && from < this.numFrames) yield ["run", first, step, from];
    }
    if (wrapTo !== null && isMissing(wrapTo)) yield ["run", wrapTo, step, wrapTo];
  }

  #hasPictureFrom(frame, level) {
    return LEVELS.slice(LEVELS.indexOf(level)).some((one) => this.pictures[one].has(frame));
  }

  #hasMasksFrom(frame, level) {
    if (!this.hasMasks(frame)) return true;
    return LEVELS.slice(LEVELS.indexOf(level)).some((one) => this.masks.has(keyOf(frame, one)));
  }

  #next() {
    for (const [kind, frame, level, from] of this.#jobs()) {
      const key = `${kind} ${frame} ${level} ${from ?? ""}`;
      if (this.inFlight[kind] >= AT_ONCE[kind]) continue;
      if (this.loading.has(key) || this.failed.has(key)) continue;
      this.#start(kind, key, () => this.#load(kind, frame, level, from));
    }
  }

  async #start(kind, key, load) {
    const { epoch, loading, inFlight } = this;
    loading.set(key, true);
    inFlight[kind] += 1;
    try {
      const frame = await load();
      // Once is enough, also where what came is another frame, or outdated already.
      if (kind === "near" && epoch === this.epoch) this.failed.add(key);
      if (frame !== null && epoch === this.epoch) this.onReady(frame);
    } catch (error) {
      if (epoch !== this.epoch) return;
      this.failed.add(key);
      if (kind !== "near") this.onError(Number(key.split(" ")[1]), error);
    } finally {
      loading.delete(key);
      inFlight[kind] -= 1;
      if (epoch === this.epoch) this.#next();
    }
  }

  // Fetch and keep; gives the frame of which there is something new, or null.
  async #load(kind, frame, level, from) {
    const { epoch, revision, requests } = this;
    const isPresent = () => epoch === this.epoch;
    if (kind === "picture" || kind === "neighbour") {
      const picture = await requests.picture(frame, level);
      if (!isPresent()) return null;
      this.pictures[level].set(frame, picture);
      return frame;
    }
    if (kind === "near") {
      const { shown, picture } = await requests.near(frame);
      if (!isPresent()) return null;
      this.pictures.proxy.set(shown, picture);
      return shown;
    }
    if (kind === "masks") {
      const key = keyOf(frame, level);
      const masks = this.pngs.get(key) ?? (await requests.masks(frame, level));
      if (!isPresent() || revision !== this.revision) return null;
      await this.#takeMasks(key, masks, epoch, revision);
      return frame;
    }
    const count = RUN - (from - frame) / level; // a run's level is its step
    const withMasks = Array.from({ length: count }, (_, i) => from + i * level).some(this.hasMasks);
    const parts = await requests.run(from, count, level, withMasks);
    if (!isPresent()) return null;
    for (const part of parts) this.pictures.proxy.set(part.frame, part.picture);
    if (revision !== this.revision) return null;
    await Promise.all(
      parts
        .filter(({ masks }) => masks)
        .map((part) => this.#takeMasks(keyOf(part.frame, "proxy"), part.masks, epoch, revision)),
    );
    return from;
  }

  #dropMasks(key) {
    this.pngs.delete(key);
    this.masks.delete(key);
  }

  async #takeMasks(key, masks, epoch, revision) {
    const { version } = this.looks;
    this.pngs.set(key, masks);
    const bitmap = await this.looks.decode(masks);
    const isPresent = epoch === this.epoch && revision === this.revision;
    if (isPresent && version === this.looks.version) this.masks.set(key, bitmap);
    else bitmap.close();
  }
}
