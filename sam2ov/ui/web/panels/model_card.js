// A model as a card: what it is, how good and how fast, and the one thing to do with it.

/** @import { ModelCard, ModelView, GettingView } from "../messages.js" */

import { megabytes, secondsPerFrame, taskOf } from "../texts.js";

const MEMORY_NAMES = { upstream: "as trained", "distractor-aware": "for look-alikes" };

/**
 * @typedef {object} Shown what a card depends on
 * @property {ModelView} inUse
 * @property {Pick<ModelView, "preset" | "device" | "memory">} picked
 * @property {GettingView | null} getting
 * @property {boolean} isLoading whether another model is being loaded, or a clip
 * @property {boolean} mayFetch
 */

/** @typedef {"use" | "get" | "stop"} Act */

/**
 * What can be done with a model now; null where there is nothing to do.
 *
 * @param {ModelCard} card
 * @param {Shown} shown
 * @returns {{ act: Act, label: string, enabled: boolean } | null}
 */
export function actionOf(card, { inUse, picked, getting, isLoading, mayFetch }) {
  if (getting?.model === card.name) {
    return { act: "stop", label: "Cancel", enabled: !getting.job.cancelling };
  }
  const enabled = !isLoading && !card.problem;
  if (card.is_here) {
    const changes = [];
    if (picked.preset !== inUse.preset) changes.push(`with ${picked.preset}`);
    if (picked.memory !== inUse.memory) changes.push(MEMORY_NAMES[picked.memory]);
    if (picked.device !== inUse.device) changes.push(`on ${picked.device}`);
    if (card.name !== inUse.name) return { act: "use", label: "Use", enabled };
    return changes.length ? { act: "use", label: `Use ${changes.join(" ")}`, enabled } : null;
  }
  if (!mayFetch) return null;
  const label = card.download_bytes ? `Get · ${megabytes(card.download_bytes)}` : "Convert";
  return { act: "get", label, enabled: enabled && !getting };
}

/**
 * @param {ModelCard} card
 * @param {Shown} shown
 * @param {(act: Act, card: ModelCard) => void} act
 */
export function makeCard(card, shown, act) {
  const entry = document.createElement("li");
  entry.className = "s2-model-card";
  entry.dataset.name = card.name;
  const isInUse = card.name === shown.inUse.name;
  entry.classList.toggle("s2-in-use", isInUse);
  const title = add(entry, "h4", card.title);
  title.id = `s2-model-${card.name}`;
  const state = isInUse ? "In use" : card.is_here ? "On disk" : "";
  if (state) add(title, "span", state, "s2-badge");
  add(entry, "p", `${card.description}.`);
  entry.append(factsOf(card));
  if (card.problem) add(entry, "p", card.problem, "s2-problem");
  if (shown.getting?.model === card.name) entry.append(progressOf(shown.getting));
  entry.append(footOf(card, shown, act));
  return entry;
}

/** @param {ModelCard} card */
function factsOf(card) {
  const list = document.createElement("dl");
  /** @type {(name: string, value: string, isMain?: boolean) => void} */
  const fact = (name, value, isMain = false) => {
    const row = add(list, "div", "", isMain ? "s2-main-fact" : "");
    add(row, "dt", name);
    add(row, "dd", value);
  };
  const speed = card.seconds === null ? "–" : secondsPerFrame(card.seconds, card.is_measured);
  fact("A frame takes", speed, true);
  fact("SA-V test", card.sa_v_test === null ? "–" : card.sa_v_test.toFixed(1), true);
  if (card.mose_val !== null) fact("MOSE val", card.mose_val.toFixed(1));
  if (card.davis_2017_val !== null) fact("DAVIS 2017 val", card.davis_2017_val.toFixed(1));
  if (card.parameters !== null) fact("Weights", `${(card.parameters / 1e6).toFixed(0)} million`);
  if (card.disk_bytes) fact("On disk", megabytes(card.disk_bytes));
  if (card.licence !== null) fact("Licence", card.licence);
  return list;
}

/** @param {GettingView} getting */
function progressOf({ job }) {
  const part = document.createElement("div");
  part.className = "s2-model-getting";
  const bar = document.createElement("progress");
  part.append(bar);
  add(part, "p", "").dataset.model = "progress";
  showProgress(part, job);
  return part;
}

/**
 * Puts how far a job is into a part that has a bar and a line.
 *
 * @param {Element} part
 * @param {GettingView["job"]} job
 */
export function showProgress(part, job) {
  const bar = part.querySelector("progress");
  const line = part.querySelector('[data-model="progress"]');
  const task = taskOf(job);
  if (!bar || !line || !task) return;
  bar.setAttribute("aria-label", job.label);
  if (task.share === null) bar.removeAttribute("value");
  else bar.value = task.share;
  line.textContent = task.text;
}

/**
 * @param {ModelCard} card
 * @param {Shown} shown
 * @param {(act: Act, card: ModelCard) => void} act
 */
function footOf(card, shown, act) {
  const foot = document.createElement("footer");
  const action = actionOf(card, shown);
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "s2-button";
    if (action.act === "use") button.classList.add("s2-primary");
    button.dataset.act = action.act;
    button.disabled = !action.enabled;
    button.textContent = action.label;
    button.setAttribute("aria-label", `${action.label}: ${card.title}`);
    button.addEventListener("click", () => act(action.act, card));
    foot.append(button);
  }
  if (card.by_hand && shown.mayFetch) {
    const more = document.createElement("details");
    add(more, "summary", "Without a network");
    add(more, "p", `${card.by_hand} Then convert it here.`);
    foot.append(more);
  }
  return foot;
}

/**
 * @param {Element} parent
 * @param {string} tag
 * @param {string} text
 * @param {string} className
 */
function add(parent, tag, text, className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  parent.append(element);
  return element;
}
