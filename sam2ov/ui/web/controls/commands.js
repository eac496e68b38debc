// All that the user can do, by name: what the buttons of the editor and the keys call.

/** @import { Camera } from "../camera/camera.js" */
/** @import { Player } from "../media/player.js" */
/** @import { Tracking } from "../media/tracking.js" */
/** @import { ClearFrame, ClearObject, Snapshot, Track } from "../messages.js" */
/** @import { Opening } from "../projects/opening.js" */
/** @import { Selection } from "../selection.js" */
/** @import { Aids } from "../stage/aids.js" */
/** @import { Edits, Without } from "../stage/edits.js" */
/** @import { Prompting } from "../stage/prompting.js" */
/** @import { Stage } from "../stage/stage.js" */
/** @import { Tool, Tools } from "../stage/tools.js" */
/** @import { Timeline } from "../timeline/timeline.js" */
/** @import { Dialogs } from "./dialogs.js" */
/** @import { Status } from "./status.js" */
/** @import { Transport } from "./transport.js" */
/** @import { ViewControls } from "./view_controls.js" */

import { under } from "../dom.js";
import { isStyle } from "../media/looks.js";
import { isTool } from "../stage/tools.js";
import { closePopovers } from "./popovers.js";

/**
 * @typedef {object} Parts of the editor, and what it does itself
 * @property {HTMLElement} section
 * @property {() => Snapshot} snapshot gives the present one
 * @property {Stage} stage
 * @property {Status} status
 * @property {Dialogs} dialogs
 * @property {Player} player
 * @property {ViewControls} view
 * @property {Selection} selection
 * @property {Tracking} tracking
 * @property {Transport} transport
 * @property {Tools} tools
 * @property {Prompting} prompting
 * @property {Aids} aids
 * @property {Edits} edits
 * @property {Timeline} timeline
 * @property {Opening} opening
 * @property {Camera} camera
 * @property {() => void} cancel
 */

/** @type {Track["direction"][]} */
const DIRECTIONS = ["forward", "backward", "both", "frame"];

export class Commands {
  /** @param {Parts} parts */
  constructor(parts) {
    this.parts = parts;
    this.buttons = this.#makeButtons();
    this.keys = { ...this.buttons, ...this.#makeKeys() };
    parts.section.addEventListener("click", (event) => this.#pressed(event));
  }

  // The names of `data-action`.
  #makeButtons() {
    const { dialogs, edits, opening, player, selection, timeline, tracking } = this.parts;
    const { transport, view, prompting } = this.parts;
    return {
      ...this.#whenOpen({
        ...view.actions,
        ...timeline.actions,
        ...transport.actions,
        ...this.parts.aids.actions,
        aim: () => prompting.crosshair.toggle(),
        undo: () => this.#undo("undo"),
        redo: () => this.#undo("redo"),
        clear: () => this.#clear({ kind: "clear_frame", frame: player.frame }),
        clear_object: () => this.#clear({ kind: "clear_object" }),
        clear_all: () => edits.make({ kind: "clear_all" }),
        add: () => edits.make({ kind: "add_object" }),
        solo: () => selection.toggleSolo(selection.id),
        onlyChosen: () => tracking.toggleOnlyChosen(),
      }),
      fullscreen: () => view.toggleFullscreen(),
      theatre: () => view.toggleTheatre(),
      cancel: () => this.parts.cancel(),
      help: () => dialogs.showHelp(),
      open: () => opening.browse(),
      browse: () => opening.browse(),
      sample: () => opening.openSample(),
      camera: () => this.parts.camera.open(),
    };
  }

  // Those of the keyboard alone; most of them say how far or which.
  #makeKeys() {
    const { prompting, selection, timeline, tools, tracking, transport, view } = this.parts;
    const { crosshair, pointer } = prompting;
    /**
     * @template {unknown[]} V
     * @param {(...values: V) => void} action
     * @returns {(...values: V) => void}
     */
    const whenOpen = (action) => (...values) => {
      if (this.#isOpen) action(...values);
    };
    return {
      step: whenOpen((/** @type {number} */ by) => transport.step(by)),
      choose: whenOpen((/** @type {number} */ number) => this.#chooseAt(number - 1)),
      tool: whenOpen((/** @type {Tool} */ tool) => tools.choose(tool)),
      resize: whenOpen((/** @type {number} */ steps) => {
        if (tools.isBrush) tools.resize(steps);
      }),
      track: whenOpen(() => tracking.start("forward")),
      rename: whenOpen(() => {
        if (selection.id !== null) timeline.objects.rename(selection.id);
      }),
      holdSpace: whenOpen(() => pointer.holdSpace()),
      releaseSpace: whenOpen(() => prompting.releaseSpace()),
      forgetSpace: () => prompting.forgetSpace(),
      isAiming: () => crosshair.isShown,
      moveAim: whenOpen(
        (/** @type {number} */ x, /** @type {number} */ y, /** @type {boolean} */ isLeap) =>
          crosshair.move(x, y, isLeap),
      ),
      pressAim: whenOpen((/** @type {boolean} */ isOpposite) => crosshair.press(isOpposite)),
      nextStyle: () => view.nextStyle(),
      toggleMasks: () => view.toggleMasks(),
      stop: () => {
        const { aids } = this.parts;
        const isDone = prompting.cancel() || aids.cancel() || view.leaveFullscreen();
        if (!isDone) this.parts.cancel();
      },
    };
  }

  get #isOpen() {
    return this.parts.snapshot().clip !== null;
  }

  /**
   * The same actions, which do nothing while no clip is open.
   *
   * @template {string} N
   * @param {Record<N, () => void>} actions
   * @returns {Record<N, () => void>}
   */
  #whenOpen(actions) {
    const guarded = { ...actions };
    for (const name in actions) {
      guarded[name] = () => {
        if (this.#isOpen) actions[name]();
      };
    }
    return guarded;
  }

  /** @param {MouseEvent} event */
  #pressed(event) {
    const button = under(event, "button", HTMLButtonElement);
    const { action, tool, track, styleChoice } = button?.dataset ?? {};
    if (button?.closest('[role="menu"]')) closePopovers();
    const { stage, dialogs, view, tracking } = this.parts;
    /** @type {{ [name: string]: () => void }} */
    const buttons = this.buttons;
    const direction = DIRECTIONS.find((one) => one === track);
    if (action) buttons[action]();
    else if (isTool(tool)) this.keys.tool(tool);
    else if (isStyle(styleChoice)) view.chooseStyle(styleChoice);
    else if (direction) tracking.start(direction);
    else return;
    // After a click by pointer the keys belong to the picture; by keyboard the button keeps them.
    if (event.detail > 0 && this.#isOpen && !dialogs.isOpen && !view.isBusy) {
      stage.element.focus({ preventScroll: true });
    }
  }

  /** @param {number} position among the objects */
  #chooseAt(position) {
    const object = this.parts.snapshot().objects[position];
    if (object) this.parts.selection.choose(object.id);
  }

  /**
   * Take prompts of the chosen object away.
   *
   * @param {Without<ClearFrame | ClearObject, "clip" | "number" | "object">} edit
   */
  #clear(edit) {
    const { edits, prompting, selection, status } = this.parts;
    const active = selection.object;
    if (active?.locked) status.fail(prompting.refusal);
    else if (active) edits.make({ ...edit, object: active.id });
  }

  /** @param {"undo" | "redo"} kind */
  #undo(kind) {
    this.parts.tracking.follow(); // to where it was
    this.parts.edits.make({ kind });
  }
}
