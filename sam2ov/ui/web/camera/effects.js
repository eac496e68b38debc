// What is shown of a picture and its masks, drawn onto a canvas.

/** @typedef {"overlay" | "cut_out" | "blur" | "green" | "plain"} Effect */

const EFFECTS = ["overlay", "cut_out", "blur", "green", "plain"];
const OPACITY = 0.5;
const GREEN = "#00b140";
const BLUR_SHARE = 1 / 28; // a picture as small as this, and enlarged again, is out of focus

/**
 * @param {string | undefined} name
 * @returns {name is Effect}
 */
export function isEffect(name) {
  return name !== undefined && EFFECTS.includes(name);
}

export class Painter {
  /** @param {HTMLCanvasElement} canvas that is seen */
  constructor(canvas) {
    this.canvas = canvas;
    this.cut = document.createElement("canvas");
    this.small = document.createElement("canvas");
    this.middle = document.createElement("canvas");
    this.large = document.createElement("canvas");
  }

  /**
   * @param {ImageBitmap} picture
   * @param {ImageBitmap} masks clear where no object is
   * @param {Effect} effect
   */
  paint(picture, masks, effect) {
    const { canvas } = this;
    const { width, height } = picture;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const context = contextOf(canvas);
    context.globalAlpha = 1;
    switch (effect) {
      case "plain":
        context.drawImage(picture, 0, 0);
        break;
      case "overlay":
        context.drawImage(picture, 0, 0);
        context.globalAlpha = OPACITY;
        context.drawImage(masks, 0, 0, width, height);
        break;
      case "blur":
        context.drawImage(this.#blurred(picture), 0, 0, width, height);
        context.drawImage(this.#cutOut(picture, masks), 0, 0);
        break;
      case "green":
        context.fillStyle = GREEN;
        context.fillRect(0, 0, width, height);
        context.drawImage(this.#cutOut(picture, masks), 0, 0);
        break;
      case "cut_out":
        context.clearRect(0, 0, width, height);
        context.drawImage(this.#cutOut(picture, masks), 0, 0);
        break;
    }
  }

  /**
   * @param {ImageBitmap} picture
   * @param {ImageBitmap} masks
   */
  #cutOut(picture, masks) {
    const { cut } = this;
    cut.width = picture.width; // which clears it
    cut.height = picture.height;
    const context = contextOf(cut);
    context.drawImage(masks, 0, 0, cut.width, cut.height);
    context.globalCompositeOperation = "source-in";
    context.drawImage(picture, 0, 0);
    return cut;
  }

  /** @param {ImageBitmap} picture */
  #blurred(picture) {
    /** @type {ImageBitmap | HTMLCanvasElement} */
    let from = picture;
    // Enlarged in steps, or its pixels would be seen. Not every browser's canvas has filters.
    for (const [canvas, share] of /** @type {const} */ ([
      [this.small, BLUR_SHARE],
      [this.middle, BLUR_SHARE * 3],
      [this.large, BLUR_SHARE * 9],
    ])) {
      canvas.width = Math.max(Math.round(picture.width * share), 1);
      canvas.height = Math.max(Math.round(picture.height * share), 1);
      const context = contextOf(canvas);
      context.imageSmoothingQuality = "high";
      context.drawImage(from, 0, 0, canvas.width, canvas.height);
      from = canvas;
    }
    return from;
  }
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser has no canvas.");
  return context;
}
