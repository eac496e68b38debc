// Prompts given in the picture, by pointer or by the crosshair, and what is seen of them there.

/** @import { ViewControls } from "../controls/view_controls.js" */
/** @import { Status } from "../controls/status.js" */
/** @import { Player } from "../media/player.js" */
/** @import { Snapshot } from "../messages.js" */
/** @import { Selection } from "../selection.js" */
/** @import { Edits, PromptEdit, Without } from "./edits.js" */
/** @import { PromptHandlers } from "./pointer.js" */
/** @import { Stage } from "./stage.js" */
/** @import { Stroke } from "./strokes.js" */
/** @import { Tools } from "./tools.js" */

import { hint } from "../texts.js";
import { Crosshair } from "./crosshair.js";
import { Pointer } from "./pointer.js";

export class Prompting {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.section
   * @param {() => Snapshot} parts.snapshot gives the present one
   * @param {Stage} parts.stage
   * @param {Player} parts.player
   * @param {ViewControls} parts.view
   * @param {Status} parts.status
   * @param {Tools} parts.tools
   * @param {Selection} parts.selection
   * @param {Edits} parts.edits
   */
  constructor({ section, snapshot, stage, player, view, status, tools, selection, edits }) {
    this.section = section;
    this.snapshot = snapshot;
    this.stage = stage;
    this.player = player;
    this.view = view;
    this.status = status;
    this.tools = tools;
    this.selection = selection;
    this.edits = edits;
    /** @type {PromptHandlers} */
    const handlers = {
      tool: () => tools.tool,
      radius: () => tools.radius,
      refusal: () => this.refusal,
      refuse: () => status.fail(this.refusal),
      colour: () => selection.object?.colour ?? "",
      click: ({ x, y }, positive) => this.#prompt({ kind: "click", x, y, positive }),
      box: (box) => this.#prompt({ kind: "box", ...box }),
      brush: ({ points, radius, erase }) =>
        this.#prompt({ kind: "brush", points, radius, erase }),
      movePoint: ({ index, x, y }) => this.#prompt({ kind: "move_point", index, x, y }),
      deletePoint: (index) => this.#prompt({ kind: "delete_point", index }),
      strokes: (stroke) => this.#draw(stroke),
    };
    this.pointer = new Pointer(stage, handlers);
    this.crosshair = new Crosshair(stage, { ...handlers, changed: () => this.suggest() });
  }

  // A space bar that was not held to drag the picture plays.
  releaseSpace() {
    if (this.pointer.releaseSpace()) this.player.toggle();
  }

  // Something is being drawn or dragged, or the crosshair is out.
  get isBusy() {
    return this.pointer.gesture !== null || this.pointer.isSpaceHeld || this.crosshair.isShown;
  }

  // Why the chosen object takes no prompts now, or "".
  get refusal() {
    const active = this.selection.object;
    if (!active) return "Add an object first.";
    if (this.player.painted === null) return "The picture is still on its way.";
    if (active.locked) return `${active.name} is locked: unlock it, or choose another object.`;
    if (active.hidden) return `${active.name} is hidden: show it, or choose another object.`;
    return "";
  }

  // The clip is another one.
  reset() {
    this.pointer.cancel();
    this.crosshair.reset();
  }

  // Esc; tells whether there was anything to give up.
  cancel() {
    return this.pointer.cancel() || this.crosshair.cancel();
  }

  // The window has lost the keys: a space that is held is not released here.
  forgetSpace() {
    this.pointer.releaseSpace();
  }

  toolChanged() {
    this.pointer.cursor.refresh();
    this.crosshair.refresh();
    this.suggest();
  }

  brushResized() {
    if (!this.crosshair.isShown) this.pointer.cursor.previewBrush();
  }

  // What to do next.
  suggest() {
    const { crosshair, tools, selection } = this;
    const usual = hint(this.snapshot(), selection.object, tools.tool);
    this.status.suggest(crosshair.isShown ? crosshair.hint : usual);
  }

  // The prompts on the frame in sight, with those that the server has not answered.
  show() {
    const frame = this.player.painted;
    const groups = this.snapshot().objects.map(({ id, colour, prompts }) => {
      const isSeen = frame !== null && this.#isSeen(id);
      const points = isSeen ? (prompts[frame]?.points ?? []) : [];
      const marks = isSeen ? this.edits.marks(id, frame, points) : [];
      return { marks, colour, isActive: id === this.selection.id };
    });
    this.stage.showPrompts(groups);
    this.#showStrokes();
    this.pointer.cursor.refresh();
    this.crosshair.refresh();
  }

  // Who hides an object, or shows another alone, does not want to see its points either.
  /** @param {number} id */
  #isSeen(id) {
    const { solo } = this.view.looks;
    if (solo !== null) return id === solo;
    return !this.snapshot().objects.find((object) => object.id === id)?.hidden;
  }

  #showStrokes() {
    const colours = new Map(this.snapshot().objects.map(({ id, colour }) => [id, colour]));
    const strokes = this.edits.strokesOn(this.player.painted);
    this.stage.showStrokes(
      strokes.map((stroke) => ({ ...stroke, colour: colours.get(stroke.object) ?? "" })),
    );
  }

  /** @param {Without<PromptEdit, "object" | "frame">} prompt */
  #prompt(prompt) {
    const { player, view } = this;
    const { id } = this.selection;
    if (id === null || player.painted === null) return; // refused before
    player.pause();
    view.leaveLook();
    if (view.looks.style === "none") view.toggleMasks(); // to see what it does
    // What is meant is the picture in sight, even if the playhead has gone ahead of it.
    if (player.painted !== player.frame) player.seek(player.painted);
    this.edits.prompt({ frame: player.frame, object: id, ...prompt });
    this.show();
  }

  /** @param {Stroke | null} stroke */
  #draw(stroke) {
    if (!stroke && !this.edits.stroke) return;
    const { id } = this.selection;
    const { painted } = this.player;
    if (stroke && id !== null && painted !== null) {
      const { points, radius, erase } = stroke;
      this.edits.stroke = { points, radius, erase, object: id, frame: painted };
    } else this.edits.stroke = null;
    this.section.toggleAttribute("data-painting", Boolean(stroke));
    this.#showStrokes();
  }
}
