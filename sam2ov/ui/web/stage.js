// The canvases: a frame with its masks, and the prompts drawn over them at screen resolution.

const LABELS = { negative: 0, positive: 1, topLeft: 2, bottomRight: 3 };
const POSITIVE = "#16a34a";
const NEGATIVE = "#dc2626";

export class Stage {
  constructor(element) {
    this.element = element;
    this.view = element.querySelector(".s2-view");
    this.frame = element.querySelector(".s2-frame");
    this.masks = element.querySelector(".s2-masks");
    this.prompts = element.querySelector(".s2-prompts");
    this.clip = null;
    this.marks = [];
    this.draft = null;
    new ResizeObserver(() => this.layout()).observe(element);
  }

  open(clip) {
    this.clip = clip;
    this.marks = [];
    this.draft = null;
    for (const canvas of [this.frame, this.masks]) canvas.width = canvas.height = 1;
    this.layout();
  }

  // Fit the picture into the stage, whatever its shape.
  layout() {
    if (!this.clip) return;
    const { clientWidth, clientHeight } = this.element;
    const scale = Math.min(clientWidth / this.clip.width, clientHeight / this.clip.height);
    const width = Math.max(Math.round(this.clip.width * scale), 1);
    const height = Math.max(Math.round(this.clip.height * scale), 1);
    this.view.style.width = `${width}px`;
    this.view.style.height = `${height}px`;
    this.ratio = window.devicePixelRatio || 1;
    this.prompts.width = Math.round(width * this.ratio);
    this.prompts.height = Math.round(height * this.ratio);
    this.#drawPrompts();
  }

  paint({ picture, masks }) {
    draw(this.frame, picture);
    if (masks) draw(this.masks, masks);
    else this.masks.getContext("2d").clearRect(0, 0, this.masks.width, this.masks.height);
  }

  // `marks`: [{ points: [[x, y, label]], colour, isActive, isPending }] in video pixels.
  showPrompts(marks) {
    this.marks = marks;
    this.#drawPrompts();
  }

  // A box while it is dragged: { x0, y0, x1, y1, colour } in video pixels, or null.
  showDraft(draft) {
    this.draft = draft;
    this.#drawPrompts();
  }

  // Where a pointer is, in video pixels.
  position(event) {
    const bounds = this.view.getBoundingClientRect();
    return {
      x: ((event.clientX - bounds.left) / bounds.width) * this.clip.width,
      y: ((event.clientY - bounds.top) / bounds.height) * this.clip.height,
    };
  }

  clamp({ x, y }) {
    return {
      x: Math.min(Math.max(x, 0), this.clip.width),
      y: Math.min(Math.max(y, 0), this.clip.height),
    };
  }

  isInside({ x, y }) {
    return x >= 0 && y >= 0 && x <= this.clip.width && y <= this.clip.height;
  }

  #drawPrompts() {
    if (!this.clip) return;
    const context = this.prompts.getContext("2d");
    const scale = this.prompts.width / this.clip.width;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.prompts.width, this.prompts.height);
    const ordered = [...this.marks].sort((a, b) => a.isActive - b.isActive);
    for (const mark of ordered) this.#drawMark(context, scale, mark);
    if (this.draft) this.#drawBox(context, scale, this.draft, this.draft.colour, true);
  }

  #drawMark(context, scale, { points, colour, isActive, isPending }) {
    context.globalAlpha = (isActive ? 1 : 0.55) * (isPending ? 0.7 : 1);
    const corner = points.find(([, , label]) => label === LABELS.topLeft);
    const opposite = points.find(([, , label]) => label === LABELS.bottomRight);
    if (corner && opposite) {
      const box = { x0: corner[0], y0: corner[1], x1: opposite[0], y1: opposite[1] };
      this.#drawBox(context, scale, box, colour, isPending);
    }
    for (const [x, y, label] of points) {
      if (label !== LABELS.positive && label !== LABELS.negative) continue;
      this.#drawPoint(context, x * scale, y * scale, label === LABELS.positive, isActive);
    }
    context.globalAlpha = 1;
  }

  #drawBox(context, scale, { x0, y0, x1, y1 }, colour, isDashed) {
    const rectangle = [x0 * scale, y0 * scale, (x1 - x0) * scale, (y1 - y0) * scale];
    context.setLineDash([]);
    context.lineWidth = 4 * this.ratio;
    context.strokeStyle = "rgb(0 0 0 / 45%)";
    context.strokeRect(...rectangle);
    context.setLineDash(isDashed ? [6 * this.ratio, 4 * this.ratio] : []);
    context.lineWidth = 2 * this.ratio;
    context.strokeStyle = colour;
    context.strokeRect(...rectangle);
    context.setLineDash([]);
  }

  #drawPoint(context, x, y, isPositive, isActive) {
    const radius = (isActive ? 8 : 6) * this.ratio;
    const arm = radius * 0.5;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = isPositive ? POSITIVE : NEGATIVE;
    context.fill();
    context.lineWidth = 1.5 * this.ratio;
    context.strokeStyle = "#fff";
    context.stroke();
    context.beginPath();
    context.moveTo(x - arm, y);
    context.lineTo(x + arm, y);
    if (isPositive) {
      context.moveTo(x, y - arm);
      context.lineTo(x, y + arm);
    }
    context.stroke();
  }
}

function draw(canvas, bitmap) {
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0);
}
