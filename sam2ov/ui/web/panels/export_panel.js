// The export: what of, as what, and how; with its progress, what came of it and what went wrong
// where the button is.

/** @import { Send } from "../connection.js" */
/** @import { ViewControls } from "../controls/view_controls.js" */
/** @import { FormatView, Look, OptionView, Snapshot } from "../messages.js" */
/** @import { Selection } from "../selection.js" */
/** @import { Field, Option, Value } from "./export_fields.js" */

import { nextStep } from "../controls/controls.js";
import { find, findAll } from "../dom.js";
import { Upload } from "../projects/upload.js";
import { bytes, isPrompted, taskOf } from "../texts.js";
import { effectTiles } from "./effect_tiles.js";
import { makeField } from "./export_fields.js";
import { COMMON, EFFECTS, EXPORT, GROUPS, PURPOSES, textOf } from "./export_texts.js";

const STARTING_MS = 3000;

/** @type {Record<keyof typeof COMMON, Option>} */
const COMMON_OPTIONS = {
  per_object: plain("per_object", "switch", false),
  keep_start: plain("keep_start", "switch", false),
  square_pixels: plain("square_pixels", "switch", false),
  first_number: { ...plain("first_number", "number", null), least: 0, most: 10_000_000 },
  names: { ...plain("names", "text", null), most: 200 },
};

export class ExportPanel {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.section
   * @param {string} parts.root
   * @param {FormatView[]} parts.formats
   * @param {Send} parts.send
   * @param {() => Snapshot} parts.snapshot
   * @param {Selection} parts.selection
   * @param {ViewControls} parts.view shows on the stage what would be exported
   * @param {(isChosen: boolean, isWhole: boolean) => Promise<boolean>} [parts.agrees] is asked before
   *   a file is made, of the chosen objects alone or of the whole clip
   */
  constructor({ section, root, formats, send, snapshot, selection, view, agrees }) {
    this.root = root;
    this.formats = formats;
    this.send = send;
    this.snapshot = snapshot;
    this.selection = selection;
    this.view = view;
    this.agrees = agrees;
    this.panel = find(section, "#export-panel", HTMLElement);
    this.kind = find(this.panel, "#export-kind", HTMLSelectElement);
    this.button = find(this.panel, "#export", HTMLButtonElement);
    this.preview = find(this.panel, "#export-preview", HTMLButtonElement);
    this.main = part(this.panel, "main");
    this.more = part(this.panel, "more");
    this.going = part(this.panel, "going");
    this.saved = part(this.panel, "saved");
    /** @type {Map<string, Value>} by "format.option": what was chosen stays while others are tried */
    this.values = new Map();
    /** @type {Map<string, Field>} of the format that is shown */
    this.fields = new Map();
    /** @type {Upload | null} */
    this.upload = null;
    this.isMine = false; // what is exported now was asked for here
    this.isStarting = false; // and no answer has come; for a while, should none come
    this.#fillKinds();
    this.kind.addEventListener("change", () => this.#showFormat());
    this.panel.addEventListener("change", () => {
      if (this.view.looks.live) this.#showLook();
      this.show();
    });
    this.preview.addEventListener("click", () => {
      if (!this.view.leaveLook()) this.#showLook();
      this.show();
    });
    this.button.addEventListener("click", () => this.#start());
    part(this.panel, "cancel").addEventListener("click", () => this.#cancel());
    this.#showFormat();
  }

  /** @returns {FormatView} */
  get format() {
    return this.formats.find(({ name }) => name === this.kind.value) ?? this.formats[0];
  }

  // The effect that would be exported; null where the format has none.
  get effect() {
    return this.format.name === "overlay" ? String(this.fields.get("effect")?.value()) : null;
  }

  // What the stage is to show; null where it cannot: some formats, and pictures of the user's own.
  /** @returns {Look | null} */
  get look() {
    const { format } = this;
    if (!format.is_live || this.#wantedFile()) return null;
    return { format: format.name, options: this.#options(), objects: this.#objects() ?? "all" };
  }

  /**
   * The server has said something new.
   *
   * @param {Snapshot} before
   */
  received(before) {
    const { job, download, clip, problem, upload } = this.snapshot();
    if (clip?.token !== before.clip?.token) this.#say(null);
    if (this.isMine && download) this.#say(download);
    const hasFailed = problem && problem.number !== before.problem?.number;
    const isOver = download || hasFailed || (before.job && !job) || upload !== before.upload;
    if (job || isOver) this.isStarting = false;
    if (isOver) this.isMine = false;
  }

  show() {
    const { snapshot, upload } = this;
    const { live } = this.view.looks;
    if (live && JSON.stringify(live) !== JSON.stringify(this.look)) this.#showLook(); // others are chosen
    const { clip, job, objects } = snapshot();
    const isPossible = Boolean(clip) && objects.some(isPrompted) && !job && !upload;
    this.button.disabled = !isPossible || this.isStarting;
    const step = nextStep(snapshot());
    const why = { open: EXPORT.open, click: EXPORT.click, wait: EXPORT.wait, track: "", export: "" }[step];
    this.button.title = this.button.disabled ? why : "";
    this.preview.disabled = !clip || !objects.some(isPrompted) || !this.look;
    this.preview.setAttribute("aria-pressed", String(this.view.looks.live !== null));
    const chosen = find(this.panel, '[name="s2-export-objects"][value="chosen"]', HTMLInputElement);
    chosen.disabled = !this.selection.object;
    const task = upload
      ? { text: EXPORT.uploading(upload.name, upload.share), share: upload.share }
      : this.isMine && job?.kind === "export"
        ? taskOf(job)
        : null;
    this.going.hidden = !task;
    this.button.parentElement?.toggleAttribute("hidden", Boolean(task));
    if (!task) return;
    const bar = find(this.going, "progress", HTMLProgressElement);
    if (task.share === null) bar.removeAttribute("value");
    else bar.value = task.share;
    part(this.panel, "progress").textContent = task.text;
  }

  // Whether it tells of the present job itself, in sight.
  get isTelling() {
    return !this.going.hidden && this.going.checkVisibility();
  }

  // ---- What there is to choose

  #fillKinds() {
    const grouped = new Set(Object.values(GROUPS).flatMap(({ formats }) => formats));
    for (const { label, formats } of Object.values(GROUPS)) {
      const group = document.createElement("optgroup");
      group.label = label;
      const members = this.formats.filter(({ name }) =>
        formats.length ? formats.includes(name) : !grouped.has(name),
      );
      group.append(...members.map((one) => new Option(one.label, one.name)));
      if (members.length) this.kind.append(group);
    }
  }

  #showFormat() {
    const { format } = this;
    part(this.panel, "purpose").textContent = PURPOSES[format.name] ?? format.purpose;
    this.fields.clear();
    this.main.replaceChildren();
    this.more.replaceChildren();
    for (const option of format.options) this.#add(option);
    const common = Object.entries(COMMON_OPTIONS).filter(([name]) => this.#hasCommon(name));
    for (const [name, option] of common) this.#addCommon(name, option);
    this.#showEffect();
    this.show();
  }

  /** @param {string} name */
  #hasCommon(name) {
    const { splits, has_times, names } = this.format;
    if (name === "per_object") return splits;
    if (name === "keep_start") return has_times;
    return name !== "names" || names !== null;
  }

  /** @param {OptionView} option */
  #add(option) {
    const { format, values, fields } = this;
    const key = `${format.name}.${option.name}`;
    const changed = () => {
      values.set(key, fields.get(option.name)?.value() ?? null);
      this.#showEffect();
      // Who tries effects wants to see them.
      if (option.name === "effect" && this.snapshot().objects.some(isPrompted)) this.#showLook();
    };
    const text = textOf(format.name, option);
    const present = values.get(key) ?? null;
    const id = `export-${format.name}-${option.name}`;
    const isTiled = option.name === "effect";
    const field = isTiled
      ? effectTiles(option, String(present ?? option.default), id, changed)
      : makeField(option, text, present, id, changed);
    fields.set(option.name, field);
    (text.isMinor ? this.more : this.main).append(field.element);
  }

  /**
   * @param {string} name
   * @param {Option} option
   */
  #addCommon(name, option) {
    const text = { ...COMMON[/** @type {keyof typeof COMMON} */ (name)] };
    if (name === "names") text.empty = this.format.names ?? "";
    const id = `export-${name.replaceAll("_", "-")}`;
    const field = makeField(option, text, this.values.get(name) ?? null, id, () => {
      this.values.set(name, field.value());
    });
    this.fields.set(name, field);
    this.more.append(field.element);
  }

  // Only the fields that the chosen effect heeds.
  #showEffect() {
    const { effect } = this;
    const heeded = effect && EFFECTS[effect]?.fields;
    const affected = new Set(Object.values(EFFECTS).flatMap(({ fields }) => fields));
    for (const [name, field] of this.fields) {
      field.element.hidden = Boolean(heeded) && affected.has(name) && !heeded?.includes(name);
    }
  }

  #showLook() {
    const { look } = this;
    if (look) this.view.showLook(look);
    else this.view.leaveLook();
  }

  // ---- Exporting

  async #start() {
    const isChosen = this.#radio("objects") === "chosen";
    const isWhole = this.#radio("frames") === "clip";
    if (this.agrees && !(await this.agrees(isChosen, isWhole))) return;
    const wanted = this.#wantedFile();
    const file = wanted && this.fields.get(wanted.name)?.value();
    if (wanted && !(file instanceof File)) {
      this.#fail(EXPORT.noFile);
      return;
    }
    this.#say(null);
    this.#fail("");
    if (!wanted || !(file instanceof File)) {
      this.#order(null);
      return;
    }
    const url = `${this.root}/media/${this.snapshot().upload}/attachment`;
    this.upload = new Upload(url, file, () => this.show(), (error) => {
      this.upload = null;
      if (error === null) this.#order(wanted.name);
      else if (error) this.#fail(error);
      this.show();
    });
    this.show();
  }

  // The option that needs a file, with what is chosen now.
  #wantedFile() {
    const { format, fields } = this;
    return format.options.find(
      ({ kind, name }) => kind === "file" && !fields.get(name)?.element.hidden,
    );
  }

  // Those of the format that are in sight and were not left alone.
  #options() {
    const { format, fields } = this;
    /** @type {Record<string, boolean | number | string>} */
    const options = {};
    for (const { name } of format.options) {
      const field = fields.get(name);
      const value = field?.value() ?? null;
      if (value === null || value instanceof File) continue;
      if (!field?.element.hidden) options[name] = value;
    }
    return options;
  }

  // The ids of those that are chosen; null: all that are not hidden.
  #objects() {
    const { ids } = this.selection;
    return this.#radio("objects") === "chosen" && ids.length ? ids : null;
  }

  /** @param {string | null} file the option whose file was uploaded */
  #order(file) {
    const { format, fields } = this;
    /** @type {(name: string) => Value} */
    const given = (name) => fields.get(name)?.value() ?? null;
    const number = given("first_number");
    const names = given("names");
    this.isMine = this.isStarting = true;
    setTimeout(() => {
      this.isStarting = false;
      this.show();
    }, STARTING_MS);
    this.send("export", {
      format: format.name,
      objects: this.#objects(),
      whole_clip: this.#radio("frames") === "clip",
      per_object: given("per_object") === true,
      keep_start: given("keep_start") === true,
      square_pixels: given("square_pixels") === true,
      first_number: typeof number === "number" ? number : null,
      names: typeof names === "string" ? names : "",
      options: this.#options(),
      file,
    });
    this.show();
  }

  #cancel() {
    this.upload?.abort();
    if (!this.upload) this.send("cancel", {});
  }

  /** @param {"objects" | "frames"} name */
  #radio(name) {
    return find(this.panel, `[name="s2-export-${name}"]:checked`, HTMLInputElement).value;
  }

  /** @param {{ url: string, name: string, bytes: number } | null} file */
  #say(file) {
    this.saved.replaceChildren();
    if (!file) return;
    const link = document.createElement("a");
    link.href = `${this.root}/${file.url}`;
    link.download = file.name;
    link.textContent = EXPORT.again;
    this.saved.append(`${EXPORT.saved(file.name, bytes(file.bytes))} `, link);
  }

  /** @param {string} text */
  #fail(text) {
    const [line] = findAll(this.panel, '[data-problem="export"]', HTMLElement);
    line.textContent = text;
  }
}

/**
 * @param {string} name
 * @param {Option["kind"]} kind
 * @param {Option["default"]} normal
 * @returns {Option}
 */
function plain(name, kind, normal) {
  return { name, kind, default: normal, choices: [], least: null, most: null, step: 1 };
}

/**
 * @param {Element} panel
 * @param {string} name
 */
function part(panel, name) {
  return find(panel, `[data-export="${name}"]`, HTMLElement);
}
