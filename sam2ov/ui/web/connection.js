// What goes to the server and comes from it: events, and snapshots of which the newest counts.

/** @import { AddModel, ChooseModel, Close, Edit, Export, Find, Open, OpenPrompts, Prepare } from "./messages.js" */
/** @import { Refusal, Save, SayHello, Snapshot, Track } from "./messages.js" */

/** @typedef {{ [key: string]: never }} Nothing */

/**
 * @typedef {object} Events what the server is told, by name
 * @property {Nothing} ready
 * @property {Open} open
 * @property {Close} close
 * @property {Edit} edit
 * @property {Track} track
 * @property {Nothing} cancel
 * @property {Prepare} prepare
 * @property {Find} find
 * @property {ChooseModel} use_model
 * @property {ChooseModel} get_model
 * @property {AddModel} add_model
 * @property {Nothing} cancel_model
 * @property {Save} save
 * @property {Export} export
 * @property {Nothing} save_prompts
 * @property {OpenPrompts} open_prompts
 */

/** @typedef {<E extends keyof Events>(event: E, payload: Events[E]) => void} Send */

const RETRY_MS = 5000;
const AWAY_MS = 60_000;
const LOOK_MS = 1500;
const SILENCE_MS = 4000; // after which a server that owes an answer is looked for
const IDLE_LOOK_MS = 20_000;
const PATIENCE_MS = 3000;

/** @type {Snapshot} */
const NOTHING = {
  seq: 0,
  edits: 0,
  opened: 0,
  upload: "",
  clip: null,
  objects: [],
  revision: 0,
  range: null,
  undo: null,
  redo: null,
  project: null,
  model: { name: "", title: "", device: "", preset: "quality", memory: "upstream", is_demonstration: false },
  getting: null,
  job: null,
  mask: null,
  found: null,
  show_frame: null,
  download: null,
  problem: null,
};

export class Connection {
  /**
   * @param {object} parts
   * @param {string} parts.root
   * @param {Send} parts.send
   * @param {(before: Snapshot, isNewTab: boolean) => void} parts.changed is told of the snapshot
   *   before; the tab is new to the server at first, and after its restart
   * @param {(reason: string) => void} parts.refused is told why there is no snapshot
   * @param {() => boolean} parts.isHeld whether edits are kept until there is a snapshot
   * @param {() => boolean} parts.isWaiting whether the server owes an answer
   * @param {(isAway: boolean) => void} parts.away is told when the server is away, and when it is back
   */
  constructor({ root, send, changed, refused, isHeld, isWaiting, away }) {
    this.root = root;
    this.isHeld = isHeld;
    this.isWaiting = isWaiting;
    this.away = away;
    this.isAway = false; // the server does not answer
    this.heardAt = performance.now();
    this.isLooking = false;
    setInterval(() => this.#look(), LOOK_MS);
    this.send = send;
    this.changed = changed;
    this.refused = refused;
    this.snapshot = NOTHING;
    this.isKnown = false; // to the server
    this.awaySince = Infinity;
    document.addEventListener("visibilitychange", () => this.#returned());
    addEventListener("pagehide", ({ persisted }) => {
      if (!persisted) navigator.sendBeacon(`${root}/media/${this.snapshot.upload}/leave`);
    });
  }

  // Until the first snapshot there is no place to send a clip to.
  get isThere() {
    return this.snapshot !== NOTHING;
  }

  // Say hello until a snapshot comes: the first one, or the first of a server that was started anew.
  begin() {
    if (this.isKnown) return;
    this.send("ready", {});
    setTimeout(() => this.begin(), RETRY_MS);
  }

  /** @param {Snapshot | Refusal | SayHello} message */
  receive(message) {
    this.heardAt = performance.now();
    if ("unknown" in message) {
      if (this.isKnown) {
        this.isKnown = false;
        this.begin();
      }
      return;
    }
    if ("full" in message) {
      this.refused(message.full); // `begin` goes on asking
      return;
    }
    this.isKnown = true;
    const before = this.snapshot;
    const isNewTab = message.upload !== before.upload;
    if (!isNewTab && message.seq <= before.seq) return; // overtaken by a newer one
    this.snapshot = message;
    this.changed(before, isNewTab);
  }

  // Events say nothing when nobody hears them: the server is asked whether it is there.
  async #look() {
    if (this.isHeld() && !this.isAway) this.send("ready", {}); // the one before was lost
    const silence = performance.now() - this.heardAt;
    const isDue = this.isAway || silence > (this.isWaiting() ? SILENCE_MS : IDLE_LOOK_MS);
    if (!isDue || this.isLooking || (document.hidden && !this.isAway)) return;
    this.isLooking = true;
    const isThere = await this.#answers();
    this.isLooking = false;
    if (isThere) this.heardAt = performance.now();
    if (isThere !== this.isAway) return;
    this.isAway = !isThere;
    if (isThere) this.send("ready", {});
    this.away(this.isAway);
  }

  // Whether there is a server: what it says, and whether it knows the page, comes with a snapshot.
  async #answers() {
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const { status } = await fetch(`${this.root}/health`, { cache: "no-store", signal });
      return status < 500;
    } catch {
      return false;
    }
  }

  // The server may have closed a page that was away for long, or have been started anew.
  #returned() {
    if (document.hidden) this.awaySince = performance.now();
    else if (performance.now() - this.awaySince > AWAY_MS) this.send("ready", {});
  }
}
