// What is known of each object on each frame, drawn as a lane.

import { prepare } from "../canvas.js";
import { contains, parseRanges } from "./ranges.js";

const REFRESH_MS = 1000;
const MAX_BINS = 4096;

// Fetches confidence and absence of all objects for the part of the clip that is in sight, at most
// once a second.
export class LaneData {
  constructor(onChange) {
    this.onChange = onChange;
    this.lanes = {};
    this.fetchedAt = 0;
    this.base = null;
  }

  open(base) {
    clearTimeout(this.timer);
    this.timer = null;
    this.base = base;
    this.lanes = {};
    this.wish = null;
    this.known = null;
  }

  // `version` tells when the data on the server are others.
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
    this.fetchedAt = performance.now();
    try {
      const query = `first=${wish.first}&last=${wish.last}&bins=${wish.bins}`;
      const response = await fetch(`${base}/lanes?${query}`);
      if (base !== this.base) return;
      if (response.status === 200) {
        this.lanes = await response.json();
        this.known = wish;
        this.onChange();
      }
    } catch {
      // Without the line the lane still shows what is tracked; the next change asks again.
    }
    if (base !== this.base) return;
    this.timer = null;
    if (this.wish.key !== this.known?.key && this.known === wish) {
      this.timer = setTimeout(() => this.#fetch(), REFRESH_MS);
    }
  }

  confidenceAt(id, frame) {
    const bin = this.#binAt(frame);
    return bin === null ? null : (this.lanes[id]?.confidence[bin] ?? null);
  }

  isAbsentAt(id, frame) {
    return contains(parseRanges(this.lanes[id]?.absent ?? ""), frame);
  }

  #binAt(frame) {
    if (!this.known || frame < this.known.first || frame > this.known.last) return null;
    const { first, last, bins } = this.known;
    return Math.floor(((frame - first) * bins) / (last - first + 1));
  }
}

// Full colour below: tracked. Pale: tracked from prompts that have changed since. Hatched: the object is
// not there. The line is the confidence. Diamonds: prompts. Triangles above: worth a look.
export function drawLane(canvas, object, data, span, marks) {
  const surface = prepare(canvas);
  if (!surface) return;
  const { context, width, height, ratio } = surface;
  const at = (frame) => span.shareOf(frame) * width;
  const bar = 4 * ratio;
  const room = height - bar - 3 * ratio;
  const lane = data.lanes[object.id];
  const fill = (text, top, tall, paint) => {
    context.fillStyle = paint;
    for (const [first, last] of parseRanges(text)) {
      if (last < span.start || first > span.end) continue;
      const left = Math.max(at(first), 0);
      context.fillRect(left, top, Math.max(Math.min(at(last + 1), width) - left, ratio), tall);
    }
  };
  context.globalAlpha = 0.3;
  fill(object.stale, height - bar, bar, object.colour);
  context.globalAlpha = 1;
  fill(object.tracked, height - bar, bar, object.colour);
  if (lane) {
    drawConfidence(context, lane.confidence, data.known, at, { room, bar, height, ratio }, object);
    context.globalCompositeOperation = "destination-out"; // what is outdated fades
    context.globalAlpha = 0.6;
    fill(object.stale, 0, height - bar, "#000");
    context.globalCompositeOperation = "source-over";
    context.globalAlpha = 1;
    const absent = parseRanges(lane.absent);
    for (const [first, last] of absent) {
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

function drawConfidence(context, values, known, at, { room, bar, height, ratio }, object) {
  const step = (known.last + 1 - known.first) / values.length;
  const top = (value) => height - bar - 1.5 * ratio - (value / 100) * room;
  let begun = null;
  const points = [];
  const flush = () => {
    if (!points.length) return;
    context.beginPath();
    context.moveTo(points[0][0], height - bar);
    for (const [x, y] of points) context.lineTo(x, y);
    context.lineTo(points.at(-1)[0], height - bar);
    context.globalAlpha = 0.22;
    context.fillStyle = object.colour;
    context.fill();
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x, y);
    context.globalAlpha = 1;
    context.strokeStyle = object.colour;
    context.lineWidth = 1.5 * ratio;
    context.stroke();
    points.length = 0;
  };
  values.forEach((value, bin) => {
    if (value === null) {
      flush();
      begun = null;
      return;
    }
    const [left, right] = [at(known.first + bin * step), at(known.first + (bin + 1) * step)];
    if (begun === null) points.push([left, top(value)]);
    points.push([(left + right) / 2, top(value)], [right, top(value)]);
    begun = value;
  });
  flush();
}

function hatching(context, canvas, ratio) {
  const size = Math.max(Math.round(6 * ratio), 4);
  const tile = new OffscreenCanvas(size, size);
  const pen = tile.getContext("2d");
  pen.strokeStyle = getComputedStyle(canvas).color;
  pen.globalAlpha = 0.35;
  pen.lineWidth = ratio;
  for (const by of [-size, 0, size]) {
    pen.moveTo(by, size);
    pen.lineTo(by + size, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

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

function triangle(context, x, size) {
  context.beginPath();
  context.moveTo(x - size * 0.75, 0);
  context.lineTo(x + size * 0.75, 0);
  context.lineTo(x, size);
  context.closePath();
  context.fill();
}

// What a lane says in words, for those who do not see it.
export function describeLane(object, data) {
  const prompted = Object.keys(object.prompts).length;
  const parts = [prompted === 1 ? "1 prompted frame" : `${prompted} prompted frames`];
  if (object.tracked) parts.push(`tracked ${object.tracked.replaceAll(",", ", ")}`);
  if (object.stale) parts.push(`to be tracked again ${object.stale.replaceAll(",", ", ")}`);
  const absent = data.lanes[object.id]?.absent;
  if (absent) parts.push(`absent ${absent.replaceAll(",", ", ")}`);
  return `${object.name}: ${parts.join("; ")}`;
}
