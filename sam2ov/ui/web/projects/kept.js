// What this browser remembers: the keys of the projects that it may open, where the playhead stood
// in each, and which project this very tab has open.

import { readKept, writeKept } from "../storage.js";

const LIST = "sam2ov-projects"; // in all tabs: [{ token, frame }], the newest first
const CURRENT = "sam2ov-project"; // in this tab: a token
const MOST = 30;

/** @typedef {{ token: string, frame: number }} Entry */
/**
 * @param {unknown} entry
 * @returns {entry is Entry}
 */
function isEntry(entry) {
  if (typeof entry !== "object" || entry === null) return false;
  if (!("token" in entry && "frame" in entry)) return false;
  return typeof entry.token === "string" && Number.isInteger(entry.frame);
}

export class Kept {
  get tokens() {
    return this.#entries().map(({ token }) => token);
  }

  // The project of this tab, also after a reload.
  get current() {
    const token = readKept("sessionStorage", CURRENT);
    return typeof token === "string" ? token : null;
  }

  /** @param {string} token */
  opened(token) {
    const known = this.#entries().find((entry) => entry.token === token);
    writeKept("sessionStorage", CURRENT, token);
    this.#put([known ?? { token, frame: 0 }, ...this.#without(token)]);
  }

  // The tab has no project any more; it stays in the list.
  left() {
    writeKept("sessionStorage", CURRENT, null);
  }

  /** @param {string[]} tokens */
  forget(tokens) {
    const gone = new Set(tokens);
    if (this.current !== null && gone.has(this.current)) this.left();
    this.#put(this.#entries().filter(({ token }) => !gone.has(token)));
  }

  /** @param {string} token */
  frameOf(token) {
    return this.#entries().find((entry) => entry.token === token)?.frame ?? 0;
  }

  /**
   * @param {string} token
   * @param {number} frame
   */
  putFrame(token, frame) {
    const entries = this.#entries();
    const entry = entries.find((known) => known.token === token);
    if (!entry || entry.frame === frame) return;
    entry.frame = frame;
    this.#put(entries);
  }

  // Read anew each time: other tabs write to the same list.
  #entries() {
    const found = readKept("localStorage", LIST);
    return Array.isArray(found) ? found.filter(isEntry) : [];
  }

  /** @param {string} token */
  #without(token) {
    return this.#entries().filter((entry) => entry.token !== token);
  }

  /** @param {Entry[]} entries */
  #put(entries) {
    writeKept("localStorage", LIST, entries.slice(0, MOST));
  }
}
