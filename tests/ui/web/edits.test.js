import assert from "node:assert/strict";
import test from "node:test";

import { Edits } from "../../../sam2ov/ui/web/stage/edits.js";

const CLICK = { kind: "click", object: 1, frame: 3, x: 1, y: 2, positive: true };
const BRUSH = { kind: "brush", object: 1, frame: 3, radius: 2, erase: false, points: [[1, 1]] };

function makeEdits() {
  const sent = [];
  return { edits: new Edits((edit) => sent.push(edit)), sent };
}

test("edits are numbered from 1 on, and waited for", () => {
  const { edits, sent } = makeEdits();
  edits.make({ kind: "undo" });
  edits.prompt(CLICK);
  assert.deepEqual(sent, [{ number: 1, kind: "undo" }, { number: 2, ...CLICK }]);
  assert.equal(edits.waiting, 2);
  edits.receive({ edits: 1 });
  assert.equal(edits.waiting, 1);
  edits.receive({ edits: 2 });
  assert.equal(edits.waiting, 0);
});

test("a prompt is shown until it is answered, on its frame and of its object", () => {
  const { edits } = makeEdits();
  edits.prompt(CLICK);
  assert.equal(edits.marks(1, 3, []).length, 1);
  assert.equal(edits.marks(2, 3, []).length, 0);
  assert.equal(edits.marks(1, 4, []).length, 0);
  assert.equal(edits.marks(1, null, []).length, 0);
  edits.receive({ edits: 1 });
  assert.deepEqual(edits.marks(1, 3, [[1, 2, 1]]), [{ x: 1, y: 2, label: 1, isPending: false }]);
});

test("a snapshot answers no edit that was made after it", () => {
  const { edits } = makeEdits();
  edits.prompt(CLICK);
  edits.prompt({ ...CLICK, x: 9 });
  edits.receive({ edits: 1 });
  assert.deepEqual(edits.marks(1, 3, []).map(({ x }) => x), [9]);
});

test("a stroke stays in sight after its answer until the masks are painted", () => {
  const { edits } = makeEdits();
  edits.prompt(BRUSH);
  assert.equal(edits.strokesOn(3).length, 1);
  edits.receive({ edits: 1 });
  edits.receive({ edits: 1 }); // the same again brings nothing twice
  assert.equal(edits.strokesOn(3).length, 1);
  assert.equal(edits.strokesOn(4).length, 0);
  edits.settle();
  assert.equal(edits.strokesOn(3).length, 0);
});

test("a stroke that is being drawn comes on top", () => {
  const { edits } = makeEdits();
  edits.prompt(BRUSH);
  edits.stroke = { ...BRUSH, radius: 7 };
  assert.deepEqual(edits.strokesOn(3).map(({ radius }) => radius), [2, 7]);
});

test("another clip forgets prompts but not how many edits are waited for", () => {
  const { edits } = makeEdits();
  edits.prompt(BRUSH);
  edits.forget();
  assert.deepEqual([edits.strokesOn(3).length, edits.marks(1, 3, []).length], [0, 0]);
  assert.equal(edits.waiting, 1);
});

test("a server that was started anew counts from where it is", () => {
  const { edits, sent } = makeEdits();
  edits.prompt(CLICK);
  edits.prompt(CLICK);
  edits.restart({ edits: 0 });
  assert.deepEqual([edits.waiting, edits.marks(1, 3, []).length], [0, 0]);
  edits.make({ kind: "redo" });
  assert.equal(sent.at(-1).number, 1);
});

test("edits that are held are shown, and sent when they are released", () => {
  const { edits, sent } = makeEdits();
  edits.make({ kind: "undo" }); // on its way when the server was lost
  edits.hold();
  edits.prompt(CLICK);
  assert.equal(sent.length, 1);
  assert.equal(edits.marks(1, 3, []).length, 1);
  edits.release();
  const again = [{ number: 1, kind: "undo" }, { number: 2, ...CLICK }];
  assert.deepEqual(sent.slice(1), again, "what was not answered goes out again, under its number");
  edits.receive({ edits: 2 });
  edits.release();
  assert.equal(sent.length, 3, "what was answered does not");
});

test("what a server did not answer is made again for the one after it", () => {
  const { edits, sent } = makeEdits();
  edits.make({ kind: "undo" });
  edits.prompt(CLICK);
  edits.receive({ edits: 1 });
  const unsent = edits.unsent();
  assert.deepEqual(unsent, [CLICK]);
  edits.restart({ edits: 0 });
  assert.equal(edits.marks(1, 3, []).length, 0);
  for (const edit of unsent) edits.repeat(edit);
  assert.deepEqual(sent.at(-1), { number: 1, ...CLICK });
  assert.equal(edits.marks(1, 3, []).length, 1);
});
