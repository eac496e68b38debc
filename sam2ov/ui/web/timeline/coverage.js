// On which frames each object has masks. Playing asks for many frames at each picture, so what the
// server says is read when it changes, not when it is asked for.

/** @import { ObjectView } from "../messages.js" */
/** @import { Range } from "./ranges.js" */

import { contains, parseRanges } from "./ranges.js";

/** @typedef {{ text: string, ranges: Range[] }} Read */

/**
 * @typedef {object} Known of an object
 * @property {ObjectView["prompts"]} prompts
 * @property {Read} tracked
 * @property {Read} stale
 */

/** @type {Read} */
const NO_FRAMES = { text: "", ranges: [] };

export class Coverage {
  constructor(parse = parseRanges) {
    this.parse = parse;
    /** @type {Map<number, Known>} */
    this.known = new Map();
  }

  /** @param {Pick<ObjectView, "id" | "prompts" | "tracked" | "stale">[]} objects of a snapshot */
  receive(objects) {
    const before = this.known;
    this.known = new Map();
    for (const { id, prompts, tracked, stale } of objects) {
      const last = before.get(id);
      this.known.set(id, {
        prompts,
        tracked: this.#read(tracked, last?.tracked),
        stale: this.#read(stale, last?.stale),
      });
    }
  }

  /** @param {number} frame */
  hasMasks(frame) {
    for (const { prompts, tracked, stale } of this.known.values()) {
      if (frame in prompts) return true;
      if (contains(tracked.ranges, frame) || contains(stale.ranges, frame)) return true;
    }
    return false;
  }

  /**
   * Where an object is tracked, and where it is from prompts that have changed since.
   *
   * @param {number} id
   */
  of(id) {
    const { tracked, stale } = this.known.get(id) ?? { tracked: NO_FRAMES, stale: NO_FRAMES };
    return { tracked: tracked.ranges, stale: stale.ranges };
  }

  /**
   * @param {string} text
   * @param {Read} last
   * @returns {Read}
   */
  #read(text, last = NO_FRAMES) {
    return text === last.text ? last : { text, ranges: this.parse(text) };
  }
}
