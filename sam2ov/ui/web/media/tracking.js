// Tracking: starting it, for which objects, and whether the picture goes along.

/** @import { Send } from "../connection.js" */
/** @import { Status } from "../controls/status.js" */
/** @import { Snapshot, Track } from "../messages.js" */

/** @typedef {Omit<Track, "clip">} Run what is tracked */

/** @import { Selection } from "../selection.js" */
/** @import { Media } from "./media.js" */
/** @import { Player } from "./player.js" */

import { find } from "../dom.js";

const REFRESH_MS = 600;

export class Tracking {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.section
   * @param {Send} parts.send
   * @param {() => Snapshot} parts.snapshot gives the present one
   * @param {Selection} parts.selection
   * @param {Media} parts.media
   * @param {Player} parts.player
   * @param {Status} parts.status
   * @param {() => void} parts.changed is called when other buttons can be pressed
   */
  constructor({ section, send, snapshot, selection, media, player, status, changed }) {
    this.send = send;
    this.snapshot = snapshot;
    this.selection = selection;
    this.media = media;
    this.player = player;
    this.status = status;
    this.changed = changed;
    this.follows = true; // the playhead goes where tracking is
    this.onlyChosen = false; // not all objects
    this.isStarting = false; // it was asked for and has not been answered
    /** @type {Run | null} */
    this.latest = null; // that was asked for
    this.choice = find(section, '[data-action="onlyChosen"]', HTMLButtonElement);
    /** @type {number | undefined} */
    this.refreshing = undefined;
  }

  /** @param {Track["direction"]} direction */
  start(direction) {
    const objects = this.onlyChosen ? this.selection.ids : null;
    this.run({ frame: this.player.frame, direction, objects });
  }

  /** @param {Run} run */
  run(run) {
    const { clip, job } = this.snapshot();
    if (!clip || job || this.isStarting) return;
    this.isStarting = true;
    this.latest = run;
    this.status.clearError();
    this.player.pause();
    this.follow();
    this.changed();
    this.send("track", { clip: clip.token, ...run });
  }

  toggleOnlyChosen() {
    this.onlyChosen = !this.onlyChosen;
    this.choice.setAttribute("aria-pressed", String(this.onlyChosen));
    this.changed();
  }

  // The user wants to see what comes.
  follow() {
    this.follows = true;
  }

  // The user goes to a frame.
  lookElsewhere() {
    if (this.#isRunning) this.follows = false;
  }

  /**
   * The server has said something new: show the masks, and go where it says.
   *
   * @param {Snapshot} before
   */
  received(before) {
    this.isStarting = false;
    const { clip, mask, revision, show_frame: wanted } = this.snapshot();
    const isOpening = clip?.token !== before.clip?.token; // it starts where it was left
    if (revision !== before.revision) this.media.forgetMasks();
    else if (this.#isRunning && !this.follows) this.#refreshSoon();
    if (mask) this.media.putMasks(mask.frame, mask.png, mask.objects);
    if (wanted !== null && !isOpening && (this.follows || !mask)) this.player.seek(wanted);
    else if (clip && !this.#isRunning) this.player.refresh();
  }

  get #isRunning() {
    return this.snapshot().job?.kind === "track";
  }

  // While the user looks elsewhere, tracking may change what is in sight.
  #refreshSoon() {
    this.refreshing ??= setTimeout(() => {
      this.refreshing = undefined;
      this.media.forgetMasks();
      this.player.refresh();
    }, REFRESH_MS);
  }
}
