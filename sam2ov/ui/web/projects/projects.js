// Kept projects: a tab goes on where it was; others are opened, saved, closed and deleted.

import { ProjectPanel } from "../panels/project_panel.js";
import { Kept } from "./kept.js";
import { RecentList } from "./recent.js";

const CARDS = 4; // on the empty stage: one row
const FRAME_AFTER_MS = 400;

export class Projects {
  constructor({ section, root, send, snapshot, opening, dialogs, failed, changed }) {
    Object.assign(this, { root, send, snapshot, opening, dialogs, failed, changed });
    this.kept = new Kept();
    this.answer = null; // what the server told of kept projects
    this.restoring = null; // the token of the project that this tab had, while it is opened again
    this.doomed = null; // to be deleted as soon as it is closed
    this.deleted = new Set(); // no longer shown, whether the server is done with it or not
    this.moving = null; // { token, frame }: where the playhead is, not yet written down
    const handlers = {
      open: (project) => this.#open(project),
      remove: (project) => this.#remove(project),
    };
    this.stage = section.querySelector(".s2-recent");
    this.cards = new RecentList(this.stage.querySelector("ul"), root, handlers);
    this.list = new RecentList(dialogs.recent.querySelector("ul"), root, handlers);
    this.panel = new ProjectPanel({
      save: () => this.send("save", { with_clip: this.panel.withClip }),
      browse: () => this.opening.browse(),
      recent: () => this.showRecent(),
      close: () => this.#close(),
      delete: () => this.#remove(this.#present()),
    });
    addEventListener("pagehide", () => this.#writeFrame());
  }

  // This tab had a project, which is on its way back.
  get isRestoring() {
    return this.restoring !== null;
  }

  // Where the playhead stood when the project was left.
  frameOf(token) {
    return this.moving?.token === token ? this.moving.frame : this.kept.frameOf(token);
  }

  moved(frame) {
    const token = this.snapshot().project?.token;
    if (!token) return;
    if (this.moving && this.moving.token !== token) this.#writeFrame();
    this.moving = { token, frame };
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.#writeFrame(), FRAME_AFTER_MS);
  }

  // The server has said something new; call it before anything is shown.
  received(before) {
    const { project, upload, opened, job } = this.snapshot();
    const token = project?.token ?? null;
    const isNewTab = upload !== before.upload; // or the server has been started anew
    if (token && token !== before.project?.token) this.kept.opened(token);
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

  show({ canOpen }) {
    const { project, job } = this.snapshot();
    const known = this.answer?.projects ?? [];
    const projects = known.filter((one) => !this.deleted.has(one.token));
    this.stage.hidden = projects.length === 0;
    this.cards.show(projects.slice(0, CARDS));
    this.list.show(projects);
    const dialog = this.dialogs.recent;
    dialog.querySelector(".s2-none").hidden = projects.length > 0;
    this.panel.show({ project: project ?? null, kept: this.answer, canOpen, canChange: !job });
  }

  showRecent() {
    this.refresh();
    this.dialogs.showRecent();
  }

  // Ask what there is; what is gone is no longer asked for.
  async refresh() {
    const { tokens } = this.kept;
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

  #present() {
    const { project } = this.snapshot();
    return { token: project.token, name: project.name };
  }

  #open({ token, name }) {
    this.dialogs.recent.close();
    if (token !== this.snapshot().project?.token) this.opening.openProject(token, name);
  }

  #close() {
    this.kept.left();
    this.send("close", { clip: this.snapshot().clip.token });
  }

  async #remove({ token, name }) {
    const question = `Delete ${name} with all its prompts and masks, for good?`;
    if (!(await this.dialogs.ask(question, "Delete"))) return;
    this.deleted.add(token);
    if (token !== this.snapshot().project?.token) {
      this.#delete(token);
      return;
    }
    this.doomed = token;
    this.#close();
  }

  async #delete(token) {
    this.doomed = null;
    this.moving = null;
    const response = await fetch(`${this.root}/projects/${token}`, { method: "DELETE" });
    if (response.ok || response.status === 404) this.kept.forget([token]);
    else {
      this.deleted.delete(token);
      this.failed(await response.text());
    }
    this.refresh();
  }

  #writeFrame() {
    clearTimeout(this.writing);
    if (this.moving) this.kept.putFrame(this.moving.token, this.moving.frame);
    this.moving = null;
  }
}
