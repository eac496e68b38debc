// Which part of the picture the stage shows, and how large it is.
//
// Lengths are CSS pixels from the stage's top left corner; `scale` is CSS pixels per row of the video.
// Its pixels need not be square: a column takes `aspect` times as much.

/** @typedef {{ x: number, y: number }} Point */

const CLOSEST = 32;
const FIT_TOLERANCE = 1.001;

export class Viewport {
  constructor() {
    this.stage = { width: 1, height: 1 };
    this.picture = { width: 1, height: 1 };
    this.aspect = 1; // width / height of a pixel of the picture
    this.scale = 1;
    this.x = 0;
    this.y = 0;
  }

  get fitScale() {
    const { stage, picture, aspect } = this;
    return Math.min(stage.width / (picture.width * aspect), stage.height / picture.height);
  }

  // CSS pixels per column of the video.
  get scaleX() {
    return this.scale * this.aspect;
  }

  // The whole picture is in sight.
  get isFit() {
    return this.scale <= this.fitScale * FIT_TOLERANCE;
  }

  get isClosest() {
    return this.scale * FIT_TOLERANCE >= this.#maxScale;
  }

  get #maxScale() {
    return Math.max(CLOSEST, 2 * this.fitScale);
  }

  /**
   * @param {number} width
   * @param {number} height
   * @param {number} [aspect] width / height of a pixel
   */
  open(width, height, aspect = 1) {
    this.picture = { width, height };
    this.aspect = aspect;
    this.fit();
  }

  /**
   * What is in the middle stays there.
   *
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    const wasFit = this.isFit;
    const middle = this.toPicture({ x: this.stage.width / 2, y: this.stage.height / 2 });
    this.stage = { width: Math.max(width, 1), height: Math.max(height, 1) };
    if (wasFit) return this.fit();
    this.x = width / 2 - middle.x * this.scaleX;
    this.y = height / 2 - middle.y * this.scale;
    return this.zoomTo(this.scale);
  }

  fit() {
    this.scale = this.fitScale;
    this.#clamp();
  }

  /**
   * The point of the picture at `at` stays there.
   *
   * @param {number} scale
   * @param {Point} at
   */
  zoomTo(scale, at = { x: this.stage.width / 2, y: this.stage.height / 2 }) {
    const held = this.toPicture(at);
    this.scale = Math.min(Math.max(scale, this.fitScale), this.#maxScale);
    this.x = at.x - held.x * this.scaleX;
    this.y = at.y - held.y * this.scale;
    this.#clamp();
  }

  /**
   * @param {number} factor
   * @param {Point} [at]
   */
  zoomBy(factor, at) {
    this.zoomTo(this.scale * factor, at);
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  panBy(x, y) {
    this.x += x;
    this.y += y;
    this.#clamp();
  }

  /** @param {Point} place on the stage */
  toPicture({ x, y }) {
    return { x: (x - this.x) / this.scaleX, y: (y - this.y) / this.scale };
  }

  /** @param {Point} place in the picture */
  toStage({ x, y }) {
    return { x: x * this.scaleX + this.x, y: y * this.scale + this.y };
  }

  // Beside the picture there is never more room than there is when all of it is shown. So it is in
  // the middle then, and zooming in holds every point of it.
  #clamp() {
    /** @type {(at: number, room: number, size: number) => number} */
    const place = (at, room, size) => {
      const beside = (room - size * this.fitScale) / 2;
      return Math.min(Math.max(at, room - size * this.scale - beside), beside);
    };
    this.x = place(this.x, this.stage.width, this.picture.width * this.aspect);
    this.y = place(this.y, this.stage.height, this.picture.height);
  }
}
