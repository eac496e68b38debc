// The rows of objects: choose, rename, recolour, hide, lock, put in order, remove; and their lanes.

import { describeLane, drawLane } from "./lanes.js";
import { listenToReordering } from "./reorder.js";

const icon = (path) => `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${path}" /></svg>`;
const EYE = "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z";
const SLASH = "M2.5 2.5l11 11";
const LOCK = "M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5";
const OPEN_LOCK = "M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 4.8-.9";
const ROW = `
  <button type="button" class="s2-small s2-handle">${icon("M6 3.5h.1M10 3.5h.1M6 8h.1M10 8h.1M6 12.5h.1M10 12.5h.1")}</button>
  <button type="button" class="s2-choose" role="radio"><span class="s2-dot"></span></button>
  <input class="s2-name" type="text" maxlength="40" spellcheck="false" autocomplete="off" />
  <span class="s2-count"></span>
  <input class="s2-colour" type="color" title="Colour" />
  <button type="button" class="s2-small s2-hide"></button>
  <button type="button" class="s2-small s2-lock"></button>
  <button type="button" class="s2-small s2-remove">${icon("M3 4.5h10M6 4V2.5h4V4m-5.5.5.5 9h6l.5-9")}</button>
  <canvas class="s2-lane" role="img"></canvas>`;

export class Objects {
  // `handlers`: choose(id), change(id, name, colour), hide(id, isHidden), solo(id), lock(id, isLocked),
  // move(id, position), remove(object).
  constructor(element, data, handlers) {
    this.element = element;
    this.data = data;
    this.handlers = handlers;
    this.objects = [];
    this.rows = new Map();
    listenToReordering(element, (id, position) => handlers.move(id, position));
  }

  show(objects, activeId, soloId) {
    this.objects = objects;
    const ids = new Set(objects.map((object) => object.id));
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      row.remove();
      this.rows.delete(id);
    }
    objects.forEach((object, position) => this.#place(object.id, position));
    for (const object of objects) this.#update(object, activeId, soloId);
  }

  // `marks` gives the frames of an object that are worth a look.
  draw(span, marks) {
    for (const object of this.objects) {
      const canvas = this.rows.get(object.id).querySelector(".s2-lane");
      drawLane(canvas, object, this.data, span, marks(object.id));
      const words = describeLane(object, this.data);
      if (canvas.ariaLabel !== words) canvas.ariaLabel = words;
    }
  }

  // Bring the row of an object into sight.
  reveal(id) {
    this.rows.get(id)?.scrollIntoView({ block: "nearest" });
  }

  // Moving a node takes the focus away, so rows that are in place stay where they are.
  #place(id, position) {
    const row = this.rows.get(id) ?? this.#add(id);
    const there = this.element.children[position];
    if (there === row) return;
    const focused = row.contains(document.activeElement) ? document.activeElement : null;
    this.element.insertBefore(row, there ?? null);
    focused?.focus({ preventScroll: true });
  }

  #update(object, activeId, soloId) {
    const row = this.rows.get(object.id);
    const isActive = object.id === activeId;
    const isSolo = object.id === soloId;
    const find = (selector) => row.querySelector(selector);
    const { name } = object;
    row.classList.toggle("s2-active", isActive);
    row.classList.toggle("s2-unseen", soloId === null ? Boolean(object.hidden) : !isSolo);
    row.style.setProperty("--object", object.colour);
    find(".s2-choose").setAttribute("aria-checked", String(isActive));
    label(find(".s2-choose"), `Choose ${name}`, isActive ? "Prompts go to this object" : null);
    label(find(".s2-handle"), `Move ${name} up or down`, "Drag, or use the arrow keys ↑ ↓");
    const field = find(".s2-name");
    if (document.activeElement !== field) field.value = name;
    field.setAttribute("aria-label", `Name of ${name}`);
    const colour = find(".s2-colour");
    if (document.activeElement !== colour) colour.value = object.colour;
    colour.setAttribute("aria-label", `Colour of ${name}`);
    const prompted = Object.keys(object.prompts).length;
    find(".s2-count").textContent = prompted || "";
    find(".s2-count").title = prompted === 1 ? "1 prompted frame" : `${prompted} prompted frames`;
    const hiding = isSolo ? "shown alone" : object.hidden ? "hidden" : "shown";
    toggle(find(".s2-hide"), object.hidden, icon(object.hidden ? EYE + SLASH : EYE));
    find(".s2-hide").classList.toggle("s2-solo", isSolo);
    label(find(".s2-hide"), `Hide ${name}`, `${name} is ${hiding}. Shift + click shows it alone`);
    toggle(find(".s2-lock"), object.locked, icon(object.locked ? LOCK : OPEN_LOCK));
    const locked = object.locked ? "locked: it takes no prompts and is not tracked" : "not locked";
    label(find(".s2-lock"), `Lock ${name}`, `${name} is ${locked}`);
    label(find(".s2-remove"), `Remove ${name}`, `Remove ${name} with its prompts and masks`);
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
    find(".s2-hide").addEventListener("click", (event) => {
      if (event.shiftKey) this.handlers.solo(id);
      else this.handlers.hide(id, !current().hidden);
    });
    find(".s2-lock").addEventListener("click", () => this.handlers.lock(id, !current().locked));
    find(".s2-remove").addEventListener("click", () => this.handlers.remove(current()));
    this.rows.set(id, row);
    return row;
  }
}

function label(element, name, title) {
  element.setAttribute("aria-label", name);
  element.title = title ?? name;
}

const shownIn = new WeakMap();

function toggle(button, isPressed, html) {
  button.setAttribute("aria-pressed", String(Boolean(isPressed)));
  if (shownIn.get(button) === html) return;
  shownIn.set(button, html);
  button.innerHTML = html;
}
