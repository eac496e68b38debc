import assert from "node:assert/strict";
import test from "node:test";

import { LABELS, boxOf, moved } from "../../../sam2ov/ui/web/stage/marks.js";
import { expectedMarks } from "../../../sam2ov/ui/web/stage/prompts.js";

const WHERE = { object: 1, frame: 0 };
/** @type {[number, number, number][]} */
const POINTS = [
  [10, 10, LABELS.topLeft],
  [50, 40, LABELS.bottomRight],
  [20, 20, LABELS.positive],
];

test("without edits the marks are what the server sent", () => {
  assert.deepEqual(expectedMarks([[1, 2, LABELS.negative]], []), [
    { x: 1, y: 2, label: LABELS.negative, isPending: false },
  ]);
  assert.deepEqual(expectedMarks([], []), []);
});

test("a click comes last and is pending", () => {
  const marks = expectedMarks(POINTS, [{ ...WHERE, kind: "click", x: 5, y: 6, positive: false }]);
  assert.equal(marks.length, 4);
  assert.deepEqual(marks.at(-1), { x: 5, y: 6, label: LABELS.negative, isPending: true });
});

test("a box takes the place of everything", () => {
  const marks = expectedMarks(POINTS, [{ ...WHERE, kind: "box", x0: 1, y0: 2, x1: 3, y1: 4 }]);
  assert.deepEqual(boxOf(marks), { x0: 1, y0: 2, x1: 3, y1: 4 });
  assert.ok(marks.length === 2 && marks.every(({ isPending }) => isPending));
});

test("a mark that is moved is pending, the others are not", () => {
  const marks = expectedMarks(POINTS, [{ ...WHERE, kind: "move_point", index: 2, x: 7, y: 8 }]);
  assert.deepEqual(marks.map(({ isPending }) => isPending), [false, false, true]);
  assert.deepEqual(marks[2], { x: 7, y: 8, label: LABELS.positive, isPending: true });
});

test("deleting a corner takes the whole box, deleting a point only that", () => {
  const withoutBox = expectedMarks(POINTS, [{ ...WHERE, kind: "delete_point", index: 1 }]);
  assert.deepEqual(withoutBox.map(({ label }) => label), [LABELS.positive]);
  const withoutPoint = expectedMarks(POINTS, [{ ...WHERE, kind: "delete_point", index: 2 }]);
  assert.deepEqual(withoutPoint.map(({ label }) => label), [LABELS.topLeft, LABELS.bottomRight]);
});

test("a stroke leaves no marks", () => {
  const stroke = { ...WHERE, kind: "brush", radius: 3, erase: false, points: [[1, 1]] };
  assert.deepEqual(expectedMarks(POINTS, [stroke]), []);
});

test("edits count on those before them", () => {
  const marks = expectedMarks([], [
    { ...WHERE, kind: "click", x: 1, y: 1, positive: true },
    { ...WHERE, kind: "click", x: 2, y: 2, positive: true },
    { ...WHERE, kind: "delete_point", index: 0 },
  ]);
  assert.deepEqual(marks.map(({ x }) => x), [2]);
});

test("a corner that is dragged beyond the other stops a pixel before it", () => {
  const marks = expectedMarks(POINTS, []);
  assert.deepEqual(moved(marks, { index: 0, x: 90, y: 5 }), { x: 49, y: 5 });
  assert.deepEqual(moved(marks, { index: 1, x: 0, y: 0 }), { x: 11, y: 11 });
  assert.deepEqual(moved(marks, { index: 2, x: 0, y: 99 }), { x: 0, y: 99 });
});

test("half a box is none", () => {
  assert.equal(boxOf(expectedMarks([[1, 1, LABELS.topLeft]], [])), null);
});
