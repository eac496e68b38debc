// The frames most worth correcting: a list to step through, each with its reason in words.

/** @import { ObjectView, ReviewEntry, ReviewList } from "../messages.js" */

import { find, findAll, under } from "../dom.js";
import { timecode } from "../texts.js";

const REFRESH_MS = 1000;
const TRACKING_REFRESH_MS = 4000;
const KEPT = "sam2ov.reviewed";
const KEPT_AT_MOST = 500;
const CHECK = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="m3.5 8.5 3 3 6-7" /></svg>';
const NOT_CALIBRATED =
  "Nobody has compared this model’s confidence with true masks: the list follows what it claims of itself.";

/** @param {number} count */
const frames = (count) => (count === 1 ? "1 frame" : `${count} frames`);

/**
 * @param {Pick<ReviewEntry, "reason" | "frames">} item
 * @param {string[]} names of the objects, in the order of the item's `objects`
 */
export function reasonOf(item, names) {
  const [one, other] = names;
  return {
    unsure: item.frames > 1 ? `${one}: probably wrong for ${frames(item.frames)}` : `${one}: not sure`,
    jumped: `${one} jumps`,
    resized: `${one} changes its size`,
    grown: `${one} is far larger than prompted for ${frames(item.frames)}`,
    lost: `${one} is lost`,
    returned: `${one} is back after ${frames(item.frames)}`,
    merged: `${one} and ${other} lie on each other`,
    swapped: `${one} and ${other} swap places`,
    cut: "Another scene begins",
  }[item.reason];
}

/** @param {ReviewEntry} item */
const idOf = ({ frame, objects, reason }) => [reason, frame, ...objects].join(" ");

export class Review {
  /**
   * @param {HTMLElement} element
   * @param {object} handlers
   * @param {(frame: number, id: number) => void} handlers.go
   * @param {() => void} handlers.changed
   */
  constructor(element, handlers) {
    this.element = element;
    this.handlers = handlers;
    this.list = find(element, ".s2-review-items", HTMLElement);
    this.count = find(element, ".s2-review-count", HTMLElement);
    this.note = find(element, ".s2-review-note", HTMLElement);
    this.shown = ""; // what the list was made from
    /** @type {ReviewEntry[]} */
    this.items = [];
    this.isCalibrated = true;
    /** @type {ObjectView[]} */
    this.objects = [];
    /** @type {string | null} */
    this.base = null;
    /** @type {string | null} */
    this.project = null;
    /** @type {string | null} */
    this.current = null; // the item that was gone to last, as `idOf` says
    /** @type {string | null} */
    this.known = null; // the version of the results that `items` are of
    this.version = "";
    /** @type {string[] | null} */
    this.fine = null; // items that were found fine; null until they are read
    this.fetchedAt = 0;
    /** @type {number | undefined} */
    this.timer = undefined;
    /** @type {(frame: number) => number} */
    this.timeOf = () => 0; // in seconds
    this.list.addEventListener("click", (event) => this.#pressed(event));
    this.#render();
  }

  /**
   * @param {string | null} base media/<token>
   * @param {string | null} project
   */
  open(base, project) {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.base = base;
    this.project = project;
    this.items = [];
    this.objects = [];
    this.known = null;
    this.current = null;
    this.fine = null;
    this.#render();
  }

  /**
   * Ask again when results are others.
   *
   * @param {string} version says so
   * @param {boolean} isTracking
   */
  want(version, isTracking) {
    this.version = version;
    if (version === this.known || this.timer) return;
    const pause = isTracking ? TRACKING_REFRESH_MS : REFRESH_MS;
    const wait = Math.max(this.fetchedAt + pause - performance.now(), 0);
    this.timer = setTimeout(() => this.#fetch(), wait);
  }

  /**
   * @param {ObjectView[]} objects
   * @param {(frame: number) => number} timeOf
   */
  show(objects, timeOf) {
    this.objects = objects;
    this.timeOf = timeOf;
    this.#render();
  }

  get openItems() {
    const done = this.#dismissed();
    return this.items.filter((item) => !done.has(idOf(item)));
  }

  /**
   * The frames of an object that are worth a look.
   *
   * @param {number} id
   */
  framesOf(id) {
    return this.openItems.filter(({ objects }) => objects.includes(id)).map(({ frame }) => frame);
  }

  /**
   * Go to the next item in the list, or with -1 to the one before; the worst comes first.
   *
   * @param {1 | -1} by
   */
  step(by) {
    const items = this.openItems;
    if (!items.length) return;
    const at = items.findIndex((item) => idOf(item) === this.current);
    const next = at < 0 ? (by > 0 ? 0 : items.length - 1) : (at + by + items.length) % items.length;
    this.#goTo(items[next]);
  }

  async #fetch() {
    const { base, version } = this;
    this.fetchedAt = performance.now();
    try {
      const response = await fetch(`${base}/review`);
      if (base !== this.base) return;
      if (response.status === 200) {
        /** @type {ReviewList} */
        const answer = await response.json();
        this.items = answer.items;
        this.isCalibrated = answer.is_calibrated;
        this.#render();
        this.handlers.changed();
      }
    } catch {
      // The list stays as it is; the next change asks again.
    }
    if (base !== this.base) return;
    this.known = version;
    this.timer = undefined;
    if (this.version !== this.known) this.want(this.version, true);
  }

  /** @param {ReviewEntry} item */
  #goTo(item) {
    this.current = idOf(item);
    this.#render();
    this.list.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.handlers.go(item.frame, item.objects[0]);
  }

  /** @param {Event} event */
  #pressed(event) {
    const entry = under(event, ".s2-review-item", HTMLElement);
    const item = this.items.find((one) => idOf(one) === entry?.dataset.item);
    if (!entry || !item) return;
    if (!under(event, ".s2-fine", HTMLElement)) {
      this.#goTo(item);
      return;
    }
    const position = [...this.list.children].indexOf(entry);
    this.#dismiss(item);
    this.#render();
    this.handlers.changed();
    const next = this.list.children[Math.min(position, this.list.children.length - 1)];
    if (next) find(next, ".s2-fine", HTMLElement).focus({ preventScroll: true });
  }

  // What was looked at and found fine, on this computer: { project: [ids] }
  #dismissed() {
    this.fine ??= this.#stored();
    return new Set(this.fine);
  }

  /** @returns {string[]} */
  #stored() {
    try {
      return JSON.parse(localStorage.getItem(`${KEPT}.${this.project}`) ?? "[]");
    } catch {
      return []; // nothing is kept in a private window
    }
  }

  /** @param {ReviewEntry} item */
  #dismiss(item) {
    this.fine = [...this.#dismissed(), idOf(item)].slice(-KEPT_AT_MOST);
    try {
      localStorage.setItem(`${KEPT}.${this.project}`, JSON.stringify(this.fine));
    } catch {
      // Not kept for the next time.
    }
  }

  #render() {
    const items = this.openItems;
    const isTracked = this.objects.some((object) => object.tracked || object.stale);
    this.count.textContent = items.length ? String(items.length) : "";
    this.element.title = this.isCalibrated ? "" : NOT_CALIBRATED;
    this.note.hidden = items.length > 0;
    if (!items.length) {
      this.note.textContent = isTracked
        ? `No frame stands out. Play it through to be sure${this.isCalibrated ? "" : ": nobody has compared this model’s confidence with true masks"}.`
        : "Frames that look wrong are listed here once something is tracked.";
    }
    for (const button of findAll(this.element, "[data-action]", HTMLButtonElement)) {
      button.disabled = !items.length;
    }
    const entries = items.flatMap((item) => this.#entry(item) ?? []);
    const shown = JSON.stringify(entries);
    if (shown === this.shown) return;
    this.shown = shown;
    const left = this.list.scrollLeft;
    this.list.replaceChildren(...entries.map(entryElement));
    this.list.scrollLeft = left;
  }

  /**
   * What an item's entry shows; null where an object was removed meanwhile.
   *
   * @param {ReviewEntry} item
   * @returns {Entry | null}
   */
  #entry(item) {
    const objects = item.objects.flatMap((id) => this.objects.find((one) => one.id === id) ?? []);
    if (objects.length < item.objects.length) return null;
    return {
      id: idOf(item),
      frame: item.frame,
      reason: reasonOf(item, objects.map(({ name }) => name)),
      colours: objects.map(({ colour }) => colour),
      time: timecode(this.timeOf(item.frame)),
      isCurrent: idOf(item) === this.current,
    };
  }
}

/**
 * @typedef {object} Entry
 * @property {string} id
 * @property {number} frame
 * @property {string} reason with names as users gave them: never part of markup
 * @property {string[]} colours
 * @property {string} time
 * @property {boolean} isCurrent
 */

/** @param {Entry} entry */
export function entryElement({ id, frame, reason, colours, time, isCurrent }) {
  const go = button("s2-go", `Frame ${frame}`);
  for (const colour of colours) {
    const dot = document.createElement("i");
    dot.style.background = colour;
    go.append(dot);
  }
  const text = document.createElement("span");
  text.textContent = reason;
  const at = document.createElement("time");
  at.textContent = time;
  go.append(text, at);
  const fine = button("s2-fine", "Looks fine: take it off the list");
  fine.setAttribute("aria-label", `Looks fine: ${reason}, ${time}`);
  fine.innerHTML = CHECK;
  const entry = document.createElement("li");
  entry.className = "s2-review-item";
  entry.dataset.item = id;
  entry.setAttribute("aria-current", String(isCurrent));
  entry.append(go, fine);
  return entry;
}

/**
 * @param {string} className
 * @param {string} title
 */
function button(className, title) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = className;
  element.title = title;
  return element;
}
