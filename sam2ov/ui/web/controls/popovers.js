// Small panels under a button of the toolbar. The browser opens and closes them.

const GAP = 6;
const MARGIN = 8;

// A button with `popovertarget` opens its panel; `onOpen(panel)` is called before it is placed.
export function listenToPopovers(section, onOpen) {
  for (const panel of section.querySelectorAll("[popover]")) {
    const button = section.querySelector(`[popovertarget="${panel.id}"]`);
    panel.addEventListener("beforetoggle", ({ newState }) => {
      button.setAttribute("aria-expanded", String(newState === "open"));
      if (newState === "open") onOpen(panel);
    });
    panel.addEventListener("toggle", ({ newState }) => {
      if (newState !== "open") return;
      place(panel, button);
      panel.querySelector("[aria-checked=true], button:enabled")?.focus({ preventScroll: true });
    });
  }
  addEventListener("resize", closePopovers);
}

export function closePopovers() {
  document.querySelector(":popover-open")?.hidePopover();
}

export function isPopoverOpen() {
  return document.querySelector(":popover-open") !== null;
}

function place(panel, button) {
  const { left, bottom } = button.getBoundingClientRect();
  const most = innerWidth - panel.offsetWidth - MARGIN;
  panel.style.left = `${Math.max(Math.min(left, most), MARGIN)}px`;
  panel.style.top = `${Math.min(bottom + GAP, innerHeight - panel.offsetHeight - MARGIN)}px`;
}
