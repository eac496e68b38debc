// Edits on their way to the server: numbered, so that a snapshot tells which of them it answers, and
// shown until then as they are expected to turn out.

/** @import { Edit, Box, Brush, Click, DeletePoint, MovePoint, PromptView, Snapshot } from "../messages.js" */

import { expectedMarks } from "./prompts.js";

/**
 * Each kind of edit without some of its fields.
 *
 * @template E
 * @template {PropertyKey} K
 * @typedef {E extends unknown ? Omit<E, K> : never} Without
 */

/** @typedef {Without<Edit, "clip">} NumberedEdit */
/** @typedef {Without<Edit, "clip" | "number">} NewEdit */
/** @typedef {Without<Click | Box | Brush | MovePoint | DeletePoint, "clip" | "number">} PromptEdit */
/** @typedef {PromptEdit & { number: number }} Pending */
/** @typedef {Without<Brush, "clip" | "number" | "kind">} FrameStroke on a frame */

export class Edits {
  /** @param {(edit: NumberedEdit) => void} send brings one to the server */
  constructor(send) {
    this.send = send;
    this.number = 0; // of the newest
    this.answered = 0;
    /** @type {FrameStroke | null} */
    this.stroke = null; // the one that is being drawn
    this.isHeld = false; // the server is away: edits are kept
    /** @type {NumberedEdit[]} */
    this.unanswered = []; // in order
    /** @type {Pending[]} */
    this.pending = []; // prompts that the server has not answered
    /** @type {FrameStroke[]} */
    this.settling = []; // strokes that it has answered, and whose masks are not painted yet
  }

  // The clip is another one.
  forget() {
    this.pending = [];
    this.unanswered = [];
    this.settling = [];
  }

  /**
   * The server knows nothing of before; what it has not answered it never will.
   *
   * @param {Pick<Snapshot, "edits">} snapshot
   */
  restart({ edits }) {
    this.number = this.answered = edits;
    this.pending = [];
    this.unanswered = [];
  }

  /**
   * What the server has not answered, to be made again where it never will.
   *
   * @returns {NewEdit[]}
   */
  unsent() {
    return this.unanswered.map(({ number, ...edit }) => edit);
  }

  /**
   * Make an edit again that a server has not answered.
   *
   * @param {NewEdit} edit
   */
  repeat(edit) {
    switch (edit.kind) {
      case "click":
      case "box":
      case "brush":
      case "move_point":
      case "delete_point":
        return this.prompt(edit);
      default:
        return this.make(edit);
    }
  }

  // The server does not answer: what is done until it is back is kept.
  hold() {
    this.isHeld = true;
  }

  // It is back, and knows which of these it has done already.
  release() {
    this.isHeld = false;
    for (const edit of this.unanswered) this.send(edit);
  }

  get waiting() {
    return this.number - this.answered;
  }

  /** @param {NewEdit} edit */
  make(edit) {
    this.number += 1;
    const numbered = { number: this.number, ...edit };
    this.unanswered.push(numbered);
    if (!this.isHeld) this.send(numbered);
  }

  /**
   * Of an object on a frame: shown at once.
   *
   * @param {PromptEdit} edit
   */
  prompt(edit) {
    this.make(edit);
    this.pending.push({ ...edit, number: this.number });
  }

  /** @param {Pick<Snapshot, "edits">} snapshot */
  receive({ edits }) {
    this.answered = edits;
    this.unanswered = this.unanswered.filter(({ number }) => number > edits);
    /** @type {(edit: { number: number }) => boolean} */
    const isAnswered = ({ number }) => number <= edits;
    this.settling.push(...this.#strokes().filter(isAnswered));
    this.pending = this.pending.filter((edit) => !isAnswered(edit));
  }

  // The masks in sight show all that was answered.
  settle() {
    this.settling = [];
  }

  /**
   * The marks of an object on a frame.
   *
   * @param {number} object
   * @param {number | null} frame
   * @param {PromptView["points"]} points as the server knows them
   */
  marks(object, frame, points) {
    const own = this.pending.filter((edit) => edit.object === object && edit.frame === frame);
    return expectedMarks(points, own);
  }

  /**
   * Strokes on a frame that no mask shows yet.
   *
   * @param {number | null} frame
   */
  strokesOn(frame) {
    /** @type {FrameStroke[]} */
    const strokes = [...this.settling, ...this.#strokes()];
    if (this.stroke) strokes.push(this.stroke);
    return strokes.filter((stroke) => stroke.frame === frame);
  }

  #strokes() {
    return this.pending.filter((edit) => edit.kind === "brush");
  }
}
