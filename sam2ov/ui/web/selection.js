// Which object is chosen: prompts are meant for it. Shown alone is whatever object is chosen.

/** @import { ViewControls } from "./controls/view_controls.js" */
/** @import { Snapshot } from "./messages.js" */

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
    this.id = null;
  }

  // The chosen object, or undefined.
  get object() {
    return this.snapshot().objects.find(({ id }) => id === this.id);
  }

  /** @param {number | null} id */
  choose(id) {
    this.#set(id);
    this.changed();
  }

  /**
   * Show an object alone, or all again.
   *
   * @param {number | null} id
   */
  toggleSolo(id) {
    this.id = id; // shown alone is who is chosen
    this.view.change({ solo: this.view.looks.solo === id ? null : id });
    this.changed();
  }

  /**
   * The server has said something new: a new object is the one that the next clicks are meant for.
   *
   * @param {Snapshot} before
   */
  received(before) {
    const ids = this.snapshot().objects.map(({ id }) => id);
    const known = new Set(before.objects.map(({ id }) => id));
    const news = ids.filter((id) => !known.has(id));
    const [added] = known.size ? news.slice(-1) : news;
    if (added !== undefined) this.#set(added);
    else if (this.id === null || !ids.includes(this.id)) this.#set(ids[0] ?? null);
  }

  /** @param {number | null} id */
  #set(id) {
    this.id = id;
    if (this.view.looks.solo !== null) this.view.change({ solo: id });
  }
}
