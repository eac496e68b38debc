// The prompts of an object on a frame as they will be once the server has answered.

import { isCorner, LABELS } from "./marks.js";

// `points`: [x, y, label] as the server sent them; `edits`: those of this object and frame that it
// has not answered, in order. Returns marks.
export function expectedMarks(points, edits) {
  let marks = points.map(([x, y, label]) => ({ x, y, label, isPending: false }));
  for (const edit of edits) marks = apply(marks, edit);
  return marks;
}

function apply(marks, edit) {
  const { x, y } = edit;
  switch (edit.kind) {
    case "click":
      return [...marks, { x, y, label: Number(edit.positive), isPending: true }];
    case "box":
      return [
        { x: edit.x0, y: edit.y0, label: LABELS.topLeft, isPending: true },
        { x: edit.x1, y: edit.y1, label: LABELS.bottomRight, isPending: true },
      ];
    case "move_point":
      return marks.map((mark, index) =>
        index === edit.index ? { ...mark, x, y, isPending: true } : mark,
      );
    case "delete_point":
      return withoutPoint(marks, edit.index);
    case "brush":
    case "clear_frame":
      return [];
    default:
      return marks;
  }
}

// A box goes as a whole.
function withoutPoint(marks, index) {
  if (!isCorner(marks[index])) return marks.filter((_, other) => other !== index);
  return marks.filter((mark) => !isCorner(mark));
}
