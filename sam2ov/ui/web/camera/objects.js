// The objects that the camera follows: which one the next click is for, and taking them away.

/** @import { CameraState } from "../messages.js" */

import { under } from "../dom.js";

const COLOURS = ["#4f9dff", "#ffa62b", "#2ec4a0", "#ff5d8f", "#f5e04c", "#b07cff", "#8bd450"];
COLOURS.push("#ff7847", "#5fd7f2", "#d9a5b3"); // as sam2ov/values/palette.py has them

export class Objects {
  /**
   * @param {HTMLElement} element
   * @param {(id: number) => void} remove
   */
  constructor(element, remove) {
    this.element = element;
    /** @type {CameraState["objects"]} */
    this.known = [];
    /** @type {number | null} */
    this.chosen = null; // null: the next click makes a new one
    this.highest = 0;
    this.drawn = "";
    element.addEventListener("click", (event) => {
      const { choose, remove: gone } = under(event, "button", HTMLButtonElement)?.dataset ?? {};
      if (choose !== undefined) this.choose(choose === "" ? null : Number(choose));
      if (gone) remove(Number(gone));
    });
  }

  // The number of the object that a click is for.
  get target() {
    return this.chosen ?? this.highest + 1;
  }

  reset() {
    this.known = [];
    this.chosen = null;
    this.highest = 0;
    this.#draw();
  }

  /** @param {number | null} id */
  choose(id) {
    this.chosen = id;
    this.highest = Math.max(this.highest, id ?? 0);
    this.#draw();
  }

  /** @param {CameraState["objects"]} objects */
  show(objects) {
    const wasThere = this.known.some(({ id }) => id === this.chosen);
    this.known = objects;
    if (wasThere && !objects.some(({ id }) => id === this.chosen)) this.chosen = null;
    this.#draw();
  }

  #draw() {
    const drawn = JSON.stringify([this.known, this.chosen]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const items = this.known.map(({ id, seen }) => {
      const item = document.createElement("span");
      item.classList.toggle("s2-unseen", !seen);
      const dot = document.createElement("i");
      dot.style.background = COLOURS[(id - 1) % COLOURS.length];
      const name = button(`Object ${id}${seen ? "" : " (not seen)"}`, { choose: String(id) });
      name.prepend(dot);
      name.ariaPressed = String(id === this.chosen);
      const cross = button("×", { remove: String(id) });
      cross.ariaLabel = `Follow object ${id} no more`;
      item.append(name, cross);
      return item;
    });
    if (this.known.length) {
      const another = document.createElement("span");
      const add = button("+ Another object", { choose: "" });
      add.ariaPressed = String(this.chosen === null);
      another.append(add);
      items.push(another);
    }
    this.element.replaceChildren(...items);
  }
}

/**
 * @param {string} text
 * @param {{ [name: string]: string }} data
 */
function button(text, data) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  Object.assign(made.dataset, data);
  return made;
}
