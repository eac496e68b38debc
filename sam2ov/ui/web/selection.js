// Which object is chosen: prompts are meant for it. Shown alone is whatever object is chosen.

export class Selection {
  // `snapshot()` gives the present one; `changed()` is called when the user has chosen an object.
  constructor({ view, snapshot, changed }) {
    Object.assign(this, { view, snapshot, changed });
    this.id = null;
  }

  // The chosen object, or undefined.
  get object() {
    return this.snapshot().objects.find(({ id }) => id === this.id);
  }

  choose(id) {
    this.#set(id);
    this.changed();
  }

  // Show an object alone, or all again.
  toggleSolo(id) {
    this.id = id; // shown alone is who is chosen
    this.view.change({ solo: this.view.looks.solo === id ? null : id });
    this.changed();
  }

  // The server has said something new: a new object is the one that the next clicks are meant for.
  received(before) {
    const ids = this.snapshot().objects.map(({ id }) => id);
    const known = new Set(before.objects.map(({ id }) => id));
    const added = ids.filter((id) => !known.has(id));
    if (added.length) this.#set(known.size ? added.at(-1) : added[0]);
    else if (!ids.includes(this.id)) this.#set(ids[0] ?? null);
  }

  #set(id) {
    this.id = id;
    if (this.view.looks.solo !== null) this.view.change({ solo: id });
  }
}
