// Which buttons can be pressed, and what they are called.

import { isPrompted } from "../texts.js";

// `state`: the snapshot, the chosen object or undefined, where the playhead is, and what is possible.
export function showControls(section, state) {
  const { snapshot, active, frame, numFrames, canOpen } = state;
  const { clip, objects, job } = snapshot;
  const isOpen = clip !== null;
  const find = (selector) => section.querySelector(selector);
  nameChange(find, "undo", "Undo", "Ctrl+Z", snapshot.undo);
  nameChange(find, "redo", "Redo", "Ctrl+Shift+Z", snapshot.redo);
  nameClearing(find, active);
  const enabled = {
    undo: isOpen && snapshot.undo !== null,
    redo: isOpen && snapshot.redo !== null,
    clear: isOpen && frame in (active?.prompts ?? {}),
    clear_object: Boolean(active) && isPrompted(active),
    clear_all: isOpen && objects.some(isPrompted),
    solo: Boolean(active),
    add: isOpen,
    open: canOpen,
    browse: canOpen,
    sample: canOpen,
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
    find(`[data-action="${action}"]`).disabled = !is;
  }
  const targets = objects.filter(({ id }) => !state.tracksChosen || id === active?.id);
  const canTrack = isOpen && targets.some(isPrompted) && !job && state.canTrack;
  for (const button of section.querySelectorAll("[data-track]")) button.disabled = !canTrack;
  find('[data-action="onlyChosen"]').hidden = objects.length < 2;
  for (const button of section.querySelectorAll("[data-tool], [data-menu]")) {
    button.disabled = !isOpen;
  }
  find(".s2-slider").disabled = !isOpen;
}

function nameChange(find, action, verb, keys, label) {
  const button = find(`[data-action="${action}"]`);
  button.title = label ? `${verb}: ${label} (${keys})` : `Nothing to ${action} (${keys})`;
  button.setAttribute("aria-label", label ? `${verb}: ${label}` : verb);
}

function nameClearing(find, active) {
  const name = active?.name ?? "the object";
  const say = (action, text) => {
    find(`[data-action="${action}"] span`).textContent = text;
  };
  say("clear", `Clear ${name} on this frame`);
  say("clear_object", `Clear ${name} on all frames`);
  say("clear_all", "Clear all objects");
}
