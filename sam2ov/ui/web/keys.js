// The keyboard. Typing in a field, and keys that a focused control uses itself, are left alone.

const FIELDS = "input:not([type=range]):not([type=radio]), textarea, select, [contenteditable], [role=listbox], [role=option], [role=combobox]";

// `actions` maps names to functions; see the help dialog for the keys.
export function listenToKeys(actions) {
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (target.closest?.(FIELDS) || event.altKey) return;
    const command = event.ctrlKey || event.metaKey;
    if (command && key.toLowerCase() === "z" && !event.shiftKey) return run(event, actions.undo);
    if (command) return undefined;
    const isControl = target.closest?.("button, a, summary, label, [role=button], [role=tab]");
    if (isControl && [" ", "Enter"].includes(key)) return undefined;
    const pace = event.shiftKey ? 10 : 1;
    if (/^[1-9]$/.test(key)) return run(event, () => actions.choose(Number(key)));
    return run(event, {
      " ": actions.play,
      ArrowLeft: () => actions.step(-pace),
      ArrowRight: () => actions.step(pace),
      Home: () => actions.step(-Infinity),
      End: () => actions.step(Infinity),
      Escape: actions.stop,
      Delete: actions.clear,
      Backspace: actions.clear,
      "?": actions.help,
      a: () => actions.tool("positive"),
      s: () => actions.tool("negative"),
      d: () => actions.tool("box"),
      n: actions.add,
      t: actions.track,
    }[key.length === 1 ? key.toLowerCase() : key]);
  });
}

function run(event, action) {
  if (!action) return;
  event.preventDefault();
  action();
}
