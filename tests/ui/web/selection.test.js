import assert from "node:assert/strict";
import test from "node:test";

import { howOf, Selection } from "../../../sam2ov/ui/web/selection.js";

function makeSelection(...ids) {
  const snapshot = { objects: ids.map((id) => ({ id })) };
  const looks = { solo: null };
  const view = { looks, change: ({ solo }) => (looks.solo = solo) };
  const selection = new Selection({ view, snapshot: () => snapshot, changed: () => {} });
  selection.received({ objects: [] });
  return { selection, snapshot, looks };
}

test("a plain click chooses one", () => {
  const { selection } = makeSelection(1, 2, 3);
  selection.choose(2);
  assert.deepEqual(selection.ids, [2]);
  assert.deepEqual(selection.with(2), [2]);
  assert.deepEqual(selection.with(3), [3], "what is done to another is done to that alone");
});

test("Ctrl adds and takes away; one stays", () => {
  const { selection } = makeSelection(1, 2, 3);
  selection.choose(1);
  selection.choose(3, "toggle");
  assert.deepEqual(selection.ids, [1, 3]);
  assert.equal(selection.id, 1, "prompts are meant for the one that was chosen first");
  assert.deepEqual(selection.with(3), [1, 3]);
  selection.choose(1, "toggle");
  assert.deepEqual([selection.ids, selection.id], [[3], 3]);
  selection.choose(3, "toggle");
  assert.deepEqual(selection.ids, [3]);
});

test("Shift goes up to where it is", () => {
  const { selection } = makeSelection(4, 1, 3, 2);
  selection.choose(3);
  selection.choose(4, "extend");
  assert.deepEqual([selection.ids, selection.id], [[4, 1, 3], 3]);
  selection.choose(2, "extend");
  assert.deepEqual(selection.ids, [3, 2], "from the same one anew");
});

test("who is removed is not chosen any more, and a new one is alone", () => {
  const { selection, snapshot } = makeSelection(1, 2, 3);
  selection.choose(1);
  selection.choose(2, "toggle");
  const before = { objects: [...snapshot.objects] };
  snapshot.objects = [{ id: 2 }, { id: 3 }];
  selection.received(before);
  assert.deepEqual([selection.ids, selection.id], [[2], 2]);
  snapshot.objects = [{ id: 2 }, { id: 3 }, { id: 4 }];
  selection.received({ objects: [{ id: 2 }, { id: 3 }] });
  assert.deepEqual(selection.ids, [4]);
});

test("shown alone is who is chosen", () => {
  const { selection, looks } = makeSelection(1, 2);
  selection.toggleSolo(1);
  selection.choose(2);
  assert.equal(looks.solo, 2);
  selection.toggleSolo(2);
  assert.equal(looks.solo, null);
});

test("keys say how", () => {
  const none = { ctrlKey: false, metaKey: false, shiftKey: false };
  assert.equal(howOf(none), "only");
  assert.equal(howOf({ ...none, metaKey: true }), "toggle");
  assert.equal(howOf({ ...none, ctrlKey: true, shiftKey: true }), "extend");
});

test("another clip has other objects, by the same numbers", () => {
  const { selection, snapshot, looks } = makeSelection(1, 2, 3);
  selection.choose(2);
  selection.choose(3, "toggle");
  selection.toggleSolo(3);
  selection.choose(1, "toggle");
  const before = { clip: { token: "one" }, objects: [...snapshot.objects] };
  snapshot.clip = { token: "other" };
  selection.received(before);
  assert.deepEqual([selection.ids, selection.id, looks.solo], [[1], 1, null]);
});
