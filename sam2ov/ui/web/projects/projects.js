// Kept projects: a tab goes on where it was; others are opened, saved, closed and deleted.

import { ProjectPanel } from "../panels/project_panel.js";
/** @import { Send } from "../connection.js" */
/** @import { Dialogs } from "../controls/dialogs.js" */
/** @import { KeptProject, KeptProjects, Snapshot } from "../messages.js" */
/** @import { Opening } from "./opening.js" */

import { explainAnswer } from "../answers.js";
import { NO_ANSWER } from "../away.js";
import { find } from "../dom.js";
import { Kept } from "./kept.js";
import { RecentList } from "./recent.js";

const CARDS = 4; // on the empty stage: one row
const FRAME_AFTER_MS = 400;

export class Projects {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.section
   * @param {string} parts.root
   * @param {Send} parts.send
   * @param {() => Snapshot} parts.snapshot gives the present one
   * @param {Opening} parts.opening
   * @param {Dialogs} parts.dialogs
   * @param {() => boolean} parts.isAway whether the server does not answer
   * @param {(text: string) => void} parts.failed is told of errors
   * @param {() => void} parts.changed is called when there is something new to show
   */
  constructor({ section, root, send, snapshot, opening, dialogs, isAway, failed, changed }) {
    this.root = root;
    this.send = send;
    this.snapshot = snapshot;
    this.opening = opening;
    this.dialogs = dialogs;
    this.isAway = isAway;
    this.failed = failed;
    this.changed = changed;
    this.kept = new Kept();
    /** @type {KeptProjects | null} */
    this.answer = null; // what the server told of kept projects
    /** @type {string | null} */
    this.restoring = null; // the token of the project that this tab had, while it is opened again
    /** @type {string | null} */
    this.doomed = null; // to be deleted as soon as it is closed
    /** @type {Set<string>} */
    this.deleted = new Set(); // no longer shown, whether the server is done with it or not
    /** @type {{ token: string, frame: number } | null} */
    this.moving = null; // where the playhead is, not yet written down
    /** @type {number | undefined} */
    this.writing = undefined;
    const handlers = {
      open: (/** @type {KeptProject} */ project) => this.#open(project),
      remove: (/** @type {KeptProject} */ project) => this.remove(project),
    };
    this.stage = find(section, ".s2-recent", HTMLElement);
    this.cards = new RecentList(find(this.stage, "ul", HTMLElement), root, handlers);
    this.list = new RecentList(find(dialogs.recent, "ul", HTMLElement), root, handlers);
    this.none = find(dialogs.recent, ".s2-none", HTMLElement);
    this.panel = new ProjectPanel(section, {
      save: () => this.send("save", { with_clip: this.panel.withClip }),
      browse: () => this.opening.browse(),
      recent: () => this.showRecent(),
      close: () => this.close(),
      delete: () => {
        const { project } = this.snapshot();
        if (project) this.remove(project);
      },
    });
    addEventListener("pagehide", () => this.#writeFrame());
  }

  // This tab had a project, which is on its way back.
  get isRestoring() {
    return this.restoring !== null;
  }

  /**
   * Where the playhead stood when the project was left.
   *
   * @param {string} token
   */
  frameOf(token) {
    return this.moving?.token === token ? this.moving.frame : this.kept.frameOf(token);
  }

  /** @param {number} frame */
  moved(frame) {
    const token = this.snapshot().project?.token;
    if (!token) return;
    if (this.moving && this.moving.token !== token) this.#writeFrame();
    this.moving = { token, frame };
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.#writeFrame(), FRAME_AFTER_MS);
  }

  /**
   * The server has said something new; call it before anything is shown.
   *
   * @param {Snapshot} before
   */
  received(before) {
    const { project, upload, opened, job, problem } = this.snapshot();
    const token = project?.token ?? null;
    const isNewTab = upload !== before.upload; // or the server has been started anew
    const isRefused = problem !== null && problem.number !== before.problem?.number;
    if (token && (token !== before.project?.token || isRefused)) this.kept.opened(token);
    if (this.doomed && token === this.doomed && isRefused) {
      this.deleted.delete(token); // it could not be closed
      this.doomed = null;
    }
    if (this.restoring && (token || opened !== before.opened) && !isNewTab) {
      if (!token) this.kept.left(); // why it cannot be opened was said; it stays in the list
      this.restoring = null;
    }
    if (this.doomed && token !== this.doomed) this.#delete(this.doomed);
    const current = this.kept.current;
    if (isNewTab && !token && current && this.opening.openProject(current, "your project")) {
      this.restoring = current;
    }
    const hasWorked = before.job && !job;
    if (isNewTab || hasWorked || token !== (before.project?.token ?? null)) this.refresh();
  }

  /** @param {{ canOpen: boolean }} possible */
  show({ canOpen }) {
    const { project, job } = this.snapshot();
    const known = this.answer?.projects ?? [];
    const projects = known.filter((one) => !this.deleted.has(one.token));
    this.stage.hidden = projects.length === 0;
    this.cards.show(projects.slice(0, CARDS));
    this.list.show(projects);
    this.none.hidden = projects.length > 0;
    this.panel.show({ project, kept: this.answer, canOpen, canChange: !job });
  }

  showRecent() {
    this.refresh();
    this.dialogs.showRecent();
  }

  // Ask what there is; what is gone is no longer asked for.
  async refresh() {
    const { tokens } = this.kept;
    /** @type {KeptProjects} */
    let answer;
    try {
      const response = await fetch(`${this.root}/projects`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ tokens }),
      });
      if (!response.ok) return;
      answer = await response.json();
    } catch {
      return; // a server that is gone is told elsewhere
    }
    const here = new Set(answer.projects.map(({ token }) => token));
    this.kept.forget(tokens.filter((token) => !here.has(token)));
    this.answer = answer;
    this.changed();
  }

  /** @param {{ token: string, name: string }} project */
  #open({ token, name }) {
    this.dialogs.recent.close();
    if (token !== this.snapshot().project?.token) this.opening.openProject(token, name);
  }

  // Tells whether it is on its way.
  close() {
    const { clip } = this.snapshot();
    if (this.isAway()) {
      this.failed(NO_ANSWER);
      return false;
    }
    this.kept.left();
    if (clip) this.send("close", { clip: clip.token });
    return true;
  }

  /** @param {{ token: string, name: string }} project */
  async remove({ token, name }) {
    const question = `Delete ${name} with all its prompts and masks, for good?`;
    if (!(await this.dialogs.ask(question, "Delete"))) return;
    if (this.isAway()) {
      this.failed(NO_ANSWER);
      return;
    }
    this.deleted.add(token);
    if (token !== this.snapshot().project?.token) {
      this.#delete(token);
      return;
    }
    this.doomed = token;
    this.close();
  }

  /** @param {string} token */
  async #delete(token) {
    this.doomed = null;
    this.moving = null;
    /** @type {Response} */
    let response;
    try {
      response = await fetch(`${this.root}/projects/${token}`, { method: "DELETE" });
    } catch {
      this.deleted.delete(token);
      this.failed(NO_ANSWER);
      this.changed();
      return;
    }
    if (response.ok || response.status === 404) this.kept.forget([token]);
    else {
      this.deleted.delete(token);
      const type = response.headers.get("Content-Type");
      this.failed(explainAnswer(response.status, type, await response.text()));
    }
    this.refresh();
  }

  #writeFrame() {
    clearTimeout(this.writing);
    if (this.moving) this.kept.putFrame(this.moving.token, this.moving.frame);
    this.moving = null;
  }
}
