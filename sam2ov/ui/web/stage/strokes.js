// A brush stroke: collected while the pointer moves, and shown until the masks show it.

/** @import { Point, Viewport } from "./viewport.js" */

/**
 * @typedef {object} BrushShape
 * @property {number} radius in rows of the video; round on the screen
 * @property {boolean} erase
 * @property {string} colour
 */

const MOST_POINTS = 2000; // the server takes no more
const STEP = 0.2; // of the radius, between two points

export class Stroke {
  /**
   * Lengths are video pixels.
   *
   * @param {number} radius
   * @param {boolean} erase
   */
  constructor(radius, erase) {
    this.radius = radius;
    this.erase = erase;
    /** @type {[number, number][]} */
    this.points = [];
    this.step = Math.max(STEP * radius, 0.5);
  }

  /** @param {Point} place */
  add({ x, y }) {
    const last = this.points.at(-1);
    if (last && Math.hypot(x - last[0], y - last[1]) < this.step) return;
    this.points.push([x, y]);
    if (this.points.length < MOST_POINTS) return;
    this.points = this.points.filter((_, index) => index % 2 === 0);
    this.step *= 2;
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Viewport} viewport
 * @param {BrushShape & { points: [number, number][] }} stroke
 */
export function drawStroke(context, viewport, { points, radius, erase, colour }) {
  context.globalAlpha = 0.55;
  context.strokeStyle = erase ? "#0b0d12" : colour;
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = 2 * radius * viewport.scale;
  context.beginPath();
  points.forEach(([x, y], index) => {
    const at = viewport.toStage({ x, y });
    if (index === 0) context.moveTo(at.x, at.y);
    context.lineTo(at.x, at.y); // a line to where it starts is a dot
  });
  context.stroke();
  context.globalAlpha = 1;
}

/**
 * The brush's edge at its true size, in black and white: one of them can be seen on anything.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Viewport} viewport
 * @param {BrushShape & Point} brush
 */
export function drawBrush(context, viewport, { x, y, radius, erase, colour }) {
  const at = viewport.toStage({ x, y });
  const size = Math.max(radius * viewport.scale, 1.5);
  context.setLineDash(erase ? [5, 4] : []);
  for (const { width, style } of [
    { width: 3, style: "rgb(0 0 0 / 60%)" },
    { width: 1.5, style: "#fff" },
  ]) {
    context.beginPath();
    context.arc(at.x, at.y, size, 0, 2 * Math.PI);
    context.lineWidth = width;
    context.strokeStyle = style;
    context.stroke();
  }
  context.setLineDash([]);
  context.beginPath();
  context.arc(at.x, at.y, 1.5, 0, 2 * Math.PI);
  context.fillStyle = erase ? "#fff" : colour;
  context.fill();
}
