// Brings the editor's template to life: snapshots from the server in, the user's actions out.

import { CleanUpPanel } from "./clean_up_panel.js";
import { showControls } from "./controls.js";
import { Crosshair } from "./crosshair.js";
import { Dialogs } from "./dialogs.js";
import { Edits } from "./edits.js";
import { listenToKeys } from "./keys.js";
import { Looks } from "./looks.js";
import { Media } from "./media.js";
import { Opening } from "./opening.js";
import { Player } from "./player.js";
import { Pointer } from "./pointer.js";
import { closePopovers } from "./popovers.js";
import { Projects } from "./projects.js";
import { contains, parseRanges } from "./ranges.js";
import { Stage } from "./stage.js";
import { Status } from "./status.js";
import { Timeline } from "./timeline.js";
import { days, hint, isPrompted, taskOf, timecode } from "./texts.js";
import { Tools } from "./tools.js";
import { ViewControls } from "./view_controls.js";

const PREPARE_AFTER_MS = 300;
const REFRESH_MS = 600;
const RETRY_MS = 5000;
const AWAY_MS = 60_000;
const NOTHING = { seq: 0, edits: 0, opened: 0, clip: null, objects: [], revision: 0, undo: null, redo: null, job: null };

export function mount({ element, trigger, watch, props, root }) {
  const editor = new Editor({
    section: element.querySelector(".s2"),
    send: (event, payload = {}) => trigger(event, { payload }),
    limits: {
      text: props.limits,
      bytes: props.max_bytes,
      pixels: props.max_pixels,
      seconds: props.max_seconds,
      days: props.keep_days,
    },
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
    this.activeId = null;
    this.follows = true; // the playhead goes where tracking is
    this.tracksChosen = false; // not all objects
    this.isStarting = false; // tracking was asked for and has not been answered
    this.edits = new Edits((edit) => send("edit", { clip: this.snapshot.clip.token, ...edit }));
    this.find = (selector) => section.querySelector(selector);
    this.looks = new Looks();
    this.stage = new Stage(this.find(".s2-stage"), this.looks, () => this.#viewed());
    this.status = new Status(this.find(".s2-status"));
    this.dialogs = new Dialogs(section);
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
    this.view = new ViewControls({
      section,
      stage: this.stage,
      looks: this.looks,
      relook: () => this.#relook(),
    });
    this.tools = new Tools(section, {
      changed: () => this.#toolChanged(),
      resized: () => this.crosshair.isShown || this.pointer.previewBrush(),
    });
    this.timeline = new Timeline(section, {
      choose: (id) => this.#choose(id),
      change: (id, name, colour) => this.#edit({ kind: "change_object", object: id, name, colour }),
      hide: (object, hidden) => this.#edit({ kind: "hide_object", object, hidden }),
      lock: (object, locked) => this.#edit({ kind: "lock_object", object, locked }),
      move: (object, position) => this.#edit({ kind: "move_object", object, position }),
      solo: (id) => this.#solo(id),
      remove: (object) => this.#remove(object),
      seek: (frame) => this.#seek(frame),
      setRange: (range) => this.#edit({ kind: "set_range", ...(range ?? { first: null, last: null }) }),
      review: (frame, id) => this.#lookAt(frame, id),
    });
    this.cleanUp = new CleanUpPanel((clean_up) =>
      this.#edit({ kind: "clean_up", object: this.activeId, clean_up }),
    );
    this.opening = new Opening({
      section,
      stage: this.stage.element,
      root,
      limits,
      send,
      snapshot: () => this.snapshot,
      changed: () => this.#render(),
      failed: (text) => this.status.fail(text),
    });
    this.projects = new Projects({
      section,
      root,
      send,
      snapshot: () => this.snapshot,
      opening: this.opening,
      dialogs: this.dialogs,
      changed: () => this.#render(),
      failed: (text) => this.status.fail(text),
    });
    this.find("[data-limits]").textContent = limits.text;
    this.find("[data-keep]").textContent = days(limits.days);
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
    if (snapshot.full) {
      this.section.dataset.state = "full"; // `begin` goes on asking
      this.find("[data-full]").textContent = snapshot.full;
      return;
    }
    const before = this.snapshot;
    const isNewTab = snapshot.upload !== before.upload; // for the server, as after its restart
    if (isNewTab) this.edits.restart(snapshot);
    else if (snapshot.seq <= before.seq) return; // overtaken by a newer one
    this.snapshot = snapshot;
    this.isStarting = false;
    this.edits.receive(snapshot);
    if (isNewTab || snapshot.opened !== before.opened) this.opening.answered();
    this.projects.received(before);
    if (snapshot.model !== before.model) this.send("show_model");
    if (snapshot.clip?.token !== before.clip?.token) this.#openClip(snapshot.clip);
    const state = this.projects.isRestoring ? "loading" : "empty";
    this.section.dataset.state = snapshot.clip ? "open" : state;
    this.#chooseNew(before);
    if (this.looks.setObjects(snapshot.objects)) this.media.relook();
    this.#takeMasks(before);
    if (snapshot.download) this.#download(snapshot.download);
    this.#render();
  }

  #openClip(clip) {
    this.edits.forget();
    this.player.pause();
    this.pointer.cancel();
    this.crosshair.reset();
    if (!clip) {
      this.media.close();
      this.stage.close();
      this.timeline.close();
      this.status.clearError(); // of a picture that was on its way
      this.player.close();
      return;
    }
    const project = this.snapshot.project.token;
    const start = this.projects.frameOf(project);
    this.section.style.setProperty("--aspect", clip.width / clip.height);
    this.media.open(clip.token, clip.num_frames);
    this.stage.open(clip);
    this.tools.open(clip);
    const base = `${this.root}/media/${clip.token}`;
    this.player.open(clip, `${base}/times`);
    this.timeline.open(clip, base, this.player.clock, project);
    this.player.seek(start);
    this.stage.element.focus({ preventScroll: true });
  }

  // A new object is the one that the next clicks are meant for.
  #chooseNew(before) {
    const ids = this.snapshot.objects.map((object) => object.id);
    const known = new Set(before.objects.map((object) => object.id));
    const added = ids.filter((id) => !known.has(id));
    if (added.length) this.activeId = known.size ? added.at(-1) : added[0];
    else if (!ids.includes(this.activeId)) this.activeId = ids[0] ?? null;
    this.#soloFollows();
  }

  #takeMasks(before) {
    const { clip, job, mask, revision, show_frame: wanted } = this.snapshot;
    const isTracking = job?.kind === "track";
    const isOpening = clip?.token !== before.clip?.token; // it starts where it was left
    if (revision !== before.revision) this.media.forgetMasks();
    else if (isTracking && !this.follows) this.#refreshSoon();
    if (mask) this.media.putMasks(mask.frame, mask.png, mask.objects);
    if (wanted !== null && !isOpening && (this.follows || !mask)) this.player.seek(wanted);
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
      ...this.view.actions,
      undo: whenOpen(() => this.#undo("undo")),
      redo: whenOpen(() => this.#undo("redo")),
      clear: whenOpen(() => this.#change({ kind: "clear_frame", ...this.#place() })),
      clear_object: whenOpen(() => this.#change({ kind: "clear_object", object: this.activeId })),
      clear_all: whenOpen(() => this.#edit({ kind: "clear_all" })),
      add: whenOpen(() => this.#edit({ kind: "add_object" })),
      play: whenOpen(() => this.player.toggle()),
      step: whenOpen((by) => this.#seek(this.player.frame + by)),
      back: whenOpen(() => this.#seek(this.player.frame - 1)),
      forward: whenOpen(() => this.#seek(this.player.frame + 1)),
      previousPrompt: whenOpen(() => this.#seek(this.#promptFrom(-1))),
      nextPrompt: whenOpen(() => this.#seek(this.#promptFrom(1))),
      loop: whenOpen(() => this.#toggleLoop()),
      onlyChosen: whenOpen(() => this.#toggleChosen()),
      setIn: whenOpen(() => this.timeline.inout.set("first", this.player.frame)),
      setOut: whenOpen(() => this.timeline.inout.set("last", this.player.frame)),
      clearRange: whenOpen(() => this.timeline.inout.clear()),
      goIn: whenOpen(() => this.#seek(this.timeline.inout.present.first)),
      goOut: whenOpen(() => this.#seek(this.timeline.inout.present.last)),
      closer: whenOpen(() => this.timeline.zoom(1)),
      wider: whenOpen(() => this.timeline.zoom(-1)),
      wholeClip: whenOpen(() => this.timeline.showAll()),
      nextReview: whenOpen(() => this.timeline.review.step(1)),
      previousReview: whenOpen(() => this.timeline.review.step(-1)),
      track: whenOpen(() => this.#track("forward")),
      choose: whenOpen((number) => this.#choose(this.snapshot.objects[number - 1]?.id)),
      tool: whenOpen((tool) => this.tools.choose(tool)),
      resize: whenOpen((steps) => this.tools.isBrush && this.tools.resize(steps)),
      nextStyle: () => this.view.nextStyle(),
      toggleMasks: () => this.view.toggleMasks(),
      solo: whenOpen(() => this.#solo(this.activeId)),
      holdSpace: whenOpen(() => this.pointer.holdSpace()),
      releaseSpace: whenOpen(() => this.pointer.releaseSpace() && this.player.toggle()),
      forgetSpace: () => this.pointer.releaseSpace(),
      cancel: () => this.#cancel(),
      stop: () =>
        this.pointer.cancel() ||
        this.crosshair.cancel() ||
        this.view.leaveFullscreen() ||
        this.#cancel(),
      aim: whenOpen(() => this.crosshair.toggle()),
      isAiming: () => this.crosshair.isShown,
      moveAim: (x, y, isLeap) => this.crosshair.move(x, y, isLeap),
      pressAim: (isOpposite) => this.crosshair.press(isOpposite),
      help: () => this.dialogs.showHelp(),
      open: () => this.opening.browse(),
      browse: () => this.opening.browse(),
      sample: () => this.opening.openSample(),
    };
    this.section.addEventListener("click", (event) => this.#pressed(event, actions));
    listenToKeys(actions);
    const prompting = {
      tool: () => this.tools.tool,
      radius: () => this.tools.radius,
      refusal: () => this.#refusal(),
      refuse: () => this.status.fail(this.#refusal()),
      colour: () => this.#active()?.colour,
      click: ({ x, y }, positive) => this.#prompt({ kind: "click", x, y, positive }),
      box: (box) => this.#prompt({ kind: "box", ...box }),
      brush: ({ points, radius, erase }) =>
        this.#prompt({ kind: "brush", points, radius, erase }),
      movePoint: ({ index, x, y }) => this.#prompt({ kind: "move_point", index, x, y }),
      deletePoint: (index) => this.#prompt({ kind: "delete_point", index }),
      strokes: (stroke) => this.#drawing(stroke),
    };
    this.pointer = new Pointer(this.stage, prompting);
    this.crosshair = new Crosshair(this.stage, { ...prompting, changed: () => this.#suggest() });
    document.addEventListener("visibilitychange", () => this.#returned());
    addEventListener("pagehide", ({ persisted }) => {
      if (!persisted) navigator.sendBeacon(`${this.root}/media/${this.snapshot.upload}/leave`);
    });
  }

  // The server may have closed a page that was away for long, or have been started anew.
  #returned() {
    if (document.hidden) this.awaySince = performance.now();
    else if (performance.now() - this.awaySince > AWAY_MS) this.send("ready");
  }

  #pressed(event, actions) {
    const button = event.target.closest("button");
    const { action, tool, track, styleChoice } = button?.dataset ?? {};
    if (button?.closest('[role="menu"]')) closePopovers();
    if (action) actions[action]();
    else if (tool) actions.tool(tool);
    else if (styleChoice) this.view.chooseStyle(styleChoice);
    else if (track) this.#track(track);
    else return;
    // After a click by pointer the keys belong to the picture; by keyboard the button keeps them.
    if (event.detail > 0 && this.snapshot.clip && !this.dialogs.isOpen && !this.view.isBusy) {
      this.stage.element.focus({ preventScroll: true });
    }
  }

  #seek(frame) {
    if (this.snapshot.job?.kind === "track") this.follows = false;
    this.player.pause();
    this.player.seek(frame);
  }

  // The next prompted frame of any object, or with -1 the one before; else where the playhead is.
  #promptFrom(by) {
    const { frame } = this.player;
    const prompted = this.snapshot.objects.flatMap(({ prompts }) => Object.keys(prompts).map(Number));
    const ahead = prompted.filter((one) => (one - frame) * by > 0);
    return ahead.length ? (by > 0 ? Math.min(...ahead) : Math.max(...ahead)) : frame;
  }

  #toggleLoop() {
    this.player.loops = !this.player.loops;
    this.find('[data-action="loop"]').setAttribute("aria-pressed", String(this.player.loops));
  }

  #toggleChosen() {
    this.tracksChosen = !this.tracksChosen;
    this.find('[data-action="onlyChosen"]').setAttribute("aria-pressed", String(this.tracksChosen));
    this.#enable();
  }

  #lookAt(frame, id) {
    this.#choose(id);
    this.timeline.objects.reveal(id);
    this.#seek(frame);
  }

  #solo(id) {
    const wasAlone = this.looks.solo === id;
    this.#choose(id); // shown alone is who is chosen
    if (wasAlone || this.looks.solo === null) this.view.toggleSolo(id);
    this.#render();
  }

  #choose(id) {
    if (id === undefined) return;
    this.activeId = id;
    this.#soloFollows();
    this.#render();
  }

  // Shown alone is whatever object is chosen.
  #soloFollows() {
    if (this.looks.solo !== null) this.view.change({ solo: this.activeId });
  }

  #place() {
    return { frame: this.player.frame, object: this.activeId };
  }

  #active() {
    return this.snapshot.objects.find((object) => object.id === this.activeId);
  }

  #toolChanged() {
    if (!this.pointer) return; // not yet
    this.pointer.refreshCursor();
    this.crosshair.refresh();
    this.#suggest();
  }

  // What to do next.
  #suggest() {
    const usual = hint(this.snapshot, this.#active(), this.tools.tool);
    this.status.suggest(this.crosshair?.isShown ? this.crosshair.hint : usual);
  }

  // Why the chosen object takes no prompts now, or "".
  #refusal() {
    const active = this.#active();
    if (!active) return "Add an object first.";
    if (this.player.painted === null) return "The picture is still on its way.";
    if (active.locked) return `${active.name} is locked: unlock it, or choose another object.`;
    if (active.hidden) return `${active.name} is hidden: show it, or choose another object.`;
    return "";
  }

  // An edit of the chosen object that is not made in the picture.
  #change(edit) {
    const active = this.#active();
    if (active?.locked) this.status.fail(this.#refusal());
    else if (active) this.#edit(edit);
  }

  #edit(edit, isPrompt = false) {
    this.status.clearError();
    if (isPrompt) this.edits.prompt(edit);
    else this.edits.make(edit);
    this.section.dataset.waiting = this.edits.waiting;
  }

  #prompt(prompt) {
    this.player.pause();
    if (this.looks.style === "none") this.view.toggleMasks(); // to see what it does
    // What is meant is the picture in sight, even if the playhead has gone ahead of it.
    if (this.player.painted !== this.player.frame) this.player.seek(this.player.painted);
    this.#edit({ ...this.#place(), ...prompt }, true);
    this.#showPrompts();
  }

  #drawing(stroke) {
    if (!stroke && !this.edits.stroke) return;
    const place = { object: this.activeId, frame: this.player.painted };
    this.edits.stroke = stroke && { ...stroke, ...place };
    this.section.toggleAttribute("data-painting", Boolean(stroke));
    this.#showStrokes();
  }

  #undo(kind) {
    this.follows = true; // to where it was
    this.#edit({ kind });
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
    const objects = this.tracksChosen ? [this.activeId] : null;
    this.send("track", { clip: clip.token, frame: this.player.frame, direction, objects });
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
    const { frame, isPlaying, clock, numFrames } = this.player;
    this.timeline.moveTo(frame);
    this.projects?.moved(frame);
    this.find(".s2-counter").textContent = clip
      ? `${frame} / ${numFrames - 1}  ·  ${timecode(clock.timeOf(frame))}`
      : "";
    const play = this.find('[data-action="play"]');
    play.setAttribute("aria-pressed", String(isPlaying));
    play.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    this.#viewed();
    this.#enable();
  }

  #viewed() {
    this.view?.show();
    const isClose = this.stage.needsFull && !this.player?.isPlaying;
    this.media?.setLevel(isClose ? "full" : "view");
  }

  #relook() {
    this.media.relook();
    this.player.refresh();
  }

  #shown(frame) {
    this.stage.element.dataset.frame = frame;
    this.edits.settle();
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
    const groups = this.snapshot.objects.map(({ id, colour, prompts }) => {
      const marks = this.edits.marks(id, frame, prompts[frame]?.points ?? []);
      return { marks, colour, isActive: id === this.activeId };
    });
    this.stage.showPrompts(groups);
    this.#showStrokes();
    this.pointer?.refreshCursor();
    this.crosshair?.refresh();
  }

  #showStrokes() {
    const colours = new Map(this.snapshot.objects.map(({ id, colour }) => [id, colour]));
    const strokes = this.edits.strokesOn(this.player.painted);
    this.stage.showStrokes(
      strokes.map((stroke) => ({ ...stroke, colour: colours.get(stroke.object) })),
    );
  }

  #render() {
    const { objects, job, range = null, revision } = this.snapshot;
    this.section.dataset.object = this.activeId ?? ""; // the export panel asks for it
    const results = objects.map(({ id, tracked, stale, prompts }) => [
      id,
      tracked,
      stale,
      Object.keys(prompts),
    ]);
    this.player.range = range;
    this.timeline.show({
      objects,
      activeId: this.activeId,
      soloId: this.looks.solo,
      range,
      version: JSON.stringify([revision, results]),
      isTracking: job?.kind === "track",
    });
    this.#showPrompts();
    this.#suggest();
    this.status.run(this.opening.task() ?? taskOf(job));
    this.section.dataset.waiting = this.edits.waiting;
    if (!this.edits.waiting) this.cleanUp.show(this.snapshot.clip && this.#active());
    this.projects.show({ canOpen: this.snapshot !== NOTHING && !this.opening.isBusy });
    this.#enable();
  }

  #enable() {
    const { snapshot, player, section } = this;
    const active = this.#active();
    showControls(section, {
      snapshot,
      active,
      frame: player.frame,
      numFrames: player.numFrames,
      canOpen: snapshot !== NOTHING && !this.opening.isBusy,
      canTrack: !this.isStarting,
      tracksChosen: this.tracksChosen,
      hasPromptBefore: this.#promptFrom(-1) !== player.frame,
      hasPromptAfter: this.#promptFrom(1) !== player.frame,
    });
    const { clip } = snapshot;
    const label = clip ? `Frame ${player.frame} of ${clip.name}` : "No clip is open";
    this.stage.element.setAttribute("aria-label", label);
  }
}
