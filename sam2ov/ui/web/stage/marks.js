// Prompts as marks on the picture: drawn the same size at any zoom, and found under the pointer.

/** @import { Point, Viewport } from "./viewport.js" */

/**
 * @typedef {object} Mark a point or the corner of a box, in video pixels
 * @property {number} x
 * @property {number} y
 * @property {number} label as the server has them
 * @property {boolean} isPending the server has not answered it
 */

/** @typedef {{ x0: number, y0: number, x1: number, y1: number }} Corners */

/**
 * @typedef {object} Group the marks of an object
 * @property {Mark[]} marks
 * @property {string} colour
 * @property {boolean} isActive
 */

/** @typedef {{ index: number } & Point} Drag a mark and where it is dragged to */

export const LABELS = { negative: 0, positive: 1, topLeft: 2, bottomRight: 3 };
const POSITIVE = "#16a34a";
const NEGATIVE = "#dc2626";
const SHADOW = "rgb(0 0 0 / 45%)";
/** @type {{ [pointerType: string]: number }} */
const REACH = { mouse: 11, pen: 14, touch: 20 }; // CSS pixels

/** @param {Mark} mark */
export const isCorner = ({ label }) =>
  label === LABELS.topLeft || label === LABELS.bottomRight;

/**
 * The box among marks, or null.
 *
 * @param {Mark[]} marks
 * @returns {Corners | null}
 */
export function boxOf(marks) {
  const corner = marks.findLast(({ label }) => label === LABELS.topLeft);
  const opposite = marks.findLast(({ label }) => label === LABELS.bottomRight);
  if (!corner || !opposite) return null;
  const { x: x0, y: y0 } = corner;
  const { x: x1, y: y1 } = opposite;
  return { x0, y0, x1, y1 };
}

/**
 * A mark of `marks` that has been dragged to a place; a box keeps its corners in order.
 *
 * @param {Mark[]} marks
 * @param {Drag} drag
 * @returns {Point}
 */
export function moved(marks, { index, x, y }) {
  const { label } = marks[index];
  const box = boxOf(marks);
  if (!box) return { x, y };
  if (label === LABELS.topLeft) return { x: Math.min(x, box.x1 - 1), y: Math.min(y, box.y1 - 1) };
  if (label === LABELS.bottomRight) {
    return { x: Math.max(x, box.x0 + 1), y: Math.max(y, box.y0 + 1) };
  }
  return { x, y };
}

/**
 * Index of the mark at a place of the stage, or -1. The server has to know it first.
 *
 * @param {Mark[]} marks
 * @param {Viewport} viewport
 * @param {Point} at
 * @param {string} pointerType
 */
export function markAt(marks, viewport, at, pointerType = "mouse") {
  const reach = REACH[pointerType] ?? REACH.mouse;
  let nearest = -1;
  let least = reach;
  marks.forEach((mark, index) => {
    const { x, y } = viewport.toStage(mark);
    const distance = Math.hypot(x - at.x, y - at.y);
    if (mark.isPending || distance > least) return;
    nearest = index;
    least = distance;
  });
  return nearest;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Viewport} viewport
 * @param {Group} group
 * @param {number} hovered index of the mark under the pointer, or -1
 */
export function drawMarks(context, viewport, { marks, colour, isActive }, hovered) {
  context.globalAlpha = isActive ? 1 : 0.55;
  const box = boxOf(marks);
  if (box) drawBox(context, viewport, box, colour, marks.some((m) => isCorner(m) && m.isPending));
  marks.forEach((mark, index) => {
    context.globalAlpha = (isActive ? 1 : 0.55) * (mark.isPending ? 0.7 : 1);
    const at = viewport.toStage(mark);
    if (isCorner(mark)) {
      if (isActive) drawHandle(context, at, colour, index === hovered);
    } else {
      drawPoint(context, at, mark.label === LABELS.positive, isActive, index === hovered);
    }
  });
  context.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Viewport} viewport
 * @param {Corners} box
 * @param {string} colour
 * @param {boolean} isDashed
 */
export function drawBox(context, viewport, { x0, y0, x1, y1 }, colour, isDashed) {
  const from = viewport.toStage({ x: x0, y: y0 });
  const to = viewport.toStage({ x: x1, y: y1 });
  /** @type {[number, number, number, number]} */
  const rectangle = [from.x, from.y, to.x - from.x, to.y - from.y];
  context.setLineDash([]);
  context.lineWidth = 4;
  context.strokeStyle = SHADOW;
  context.strokeRect(...rectangle);
  context.setLineDash(isDashed ? [6, 4] : []);
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.strokeRect(...rectangle);
  context.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Point} at
 * @param {string} colour
 * @param {boolean} isHovered
 */
function drawHandle(context, { x, y }, colour, isHovered) {
  const half = isHovered ? 7 : 5;
  context.fillStyle = "#fff";
  context.fillRect(x - half, y - half, 2 * half, 2 * half);
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.strokeRect(x - half, y - half, 2 * half, 2 * half);
  if (isHovered) drawCross(context, x, y, 3, "#1f2937");
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Point} at
 * @param {boolean} isPositive
 * @param {boolean} isActive
 * @param {boolean} isHovered
 */
function drawPoint(context, { x, y }, isPositive, isActive, isHovered) {
  const radius = isActive ? 8 : 6;
  const arm = radius * 0.5;
  if (isHovered) {
    context.beginPath();
    context.arc(x, y, radius + 5, 0, 2 * Math.PI);
    context.fillStyle = "rgb(255 255 255 / 45%)";
    context.fill();
  }
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = isPositive ? POSITIVE : NEGATIVE;
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = "#fff";
  context.stroke();
  if (isHovered) return drawCross(context, x, y, arm * 0.75, "#fff");
  context.beginPath();
  context.moveTo(x - arm, y);
  context.lineTo(x + arm, y);
  if (isPositive) {
    context.moveTo(x, y - arm);
    context.lineTo(x, y + arm);
  }
  return context.stroke();
}

/**
 * What a click on a hovered mark does: take it away.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} arm
 * @param {string} colour
 */
function drawCross(context, x, y, arm, colour) {
  context.beginPath();
  context.moveTo(x - arm, y - arm);
  context.lineTo(x + arm, y + arm);
  context.moveTo(x + arm, y - arm);
  context.lineTo(x - arm, y + arm);
  context.lineWidth = 1.75;
  context.strokeStyle = colour;
  context.stroke();
}
