// Rows that are put in another order: dragged by a handle, or moved by the arrow keys on it.

// `onMove(id, position)` is called once, with the position among all rows.
export function listenToReordering(list, onMove) {
  const rows = () => [...list.querySelectorAll(".s2-object")];
  let dragged = null;

  list.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest(".s2-handle");
    if (!handle || event.button !== 0) return;
    const row = handle.closest(".s2-object");
    dragged = { row, pointer: event.pointerId, from: rows().indexOf(row), to: null };
    handle.setPointerCapture(event.pointerId);
  });

  list.addEventListener("pointermove", (event) => {
    if (dragged?.pointer !== event.pointerId) return;
    const all = rows();
    const middle = (row) => row.getBoundingClientRect().top + row.offsetHeight / 2;
    const above = all.filter((row) => row !== dragged.row && middle(row) < event.clientY).length;
    dragged.to = above;
    dragged.row.classList.add("s2-dragged");
    mark(all.filter((row) => row !== dragged.row), above);
  });

  for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
    list.addEventListener(kind, (event) => {
      if (dragged?.pointer !== event.pointerId) return;
      const { row, from, to } = dragged;
      dragged = null;
      row.classList.remove("s2-dragged");
      mark([], 0);
      if (kind === "pointerup" && to !== null && to !== from) onMove(Number(row.dataset.object), to);
    });
  }

  list.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const handle = event.target.closest(".s2-handle");
    if (!by || !handle) return;
    event.preventDefault();
    const all = rows();
    const row = handle.closest(".s2-object");
    const to = all.indexOf(row) + by;
    if (to >= 0 && to < all.length) onMove(Number(row.dataset.object), to);
  });

  // A line where the row would go.
  function mark(others, position) {
    for (const row of rows()) row.classList.remove("s2-drop-above", "s2-drop-below");
    if (!others.length) return;
    if (position < others.length) others[position].classList.add("s2-drop-above");
    else others.at(-1).classList.add("s2-drop-below");
  }
}
