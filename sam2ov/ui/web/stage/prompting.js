// Prompts given in the picture, by pointer or by the crosshair, and what is seen of them there.

import { hint } from "../texts.js";
import { Crosshair } from "./crosshair.js";
import { Pointer } from "./pointer.js";

export class Prompting {
  // `snapshot()` gives the present one.
  constructor({ section, snapshot, stage, player, view, status, tools, selection, edits }) {
    Object.assign(this, { section, snapshot, stage, player, view, status });
    Object.assign(this, { tools, selection, edits });
    const handlers = {
      tool: () => tools.tool,
      radius: () => tools.radius,
      refusal: () => this.refusal,
      refuse: () => status.fail(this.refusal),
      colour: () => selection.object?.colour,
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

  // Those of the keyboard.
  get actions() {
    const { pointer, crosshair } = this;
    return {
      holdSpace: () => pointer.holdSpace(),
      releaseSpace: () => pointer.releaseSpace() && this.player.toggle(),
      aim: () => crosshair.toggle(),
      isAiming: () => crosshair.isShown,
      moveAim: (x, y, isLeap) => crosshair.move(x, y, isLeap),
      pressAim: (isOpposite) => crosshair.press(isOpposite),
    };
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
    this.pointer.refreshCursor();
    this.crosshair.refresh();
    this.suggest();
  }

  brushResized() {
    if (!this.crosshair.isShown) this.pointer.previewBrush();
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
      const marks = this.edits.marks(id, frame, prompts[frame]?.points ?? []);
      return { marks, colour, isActive: id === this.selection.id };
    });
    this.stage.showPrompts(groups);
    this.#showStrokes();
    this.pointer.refreshCursor();
    this.crosshair.refresh();
  }

  #showStrokes() {
    const colours = new Map(this.snapshot().objects.map(({ id, colour }) => [id, colour]));
    const strokes = this.edits.strokesOn(this.player.painted);
    this.stage.showStrokes(
      strokes.map((stroke) => ({ ...stroke, colour: colours.get(stroke.object) })),
    );
  }

  #prompt(prompt) {
    const { player, view } = this;
    player.pause();
    if (view.looks.style === "none") view.toggleMasks(); // to see what it does
    // What is meant is the picture in sight, even if the playhead has gone ahead of it.
    if (player.painted !== player.frame) player.seek(player.painted);
    this.edits.prompt({ frame: player.frame, object: this.selection.id, ...prompt });
    this.show();
  }

  #draw(stroke) {
    if (!stroke && !this.edits.stroke) return;
    const place = { object: this.selection.id, frame: this.player.painted };
    this.edits.stroke = stroke && { ...stroke, ...place };
    this.section.toggleAttribute("data-painting", Boolean(stroke));
    this.#showStrokes();
  }
}
