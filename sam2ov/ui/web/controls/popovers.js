// Small panels under a button of the toolbar. The browser opens and closes them.

import { find, findAll } from "../dom.js";

const GAP = 6;
const MARGIN = 8;

/**
 * A button with `popovertarget` opens its panel.
 *
 * @param {HTMLElement} section
 * @param {() => void} onOpen is called before a panel is placed
 */
export function listenToPopovers(section, onOpen) {
  for (const panel of findAll(section, "[popover]", HTMLElement)) {
    const button = find(section, `[popovertarget="${panel.id}"]`, HTMLButtonElement);
    panel.addEventListener("beforetoggle", ({ newState }) => {
      button.setAttribute("aria-expanded", String(newState === "open"));
      if (newState === "open") onOpen();
    });
    panel.addEventListener("toggle", ({ newState }) => {
      if (newState !== "open") return;
      place(panel, button);
      const [first] = findAll(panel, "[aria-checked=true], button:enabled", HTMLElement);
      first?.focus({ preventScroll: true });
    });
  }
  addEventListener("resize", closePopovers);
}

export function closePopovers() {
  findAll(document, ":popover-open", HTMLElement)[0]?.hidePopover();
}

export function isPopoverOpen() {
  return document.querySelector(":popover-open") !== null;
}

/**
 * @param {HTMLElement} panel
 * @param {HTMLElement} button
 */
function place(panel, button) {
  const { left, bottom } = button.getBoundingClientRect();
  const most = innerWidth - panel.offsetWidth - MARGIN;
  panel.style.left = `${Math.max(Math.min(left, most), MARGIN)}px`;
  panel.style.top = `${Math.min(bottom + GAP, innerHeight - panel.offsetHeight - MARGIN)}px`;
}
