// Everything on a frame as outlines; a click takes one, several become objects in one step.

/** @import { Send } from "../connection.js" */
/** @import { FoundOutline, FoundOutlines, Snapshot } from "../messages.js" */
/** @import { Edits } from "./edits.js" */
/** @import { Stage } from "./stage.js" */
/** @import { Point } from "./viewport.js" */

import { penOf } from "../canvas.js";
import { find } from "../dom.js";
import { foundText, isPrompted } from "../texts.js";

const HUE_STEP = 137.5; // degrees: neighbours in the list never look alike

/**
 * @typedef {object} Candidate
 * @property {Path2D} path in video pixels
 * @property {number} area
 */

export class Found {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.section
   * @param {string} parts.root
   * @param {Send} parts.send
   * @param {() => Snapshot} parts.snapshot gives the present one
   * @param {Stage} parts.stage
   * @param {Edits} parts.edits
   * @param {number} parts.maxObjects of a project
   * @param {() => number | null} parts.painted the frame in sight
   * @param {(text: string) => void} parts.failed
   * @param {() => void} parts.changed is called when outlines come or go
   */
  constructor({ section, root, send, snapshot, stage, edits, maxObjects, painted, failed, changed }) {
    this.root = root;
    this.send = send;
    this.snapshot = snapshot;
    this.stage = stage;
    this.edits = edits;
    this.maxObjects = maxObjects;
    this.painted = painted;
    this.failed = failed;
    this.changed = changed;
    this.canvas = find(section, ".s2-found", HTMLCanvasElement);
    this.bar = find(section, ".s2-found-bar", HTMLElement);
    this.isAsking = false; // for a finding of this page
    this.number = 0; // of the finding that is shown; 0 for none
    /** @type {number | null} */
    this.frame = null; // that it is of
    /** @type {Candidate[]} */
    this.candidates = [];
    /** @type {Set<number>} */
    this.chosen = new Set();
    this.hovered = -1;
    this.#listen();
  }

  #listen() {
    const { canvas } = this;
    for (const kind of ["pointerdown", "pointerup", "pointermove"]) {
      canvas.addEventListener(kind, (event) => event.stopPropagation()); // no prompts meanwhile
    }
    canvas.addEventListener("pointermove", (event) => this.#hover(this.#at(event)));
    canvas.addEventListener("pointerleave", () => this.#hover(-1));
    canvas.addEventListener("click", (event) => this.#toggle(this.#at(event)));
    canvas.addEventListener("keydown", (event) => this.#pressed(event));
  }

  get isShown() {
    return this.number > 0;
  }

  // Have everything on the frame in sight found.
  start() {
    const { clip, job } = this.snapshot();
    const frame = this.painted();
    if (!clip || job || frame === null) return;
    this.close();
    this.isAsking = true;
    this.send("find", { clip: clip.token, frame });
  }

  /** @param {Snapshot} before */
  received(before) {
    const { clip, job, found } = this.snapshot();
    if (clip?.token !== before.clip?.token) {
      this.isAsking = false;
      this.close();
    }
    if (!this.isAsking || job?.kind === "find" || before.job?.kind !== "find") return;
    this.isAsking = false;
    if (clip && found && found.number !== before.found?.number) this.#open(clip.token);
  }

  // Another frame is in sight: what was found is not of this one.
  moved() {
    if (this.isShown && this.painted() !== this.frame) this.close();
  }

  take() {
    if (!this.chosen.size) return;
    this.edits.make({ kind: "take_found", found: this.number, chosen: [...this.chosen] });
    this.close();
  }

  // How many may be chosen: objects that have no prompts yet are taken first.
  get room() {
    const { objects } = this.snapshot();
    const isInUse = objects.filter((one) => isPrompted(one) || one.locked || one.hidden);
    return this.maxObjects - isInUse.length;
  }

  // As many as there is room for, or none again.
  chooseAll() {
    const all = [...this.candidates.keys()].slice(0, this.room);
    this.chosen = new Set(this.chosen.size >= all.length ? [] : all);
    this.show();
  }

  // Tells whether there was anything to close.
  close() {
    if (!this.isShown) return false;
    this.number = 0;
    this.candidates = [];
    this.chosen.clear();
    this.hovered = -1;
    this.show();
    this.changed();
    return true;
  }

  /** @param {string} token of the clip */
  async #open(token) {
    try {
      const response = await fetch(`${this.root}/media/${token}/found`, { cache: "no-store" });
      if (response.status !== 200) throw new Error(String(response.status));
      /** @type {FoundOutlines} */
      const { number, frame, masks } = await response.json();
      if (this.snapshot().clip?.token !== token || this.painted() !== frame) return;
      this.number = number;
      this.frame = frame;
      this.candidates = masks.map(candidateOf);
      this.show();
      this.canvas.focus({ preventScroll: true });
      this.changed();
    } catch {
      this.failed("What was found cannot be shown. Segment the frame again.");
    }
  }

  // Call when what is in sight has changed.
  show() {
    const { canvas, bar, stage, candidates } = this;
    canvas.hidden = bar.hidden = !this.isShown;
    if (!this.isShown) return;
    find(bar, "p", HTMLElement).textContent = foundText(candidates.length, this.chosen.size, this.room);
    find(bar, '[data-action="takeFound"]', HTMLButtonElement).disabled = !this.chosen.size;
    find(bar, '[data-action="chooseFound"]', HTMLButtonElement).disabled = !candidates.length;
    canvas.style.cursor = this.hovered >= 0 ? "pointer" : "default";
    const state = this.chosen.has(this.hovered) ? "chosen" : "not chosen";
    const which = this.hovered >= 0 ? `Outline ${this.hovered + 1} of ${candidates.length}, ${state}` : "";
    canvas.setAttribute("aria-label", which || foundText(candidates.length, this.chosen.size, this.room));
    const { ratio, viewport } = stage;
    canvas.width = Math.round(viewport.stage.width * ratio);
    canvas.height = Math.round(viewport.stage.height * ratio);
    const { scaleX, scale, x, y } = viewport;
    const place = new DOMMatrix([scaleX * ratio, 0, 0, scale * ratio, x * ratio, y * ratio]);
    const context = penOf(canvas);
    candidates.forEach(({ path }, index) => this.#draw(context, placed(path, place), index));
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Path2D} path
   * @param {number} index
   */
  #draw(context, path, index) {
    const { ratio } = this.stage;
    const isChosen = this.chosen.has(index);
    const hue = (index * HUE_STEP) % 360;
    const strength = Number(isChosen) * 0.4 + Number(index === this.hovered) * 0.25;
    if (strength) {
      context.fillStyle = `hsl(${hue} 90% 60% / ${strength})`;
      context.fill(path, "evenodd");
    }
    if (strength) {
      context.lineWidth = 4.5 * ratio;
      context.strokeStyle = "rgb(0 0 0 / 55%)";
      context.stroke(path);
    }
    context.lineWidth = (strength ? 2.5 : 1.5) * ratio;
    context.strokeStyle = isChosen ? "#fff" : `hsl(${hue} 90% 65%)`;
    context.stroke(path);
  }

  /**
   * The smallest outline at a place, or -1.
   *
   * @param {MouseEvent} event
   */
  #at(event) {
    const { x, y } = this.stage.position(event);
    const context = penOf(this.canvas);
    context.setTransform(1, 0, 0, 1, 0, 0);
    let smallest = -1;
    this.candidates.forEach(({ path, area }, index) => {
      if (smallest >= 0 && this.candidates[smallest].area <= area) return;
      if (context.isPointInPath(path, x, y, "evenodd")) smallest = index;
    });
    return smallest;
  }

  /** @param {number} index */
  #hover(index) {
    if (index === this.hovered) return;
    this.hovered = index;
    this.show();
  }

  /** @param {number} index */
  #toggle(index) {
    if (index < 0) return;
    if (!this.chosen.delete(index) && this.chosen.size < this.room) this.chosen.add(index);
    this.show();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const count = this.candidates.length;
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by && count) this.#hover((Math.max(this.hovered, by < 0 ? 0 : -1) + by + count) % count);
    else if (event.key === " ") this.#toggle(this.hovered);
    else if (event.key === "Enter") this.take();
    else return;
    event.preventDefault();
  }
}

/**
 * @param {FoundOutline} outline
 * @returns {Candidate}
 */
function candidateOf({ rings, area }) {
  const path = new Path2D();
  for (const ring of rings) {
    for (let at = 0; at < ring.length; at += 2) {
      if (at) path.lineTo(ring[at], ring[at + 1]);
      else path.moveTo(ring[at], ring[at + 1]);
    }
    path.closePath();
  }
  return { path, area };
}

/**
 * @param {Path2D} path
 * @param {DOMMatrix} place
 */
function placed(path, place) {
  const made = new Path2D();
  made.addPath(path, place);
  return made;
}
