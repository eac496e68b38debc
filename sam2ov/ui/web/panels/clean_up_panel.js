// The panel beside the editor that says how the chosen object's masks are cleaned up.
//
// Gradio puts it on the page, so it may come later than the editor.

export class CleanUpPanel {
  // `change` is told of new settings, by the names of the server's.
  constructor(change) {
    this.change = change;
    this.present = null;
    document.addEventListener("input", ({ target }) => {
      if (isSlider(target)) describe(target);
    });
    // Each release of a slider is a step that can be undone.
    document.addEventListener("change", ({ target }) => {
      if (isSlider(target)) this.#set({ ...this.present, [target.dataset.cleanUp]: valueOf(target) });
    });
    document.addEventListener("click", ({ target }) => {
      if (target.closest?.("[data-clean-up-reset]")) this.#set({});
    });
  }

  // `object` as in a snapshot, or null if there is none.
  show(object) {
    const panel = document.querySelector(".s2-clean-up");
    if (!panel) return;
    this.present = object?.clean_up ?? null;
    panel.querySelector("[data-clean-up-object]").textContent = object?.name ?? "";
    const isOpen = this.present !== null;
    let isPlain = true;
    for (const slider of panel.querySelectorAll("[data-clean-up]")) {
      const value = this.present?.[slider.dataset.cleanUp] ?? 0;
      isPlain &&= value === 0;
      slider.disabled = !isOpen;
      slider.value = slider.dataset.curve ? Math.sqrt(value) : value;
      describe(slider, value);
    }
    panel.querySelector("[data-clean-up-reset]").disabled = isPlain;
  }

  #set(settings) {
    if (this.present === null) return;
    this.present = settings; // the next change may come before the answer
    this.change(settings);
  }
}

function isSlider(element) {
  return element.matches?.(".s2-clean-up [data-clean-up]") ?? false;
}

function valueOf(slider) {
  const value = Number(slider.value);
  return slider.dataset.curve ? value * value : value;
}

function describe(slider, value = valueOf(slider)) {
  const output = slider.parentElement.querySelector("output");
  const text = value === 0 ? "off" : `${value} ${output.dataset.unit}`;
  if (output.textContent !== text) output.textContent = text;
  slider.setAttribute("aria-valuetext", text);
}
