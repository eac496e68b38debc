// What is known of each object on each frame, drawn as a lane.

/** @import { Lanes, ObjectView } from "../messages.js" */
/** @import { Range } from "./ranges.js" */
/** @import { Span } from "./span.js" */

import { penOf, prepare } from "../canvas.js";
import { contains, parseRanges } from "./ranges.js";

/**
 * @typedef {object} Wish what is in sight: frames from `first` to `last`, in so many bins
 * @property {number} first
 * @property {number} last
 * @property {number} bins
 * @property {string} key
 */

/**
 * @typedef {object} Lane of an object, where it is in sight
 * @property {(number | null)[]} confidence least of each bin, in percent
 * @property {Range[]} absent
 */

const REFRESH_MS = 1000;
const MAX_BINS = 4096;

// Fetches confidence and absence of all objects for the part of the clip that is in sight, at most
// once a second.
export class LaneData {
  /** @param {() => void} onChange */
  constructor(onChange, parse = parseRanges) {
    this.onChange = onChange;
    this.parse = parse;
    /** @type {Map<number, Lane>} */
    this.lanes = new Map();
    this.fetchedAt = 0;
    /** @type {string | null} */
    this.base = null;
    /** @type {number | undefined} */
    this.timer = undefined;
    /** @type {Wish | null} */
    this.wish = null;
    /** @type {Wish | null} */
    this.known = null; // what `lanes` are of
  }

  /** @param {string | null} base media/<token> */
  open(base) {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.base = base;
    this.lanes = new Map();
    this.wish = null;
    this.known = null;
  }

  /**
   * @param {Span} span
   * @param {number} columns
   * @param {string} version tells when the data on the server are others
   */
  want(span, columns, version) {
    const first = Math.floor(span.start);
    const last = Math.min(Math.ceil(span.end), span.numFrames) - 1;
    const bins = Math.min(Math.max(columns, 1), MAX_BINS, last - first + 1);
    this.wish = { first, last, bins, key: [first, last, bins, version].join(" ") };
    if (this.wish.key === this.known?.key) return;
    const wait = this.fetchedAt + REFRESH_MS - performance.now();
    this.timer ??= setTimeout(() => this.#fetch(), Math.max(wait, 0));
  }

  async #fetch() {
    const { base, wish } = this;
    if (!wish) return;
    this.fetchedAt = performance.now();
    try {
      const query = `first=${wish.first}&last=${wish.last}&bins=${wish.bins}`;
      const response = await fetch(`${base}/lanes?${query}`);
      if (base !== this.base) return;
      if (response.status === 200) {
        this.#take(await response.json());
        this.known = wish;
        this.onChange();
      }
    } catch {
      // Without the line the lane still shows what is tracked; the next change asks again.
    }
    if (base !== this.base) return;
    this.timer = undefined;
    if (this.wish?.key !== this.known?.key && this.known === wish) {
      this.timer = setTimeout(() => this.#fetch(), REFRESH_MS);
    }
  }

  // Ranges are read here and not when they are drawn, which is at each picture.
  /** @param {Lanes} answer */
  #take(answer) {
    this.lanes = new Map();
    for (const [id, { confidence, absent }] of Object.entries(answer)) {
      this.lanes.set(Number(id), { confidence, absent: this.parse(absent) });
    }
  }

  /**
   * @param {number} id
   * @param {number} frame
   */
  confidenceAt(id, frame) {
    const bin = this.#binAt(frame);
    return bin === null ? null : (this.lanes.get(id)?.confidence[bin] ?? null);
  }

  /**
   * @param {number} id
   * @param {number} frame
   */
  isAbsentAt(id, frame) {
    return contains(this.lanes.get(id)?.absent ?? [], frame);
  }

  /** @param {number} frame */
  #binAt(frame) {
    if (!this.known || frame < this.known.first || frame > this.known.last) return null;
    const { first, last, bins } = this.known;
    return Math.floor(((frame - first) * bins) / (last - first + 1));
  }
}

/**
 * Full colour below: tracked. Pale: tracked from prompts that have changed since. Hatched: the object
 * is not there. The line is the confidence. Diamonds: prompts. Triangles above: worth a look.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ObjectView} object
 * @param {{ tracked: Range[], stale: Range[] }} coverage of the object
 * @param {LaneData} data
 * @param {Span} span
 * @param {number[]} marks frames that are worth a look
 */
export function drawLane(canvas, object, { tracked, stale }, data, span, marks) {
  const surface = prepare(canvas);
  if (!surface) return;
  const { context, width, height, ratio } = surface;
  /** @type {(frame: number) => number} */
  const at = (frame) => span.shareOf(frame) * width;
  const bar = 4 * ratio;
  const room = height - bar - 3 * ratio;
  const lane = data.lanes.get(object.id);
  /** @type {(ranges: Range[], top: number, tall: number, paint: string | CanvasPattern) => void} */
  const fill = (ranges, top, tall, paint) => {
    context.fillStyle = paint;
    for (const [first, last] of ranges) {
      if (last < span.start || first > span.end) continue;
      const left = Math.max(at(first), 0);
      context.fillRect(left, top, Math.max(Math.min(at(last + 1), width) - left, ratio), tall);
    }
  };
  context.globalAlpha = 0.3;
  fill(stale, height - bar, bar, object.colour);
  context.globalAlpha = 1;
  fill(tracked, height - bar, bar, object.colour);
  if (lane && data.known) {
    const values = lane.confidence;
    drawConfidence(context, values, data.known, at, { room, bar, height, ratio }, object.colour);
    context.globalCompositeOperation = "destination-out"; // what is outdated fades
    context.globalAlpha = 0.6;
    fill(stale, 0, height - bar, "#000");
    context.globalCompositeOperation = "source-over";
    context.globalAlpha = 1;
    for (const [first, last] of lane.absent) {
      context.clearRect(at(first), 0, Math.max(at(last + 1) - at(first), ratio), height);
    }
    fill(lane.absent, 0, height, hatching(context, canvas, ratio));
  }
  for (const frame of Object.keys(object.prompts)) {
    diamond(context, at(Number(frame) + 0.5), height / 2, 5.5 * ratio, object.colour, ratio);
  }
  context.fillStyle = "#f59e0b";
  for (const frame of marks) triangle(context, at(frame + 0.5), 6 * ratio);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {(number | null)[]} values
 * @param {Wish} known what the values are of
 * @param {(frame: number) => number} at
 * @param {{ room: number, bar: number, height: number, ratio: number }} lengths
 * @param {string} colour
 */
function drawConfidence(context, values, known, at, { room, bar, height, ratio }, colour) {
  const step = (known.last + 1 - known.first) / values.length;
  /** @type {(value: number) => number} */
  const top = (value) => height - bar - 1.5 * ratio - (value / 100) * room;
  /** @type {[x: number, y: number][]} */
  const points = [];
  const flush = () => {
    if (!points.length) return;
    context.beginPath();
    context.moveTo(points[0][0], height - bar);
    for (const [x, y] of points) context.lineTo(x, y);
    context.lineTo(points[points.length - 1][0], height - bar);
    context.globalAlpha = 0.22;
    context.fillStyle = colour;
    context.fill();
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x, y);
    context.globalAlpha = 1;
    context.strokeStyle = colour;
    context.lineWidth = 1.5 * ratio;
    context.stroke();
    points.length = 0;
  };
  values.forEach((value, bin) => {
    if (value === null) {
      flush();
      return;
    }
    const [left, right] = [at(known.first + bin * step), at(known.first + (bin + 1) * step)];
    if (!points.length) points.push([left, top(value)]);
    points.push([(left + right) / 2, top(value)], [right, top(value)]);
  });
  flush();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {HTMLCanvasElement} canvas
 * @param {number} ratio
 */
function hatching(context, canvas, ratio) {
  const size = Math.max(Math.round(6 * ratio), 4);
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const pen = penOf(tile);
  pen.strokeStyle = getComputedStyle(canvas).color;
  pen.globalAlpha = 0.35;
  pen.lineWidth = ratio;
  for (const by of [-size, 0, size]) {
    pen.moveTo(by, size);
    pen.lineTo(by + size, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat") ?? pen.strokeStyle;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 * @param {string} colour
 * @param {number} ratio
 */
function diamond(context, x, y, radius, colour, ratio) {
  context.beginPath();
  context.moveTo(x, y - radius);
  context.lineTo(x + radius, y);
  context.lineTo(x, y + radius);
  context.lineTo(x - radius, y);
  context.closePath();
  context.lineJoin = "round";
  context.lineWidth = 4 * ratio;
  context.strokeStyle = "rgb(0 0 0 / 70%)";
  context.stroke();
  context.lineWidth = 2 * ratio;
  context.strokeStyle = "#fff";
  context.stroke();
  context.fillStyle = colour;
  context.fill();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} size
 */
function triangle(context, x, size) {
  context.beginPath();
  context.moveTo(x - size * 0.75, 0);
  context.lineTo(x + size * 0.75, 0);
  context.lineTo(x, size);
  context.closePath();
  context.fill();
}

/**
 * What a lane says in words, for those who do not see it.
 *
 * @param {ObjectView} object
 * @param {LaneData} data
 */
export function describeLane(object, data) {
  const prompted = Object.keys(object.prompts).length;
  const parts = [prompted === 1 ? "1 prompted frame" : `${prompted} prompted frames`];
  if (object.tracked) parts.push(`tracked ${object.tracked.replaceAll(",", ", ")}`);
  if (object.stale) parts.push(`to be tracked again ${object.stale.replaceAll(",", ", ")}`);
  const absent = data.lanes.get(object.id)?.absent ?? [];
  const words = absent.map(([first, last]) => `${first}-${last}`).join(", ");
  if (words) parts.push(`absent ${words}`);
  return `${object.name}: ${parts.join("; ")}`;
}
