// What helps to see and to choose, beside prompts: hover preview, everything on a frame, before and
// after, the frames around, and an export shown live.

/** @import { Send } from "../connection.js" */
/** @import { ViewControls } from "../controls/view_controls.js" */
/** @import { Status } from "../controls/status.js" */
/** @import { Media } from "../media/media.js" */
/** @import { Player } from "../media/player.js" */
/** @import { Snapshot } from "../messages.js" */
/** @import { Selection } from "../selection.js" */
/** @import { Edits } from "./edits.js" */
/** @import { Prompting } from "./prompting.js" */
/** @import { Stage } from "./stage.js" */
/** @import { Tools } from "./tools.js" */

import { find } from "../dom.js";
import { Compare } from "./compare.js";
import { Found } from "./found.js";
import { Hover } from "./hover.js";
import { Onion } from "./onion.js";

export class Aids {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.section
   * @param {string} parts.root
   * @param {Send} parts.send
   * @param {() => Snapshot} parts.snapshot gives the present one
   * @param {Stage} parts.stage
   * @param {Media} parts.media
   * @param {Player} parts.player
   * @param {ViewControls} parts.view
   * @param {Status} parts.status
   * @param {Tools} parts.tools
   * @param {Selection} parts.selection
   * @param {Edits} parts.edits
   * @param {Prompting} parts.prompting
   * @param {number} parts.maxObjects of a project
   * @param {() => void} parts.changed is called when other buttons can be pressed
   */
  constructor(parts) {
    this.parts = parts;
    const { section, root, send, snapshot, stage, media, player, edits, status } = parts;
    this.hover = new Hover({ stage, root, aim: () => this.#aim() });
    this.compare = new Compare(stage);
    this.onion = new Onion(stage, media);
    this.found = new Found({
      section,
      root,
      send,
      snapshot,
      stage,
      edits,
      maxObjects: parts.maxObjects,
      painted: () => player.painted,
      failed: (text) => status.fail(text),
      changed: parts.changed,
    });
    this.#show();
  }

  // The names of `data-action`.
  get actions() {
    const { view } = this.parts;
    /** @type {(toggle: () => void) => () => void} */
    const shown = (toggle) => () => {
      toggle();
      this.#show();
    };
    return {
      hover: shown(() => this.hover.toggle()),
      compare: shown(() => this.compare.toggle()),
      onion: shown(() => {
        this.onion.toggle();
        this.shown();
        this.parts.player.refresh();
      }),
      find: () => this.found.start(),
      takeFound: () => this.found.take(),
      chooseFound: () => this.found.chooseAll(),
      closeFound: () => void this.found.close(),
      leaveLook: () => void view.leaveLook(),
    };
  }

  // What a click would be meant for now, or null.
  #aim() {
    const { snapshot, player, view, tools, selection, edits, prompting } = this.parts;
    const { clip, job } = snapshot();
    const { object } = selection;
    const isIdle = !job && !edits.waiting && !player.isPlaying && player.painted === player.frame;
    const isClick = tools.tool === "positive" || tools.tool === "negative";
    if (!clip || !object || !isIdle || !isClick) return null;
    if (view.looks.live || this.found.isShown || prompting.isBusy || prompting.refusal) return null;
    const { id, colour } = object;
    const positive = tools.tool === "positive";
    return { clip: clip.token, frame: player.frame, object: id, colour, positive };
  }

  // Esc; tells whether there was anything to leave.
  cancel() {
    return this.found.close() || this.parts.view.leaveLook();
  }

  /** @param {Snapshot} before */
  received(before) {
    this.found.received(before);
    const { snapshot, view } = this.parts;
    if (snapshot().clip?.token !== before.clip?.token) view.leaveLook(); // it was of another clip
    if (!this.#aim()) this.hover.drop();
  }

  // The playhead has moved.
  moved() {
    this.hover.drop();
    const { player } = this.parts;
    if (player.isPlaying || player.painted !== player.frame) this.onion.show(null);
  }

  // A frame has been painted.
  shown() {
    const { player } = this.parts;
    const isAtRest = !player.isPlaying && player.painted === player.frame;
    this.onion.show(isAtRest ? player.frame : null);
    this.found.moved();
  }

  // Something else is in sight.
  viewed() {
    this.compare.show();
    this.found.show();
    this.hover.drop();
  }

  #show() {
    const { section } = this.parts;
    const pressed = { hover: this.hover.isOn, compare: this.compare.isOn, onion: this.onion.isOn };
    for (const [action, is] of Object.entries(pressed)) {
      const button = find(section, `[data-action="${action}"]`, HTMLButtonElement);
      button.setAttribute("aria-pressed", String(is));
    }
  }
}
