// Before and after, side by side: a divider on the stage, the picture as it is on its left.

/** @import { Stage } from "./stage.js" */

import { find } from "../dom.js";

const STEP = 0.02;

export class Compare {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    this.divider = find(stage.element, ".s2-divider", HTMLButtonElement);
    this.isOn = false;
    this.share = 0.5; // of the stage's width
    const { divider } = this;
    divider.addEventListener("pointerdown", (event) => divider.setPointerCapture(event.pointerId));
    divider.addEventListener("pointermove", (event) => {
      if (divider.hasPointerCapture(event.pointerId)) this.#moveTo(this.#shareAt(event));
    });
    divider.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
      if (!by) return;
      event.preventDefault(); // the arrows of the picture go to other frames
      this.#moveTo(this.share + by);
    });
  }

  toggle() {
    this.isOn = !this.isOn;
    this.show();
  }

  // Call when what is in sight has changed: the divider stays, the picture goes under it.
  show() {
    const { stage, divider, share } = this;
    const isShown = this.isOn && stage.clip !== null;
    divider.hidden = !isShown;
    divider.style.left = `${100 * share}%`;
    const percent = Math.round(100 * share);
    divider.setAttribute("aria-valuenow", String(percent));
    divider.setAttribute("aria-valuetext", `${percent} % as it was`);
    const { x, stage: size } = stage.viewport;
    const before = Math.max(share * size.width - x, 0); // CSS pixels of the picture
    const isSplit = isShown && stage.clip;
    stage.masks.style.clipPath = isSplit ? `inset(0 0 0 ${before}px)` : "";
  }

  /** @param {PointerEvent} event */
  #shareAt(event) {
    return this.stage.stagePoint(event).x / this.stage.viewport.stage.width;
  }

  /** @param {number} share */
  #moveTo(share) {
    this.share = Math.min(Math.max(share, 0), 1);
    this.show();
  }
}
