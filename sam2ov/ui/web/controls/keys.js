// The keyboard. Typing in a field, and keys that a focused control uses itself, are left alone.

/** @import { Commands } from "./commands.js" */

import { under } from "../dom.js";
import { isPopoverOpen } from "./popovers.js";

const FIELDS =
  "input:not([type=range]):not([type=radio]):not([readonly]), textarea, select, [contenteditable], [role=listbox], [role=option], [role=combobox]";
// They move a thumb or a choice themselves, but for the frame's slider, which the keys step as well.
const STEPPED = "input[type=range]:not(.s2-slider), input[type=radio]";
const STEPS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];
/** @type {{ [key: string]: [x: number, y: number] }} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const CONTROLS = "button, a, summary, label, [role=button], [role=tab]";

/** @typedef {Commands["keys"]} Actions */

/** @param {Actions} actions see the help dialog for the keys */
export function listenToKeys(actions) {
  let isSpaceDown = false;
  document.addEventListener("keydown", (event) => {
    const { key } = event;
    if (event.defaultPrevented || document.querySelector("dialog[open]") || isPopoverOpen()) return;
    if (under(event, FIELDS, Element) || event.altKey) return;
    if (event.ctrlKey || event.metaKey) {
      run(event, commandOf(event, actions));
      return;
    }
    if (STEPS.includes(key) && under(event, STEPPED, Element)) return;
    if ([" ", "Enter"].includes(key) && under(event, CONTROLS, Element)) return;
    if (key === " ") {
      // Held while the picture is dragged, or pressed to play: its release tells.
      event.preventDefault();
      if (!isSpaceDown) actions.holdSpace();
      isSpaceDown = true;
      return;
    }
    run(event, actionOf(event, actions));
  });
  document.addEventListener("keyup", ({ key }) => {
    if (key !== " " || !isSpaceDown) return;
    isSpaceDown = false;
    actions.releaseSpace();
  });
  addEventListener("blur", () => {
    if (!isSpaceDown) return;
    isSpaceDown = false;
    actions.forgetSpace();
  });
}

/**
 * @param {KeyboardEvent} event
 * @param {Actions} actions
 */
function commandOf({ key, shiftKey }, actions) {
  const letter = key.toLowerCase();
  if (letter === "z") return shiftKey ? actions.redo : actions.undo;
  return letter === "y" ? actions.redo : undefined;
}

/**
 * @param {KeyboardEvent} event
 * @param {Actions} actions
 * @returns {(() => void) | undefined}
 */
function actionOf({ key, code, shiftKey }, actions) {
  if (actions.isAiming()) {
    if (key in ARROWS) {
      const [x, y] = ARROWS[key];
      return () => actions.moveAim(x, y, shiftKey);
    }
    if (key === "Enter") return () => actions.pressAim(shiftKey);
  }
  const pace = shiftKey ? 10 : 1;
  if (/^[1-9]$/.test(key)) return () => actions.choose(Number(key));
  if (code === "Digit0" && shiftKey) return actions.actual;
  if (shiftKey && key.toLowerCase() === "a") return actions.add;
  const letter = key.toLowerCase();
  if (shiftKey) {
    /** @type {{ [key: string]: () => void }} */
    const shifted = { i: actions.goIn, l: actions.loop, m: actions.mute, o: actions.goOut, n: actions.previousReview, x: actions.clearRange };
    if (letter in shifted) return shifted[letter];
  }
  /** @type {{ [key: string]: () => void }} */
  const usual = {
    ArrowLeft: () => actions.step(-pace),
    ArrowRight: () => actions.step(pace),
    Home: () => actions.step(-Infinity),
    End: () => actions.step(Infinity),
    Escape: actions.stop,
    F2: actions.rename,
    Delete: actions.clear,
    Backspace: actions.clear,
    "?": actions.help,
    "+": actions.zoom_in,
    "=": actions.zoom_in,
    "-": actions.zoom_out,
    _: actions.zoom_out,
    0: actions.fit,
    "[": () => actions.resize(-1),
    "]": () => actions.resize(1),
    a: () => actions.tool("positive"),
    s: () => actions.tool("negative"),
    d: () => actions.tool("box"),
    b: () => actions.tool("brush"),
    e: () => actions.tool("eraser"),
    h: () => actions.tool("pan"),
    q: actions.aim,
    j: actions.playBack,
    k: actions.pause,
    v: actions.nextStyle,
    m: actions.toggleMasks,
    x: actions.solo,
    c: actions.compare,
    u: actions.onion,
    g: actions.find,
    f: actions.fullscreen,
    w: actions.theatre,
    t: actions.track,
    i: actions.setIn,
    o: actions.setOut,
    l: actions.playOn,
    n: actions.nextReview,
    p: actions.previousReview,
    ",": actions.previousPrompt,
    ".": actions.nextPrompt,
  };
  return usual[key.length === 1 ? letter : key];
}

/**
 * @param {KeyboardEvent} event
 * @param {(() => void) | undefined} action
 */
function run(event, action) {
  if (!action) return;
  event.preventDefault();
  action();
}
