// Brings the editor's template to life: snapshots from the server in, the user's actions out.

import { showControls } from "./controls/controls.js";
import { Dialogs } from "./controls/dialogs.js";
import { listenToKeys } from "./controls/keys.js";
import { closePopovers } from "./controls/popovers.js";
import { Status } from "./controls/status.js";
import { Transport } from "./controls/transport.js";
import { ViewControls } from "./controls/view_controls.js";
import { Looks } from "./media/looks.js";
import { Media } from "./media/media.js";
import { Player } from "./media/player.js";
import { Tracking } from "./media/tracking.js";
import { CleanUpPanel } from "./panels/clean_up_panel.js";
import { Opening } from "./projects/opening.js";
import { Projects } from "./projects/projects.js";
import { Edits } from "./stage/edits.js";
import { Prompting } from "./stage/prompting.js";
import { Stage } from "./stage/stage.js";
import { Tools } from "./stage/tools.js";
import { contains, parseRanges } from "./timeline/ranges.js";
import { Timeline } from "./timeline/timeline.js";
import { Selection } from "./selection.js";
import { days, isPrompted, taskOf } from "./texts.js";

const PREPARE_AFTER_MS = 300;
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
    this.find = (selector) => section.querySelector(selector);
    const snapshot = () => this.snapshot;
    this.edits = new Edits((edit) => this.#send(edit));
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
    this.selection = new Selection({ view: this.view, snapshot, changed: () => this.#render() });
    this.tracking = new Tracking({
      section,
      send,
      snapshot,
      selection: this.selection,
      media: this.media,
      player: this.player,
      status: this.status,
      changed: () => this.#enable(),
    });
    this.transport = new Transport({
      section,
      snapshot,
      player: this.player,
      tracking: this.tracking,
    });
    this.tools = new Tools(section, {
      changed: () => this.prompting?.toolChanged(),
      resized: () => this.prompting.brushResized(),
    });
    this.prompting = new Prompting({
      section,
      snapshot,
      stage: this.stage,
      player: this.player,
      view: this.view,
      status: this.status,
      tools: this.tools,
      selection: this.selection,
      edits: this.edits,
    });
    this.timeline = new Timeline(section, {
      choose: (id) => this.selection.choose(id),
      change: (object, name, colour) =>
        this.edits.make({ kind: "change_object", object, name, colour }),
      hide: (object, hidden) => this.edits.make({ kind: "hide_object", object, hidden }),
      lock: (object, locked) => this.edits.make({ kind: "lock_object", object, locked }),
      move: (object, position) => this.edits.make({ kind: "move_object", object, position }),
      solo: (id) => this.selection.toggleSolo(id),
      remove: (object) => this.#remove(object),
      seek: (frame) => this.transport.seek(frame),
      setRange: (range) =>
        this.edits.make({ kind: "set_range", ...(range ?? { first: null, last: null }) }),
      review: (frame, id) => this.#lookAt(frame, id),
    });
    this.cleanUp = new CleanUpPanel((clean_up) =>
      this.edits.make({ kind: "clean_up", object: this.selection.id, clean_up }),
    );
    this.opening = new Opening({
      section,
      stage: this.stage.element,
      root,
      limits,
      send,
      snapshot,
      changed: () => this.#render(),
      failed: (text) => this.status.fail(text),
    });
    this.projects = new Projects({
      section,
      root,
      send,
      snapshot,
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
    this.edits.receive(snapshot);
    if (isNewTab || snapshot.opened !== before.opened) this.opening.answered();
    this.projects.received(before);
    if (snapshot.model !== before.model) this.send("show_model");
    if (snapshot.clip?.token !== before.clip?.token) this.#openClip(snapshot.clip);
    const state = this.projects.isRestoring ? "loading" : "empty";
    this.section.dataset.state = snapshot.clip ? "open" : state;
    this.selection.received(before);
    if (this.looks.setObjects(snapshot.objects)) this.media.relook();
    this.tracking.received(before);
    if (snapshot.download) this.#download(snapshot.download);
    this.#render();
  }

  #openClip(clip) {
    this.edits.forget();
    this.player.pause();
    this.prompting.reset();
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
    const actions = {
      ...this.view.actions,
      ...this.#whenOpen({
        ...this.timeline.actions,
        ...this.transport.actions,
        ...this.prompting.actions,
        undo: () => this.#undo("undo"),
        redo: () => this.#undo("redo"),
        clear: () => this.#clear({ kind: "clear_frame", frame: this.player.frame }),
        clear_object: () => this.#clear({ kind: "clear_object" }),
        clear_all: () => this.edits.make({ kind: "clear_all" }),
        add: () => this.edits.make({ kind: "add_object" }),
        choose: (number) => this.#chooseAt(number - 1),
        solo: () => this.selection.toggleSolo(this.selection.id),
        track: () => this.tracking.start("forward"),
        onlyChosen: () => this.tracking.toggleOnlyChosen(),
        tool: (tool) => this.tools.choose(tool),
        resize: (steps) => this.tools.isBrush && this.tools.resize(steps),
      }),
      nextStyle: () => this.view.nextStyle(),
      toggleMasks: () => this.view.toggleMasks(),
      forgetSpace: () => this.prompting.forgetSpace(),
      cancel: () => this.#cancel(),
      stop: () => this.prompting.cancel() || this.view.leaveFullscreen() || this.#cancel(),
      help: () => this.dialogs.showHelp(),
      open: () => this.opening.browse(),
      browse: () => this.opening.browse(),
      sample: () => this.opening.openSample(),
    };
    this.section.addEventListener("click", (event) => this.#pressed(event, actions));
    listenToKeys(actions);
    document.addEventListener("visibilitychange", () => this.#returned());
    addEventListener("pagehide", ({ persisted }) => {
      if (!persisted) navigator.sendBeacon(`${this.root}/media/${this.snapshot.upload}/leave`);
    });
  }

  // The same actions, which do nothing while no clip is open.
  #whenOpen(actions) {
    const entries = Object.entries(actions).map(([name, action]) => [
      name,
      (...values) => this.snapshot.clip && action(...values),
    ]);
    return Object.fromEntries(entries);
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
    else if (track) this.tracking.start(track);
    else return;
    // After a click by pointer the keys belong to the picture; by keyboard the button keeps them.
    if (event.detail > 0 && this.snapshot.clip && !this.dialogs.isOpen && !this.view.isBusy) {
      this.stage.element.focus({ preventScroll: true });
    }
  }

  #lookAt(frame, id) {
    this.selection.choose(id);
    this.timeline.objects.reveal(id);
    this.transport.seek(frame);
  }

  #chooseAt(position) {
    const object = this.snapshot.objects[position];
    if (object) this.selection.choose(object.id);
  }

  // Take prompts of the chosen object away.
  #clear(edit) {
    const active = this.selection.object;
    if (active?.locked) this.status.fail(this.prompting.refusal);
    else if (active) this.edits.make({ ...edit, object: active.id });
  }

  #send(edit) {
    this.status.clearError();
    this.section.dataset.waiting = this.edits.waiting;
    this.send("edit", { clip: this.snapshot.clip.token, ...edit });
  }

  #undo(kind) {
    this.tracking.follow(); // to where it was
    this.edits.make({ kind });
  }

  async #remove(object) {
    const question = `Remove ${object.name} with its prompts and masks?`;
    if (isPrompted(object) && !(await this.dialogs.ask(question))) return;
    this.edits.make({ kind: "remove_object", object: object.id });
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
    const { frame } = this.player;
    this.timeline.moveTo(frame);
    this.projects.moved(frame);
    this.transport.show();
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
    this.prompting.show();
    clearTimeout(this.preparing);
    const { clip, job } = this.snapshot;
    if (!clip || job || this.player.isPlaying || frame !== this.player.frame) return;
    this.preparing = setTimeout(
      () => this.send("prepare", { clip: clip.token, frame }),
      PREPARE_AFTER_MS,
    );
  }

  #render() {
    const { objects, job, range = null, revision } = this.snapshot;
    this.section.dataset.object = this.selection.id ?? ""; // the export panel asks for it
    const results = objects.map(({ id, tracked, stale, prompts }) => [
      id,
      tracked,
      stale,
      Object.keys(prompts),
    ]);
    this.player.range = range;
    this.timeline.show({
      objects,
      activeId: this.selection.id,
      soloId: this.looks.solo,
      range,
      version: JSON.stringify([revision, results]),
      isTracking: job?.kind === "track",
    });
    this.prompting.show();
    this.prompting.suggest();
    this.status.run(this.opening.task() ?? taskOf(job));
    this.section.dataset.waiting = this.edits.waiting;
    if (!this.edits.waiting) this.cleanUp.show(this.snapshot.clip && this.selection.object);
    this.projects.show({ canOpen: this.snapshot !== NOTHING && !this.opening.isBusy });
    this.#enable();
  }

  #enable() {
    const { snapshot, player, section, tracking, transport } = this;
    showControls(section, {
      snapshot,
      active: this.selection.object,
      frame: player.frame,
      numFrames: player.numFrames,
      canOpen: snapshot !== NOTHING && !this.opening.isBusy,
      canTrack: !tracking.isStarting,
      tracksChosen: tracking.onlyChosen,
      hasPromptBefore: transport.promptFrom(-1) !== player.frame,
      hasPromptAfter: transport.promptFrom(1) !== player.frame,
    });
    const { clip } = snapshot;
    const label = clip ? `Frame ${player.frame} of ${clip.name}` : "No clip is open";
    this.stage.element.setAttribute("aria-label", label);
  }
}
