// Brings the editor's template to life: snapshots from the server in, the user's actions out.

/** @import { Send } from "./connection.js" */
/** @import { ClipView, EditorProps, FormatView, Snapshot } from "./messages.js" */
/** @import { Limits } from "./projects/limits.js" */
/** @import { NumberedEdit } from "./stage/edits.js" */

import { Camera } from "./camera/camera.js";
import { Commands } from "./controls/commands.js";
import { showControls } from "./controls/controls.js";
import { Dialogs } from "./controls/dialogs.js";
import { listenToKeys } from "./controls/keys.js";
import { Notices } from "./controls/notices.js";
import { Problems } from "./controls/problems.js";
import { Sheets } from "./controls/sheets.js";
import { Status } from "./controls/status.js";
import { Transport } from "./controls/transport.js";
import { Treatment } from "./controls/treatment.js";
import { ViewControls } from "./controls/view_controls.js";
import { Looks } from "./media/looks.js";
import { Media } from "./media/media.js";
import { Player } from "./media/player.js";
import { Sound } from "./media/sound.js";
import { Tracking } from "./media/tracking.js";
import { ExportPanel } from "./panels/export_panel.js";
import { ExportQuestion } from "./panels/export_question.js";
import { Models } from "./panels/models.js";
import { ObjectPanel } from "./panels/object_panel.js";
import { PromptFiles } from "./panels/prompt_files.js";
import { Interrupted } from "./projects/interrupted.js";
import { Opening } from "./projects/opening.js";
import { Projects } from "./projects/projects.js";
import { Aids } from "./stage/aids.js";
import { Edits } from "./stage/edits.js";
import { Prompting } from "./stage/prompting.js";
import { Stage } from "./stage/stage.js";
import { Tools } from "./stage/tools.js";
import { Coverage } from "./timeline/coverage.js";
import { Timeline } from "./timeline/timeline.js";
import { Away } from "./away.js";
import { Connection } from "./connection.js";
import { download, find } from "./dom.js";
import { Selection } from "./selection.js";
import { days, taskOf } from "./texts.js";

const PREPARE_AFTER_MS = 300;

/**
 * What Gradio gives to the script of the editor.
 *
 * @typedef {object} Mount
 * @property {HTMLElement} element
 * @property {(event: string, data: { payload: object }) => void} trigger
 * @property {(name: string, changed: () => void) => void} watch
 * @property {EditorProps & { value: string | null }} props `value` is the text of a snapshot
 * @property {string} root of the page's URLs
 */

/** @param {Mount} mount */
export function mount({ element, trigger, watch, props, root }) {
  const { limits: text, max_bytes, max_pixels, max_seconds, keep_days, max_objects, formats } = props;
  const editor = new Editor({
    section: find(element, ".s2", HTMLElement),
    send: (event, payload) => trigger(event, { payload }),
    limits: { text, bytes: max_bytes, pixels: max_pixels, seconds: max_seconds },
    keepDays: keep_days,
    maxObjects: max_objects,
    formats,
    root,
  });
  const receive = () => {
    if (props.value) editor.connection.receive(JSON.parse(props.value));
  };
  watch("value", receive);
  receive();
  editor.connection.begin();
}

class Editor {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.section
   * @param {Send} parts.send
   * @param {Limits} parts.limits
   * @param {number} parts.keepDays
   * @param {number} parts.maxObjects of a project
   * @param {FormatView[]} parts.formats
   * @param {string} parts.root
   */
  constructor({ section, send, limits, keepDays, maxObjects, formats, root }) {
    this.section = section;
    this.root = root;
    /** @type {number | undefined} */
    this.preparing = undefined;
    const snapshot = () => this.snapshot;
    const stage = find(section, ".s2-stage", HTMLElement);
    this.notices = new Notices(stage);
    this.status = new Status(find(section, ".s2-status", HTMLElement));
    this.edits = new Edits((edit) => this.#send(edit));
    this.away = new Away({
      edits: this.edits,
      notices: this.notices,
      status: this.status,
      send,
      refused: () => this.opening.answered(),
      changed: () => this.#render(),
    });
    /** @type {Send} */
    this.send = (event, payload) => this.away.send(event, payload);
    /** @type {Connection} */
    this.connection = new Connection({
      root,
      send,
      isHeld: () => this.edits.isHeld,
      isWaiting: () => this.edits.waiting > 0 || this.snapshot.job !== null,
      away: (isAway) => this.away.is(isAway),
      changed: (before, isNewTab) => this.#receive(before, isNewTab),
      refused: (reason) => {
        section.dataset.state = "full";
        find(section, "[data-full]", HTMLElement).textContent = reason;
      },
    });
    this.looks = new Looks();
    this.coverage = new Coverage();
    this.stage = new Stage(stage, this.looks, () => this.#viewed());
    this.problems = new Problems(section, this.status);
    this.dialogs = new Dialogs(section);
    this.media = new Media(
      root,
      this.looks,
      (frame) => {
        this.player.arrived(frame);
        this.aids.onion.arrived(frame);
      },
      (frame, reason) => this.status.fail(reason || `Frame ${frame} cannot be shown. Go to it again to retry.`),
    );
    this.media.hasMasks = (frame) => this.coverage.hasMasks(frame);
    this.player = new Player(this.media, this.stage, {
      onMoved: () => this.#moved(),
      onShown: (frame) => this.#shown(frame),
      onTick: () => this.sound.follow(),
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
      send: this.send,
      snapshot,
      selection: this.selection,
      media: this.media,
      player: this.player,
      status: this.status,
      changed: () => this.#enable(),
    });
    this.sound = new Sound(section, this.player, (text) => this.status.fail(text));
    this.interrupted = new Interrupted({ ...this, snapshot });
    this.transport = new Transport({
      section,
      snapshot,
      player: this.player,
      tracking: this.tracking,
      sound: this.sound,
    });
    this.tools = new Tools(section, {
      changed: () => this.prompting?.toolChanged(),
      resized: () => this.prompting?.brushResized(),
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
    this.aids = new Aids({ ...this, snapshot, maxObjects, changed: () => this.#enable() });
    this.timeline = this.#makeTimeline();
    this.objectPanel = new ObjectPanel(
      section,
      (clean_up) => {
        const { id } = this.selection;
        if (id !== null) this.edits.make({ kind: "clean_up", object: id, clean_up });
      },
      (category) => {
        const objects = this.selection.ids;
        if (objects.length) this.edits.make({ kind: "classify_objects", objects, category });
      },
    );
    this.opening = new Opening({
      section,
      stage,
      notices: this.notices,
      root,
      limits,
      send: this.send,
      snapshot,
      changed: () => this.#render(),
      failed: (text) => this.status.fail(text),
    });
    this.projects = new Projects({
      section,
      root,
      send: this.send,
      snapshot,
      opening: this.opening,
      dialogs: this.dialogs,
      isAway: () => this.away.isAway,
      changed: () => this.#render(),
      failed: (text) => this.status.fail(text),
    });
    this.camera = new Camera({
      section,
      root,
      snapshot,
      recorded: () => this.opening.openRecording(),
    });
    this.treatment = new Treatment(section, (order) => {
      const { project } = this.snapshot;
      if (project) this.opening.openProject(project.token, project.name, order);
    });
    const question = new ExportQuestion({ ...this, snapshot });
    this.exporting = new ExportPanel({
      section,
      root,
      formats,
      send: this.send,
      snapshot,
      selection: this.selection,
      view: this.view,
      agrees: (isChosen, isWhole) => question.agrees(isChosen, isWhole),
    });
    this.promptFiles = new PromptFiles({ section, root, send: this.send, snapshot });
    this.sheets = new Sheets(section);
    this.models = new Models({ section, root, send: this.send, snapshot, dialogs: this.dialogs });
    find(section, "[data-limits]", HTMLElement).textContent = limits.text;
    find(section, "[data-keep]", HTMLElement).textContent = days(keepDays);
    const commands = new Commands({ ...this, snapshot, cancel: () => this.#cancel() });
    listenToKeys(commands.keys);
    this.#render();
  }

  #makeTimeline() {
    const { edits, selection } = this;
    return new Timeline(this.section, this.coverage, {
      choose: (id, how) => selection.choose(id, how),
      rename: (object, name) => edits.make({ kind: "rename_object", object, name }),
      recolour: (id, colour) =>
        edits.make({ kind: "recolour_objects", objects: selection.with(id), colour }),
      hide: (id, hidden) =>
        edits.make({ kind: "hide_objects", objects: selection.with(id), hidden }),
      lock: (id, locked) =>
        edits.make({ kind: "lock_objects", objects: selection.with(id), locked }),
      move: (object, position) => edits.make({ kind: "move_object", object, position }),
      solo: (id) => selection.toggleSolo(id),
      remove: (id) => edits.make({ kind: "remove_objects", objects: selection.with(id) }),
      leave: () => this.stage.element.focus({ preventScroll: true }),
      seek: (frame) => this.transport.seek(frame),
      setRange: (range) =>
        edits.make({ kind: "set_range", ...(range ?? { first: null, last: null }) }),
      review: (frame, id) => this.#lookAt(frame, id),
    });
  }

  get snapshot() {
    return this.connection.snapshot;
  }

  // ---- What the server says

  /**
   * @param {Snapshot} before
   * @param {boolean} isNewTab
   */
  #receive(before, isNewTab) {
    const { snapshot } = this;
    if (isNewTab) this.away.restarted(before, snapshot);
    if (isNewTab) this.edits.restart(snapshot);
    this.edits.receive(snapshot);
    this.coverage.receive(snapshot.objects);
    if (isNewTab || snapshot.opened !== before.opened) this.opening.answered();
    this.projects.received(before);
    this.models.received(before);
    if (snapshot.clip?.token !== before.clip?.token) this.#openClip(snapshot.clip);
    const state = this.projects.isRestoring ? "loading" : "empty";
    this.section.dataset.state = snapshot.clip ? "open" : state;
    this.selection.received(before);
    if (this.looks.setObjects(snapshot.objects)) this.media.relook();
    this.tracking.received(before);
    this.aids.received(before);
    this.exporting.received(before);
    this.interrupted.received(before, isNewTab);
    this.away.received(snapshot);
    const { download: file } = snapshot;
    if (file) download(`${this.root}/${file.url}`, file.name);
    this.#render();
    this.problems.show(snapshot.problem);
  }

  /** @param {ClipView | null} clip */
  #openClip(clip) {
    this.treatment.show(clip);
    this.edits.forget();
    this.player.pause();
    this.prompting.reset();
    if (!clip) {
      this.media.close();
      this.stage.close();
      this.sound.close();
      this.timeline.close();
      this.status.clearError(); // of a picture that was on its way
      this.player.close();
      return;
    }
    const project = this.snapshot.project?.token ?? "";
    const start = this.projects.frameOf(project);
    const aspect = (clip.width * clip.pixel_aspect) / clip.height;
    this.section.style.setProperty("--aspect", String(aspect));
    this.media.open(clip.token, clip.num_frames);
    this.stage.open(clip);
    this.tools.open(clip);
    const base = `${this.root}/media/${clip.token}`;
    this.player.open(clip, `${base}/times`);
    this.sound.open(clip, base);
    this.timeline.open(clip, base, this.player.clock, project);
    this.player.seek(start);
    this.stage.element.focus({ preventScroll: true });
  }

  // ---- What the user does

  /**
   * @param {number} frame
   * @param {number} id of an object
   */
  #lookAt(frame, id) {
    this.selection.choose(id);
    this.timeline.objects.reveal(id);
    this.transport.seek(frame);
  }

  /** @param {NumberedEdit} edit */
  #send(edit) {
    const { clip } = this.snapshot;
    this.status.clearError();
    this.section.dataset.waiting = String(this.edits.waiting);
    if (clip) this.send("edit", { clip: clip.token, ...edit });
  }

  #cancel() {
    this.opening.cancel();
    const { job } = this.snapshot;
    if (!job || job.cancelling) return;
    job.cancelling = true;
    this.send("cancel", {});
    this.#render();
  }

  // ---- What is to be seen

  #moved() {
    const { frame } = this.player;
    this.timeline.moveTo(frame);
    this.projects.moved(frame);
    this.sound?.follow();
    this.transport.show();
    this.aids?.moved();
    this.#viewed();
    this.#enable();
  }

  #viewed() {
    this.view?.show();
    this.aids?.viewed();
    const isClose = this.stage.needsFull && !this.player?.isPlaying;
    this.media?.setLevel(isClose ? "full" : "view");
  }

  #relook() {
    this.exporting?.show();
    this.media.relook();
    this.player.refresh();
  }

  /** @param {number} frame */
  #shown(frame) {
    this.stage.element.dataset.frame = String(frame);
    this.edits.settle();
    this.prompting.show();
    this.aids.shown();
    clearTimeout(this.preparing);
    const { clip, job } = this.snapshot;
    if (!clip || job || this.player.isPlaying || frame !== this.player.frame) return;
    this.preparing = setTimeout(
      () => this.send("prepare", { clip: clip.token, frame, object: this.selection.id }),
      PREPARE_AFTER_MS,
    );
  }

  get #canOpen() {
    return this.connection.isThere && !this.opening.isBusy;
  }

  #render() {
    const { clip, objects, job, range, revision } = this.snapshot;
    const { id, object } = this.selection;
    const results = objects.map((one) => [
      one.id,
      one.tracked,
      one.stale,
      Object.keys(one.prompts),
    ]);
    this.player.range = range;
    this.timeline.show({
      objects,
      activeId: id,
      soloId: this.looks.solo,
      chosen: this.selection.ids,
      range,
      version: JSON.stringify([revision, results]),
      isTracking: job?.kind === "track",
    });
    this.prompting.show();
    this.prompting.suggest();
    this.exporting.show();
    this.promptFiles.show();
    this.status.run(this.away.task() ?? this.opening.task() ?? (this.exporting.isTelling ? null : taskOf(job)));
    this.section.dataset.waiting = String(this.edits.waiting);
    if (!this.edits.waiting) this.objectPanel.show((clip && object) ?? null, objects);
    this.projects.show({ canOpen: this.#canOpen });
    this.#enable();
  }

  #enable() {
    const { snapshot, player, section, tracking, transport } = this;
    showControls(section, {
      snapshot,
      active: this.selection.object,
      chosen: this.selection.ids,
      frame: player.frame,
      numFrames: player.numFrames,
      canOpen: this.#canOpen,
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
