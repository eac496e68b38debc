// Brings the editor's template to life: snapshots from the server in, the user's actions out.

import { Dialogs } from "./dialogs.js";
import { listenToKeys } from "./keys.js";
import { Looks } from "./looks.js";
import { Media } from "./media.js";
import { Objects } from "./objects.js";
import { Opening } from "./opening.js";
import { Player } from "./player.js";
import { listenToPointer } from "./pointer.js";
import { contains, parseRanges } from "./ranges.js";
import { Stage } from "./stage.js";
import { Status } from "./status.js";
import { hint, isPrompted, taskOf, timecode } from "./texts.js";

const PREPARE_AFTER_MS = 300;
const REFRESH_MS = 600;
const RETRY_MS = 5000;
const NOTHING = { seq: 0, edits: 0, opened: 0, clip: null, objects: [], revision: 0, job: null };

export function mount({ element, trigger, watch, props, root }) {
  const editor = new Editor({
    section: element.querySelector(".s2"),
    send: (event, payload = {}) => trigger(event, { payload }),
    limits: { text: props.limits, bytes: props.max_bytes },
    root,
  });
  const receive = () => props.value && editor.receive(JSON.parse(props.value));
  watch("value", receive);
  receive();
  editor.begin();
}

class Editor {
  constructor({ section, send, limits, root }) {
    this.section = section;
    this.send = send;
    this.root = root;
    this.snapshot = NOTHING;
    this.tool = "positive";
    this.activeId = null;
    this.follows = true; // the playhead goes where tracking is
    this.isStarting = false; // tracking was asked for and has not been answered
    this.edits = 0;
    this.pending = []; // prompts that the server has not answered yet

    this.find = (selector) => section.querySelector(selector);
    this.stage = new Stage(this.find(".s2-stage"));
    this.status = new Status(this.find(".s2-status"));
    this.dialogs = new Dialogs(section);
    this.looks = new Looks();
    this.media = new Media(
      root,
      this.looks,
      (frame) => this.player.arrived(frame),
      (frame) => this.status.fail(`Frame ${frame} cannot be shown. Go to it again to retry.`),
    );
    this.media.hasMasks = (frame) => this.#hasMasks(frame);
    this.player = new Player(this.media, this.stage, {
      onMoved: () => this.#moved(),
      onShown: (frame) => this.#shown(frame),
    });
    this.objects = new Objects(this.find(".s2-objects"), {
      choose: (id) => this.#choose(id),
      change: (id, name, colour) => this.#edit({ kind: "change_object", object: id, name, colour }),
      remove: (object) => this.#remove(object),
      seek: (frame) => this.#seek(frame),
    });
    this.opening = new Opening({
      section,
      stage: this.stage.element,
      root,
      limits,
      send,
      snapshot: () => this.snapshot,
      ask: (text) => this.dialogs.ask(text),
      changed: () => this.#render(),
      failed: (text) => this.status.fail(text),
    });
    this.find("[data-limits]").textContent = limits.text;
    this.#listen();
    this.#render();
  }

  // ---- What the server says

  // Until the first snapshot there is no place to send a clip to.
  begin() {
    if (this.snapshot !== NOTHING) return;
    this.send("ready");
    setTimeout(() => this.begin(), RETRY_MS);
  }

  receive(snapshot) {
    if (snapshot.seq <= this.snapshot.seq) return; // overtaken by a newer one
    const before = this.snapshot;
    this.snapshot = snapshot;
    this.isStarting = false;
    this.pending = this.pending.filter((mark) => mark.number > snapshot.edits);
    if (snapshot.opened !== before.opened) this.opening.answered();
    if (snapshot.clip?.token !== before.clip?.token) this.#openClip(snapshot.clip);
    this.section.dataset.state = snapshot.clip ? "open" : "empty";
    this.#chooseNew(before);
    if (this.looks.setObjects(snapshot.objects)) this.media.relook();
    this.#takeMasks(before);
    if (snapshot.download) this.#download(snapshot.download);
    this.#render();
  }

  #openClip(clip) {
    this.pending = [];
    this.player.pause();
    if (!clip) return;
    this.section.style.setProperty("--aspect", clip.width / clip.height);
    this.media.open(clip.token, clip.num_frames);
    this.stage.open(clip);
    this.player.open(clip);
    this.find(".s2-slider").max = clip.num_frames - 1;
    this.stage.element.focus({ preventScroll: true });
  }

  // A new object is the one that the next clicks are meant for.
  #chooseNew(before) {
    const ids = this.snapshot.objects.map((object) => object.id);
    const known = new Set(before.objects.map((object) => object.id));
    const added = ids.filter((id) => !known.has(id));
    if (added.length) this.activeId = known.size ? added.at(-1) : added[0];
    else if (!ids.includes(this.activeId)) this.activeId = ids[0] ?? null;
  }

  #takeMasks(before) {
    const { clip, job, mask, revision, show_frame: wanted } = this.snapshot;
    const isTracking = job?.kind === "track";
    if (revision !== before.revision) this.media.forgetMasks();
    else if (isTracking && !this.follows) this.#refreshSoon();
    if (mask) this.media.putMasks(mask.frame, mask.png, mask.objects);
    if (wanted !== null && (this.follows || !mask)) this.player.seek(wanted);
    else if (clip && !isTracking) this.player.refresh();
  }

  // While the user looks elsewhere, tracking may change what is in sight.
  #refreshSoon() {
    this.refreshing ??= setTimeout(() => {
      this.refreshing = null;
      this.media.forgetMasks();
      this.player.refresh();
    }, REFRESH_MS);
  }

  #hasMasks(frame) {
    return this.snapshot.objects.some(
      ({ prompts, tracked, stale }) =>
        frame in prompts ||
        contains(parseRanges(tracked), frame) ||
        contains(parseRanges(stale), frame),
    );
  }

  #download({ url, name }) {
    const link = document.createElement("a");
    link.href = `${this.root}/${url}`;
    link.download = name;
    link.click();
  }

  // ---- What the user does

  #listen() {
    const whenOpen = (action) => (value) => this.snapshot.clip && action(value);
    const actions = {
      undo: whenOpen(() => this.#undo()),
      clear: whenOpen(() => this.#edit({ kind: "clear_frame", ...this.#place() })),
      add: whenOpen(() => this.#edit({ kind: "add_object" })),
      play: whenOpen(() => this.player.toggle()),
      step: whenOpen((by) => this.#seek(this.player.frame + by)),
      back: whenOpen(() => this.#seek(this.player.frame - 1)),
      forward: whenOpen(() => this.#seek(this.player.frame + 1)),
      track: whenOpen(() => this.#track("forward")),
      choose: whenOpen((number) => this.#choose(this.snapshot.objects[number - 1]?.id)),
      tool: whenOpen((tool) => this.#chooseTool(tool)),
      cancel: () => this.#cancel(),
      stop: () => this.cancelDrag() || this.#cancel(),
      help: () => this.dialogs.showHelp(),
      open: () => this.opening.browse(),
      browse: () => this.opening.browse(),
      sample: () => this.opening.openSample(),
    };
    this.section.addEventListener("click", (event) => this.#pressed(event, actions));
    listenToKeys(actions);
    this.cancelDrag = listenToPointer(this.stage, {
      tool: () => this.tool,
      canPrompt: () => this.activeId !== null && this.player.painted !== null,
      colour: () => this.#active().colour,
      click: ({ x, y }, positive) =>
        this.#prompt({ kind: "click", x, y, positive }, [[x, y, Number(positive)]]),
      box: (box) =>
        this.#prompt({ kind: "box", ...box }, [[box.x0, box.y0, 2], [box.x1, box.y1, 3]]),
    });
    const slider = this.find(".s2-slider");
    slider.addEventListener("input", () => this.#seek(Number(slider.value)));
    addEventListener("pagehide", ({ persisted }) => {
      if (!persisted) navigator.sendBeacon(`${this.root}/media/${this.snapshot.upload}/leave`);
    });
  }

  #pressed(event, actions) {
    const { action, tool, track } = event.target.closest("button")?.dataset ?? {};
    if (action) actions[action]();
    else if (tool) actions.tool(tool);
    else if (track) this.#track(track);
    else return;
    // After a click by pointer the keys belong to the picture; by keyboard the button keeps them.
    if (event.detail > 0 && this.snapshot.clip && !this.dialogs.isOpen) {
      this.stage.element.focus({ preventScroll: true });
    }
  }

  #seek(frame) {
    if (this.snapshot.job?.kind === "track") this.follows = false;
    this.player.pause();
    this.player.seek(frame);
  }

  #choose(id) {
    if (id === undefined) return;
    this.activeId = id;
    this.#render();
  }

  #chooseTool(tool) {
    this.tool = tool;
    this.section.dataset.mode = tool;
    for (const button of this.section.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-checked", String(button.dataset.tool === tool));
    }
  }

  #place() {
    return { frame: this.player.frame, object: this.activeId };
  }

  #active() {
    return this.snapshot.objects.find((object) => object.id === this.activeId);
  }

  #edit(edit) {
    this.status.clearError();
    this.edits += 1;
    this.section.dataset.waiting = this.edits - this.snapshot.edits;
    this.send("edit", { clip: this.snapshot.clip.token, number: this.edits, ...edit });
  }

  #prompt(prompt, points) {
    this.player.pause();
    // What is meant is the picture in sight, even if the playhead has gone ahead of it.
    if (this.player.painted !== this.player.frame) this.player.seek(this.player.painted);
    const edit = { ...this.#place(), ...prompt };
    this.#edit(edit);
    this.pending.push({ ...edit, points, number: this.edits });
    this.#showPrompts();
  }

  #undo() {
    this.follows = true; // to where it was
    this.#edit({ kind: "undo" });
  }

  async #remove(object) {
    const question = `Remove ${object.name} with its prompts and masks?`;
    if (isPrompted(object) && !(await this.dialogs.ask(question))) return;
    this.#edit({ kind: "remove_object", object: object.id });
  }

  #track(direction) {
    const { clip, job } = this.snapshot;
    if (!clip || job || this.isStarting) return;
    this.isStarting = true;
    this.status.clearError();
    this.player.pause();
    this.follows = true;
    this.#enable();
    this.send("track", { clip: clip.token, frame: this.player.frame, direction });
  }

  #cancel() {
    this.opening.cancel();
    const { job } = this.snapshot;
    if (!job || job.cancelling) return;
    job.cancelling = true;
    this.send("cancel");
    this.#render();
  }

  // ---- What is to be seen

  #moved() {
    const { clip } = this.snapshot;
    const { frame, isPlaying, fps, numFrames } = this.player;
    const slider = this.find(".s2-slider");
    slider.value = frame;
    slider.setAttribute("aria-valuetext", clip ? `Frame ${frame} of ${numFrames - 1}` : "");
    this.find(".s2-counter").textContent = clip
      ? `${frame} / ${numFrames - 1}  ·  ${timecode(frame / fps)}`
      : "";
    const play = this.find('[data-action="play"]');
    play.setAttribute("aria-pressed", String(isPlaying));
    play.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    this.objects.moveTo(frame);
    this.#enable();
  }

  #shown(frame) {
    this.stage.element.dataset.frame = frame;
    this.#showPrompts();
    clearTimeout(this.preparing);
    const { clip, job } = this.snapshot;
    if (!clip || job || this.player.isPlaying || frame !== this.player.frame) return;
    this.preparing = setTimeout(
      () => this.send("prepare", { clip: clip.token, frame }),
      PREPARE_AFTER_MS,
    );
  }

  #showPrompts() {
    const frame = this.player.painted;
    const marks = [];
    for (const { id, colour, prompts } of this.snapshot.objects) {
      const isActive = id === this.activeId;
      const known = prompts[frame]?.points;
      if (known) marks.push({ points: known, colour, isActive, isPending: false });
      for (const mark of this.pending) {
        if (mark.object !== id || mark.frame !== frame) continue;
        marks.push({ points: mark.points, colour, isActive, isPending: true });
      }
    }
    this.stage.showPrompts(marks);
  }

  #render() {
    const { clip, objects, job } = this.snapshot;
    this.objects.show(objects, this.activeId, clip?.num_frames ?? 0);
    this.#showPrompts();
    this.status.suggest(hint(this.snapshot, this.#active()));
    this.status.run(this.opening.task() ?? taskOf(job));
    this.section.dataset.waiting = this.edits - this.snapshot.edits;
    this.#enable();
  }

  #enable() {
    const { clip, objects, job } = this.snapshot;
    const { frame, numFrames } = this.player;
    const isOpen = clip !== null;
    const canOpen = this.snapshot !== NOTHING && !this.opening.isBusy;
    const enabled = {
      undo: isOpen && this.snapshot.undo !== null,
      clear: isOpen && frame in (this.#active()?.prompts ?? {}),
      add: isOpen,
      open: canOpen,
      browse: canOpen,
      sample: canOpen,
      back: isOpen && frame > 0,
      forward: isOpen && frame < numFrames - 1,
      play: isOpen && numFrames > 1,
    };
    for (const [action, is] of Object.entries(enabled)) {
      this.find(`[data-action="${action}"]`).disabled = !is;
    }
    const canTrack = isOpen && objects.some(isPrompted) && !job && !this.isStarting;
    for (const button of this.section.querySelectorAll("[data-track]")) button.disabled = !canTrack;
    for (const button of this.section.querySelectorAll("[data-tool]")) button.disabled = !isOpen;
    this.find(".s2-slider").disabled = !isOpen;
    const label = isOpen ? `Frame ${frame} of ${clip.name}` : "No clip is open";
    this.stage.element.setAttribute("aria-label", label);
  }
}
