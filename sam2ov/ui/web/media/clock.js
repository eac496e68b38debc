// When frames are shown: at an even rate, or at times of their own.

export class Clock {
  constructor(fps = 25, numFrames = 1) {
    this.fps = fps;
    this.numFrames = numFrames;
    /**
     * Seconds, one more than frames, of a clip without a rate.
     *
     * @type {Float64Array | null}
     */
    this.times = null;
  }

  /**
   * Fetch the times of a clip whose frames are not evenly spaced; the rate will do until then.
   *
   * @param {string} url
   */
  async fetchTimes(url) {
    const response = await fetch(url);
    if (response.status !== 200) return; // 204: evenly spaced
    const times = new Float64Array(await response.arrayBuffer());
    if (times.length === this.numFrames + 1) this.times = times;
  }

  /**
   * Seconds from the first frame to `frame`; the number of frames itself gives the clip's length.
   *
   * @param {number} frame
   */
  timeOf(frame) {
    if (!this.times) return frame / this.fps;
    return this.times[Math.min(Math.max(frame, 0), this.numFrames)];
  }

  /**
   * The frame on screen at a time.
   *
   * @param {number} seconds
   */
  frameAt(seconds) {
    if (!this.times) return this.#clamp(Math.floor(seconds * this.fps + 1e-6));
    let low = 0;
    let high = this.numFrames;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.times[middle] <= seconds + 1e-9) low = middle;
      else high = middle;
    }
    return low;
  }

  /** @param {number} frame */
  #clamp(frame) {
    return Math.min(Math.max(frame, 0), this.numFrames - 1);
  }
}
