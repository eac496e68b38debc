// The part of the clip that the timeline shows: from `start` to `end`, in frames and fractions of them.

const MIN_FRAMES = 12;

export class Span {
  constructor() {
    this.numFrames = 1;
    this.start = 0;
    this.end = 1;
  }

  /** @param {number} numFrames */
  open(numFrames) {
    this.numFrames = Math.max(numFrames, 1);
    this.start = 0;
    this.end = this.numFrames;
  }

  get count() {
    return this.end - this.start;
  }

  get isZoomed() {
    return this.count < this.numFrames - 1e-6;
  }

  /**
   * Where a frame begins, as a share of the width; its middle is half a frame further.
   *
   * @param {number} frame
   */
  shareOf(frame) {
    return (frame - this.start) / this.count;
  }

  /** @param {number} share of the width */
  frameAt(share) {
    const frame = Math.floor(this.start + share * this.count);
    return Math.min(Math.max(frame, 0), this.numFrames - 1);
  }

  /**
   * Show `factor` times as many frames; what is at `share` stays where it is.
   *
   * @param {number} factor
   */
  zoom(factor, share = 0.5) {
    const anchor = this.start + share * this.count;
    const count = Math.min(
      Math.max(this.count * factor, Math.min(MIN_FRAMES, this.numFrames)),
      this.numFrames,
    );
    this.#place(anchor - share * count, count);
  }

  /** @param {number} start */
  moveTo(start) {
    this.#place(start, this.count);
  }

  /**
   * Bring a frame into sight; tells whether that took a move.
   *
   * @param {number} frame
   */
  reveal(frame) {
    if (frame >= this.start && frame + 1 <= this.end) return false;
    const isAhead = frame + 1 > this.end && frame < this.end + this.count;
    this.#place(isAhead ? frame - 0.1 * this.count : frame - 0.5 * this.count, this.count);
    return true;
  }

  /**
   * @param {number} start
   * @param {number} count
   */
  #place(start, count) {
    this.start = Math.min(Math.max(start, 0), this.numFrames - count);
    this.end = this.start + count;
  }
}
