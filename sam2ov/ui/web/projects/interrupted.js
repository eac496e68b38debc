// Tracking that ended with its page or its server: the page that comes back offers to go on.

/** @import { Notices } from "../controls/notices.js" */
/** @import { Run, Tracking } from "../media/tracking.js" */
/** @import { Player } from "../media/player.js" */
/** @import { Snapshot } from "../messages.js" */

import { readKept, writeKept } from "../storage.js";
import { timecode } from "../texts.js";

const KEPT = "sam2ov-tracking"; // in this tab: what is being tracked, and how far
const CAUSE = "interrupted";
/** @type {Run["direction"][]} */
const DIRECTIONS = ["forward", "backward", "both", "frame"];

/** @typedef {{ project: string, at: number, run: Run }} Interruption */

/**
 * @param {unknown} kept
 * @returns {Interruption | null}
 */
function read(kept) {
  if (typeof kept !== "object" || kept === null) return null;
  if (!("project" in kept && "at" in kept && "run" in kept)) return null;
  const { project, at, run } = kept;
  if (typeof project !== "string" || typeof at !== "number") return null;
  if (typeof run !== "object" || run === null) return null;
  if (!("frame" in run && "direction" in run && "objects" in run)) return null;
  const { frame, objects } = run;
  const direction = DIRECTIONS.find((one) => one === run.direction);
  if (typeof frame !== "number" || !direction) return null;
  return { project, at, run: { frame, direction, objects: Array.isArray(objects) ? objects : null } };
}

export class Interrupted {
  /**
   * @param {object} parts
   * @param {Notices} parts.notices
   * @param {() => Snapshot} parts.snapshot gives the present one
   * @param {Tracking} parts.tracking
   * @param {Player} parts.player
   */
  constructor({ notices, snapshot, tracking, player }) {
    this.notices = notices;
    this.snapshot = snapshot;
    this.tracking = tracking;
    this.player = player;
  }

  /**
   * The server has said something new.
   *
   * @param {Snapshot} before
   * @param {boolean} isNewTab to the server
   */
  received(before, isNewTab) {
    const { project, job, show_frame: at, clip } = this.snapshot();
    const run = this.tracking.latest;
    if (project && job?.kind === "track") {
      this.notices.hide(CAUSE);
      if (run) {
        const known = this.#kept?.at ?? run.frame;
        writeKept("sessionStorage", KEPT, { project: project.token, at: at ?? known, run });
      }
      return;
    }
    if (before.job?.kind === "track" && !isNewTab) this.#forget(); // it came to its end, or was stopped
    if (clip?.token !== before.clip?.token) this.#offer();
  }

  get #kept() {
    return read(readKept("sessionStorage", KEPT));
  }

  #offer() {
    const { project, job } = this.snapshot();
    const kept = this.#kept;
    if (!project || job || kept?.project !== project.token) {
      this.notices.hide(CAUSE);
      return;
    }
    this.notices.show(CAUSE, {
      text: `Tracking was interrupted at ${timecode(this.player.clock.timeOf(kept.at), false)}. What was tracked is kept.`,
      label: "Continue",
      act: () => {
        this.#forget();
        this.tracking.run(kept.run);
      },
      close: () => this.#forget(),
    });
  }

  #forget() {
    writeKept("sessionStorage", KEPT, null);
    this.notices.hide(CAUSE);
  }
}
