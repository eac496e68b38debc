// The toolbar's part that changes what is seen and nothing else: zoom, fullscreen, wide picture, looks of the masks.

/** @import { Changes, Looks, Style } from "../media/looks.js" */
/** @import { Look } from "../messages.js" */
/** @import { Stage } from "../stage/stage.js" */

import { find, findAll } from "../dom.js";
import { isStyle } from "../media/looks.js";
import { isPopoverOpen, listenToPopovers } from "./popovers.js";

const ZOOM_STEP = 1.5;

export class ViewControls {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.section
   * @param {Stage} parts.stage
   * @param {Looks} parts.looks
   * @param {() => void} parts.relook is called when masks look different
   */
  constructor({ section, stage, looks, relook }) {
    this.section = section;
    this.stage = stage;
    this.looks = looks;
    this.relook = relook;
    /** @type {Style} */
    this.styleBefore = "fill"; // what M goes back to
    this.opacity = find(section, ".s2-opacity input", HTMLInputElement);
    this.percent = find(section, ".s2-opacity output", HTMLElement);
    this.opacity.addEventListener("input", () =>
      this.change({ opacity: Number(this.opacity.value) / 100 }),
    );
    listenToPopovers(section, () => this.show());
    document.addEventListener("fullscreenchange", () => {
      if (!document.fullscreenElement) this.#maximise(false);
    });
    this.show();
  }

  // The names of `data-action`.
  get actions() {
    const { stage } = this;
    return {
      zoom_in: () => stage.zoomBy(ZOOM_STEP),
      zoom_out: () => stage.zoomBy(1 / ZOOM_STEP),
      fit: () => stage.fit(),
      actual: () => stage.zoomTo(1),
    };
  }

  // ---- Masks

  /** @param {Changes} looks */
  change(looks) {
    if (this.looks.style !== "none") this.styleBefore = this.looks.style;
    if (this.looks.set(looks)) this.relook();
    this.show();
  }

  /** @param {Style} style */
  chooseStyle(style) {
    this.change({ style, live: null });
  }

  /**
   * Show on the stage what an export would give, also while scrubbing and playing.
   *
   * @param {Look} look
   */
  showLook(look) {
    this.change({ live: look });
  }

  // Back to masks and prompts; tells whether an export was shown.
  leaveLook() {
    if (!this.looks.live) return false;
    this.change({ live: null });
    return true;
  }

  nextStyle() {
    const styles = this.#choices().map(styleOf).filter(isStyle);
    this.chooseStyle(styles[(styles.indexOf(this.looks.style) + 1) % styles.length]);
  }

  toggleMasks() {
    this.chooseStyle(this.looks.style === "none" ? this.styleBefore : "none");
  }

  // ---- Fullscreen: the section covers the window, and the window the screen where that is possible.

  async toggleFullscreen() {
    const isFull = "full" in this.section.dataset;
    this.#maximise(!isFull);
    if (isFull) {
      if (document.fullscreenElement) await document.exitFullscreen();
    } else {
      try {
        await document.documentElement.requestFullscreen();
      } catch {
        // iPhones and embedded pages refuse; the section covers the window all the same.
      }
    }
  }

  // Esc; tells whether there was something to leave.
  leaveFullscreen() {
    if (!("full" in this.section.dataset)) return false;
    this.toggleFullscreen();
    return true;
  }

  // The picture has the room of the panels beside it, too.
  toggleTheatre() {
    const isWide = this.section.toggleAttribute("data-theatre");
    this.#button("theatre").setAttribute("aria-pressed", String(isWide));
  }

  // What the menu offers, in its order.
  #choices() {
    return findAll(this.section, "[data-style-choice]", HTMLElement);
  }

  /** @param {boolean} isFull */
  #maximise(isFull) {
    if (isFull) this.section.dataset.full = "";
    else delete this.section.dataset.full;
    document.documentElement.classList.toggle("s2-maximised", isFull);
    this.show();
  }

  get isBusy() {
    return isPopoverOpen();
  }

  // ---- What the controls show

  /** @param {string} action */
  #button(action) {
    return find(this.section, `[data-action="${action}"]`, HTMLButtonElement);
  }

  show() {
    const { stage, looks, section } = this;
    const isOpen = stage.clip !== null;
    const { isFit, isClosest } = stage.viewport;
    const percent = isOpen ? `${Math.round(100 * stage.zoom)} %` : "100 %";
    const actual = this.#button("actual");
    if (actual.textContent !== percent) actual.textContent = percent;
    actual.setAttribute("aria-label", `Zoom is ${percent}; show it at 100 %`);
    const enabled = {
      zoom_in: isOpen && !isClosest,
      zoom_out: isOpen && !isFit,
      fit: isOpen && !isFit,
      actual: isOpen,
    };
    for (const [action, is] of Object.entries(enabled)) {
      this.#button(action).disabled = !is;
    }
    const isFull = "full" in section.dataset;
    const fullscreen = this.#button("fullscreen");
    fullscreen.setAttribute("aria-pressed", String(isFull));
    fullscreen.title = isFull ? "Leave fullscreen (F)" : "Fullscreen (F)";
    for (const choice of this.#choices()) {
      choice.setAttribute("aria-checked", String(styleOf(choice) === looks.style));
    }
    this.opacity.value = String(Math.round(100 * looks.opacity));
    this.opacity.disabled = looks.style !== "fill";
    this.percent.textContent = `${this.opacity.value} %`;
    find(section, ".s2-live-bar", HTMLElement).hidden = !looks.live || !isOpen;
    const solo = this.#button("solo");
    solo.setAttribute("aria-pressed", String(looks.solo !== null));
    const isUnusual = looks.style !== "fill" || looks.solo !== null || looks.live !== null;
    find(section, ".s2-look", HTMLElement).classList.toggle("s2-on", isUnusual);
  }
}

/** @param {HTMLElement} choice */
const styleOf = (choice) => choice.dataset.styleChoice;
