// Which objects are chosen: prompts are meant for one of them, the rest goes for all. Shown alone is
// whatever object is chosen.

/** @import { ViewControls } from "./controls/view_controls.js" */
/** @import { Snapshot } from "./messages.js" */

/** @typedef {"only" | "toggle" | "extend"} How */

/**
 * What a click on an object means: with Ctrl it comes to those that are chosen, or goes; with Shift
 * all up to it do.
 *
 * @param {{ ctrlKey: boolean, metaKey: boolean, shiftKey: boolean }} event
 * @returns {How}
 */
export function howOf({ ctrlKey, metaKey, shiftKey }) {
  if (shiftKey) return "extend";
  return ctrlKey || metaKey ? "toggle" : "only";
}

export class Selection {
  /**
   * @param {object} parts
   * @param {ViewControls} parts.view
   * @param {() => Snapshot} parts.snapshot gives the present one
   * @param {() => void} parts.changed is called when the user has chosen an object
   */
  constructor({ view, snapshot, changed }) {
    this.view = view;
    this.snapshot = snapshot;
    this.changed = changed;
    /** @type {number | null} */
    this.id = null; // the one that prompts are meant for
    /** @type {Set<number>} */
    this.others = new Set(); // that are chosen beside it
  }

  // The chosen object, or undefined.
  get object() {
    return this.snapshot().objects.find(({ id }) => id === this.id);
  }

  // All that are chosen, in the order of the list.
  get ids() {
    const ids = this.snapshot().objects.map(({ id }) => id);
    return ids.filter((id) => id === this.id || this.others.has(id));
  }

  // The chosen ones.
  get objects() {
    const { ids } = this;
    return this.snapshot().objects.filter(({ id }) => ids.includes(id));
  }

  /**
   * What something done to an object is done to: all that are chosen, if it is one of them.
   *
   * @param {number} id
   */
  with(id) {
    const { ids } = this;
    return ids.includes(id) ? ids : [id];
  }

  /**
   * @param {number | null} id
   * @param {How} how
   */
  choose(id, how = "only") {
    if (id === null || this.id === null || how === "only") this.#set(id);
    else if (how === "toggle") this.#toggle(id);
    else this.#extend(id);
    this.changed();
  }

  /**
   * Show an object alone, or all again.
   *
   * @param {number | null} id
   */
  toggleSolo(id) {
    this.#choose(id); // shown alone is who is chosen
    this.view.change({ solo: this.view.looks.solo === id ? null : id });
    this.changed();
  }

  /**
   * The server has said something new: a new object is the one that the next clicks are meant for.
   *
   * @param {Snapshot} before
   */
  received(before) {
    const { clip, objects } = this.snapshot();
    const ids = objects.map(({ id }) => id);
    if (clip?.token !== before.clip?.token) {
      // The same numbers are other objects there.
      this.#choose(ids[0] ?? null);
      if (this.view.looks.solo !== null) this.view.change({ solo: null });
      return;
    }
    const known = new Set(before.objects.map(({ id }) => id));
    const news = ids.filter((id) => !known.has(id));
    const [added] = known.size ? news.slice(-1) : news;
    if (added !== undefined) this.#set(added);
    else if (this.id === null || !ids.includes(this.id)) this.#set(this.ids[0] ?? ids[0] ?? null);
  }

  /** @param {number} id */
  #toggle(id) {
    const { ids } = this;
    if (!ids.includes(id)) this.others.add(id);
    else if (ids.length === 1) return;
    else if (id !== this.id) this.others.delete(id);
    else {
      this.#solo(ids.find((one) => one !== id) ?? null);
      this.others.delete(id);
    }
  }

  // From the one that prompts are meant for to another.
  /** @param {number} id */
  #extend(id) {
    const ids = this.snapshot().objects.map((object) => object.id);
    const [from, to] = [ids.indexOf(this.id ?? id), ids.indexOf(id)].sort((a, b) => a - b);
    this.others = new Set(ids.slice(from, to + 1));
  }

  /** @param {number | null} id */
  #set(id) {
    this.#choose(id);
    this.#solo(id);
  }

  /** @param {number | null} id */
  #choose(id) {
    this.id = id;
    this.others.clear();
  }

  /** @param {number | null} id */
  #solo(id) {
    this.id = id;
    if (this.view.looks.solo !== null) this.view.change({ solo: id });
  }
}
