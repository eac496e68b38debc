// Mouse, pen and touch on the stage become clicks and boxes.

const DRAG_PIXELS = 6;

// `handlers`: tool() → "positive" | "negative" | "box", canPrompt(), colour(), click(point, isPositive),
// box(corners).
export function listenToPointer(stage, handlers) {
  const { element } = stage;
  let press = null;

  element.addEventListener("contextmenu", (event) => {
    if (stage.clip) event.preventDefault(); // a right click is a prompt
  });

  element.addEventListener("pointerdown", (event) => {
    if (!handlers.canPrompt() || press || ![0, 2].includes(event.button)) return;
    const start = stage.position(event);
    if (!stage.isInside(start)) return;
    press = {
      id: event.pointerId,
      start,
      at: [event.clientX, event.clientY],
      isNegative: event.button === 2 || event.shiftKey,
      // A finger that moves scrolls the page, unless the box tool is chosen.
      canDrag: event.button === 0 && (event.pointerType !== "touch" || handlers.tool() === "box"),
      isDrag: false,
    };
    element.setPointerCapture(event.pointerId);
  });

  element.addEventListener("pointermove", (event) => {
    if (press?.id !== event.pointerId || !press.canDrag) return;
    const moved = Math.hypot(event.clientX - press.at[0], event.clientY - press.at[1]);
    press.isDrag ||= moved >= DRAG_PIXELS;
    if (press.isDrag) stage.showDraft({ ...corners(event), colour: handlers.colour() });
  });

  element.addEventListener("pointerup", (event) => {
    if (press?.id !== event.pointerId) return;
    const { start, isDrag, isNegative } = press;
    const box = isDrag ? corners(event) : null;
    finish();
    if (box) handlers.box(box);
    else handlers.click(start, !isNegative && handlers.tool() !== "negative");
  });

  element.addEventListener("pointercancel", finish);
  element.addEventListener("lostpointercapture", finish);

  function corners(event) {
    const end = stage.clamp(stage.position(event));
    return {
      x0: Math.min(press.start.x, end.x),
      y0: Math.min(press.start.y, end.y),
      x1: Math.max(press.start.x, end.x),
      y1: Math.max(press.start.y, end.y),
    };
  }

  function finish() {
    press = null;
    stage.showDraft(null);
  }

  // Esc drops a box that is being dragged; tells whether there was one.
  return function cancelDrag() {
    const wasDragging = Boolean(press?.isDrag);
    finish();
    return wasDragging;
  };
}
