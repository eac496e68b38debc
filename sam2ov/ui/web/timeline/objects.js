// The rows of objects: choose, rename, recolour, hide, lock, put in order, remove; and their lanes.
// What is done to one of several chosen objects is done to all of them.

/** @import { ObjectView } from "../messages.js" */
/** @import { How } from "../selection.js" */
/** @import { Coverage } from "./coverage.js" */
/** @import { LaneData } from "./lanes.js" */
/** @import { Span } from "./span.js" */

import { find } from "../dom.js";
import { howOf } from "../selection.js";
import { describeLane, drawLane } from "./lanes.js";
import { listenToReordering } from "./reorder.js";

/**
 * @typedef {object} ObjectHandlers
 * @property {(id: number, how: How) => void} choose
 * @property {(id: number, name: string) => void} rename
 * @property {(id: number, colour: string) => void} recolour
 * @property {(id: number, isHidden: boolean) => void} hide
 * @property {(id: number) => void} solo
 * @property {(id: number, isLocked: boolean) => void} lock
 * @property {(id: number, position: number) => void} move
 * @property {(id: number) => void} remove
 * @property {() => void} leave is called when the keys belong to the picture again
 */

/** @param {string} path */
const icon = (path) => `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${path}" /></svg>`;
const EYE = "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z";
const SLASH = "M2.5 2.5l11 11";
const LOCK = "M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5";
const OPEN_LOCK = "M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 4.8-.9";
const ROW = `
  <button type="button" class="s2-small s2-handle">${icon("M6 3.5h.1M10 3.5h.1M6 8h.1M10 8h.1M6 12.5h.1M10 12.5h.1")}</button>
  <button type="button" class="s2-choose" role="radio"><span class="s2-dot"></span></button>
  <input class="s2-name" type="text" maxlength="40" spellcheck="false" autocomplete="off" readonly tabindex="-1" />
  <span class="s2-count"></span>
  <input class="s2-colour" type="color" title="Colour" />
  <button type="button" class="s2-small s2-hide"></button>
  <button type="button" class="s2-small s2-lock"></button>
  <button type="button" class="s2-small s2-remove">${icon("M3 4.5h10M6 4V2.5h4V4m-5.5.5.5 9h6l.5-9")}</button>
  <canvas class="s2-lane" role="img"></canvas>`;

export class Objects {
  /**
   * @param {HTMLElement} element
   * @param {LaneData} data
   * @param {Coverage} coverage
   * @param {ObjectHandlers} handlers
   */
  constructor(element, data, coverage, handlers) {
    this.element = element;
    this.data = data;
    this.coverage = coverage;
    this.handlers = handlers;
    /** @type {ObjectView[]} */
    this.objects = [];
    /** @type {Map<number, HTMLElement>} */
    this.rows = new Map();
    listenToReordering(element, (id, position) => handlers.move(id, position));
  }

  /**
   * @param {ObjectView[]} objects
   * @param {number | null} activeId
   * @param {number | null} soloId
   * @param {number[]} chosen
   */
  show(objects, activeId, soloId, chosen) {
    this.objects = objects;
    const ids = new Set(objects.map((object) => object.id));
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      row.remove();
      this.rows.delete(id);
    }
    objects.forEach((object, position) => {
      const row = this.#place(object.id, position);
      this.#update(row, object, activeId, soloId);
      const isOneOfSeveral = chosen.length > 1 && chosen.includes(object.id);
      row.classList.toggle("s2-chosen", isOneOfSeveral);
    });
  }

  /**
   * @param {Span} span
   * @param {(id: number) => number[]} marks gives the frames of an object that are worth a look
   */
  draw(span, marks) {
    for (const object of this.objects) {
      const row = this.rows.get(object.id);
      if (!row) continue;
      const canvas = find(row, ".s2-lane", HTMLCanvasElement);
      drawLane(canvas, object, this.coverage.of(object.id), this.data, span, marks(object.id));
      const words = describeLane(object, this.data);
      if (canvas.ariaLabel !== words) canvas.ariaLabel = words;
    }
  }

  /**
   * Bring the row of an object into sight among the rows; the page stays where it is.
   *
   * @param {number} id
   */
  reveal(id) {
    const rows = this.element.closest(".s2-rows");
    const row = this.rows.get(id)?.getBoundingClientRect();
    const head = rows?.querySelector(".s2-head")?.getBoundingClientRect();
    if (!rows || !row || !head) return;
    const below = row.bottom - rows.getBoundingClientRect().bottom;
    if (below > 0) rows.scrollTop += below;
    else if (row.top < head.bottom) rows.scrollTop -= head.bottom - row.top;
  }

  /**
   * Moving a node takes the focus away, so rows that are in place stay where they are.
   *
   * @param {number} id
   * @param {number} position
   */
  #place(id, position) {
    const row = this.rows.get(id) ?? this.#add(id);
    const there = this.element.children[position];
    if (there === row) return row;
    const { activeElement } = document;
    const isFocused = activeElement instanceof HTMLElement && row.contains(activeElement);
    this.element.insertBefore(row, there ?? null);
    if (isFocused) activeElement.focus({ preventScroll: true });
    return row;
  }

  /**
   * @param {HTMLElement} row
   * @param {ObjectView} object
   * @param {number | null} activeId
   * @param {number | null} soloId
   */
  #update(row, object, activeId, soloId) {
    const isActive = object.id === activeId;
    const isSolo = object.id === soloId;
    /** @type {(selector: string) => HTMLElement} */
    const part = (selector) => find(row, selector, HTMLElement);
    const { name } = object;
    row.classList.toggle("s2-active", isActive);
    row.classList.toggle("s2-unseen", soloId === null ? object.hidden : !isSolo);
    row.style.setProperty("--object", object.colour);
    part(".s2-choose").setAttribute("aria-checked", String(isActive));
    label(part(".s2-choose"), `Choose ${name}`, isActive ? "Prompts go to this object" : null);
    label(part(".s2-handle"), `Move ${name} up or down`, "Drag, or use the arrow keys ↑ ↓");
    const field = find(row, ".s2-name", HTMLInputElement);
    if (field.readOnly) field.value = name;
    field.setAttribute("aria-label", `Name of ${name}`);
    field.title = `${name}: double-click or F2 renames it`;
    const colour = find(row, ".s2-colour", HTMLInputElement);
    if (document.activeElement !== colour) colour.value = object.colour;
    colour.setAttribute("aria-label", `Colour of ${name}`);
    const prompted = Object.keys(object.prompts).length;
    part(".s2-count").textContent = prompted ? String(prompted) : "";
    part(".s2-count").title = prompted === 1 ? "1 prompted frame" : `${prompted} prompted frames`;
    const hiding = isSolo ? "shown alone" : object.hidden ? "hidden" : "shown";
    toggle(part(".s2-hide"), object.hidden, icon(object.hidden ? EYE + SLASH : EYE));
    part(".s2-hide").classList.toggle("s2-solo", isSolo);
    label(part(".s2-hide"), `Hide ${name}`, `${name} is ${hiding}. Shift + click shows it alone`);
    toggle(part(".s2-lock"), object.locked, icon(object.locked ? LOCK : OPEN_LOCK));
    const locked = object.locked ? "locked: it takes no prompts and is not tracked" : "not locked";
    label(part(".s2-lock"), `Lock ${name}`, `${name} is ${locked}`);
    label(part(".s2-remove"), `Remove ${name}`, `Remove ${name} with its prompts and masks`);
  }

  /** @param {number} id */
  #add(id) {
    const row = document.createElement("div");
    row.className = "s2-object";
    row.dataset.object = String(id);
    row.innerHTML = ROW;
    const { handlers } = this;
    /** @type {(selector: string) => HTMLElement} */
    const part = (selector) => find(row, selector, HTMLElement);
    const name = find(row, ".s2-name", HTMLInputElement);
    const colour = find(row, ".s2-colour", HTMLInputElement);
    /** @param {(object: ObjectView) => void} act on the object as it is now */
    const withObject = (act) => {
      const present = this.objects.find((object) => object.id === id);
      if (present) act(present);
    };
    part(".s2-choose").addEventListener("click", (event) => handlers.choose(id, howOf(event)));
    this.#listenToName(name, id, withObject);
    colour.addEventListener("change", () =>
      withObject((present) => {
        if (colour.value !== present.colour) handlers.recolour(id, colour.value);
      }),
    );
    part(".s2-hide").addEventListener("click", (event) => {
      if (event.shiftKey) handlers.solo(id);
      else withObject(({ hidden }) => handlers.hide(id, !hidden));
    });
    part(".s2-lock").addEventListener("click", () =>
      withObject(({ locked }) => handlers.lock(id, !locked)),
    );
    part(".s2-remove").addEventListener("click", () => handlers.remove(id));
    this.rows.set(id, row);
    return row;
  }

  /**
   * Have an object's name typed in.
   *
   * @param {number} id
   */
  rename(id) {
    const row = this.rows.get(id);
    if (!row) return;
    const name = find(row, ".s2-name", HTMLInputElement);
    name.readOnly = false;
    name.focus({ preventScroll: true });
    name.select();
  }

  /**
   * A click on a name chooses the object, as the dot does; it takes keys only while it is renamed.
   *
   * @param {HTMLInputElement} name
   * @param {number} id
   * @param {(act: (object: ObjectView) => void) => void} withObject
   */
  #listenToName(name, id, withObject) {
    let wasChosen = false;
    name.addEventListener("pointerdown", (event) => {
      if (!name.readOnly) return;
      event.preventDefault(); // the focus stays where it is, unless something is typed for who is chosen now
      const { activeElement } = document;
      if (activeElement instanceof HTMLInputElement && activeElement.type === "text") activeElement.blur();
      wasChosen = name.closest(".s2-active") !== null;
    });
    name.addEventListener("click", (event) => {
      if (!name.readOnly) return;
      this.handlers.choose(id, howOf(event));
      // Fingers do not double-click: a tap on the name of the chosen object is for renaming it.
      const isTouch = event instanceof PointerEvent && event.pointerType === "touch";
      if (isTouch && wasChosen) this.rename(id);
    });
    name.addEventListener("dblclick", () => this.rename(id));
    name.addEventListener("keydown", (event) => {
      if (name.readOnly || !["Enter", "Escape"].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation(); // Esc stops nothing else
      if (event.key === "Escape") withObject((present) => (name.value = present.name));
      name.blur();
      this.handlers.leave();
    });
    name.addEventListener("blur", () => {
      if (name.readOnly) return;
      name.readOnly = true;
      withObject((present) => {
        name.value = name.value.trim() || present.name;
        if (name.value !== present.name) this.handlers.rename(id, name.value);
      });
    });
  }
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {string | null} title
 */
function label(element, name, title) {
  element.setAttribute("aria-label", name);
  element.title = title ?? name;
}

/** @type {WeakMap<HTMLElement, string>} */
const shownIn = new WeakMap();

/**
 * @param {HTMLElement} button
 * @param {boolean} isPressed
 * @param {string} html
 */
function toggle(button, isPressed, html) {
  button.setAttribute("aria-pressed", String(isPressed));
  if (shownIn.get(button) === html) return;
  shownIn.set(button, html);
  button.innerHTML = html;
}
