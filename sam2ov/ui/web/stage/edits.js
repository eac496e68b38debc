// Edits on their way to the server: numbered, so that a snapshot tells which of them it answers, and
// shown until then as they are expected to turn out.

import { expectedMarks } from "./prompts.js";

export class Edits {
  // `send(edit)` brings one to the server.
  constructor(send) {
    this.send = send;
    this.number = 0; // of the newest
    this.answered = 0;
    this.stroke = null; // the one that is being drawn
    this.forget();
  }

  // The clip is another one.
  forget() {
    this.pending = []; // prompts that the server has not answered
    this.settling = []; // strokes that it has answered, and whose masks are not painted yet
  }

  // The server knows nothing of before; what it has not answered it never will.
  restart({ edits }) {
    this.number = this.answered = edits;
    this.pending = [];
  }

  get waiting() {
    return this.number - this.answered;
  }

  make(edit) {
    this.number += 1;
    this.send({ number: this.number, ...edit });
  }

  // Of an object on a frame: shown at once.
  prompt(edit) {
    this.make(edit);
    this.pending.push({ ...edit, number: this.number });
  }

  receive({ edits }) {
    this.answered = edits;
    const isAnswered = ({ number }) => number <= edits;
    this.settling.push(...this.#strokes().filter(isAnswered));
    this.pending = this.pending.filter((edit) => !isAnswered(edit));
  }

  // The masks in sight show all that was answered.
  settle() {
    this.settling = [];
  }

  // `points` of an object on a frame as the server knows them; gives marks.
  marks(object, frame, points) {
    const own = this.pending.filter((edit) => edit.object === object && edit.frame === frame);
    return expectedMarks(points, own);
  }

  // Strokes on a frame that no mask shows yet.
  strokesOn(frame) {
    const strokes = [...this.settling, ...this.#strokes()];
    if (this.stroke) strokes.push(this.stroke);
    return strokes.filter((stroke) => stroke.frame === frame);
  }

  #strokes() {
    return this.pending.filter(({ kind }) => kind === "brush");
  }
}
