// The toolbar's part that changes what is seen and nothing else: zoom, fullscreen, looks of the masks.

import { isPopoverOpen, listenToPopovers } from "./popovers.js";

const ZOOM_STEP = 1.5;

export class ViewControls {
  // `relook()` is called when masks look different.
  constructor({ section, stage, looks, relook }) {
    Object.assign(this, { section, stage, looks, relook });
    this.find = (selector) => section.querySelector(selector);
    this.styleBefore = "fill"; // what M goes back to
    this.opacity = this.find(".s2-opacity input");
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
      zoom_in: () => stage.clip && stage.zoomBy(ZOOM_STEP),
      zoom_out: () => stage.clip && stage.zoomBy(1 / ZOOM_STEP),
      fit: () => stage.clip && stage.fit(),
      actual: () => stage.clip && stage.zoomTo(1),
      fullscreen: () => this.toggleFullscreen(),
    };
  }

  // ---- Masks

  change(looks) {
    if (this.looks.style !== "none") this.styleBefore = this.looks.style;
    if (this.looks.set(looks)) this.relook();
    this.show();
  }

  chooseStyle(style) {
    this.change({ style });
  }

  nextStyle() {
    const styles = [...this.section.querySelectorAll("[data-style-choice]")].map(
      ({ dataset }) => dataset.styleChoice,
    );
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

  show() {
    const { stage, looks, section } = this;
    const isOpen = stage.clip !== null;
    const { isFit, isClosest } = stage.viewport;
    const percent = isOpen ? `${Math.round(100 * stage.zoom)} %` : "100 %";
    const actual = this.find('[data-action="actual"]');
    if (actual.textContent !== percent) actual.textContent = percent;
    actual.setAttribute("aria-label", `Zoom is ${percent}; show it at 100 %`);
    const enabled = {
      zoom_in: isOpen && !isClosest,
      zoom_out: isOpen && !isFit,
      fit: isOpen && !isFit,
      actual: isOpen,
    };
    for (const [action, is] of Object.entries(enabled)) {
      this.find(`[data-action="${action}"]`).disabled = !is;
    }
    const isFull = "full" in section.dataset;
    const fullscreen = this.find('[data-action="fullscreen"]');
    fullscreen.setAttribute("aria-pressed", String(isFull));
    fullscreen.title = isFull ? "Leave fullscreen (F)" : "Fullscreen (F)";
    for (const choice of section.querySelectorAll("[data-style-choice]")) {
      choice.setAttribute("aria-checked", String(choice.dataset.styleChoice === looks.style));
    }
    this.opacity.value = Math.round(100 * looks.opacity);
    this.opacity.disabled = looks.style !== "fill";
    this.find(".s2-opacity output").textContent = `${this.opacity.value} %`;
    const solo = this.find('[data-action="solo"]');
    solo.setAttribute("aria-pressed", String(looks.solo !== null));
    this.find(".s2-look").classList.toggle("s2-on", looks.style !== "fill" || looks.solo !== null);
  }
}
