// What becomes of the user's work while the server does not answer: edits are kept and sent when it is
// back, also to one that was started anew; anything else is not begun.

/** @import { Events, Send } from "./connection.js" */
/** @import { Notices } from "./controls/notices.js" */
/** @import { Status, Task } from "./controls/status.js" */
/** @import { Snapshot } from "./messages.js" */
/** @import { Edits, NewEdit } from "./stage/edits.js" */

const CAUSE = "away";
export const NO_ANSWER = "The server does not answer. Try again when it is back.";
const ANY_TIME = ["ready", "edit", "prepare"]; // edits are held back by themselves

export class Away {
  /**
   * @param {object} parts
   * @param {Edits} parts.edits
   * @param {Notices} parts.notices
   * @param {Status} parts.status
   * @param {Send} parts.send
   * @param {() => void} parts.refused is called when something was not begun
   * @param {() => void} parts.changed is called when there is something new to show
   */
  constructor({ edits, notices, status, send, refused, changed }) {
    this.edits = edits;
    this.notices = notices;
    this.status = status;
    this.sendNow = send;
    this.refused = refused;
    this.changed = changed;
    this.isAway = false;
    /** @type {{ project: string, opened: number, edits: NewEdit[] } | null} */
    this.unsent = null; // of a server that has gone
  }

  /**
   * The server is away, or back.
   *
   * @param {boolean} isAway
   */
  is(isAway) {
    this.isAway = isAway;
    if (isAway) {
      this.edits.hold();
      const text = "The server does not answer. Clicks and changes are kept here and sent when it is back.";
      this.notices.show(CAUSE, { text });
    } else this.notices.hide(CAUSE); // a snapshot is on its way, and with it what was kept goes out
    this.changed();
  }

  // What the status says instead of what was last heard of a job.
  /** @returns {Task | null} */
  task() {
    return this.isAway ? { text: "Waiting for the server …", share: null, canCancel: false } : null;
  }

  /**
   * What a server that is away is asked for it never hears of.
   *
   * @template {keyof Events} E
   * @param {E} event
   * @param {Events[E]} payload
   */
  send(event, payload) {
    if (!this.isAway || ANY_TIME.includes(event)) {
      this.sendNow(event, payload);
      return;
    }
    this.refused();
    this.status.fail(NO_ANSWER);
  }

  /**
   * The server knows nothing of before; call it before the edits are told.
   *
   * @param {Snapshot} before
   * @param {Snapshot} snapshot the first of the server that is there now
   */
  restarted({ project }, { opened }) {
    if (project) this.unsent = { project: project.token, opened, edits: this.edits.unsent() };
  }

  /** @param {Snapshot} snapshot */
  received({ project, job, opened }) {
    if (this.edits.isHeld && !this.isAway) this.edits.release();
    if (!this.unsent || job) return;
    const { edits, project: wanted, opened: before } = this.unsent;
    if (!project && opened === before) return; // it is still to be opened again
    this.unsent = null;
    if (project?.token !== wanted) return; // it cannot be opened, or another one was: too late for these
    for (const edit of edits) this.edits.repeat(edit);
  }
}
