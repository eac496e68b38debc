// Choosing the model: a dialog of cards, and the panel beside the editor that tells of the one in
// use. Looking changes nothing; Use and Get do.

/** @import { Send } from "../connection.js" */
/** @import { Dialogs } from "../controls/dialogs.js" */
/** @import { ModelCard, ModelList, ModelView, Snapshot } from "../messages.js" */
/** @import { Act } from "./model_card.js" */

import { find, under } from "../dom.js";
import { readKept, writeKept } from "../storage.js";
import { secondsPerFrame } from "../texts.js";
import { makeCard, showProgress } from "./model_card.js";
import { OwnModel } from "./own_model.js";

const ASK_AGAIN_MS = 1000;
const DISMISSED = "sam2ov-banner-dismissed";

const MEMORIES = {
  upstream: "Memory: the last frames.",
  "distractor-aware": "Memory: also frames with look-alikes, and none without the object. For crowds and long absences.",
};

export class Models {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.section
   * @param {string} parts.root
   * @param {Send} parts.send
   * @param {() => Snapshot} parts.snapshot
   * @param {Dialogs} parts.dialogs
   */
  constructor({ section, root, send, snapshot, dialogs }) {
    this.root = root;
    this.send = send;
    this.snapshot = snapshot;
    this.dialogs = dialogs;
    this.dialog = find(section, '[data-dialog="models"]', HTMLDialogElement);
    this.preset = find(this.dialog, '[data-models="preset"]', HTMLSelectElement);
    this.device = find(this.dialog, '[data-models="device"]', HTMLSelectElement);
    this.memory = find(this.dialog, '[data-models="memory"]', HTMLSelectElement);
    this.cards = find(this.dialog, '[data-models="cards"]', HTMLUListElement);
    /** @type {ModelList | null} what the server said last, for the picked preset and device */
    this.list = null;
    this.asked = 0;
    this.made = ""; // what the cards were made from
    /** @type {number | undefined} */
    this.again = undefined;
    for (const picker of [this.preset, this.device, this.memory]) {
      picker.addEventListener("change", () => this.#ask());
    }
    this.dialog.addEventListener("close", () => {
      clearTimeout(this.again);
      this.#ask(); // for the panel, which shows what is in use
    });
    this.own = new OwnModel(part(this.dialog, "own", "models"), {
      url: () => `${this.root}/media/${this.snapshot().upload}/checkpoint`,
      most: () => this.list?.most_bytes ?? 0,
      uploaded: () => this.send("add_model", this.#picked),
    });
    this.panel = find(section, ".s2-model", HTMLElement);
    this.summary = find(section, '[data-more="model"]', HTMLElement);
    this.banner = find(section, ".s2-banner", HTMLElement);
    this.isDismissed = readKept("localStorage", DISMISSED) === true;
    find(this.banner, '[data-banner="dismiss"]', HTMLElement).addEventListener("click", () => {
      this.isDismissed = true;
      writeKept("localStorage", DISMISSED, true);
      this.#showPanel();
    });
    section.addEventListener("click", (event) => {
      const action = under(event, "[data-model-action]", HTMLElement)?.dataset.modelAction;
      if (action === "browse") this.open();
      if (action === "stop") this.send("cancel_model", {});
    });
  }

  open() {
    if (this.dialog.open) return;
    const { model } = this.snapshot();
    choose(this.preset, [model.preset], model.preset);
    choose(this.device, [model.device], model.device);
    this.memory.value = model.memory;
    this.dialog.showModal();
    this.dialog.scrollTop = 0;
    find(this.dialog, "h3", HTMLElement).focus();
    this.#show();
    this.#ask();
  }

  /** @param {Snapshot} before */
  received(before) {
    const { model, getting } = this.snapshot();
    const isOther = JSON.stringify(model) !== JSON.stringify(before.model);
    if (isOther || Boolean(getting) !== Boolean(before.getting)) this.#ask();
    this.#show();
  }

  get #picked() {
    const { model } = this.snapshot();
    if (!this.dialog.open) return { preset: model.preset, device: model.device, memory: model.memory };
    const preset = this.list?.presets.find(({ name }) => name === this.preset.value)?.name;
    /** @type {ModelView["memory"]} */
    const memory = this.memory.value === "distractor-aware" ? "distractor-aware" : "upstream";
    return { preset: preset ?? model.preset, device: this.device.value, memory };
  }

  async #ask() {
    clearTimeout(this.again);
    const { upload } = this.snapshot();
    if (!upload) return;
    this.asked += 1;
    const number = this.asked;
    const { preset, device } = this.#picked;
    const query = new URLSearchParams({ preset, device });
    if (this.dialog.open) query.set("measure", "1");
    let list = null;
    try {
      const response = await fetch(`${this.root}/media/${upload}/models?${query}`);
      if (response.ok) list = await response.json();
    } catch {
      // the server is away; whoever opens the dialog again asks again
    }
    if (number !== this.asked || !list) return;
    this.list = list;
    this.#show();
    if (this.list?.is_measuring && this.dialog.open) {
      this.again = setTimeout(() => this.#ask(), ASK_AGAIN_MS);
    }
  }

  #show() {
    this.#showPanel();
    if (this.dialog.open) this.#showDialog();
  }

  #showPanel() {
    const { model, getting, upload } = this.snapshot();
    this.banner.hidden = !upload || !model.is_demonstration || this.isDismissed;
    const { panel } = this;
    if (!upload) return;
    this.summary.textContent = model.title;
    const card = this.dialog.open ? null : this.list?.models.find(({ name }) => name === model.name);
    say(panel, "name", model.title);
    if (!this.dialog.open || !part(panel, "how").textContent) {
      const speed = card?.seconds ? ` · ${secondsPerFrame(card.seconds, card.is_measured)}` : "";
      const memory = model.memory === "upstream" ? "" : " · for look-alikes";
      say(panel, "how", `${model.preset}${memory} · ${model.device}${speed}`);
    }
    const notes = part(panel, "notes");
    const told = this.list?.notes ?? [];
    if (notes.dataset.shown !== JSON.stringify(told)) {
      notes.dataset.shown = JSON.stringify(told);
      notes.replaceChildren(...told.map(paragraph));
    }
    const progress = part(panel, "getting");
    progress.hidden = !getting;
    if (getting) {
      showProgress(progress, getting.job);
      find(progress, "button", HTMLButtonElement).disabled = getting.job.cancelling;
    }
  }

  #showDialog() {
    const { list, dialog } = this;
    const { model, getting, job, problem } = this.snapshot();
    if (!list) {
      say(dialog, "status", "Asking for the models …", "models");
      return;
    }
    choose(this.preset, list.presets.map(({ name }) => name), this.preset.value);
    choose(this.device, list.devices, this.device.value);
    const preset = list.presets.find(({ name }) => name === this.preset.value);
    const about = preset ? `${capital(preset.name)}: ${preset.description}.` : "";
    const memory = MEMORIES[this.#picked.memory];
    say(dialog, "about", [about, memory, list.needs].filter(Boolean).join(" "), "models");
    say(dialog, "status", problem?.about === "model" ? problem.text : statusOf(list), "models");
    const shown = {
      inUse: model,
      picked: this.#picked,
      getting,
      isLoading: job?.kind === "load",
      mayFetch: list.may_fetch,
    };
    this.own.show(getting);
    const bar = getting && this.cards.querySelector(`[data-name="${CSS.escape(getting.model)}"]`);
    const made = JSON.stringify([
      list.models,
      { ...shown, getting: getting && [getting.model, getting.job.cancelling] },
    ]);
    if (made !== this.made) {
      this.made = made;
      this.#remake(list.models.map((card) => makeCard(card, shown, (act) => this.#act(act, card))));
    } else if (bar && getting) {
      showProgress(bar, getting.job);
    }
  }

  // New cards, with the focus and what is unfolded where they were.
  /** @param {HTMLElement[]} cards */
  #remake(cards) {
    const focused = under({ target: document.activeElement }, "[data-name]", HTMLElement);
    const unfolded = [...this.cards.querySelectorAll("details[open]")].map(
      (details) => under({ target: details }, "[data-name]", HTMLElement)?.dataset.name,
    );
    this.cards.replaceChildren(...cards);
    for (const card of cards) {
      const details = card.querySelector("details");
      if (details && unfolded.includes(card.dataset.name)) details.open = true;
      if (focused && card.dataset.name === focused.dataset.name) {
        const target = card.querySelector("button:not(:disabled), summary") ?? this.cards;
        if (target instanceof HTMLElement) target.focus({ preventScroll: true });
      }
    }
    if (focused && !this.dialog.contains(document.activeElement)) {
      find(this.dialog, "h3", HTMLElement).focus({ preventScroll: true });
    }
  }

  /**
   * @param {Act} act
   * @param {ModelCard} card
   */
  async #act(act, card) {
    if (act === "stop") {
      this.send("cancel_model", {});
      return;
    }
    const picked = this.#picked;
    if (!(await this.#agrees(act, card))) return;
    const wanted = { model: card.name, ...picked };
    if (act === "get") {
      this.send("get_model", wanted);
    } else {
      this.dialog.close();
      this.send("use_model", wanted);
    }
  }

  /**
   * Whether the user wants what happens to the masks.
   *
   * @param {Act} act
   * @param {ModelCard} card
   */
  #agrees(act, { title }) {
    const { clip, objects } = this.snapshot();
    if (!clip || !objects.some(({ tracked }) => tracked)) return Promise.resolve(true);
    const question =
      (act === "get" ? `Get ${title} and go on with it? ` : `Go on with ${title}? `) +
      "Prompts stay and are answered anew. Tracked masks go, since they are of another model: " +
      "track again, or undo to have them back.";
    return this.dialogs.ask(question, act === "get" ? "Get and use" : "Use");
  }
}

/** @param {ModelList} list */
function statusOf(list) {
  if (list.is_measuring) return "Measuring how fast this machine is …";
  if (list.speed_problem) return list.speed_problem;
  if (!list.may_fetch) return "This server gets no models for its pages. Ask who runs it.";
  return "";
}

/**
 * The options of a picker, which keeps what is chosen.
 *
 * @param {HTMLSelectElement} picker
 * @param {readonly string[]} names
 * @param {string} chosen
 */
function choose(picker, names, chosen) {
  const all = names.includes(chosen) ? names : [...names, chosen];
  const present = [...picker.options].map(({ value }) => value);
  if (JSON.stringify(present) !== JSON.stringify(all)) {
    picker.replaceChildren(...all.map((name) => new Option(name, name)));
  }
  picker.value = chosen;
}

/**
 * @param {Element} within
 * @param {string} name
 */
function part(within, name, attribute = "model") {
  return find(within, `[data-${attribute}="${name}"]`, HTMLElement);
}

/**
 * @param {Element} within
 * @param {string} name
 * @param {string} text
 */
function say(within, name, text, attribute = "model") {
  const element = part(within, name, attribute);
  if (element.textContent !== text) element.textContent = text;
}

/** @param {string} text */
function paragraph(text) {
  const element = document.createElement("p");
  element.textContent = text;
  return element;
}

/** @param {string} word */
const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);
