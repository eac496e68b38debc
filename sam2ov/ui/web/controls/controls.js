// Which buttons can be pressed, and what they are called.

/** @import { ObjectView, Snapshot } from "../messages.js" */

import { find, findAll } from "../dom.js";
import { isPrompted } from "../texts.js";

/**
 * @typedef {object} State what is there, where the playhead is, and what is possible
 * @property {Snapshot} snapshot
 * @property {ObjectView | undefined} active the chosen object
 * @property {number[]} chosen all that are, by id
 * @property {number} frame
 * @property {number} numFrames
 * @property {boolean} canOpen
 * @property {boolean} canTrack
 * @property {boolean} tracksChosen
 * @property {boolean} hasPromptBefore
 * @property {boolean} hasPromptAfter
 */

/**
 * @param {HTMLElement} section
 * @param {State} state
 */
export function showControls(section, state) {
  const { snapshot, active, frame, numFrames, canOpen } = state;
  const { clip, objects, job } = snapshot;
  const isOpen = clip !== null;
  /** @type {(action: string) => HTMLButtonElement} */
  const button = (action) => find(section, `[data-action="${action}"]`, HTMLButtonElement);
  nameChange(button("undo"), "Undo", "Ctrl+Z", snapshot.undo);
  nameChange(button("redo"), "Redo", "Ctrl+Shift+Z", snapshot.redo);
  nameClearing(button, active);
  const enabled = {
    undo: isOpen && snapshot.undo !== null,
    redo: isOpen && snapshot.redo !== null,
    clear: isOpen && frame in (active?.prompts ?? {}),
    clear_object: active !== undefined && isPrompted(active),
    clear_all: isOpen && objects.some(isPrompted),
    solo: Boolean(active),
    add: isOpen,
    find: isOpen && !job,
    open: canOpen,
    browse: canOpen,
    sample: canOpen,
    camera: canOpen,
    back: isOpen && frame > 0,
    forward: isOpen && frame < numFrames - 1,
    play: isOpen && numFrames > 1,
    loop: isOpen && numFrames > 1,
    previousPrompt: isOpen && state.hasPromptBefore,
    nextPrompt: isOpen && state.hasPromptAfter,
    setIn: isOpen,
    setOut: isOpen,
    clearRange: isOpen && Boolean(snapshot.range),
    closer: isOpen,
    wider: isOpen,
  };
  for (const [action, is] of Object.entries(enabled)) {
    button(action).disabled = !is;
  }
  const targets = objects.filter(({ id }) => !state.tracksChosen || state.chosen.includes(id));
  const canTrack = isOpen && targets.some(isPrompted) && !job && state.canTrack;
  for (const one of findAll(section, "[data-track]", HTMLButtonElement)) one.disabled = !canTrack;
  button("onlyChosen").hidden = objects.length < 2;
  for (const one of findAll(section, "[data-tool], [data-menu]", HTMLButtonElement)) {
    one.disabled = !isOpen;
  }
  find(section, ".s2-slider", HTMLInputElement).disabled = !isOpen;
  section.dataset.next = nextStep(snapshot);
}

/**
 * What people do next: the one control for it stands out.
 *
 * @param {Pick<Snapshot, "clip" | "objects" | "job">} snapshot
 * @returns {"open" | "click" | "track" | "export" | "wait"}
 */
export function nextStep({ clip, objects, job }) {
  if (!clip) return "open";
  if (job) return "wait";
  const prompted = objects.filter(isPrompted);
  if (!prompted.length) return "click";
  return prompted.every(({ tracked, stale }) => tracked && !stale) ? "export" : "track";
}

/**
 * @param {HTMLButtonElement} button
 * @param {string} verb
 * @param {string} keys
 * @param {string | null} label what it would do
 */
function nameChange(button, verb, keys, label) {
  const nothing = `Nothing to ${verb.toLowerCase()} (${keys})`;
  button.title = label ? `${verb}: ${label} (${keys})` : nothing;
  button.setAttribute("aria-label", label ? `${verb}: ${label}` : verb);
}

/**
 * @param {(action: string) => HTMLButtonElement} button
 * @param {ObjectView | undefined} active
 */
function nameClearing(button, active) {
  const name = active?.name ?? "the object";
  /** @type {(action: string, text: string) => void} */
  const say = (action, text) => {
    find(button(action), "span", HTMLElement).textContent = text;
  };
  say("clear", `Clear ${name} on this frame`);
  say("clear_object", `Clear ${name} on all frames`);
  say("clear_all", "Clear all objects");
}
