// Rows that are put in another order: dragged by a handle, or moved by the arrow keys on it.

import { findAll, under } from "../dom.js";

/**
 * @param {HTMLElement} list
 * @param {(id: number, position: number) => void} onMove is called once, with the position among
 *   all rows
 */
export function listenToReordering(list, onMove) {
  const rows = () => findAll(list, ".s2-object", HTMLElement);
  /** @type {{ row: HTMLElement, pointer: number, from: number, to: number | null } | null} */
  let dragged = null;

  list.addEventListener("pointerdown", (event) => {
    const handle = under(event, ".s2-handle", HTMLElement);
    const row = under(event, ".s2-object", HTMLElement);
    if (!handle || !row || event.button !== 0) return;
    dragged = { row, pointer: event.pointerId, from: rows().indexOf(row), to: null };
    handle.setPointerCapture(event.pointerId);
  });

  list.addEventListener("pointermove", (event) => {
    if (dragged?.pointer !== event.pointerId) return;
    const { row } = dragged;
    const others = rows().filter((other) => other !== row);
    /** @type {(other: HTMLElement) => number} */
    const middle = (other) => other.getBoundingClientRect().top + other.offsetHeight / 2;
    const above = others.filter((other) => middle(other) < event.clientY).length;
    dragged.to = above;
    row.classList.add("s2-dragged");
    mark(others, above);
  });

  /** @param {PointerEvent} event */
  const letGo = (event) => {
    if (dragged?.pointer !== event.pointerId) return;
    const { row, from, to } = dragged;
    dragged = null;
    row.classList.remove("s2-dragged");
    mark([], 0);
    if (event.type === "pointerup" && to !== null && to !== from) {
      onMove(Number(row.dataset.object), to);
    }
  };
  list.addEventListener("pointerup", letGo);
  list.addEventListener("pointercancel", letGo);
  list.addEventListener("lostpointercapture", letGo);

  list.addEventListener("keydown", (event) => {
    const by = Number(event.key === "ArrowDown") - Number(event.key === "ArrowUp");
    const row = under(event, ".s2-object", HTMLElement);
    if (!by || !row || !under(event, ".s2-handle", HTMLElement)) return;
    event.preventDefault();
    const all = rows();
    const to = all.indexOf(row) + by;
    if (to >= 0 && to < all.length) onMove(Number(row.dataset.object), to);
  });

  /**
   * A line where the row would go.
   *
   * @param {HTMLElement[]} others
   * @param {number} position
   */
  function mark(others, position) {
    for (const row of rows()) row.classList.remove("s2-drop-above", "s2-drop-below");
    if (!others.length) return;
    if (position < others.length) others[position].classList.add("s2-drop-above");
    else others[others.length - 1].classList.add("s2-drop-below");
  }
}
