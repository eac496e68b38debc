// The list of objects: choose, rename, recolour, remove, and what is known of them on which frame.

import { parseRanges } from "./ranges.js";

const ROW = `
  <button type="button" class="s2-choose" role="radio"><span class="s2-dot"></span></button>
  <input class="s2-name" type="text" maxlength="40" spellcheck="false" autocomplete="off" />
  <input class="s2-colour" type="color" />
  <canvas class="s2-lane"></canvas>
  <button type="button" class="s2-button s2-icon s2-remove"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 4.5h10M6 4V2.5h4V4m-5.5.5.5 9h6l.5-9" /></svg></button>`;

export class Objects {
  // `handlers`: choose(id), change(id, name, colour), remove(object), seek(frame).
  constructor(element, handlers) {
    this.element = element;
    this.handlers = handlers;
    this.rows = new Map();
    this.numFrames = 0;
    this.frame = 0;
    new ResizeObserver(() => this.drawLanes()).observe(element);
  }

  show(objects, activeId, numFrames) {
    this.objects = objects;
    this.numFrames = numFrames;
    const ids = new Set(objects.map((object) => object.id));
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      row.remove();
      this.rows.delete(id);
    }
    for (const object of objects) this.#update(object, object.id === activeId);
    this.drawLanes();
  }

  moveTo(frame) {
    this.frame = frame;
    this.drawLanes();
  }

  drawLanes() {
    for (const object of this.objects ?? []) {
      this.#drawLane(this.rows.get(object.id).querySelector(".s2-lane"), object);
    }
  }

  #update(object, isActive) {
    const row = this.rows.get(object.id) ?? this.#add(object.id);
    const choose = row.querySelector(".s2-choose");
    const name = row.querySelector(".s2-name");
    const colour = row.querySelector(".s2-colour");
    row.classList.toggle("s2-active", isActive);
    row.style.setProperty("--object", object.colour);
    choose.setAttribute("aria-checked", String(isActive));
    choose.setAttribute("aria-label", `Choose ${object.name}`);
    choose.title = isActive ? "Clicks go to this object" : `Choose ${object.name}`;
    if (document.activeElement !== name) name.value = object.name;
    name.setAttribute("aria-label", `Name of ${object.name}`);
    if (document.activeElement !== colour) colour.value = object.colour;
    colour.setAttribute("aria-label", `Colour of ${object.name}`);
    colour.title = "Colour";
    const remove = row.querySelector(".s2-remove");
    remove.setAttribute("aria-label", `Remove ${object.name}`);
    remove.title = `Remove ${object.name} with its prompts and masks`;
  }

  #add(id) {
    const row = document.createElement("div");
    row.className = "s2-object";
    row.dataset.object = id;
    row.innerHTML = ROW;
    const find = (selector) => row.querySelector(selector);
    const current = () => this.objects.find((object) => object.id === id);
    const change = () => {
      const name = find(".s2-name").value.trim() || current().name;
      find(".s2-name").value = name;
      const colour = find(".s2-colour").value;
      if (name !== current().name || colour !== current().colour) {
        this.handlers.change(id, name, colour);
      }
    };
    find(".s2-choose").addEventListener("click", () => this.handlers.choose(id));
    find(".s2-name").addEventListener("focus", () => this.handlers.choose(id));
    find(".s2-name").addEventListener("change", change);
    find(".s2-name").addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.target.blur();
    });
    find(".s2-colour").addEventListener("change", change);
    find(".s2-remove").addEventListener("click", () => this.handlers.remove(current()));
    find(".s2-lane").addEventListener("click", (event) => {
      const bounds = event.target.getBoundingClientRect();
      const share = (event.clientX - bounds.left) / bounds.width;
      this.handlers.seek(share * (this.numFrames - 1));
    });
    this.element.append(row);
    this.rows.set(id, row);
    return row;
  }

  // Full colour: tracked. Pale: tracked from prompts that have changed since. Dots: prompts.
  #drawLane(canvas, object) {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const context = canvas.getContext("2d");
    const column = (frame) => (frame / Math.max(this.numFrames - 1, 1)) * width;
    const bar = (ranges, alpha) => {
      context.globalAlpha = alpha;
      context.fillStyle = object.colour;
      for (const [first, last] of ranges) {
        const left = column(first - 0.5);
        const right = Math.max(column(last + 0.5), left + ratio);
        context.fillRect(left, height * 0.3, right - left, height * 0.4);
      }
    };
    context.clearRect(0, 0, width, height);
    bar(parseRanges(object.stale), 0.3);
    bar(parseRanges(object.tracked), 0.9);
    context.globalAlpha = 1;
    for (const frame of Object.keys(object.prompts)) {
      const radius = height * 0.27;
      const x = Math.min(Math.max(column(Number(frame)), radius), width - radius);
      context.beginPath();
      context.arc(x, height / 2, radius, 0, 2 * Math.PI);
      context.fillStyle = object.colour;
      context.fill();
      context.lineWidth = 1.5 * ratio;
      context.strokeStyle = "#fff";
      context.stroke();
    }
    context.fillStyle = getComputedStyle(canvas).color;
    const x = Math.min(Math.max(column(this.frame) - ratio / 2, 0), width - ratio);
    context.fillRect(x, 0, ratio, height);
  }
}
