// Canvases as sharp as the screen.

/**
 * @typedef {object} Surface a canvas to draw on, with lengths in device pixels
 * @property {CanvasRenderingContext2D} context
 * @property {number} width
 * @property {number} height
 * @property {number} ratio device pixels per CSS pixel
 */

/**
 * Fit the canvas to its place, and empty it; null while it is not on the page.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {Surface | null}
 */
export function prepare(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (!width || !height) return null;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = penOf(canvas);
  context.clearRect(0, 0, width, height);
  return { context, width, height, ratio };
}

/**
 * What draws on a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 */
export function penOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("The browser draws on no canvas.");
  return context;
}
