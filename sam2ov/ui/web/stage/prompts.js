// The prompts of an object on a frame as they will be once the server has answered.

/** @import { PromptView } from "../messages.js" */
/** @import { PromptEdit } from "./edits.js" */
/** @import { Mark } from "./marks.js" */

import { isCorner, LABELS } from "./marks.js";

/**
 * @param {PromptView["points"]} points as the server sent them
 * @param {PromptEdit[]} edits those of this object and frame that it has not answered, in order
 */
export function expectedMarks(points, edits) {
  /** @type {Mark[]} */
  let marks = points.map(([x, y, label]) => ({ x, y, label, isPending: false }));
  for (const edit of edits) marks = apply(marks, edit);
  return marks;
}

/**
 * @param {Mark[]} marks
 * @param {PromptEdit} edit
 * @returns {Mark[]}
 */
function apply(marks, edit) {
  switch (edit.kind) {
    case "click":
      return [
        ...marks,
        { x: edit.x, y: edit.y, label: Number(edit.positive), isPending: true },
      ];
    case "box":
      return [
        { x: edit.x0, y: edit.y0, label: LABELS.topLeft, isPending: true },
        { x: edit.x1, y: edit.y1, label: LABELS.bottomRight, isPending: true },
      ];
    case "move_point":
      return marks.map((mark, index) =>
        index === edit.index ? { ...mark, x: edit.x, y: edit.y, isPending: true } : mark,
      );
    case "delete_point":
      return withoutPoint(marks, edit.index);
    case "brush":
      return [];
  }
}

/**
 * A box goes as a whole.
 *
 * @param {Mark[]} marks
 * @param {number} index
 */
function withoutPoint(marks, index) {
  if (!isCorner(marks[index])) return marks.filter((_, other) => other !== index);
  return marks.filter((mark) => !isCorner(mark));
}
