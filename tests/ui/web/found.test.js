import assert from "node:assert/strict";
import test from "node:test";

import { Found } from "../../../sam2ov/ui/web/stage/found.js";
import { foundText } from "../../../sam2ov/ui/web/texts.js";

const object = (prompts, more) => ({ prompts, locked: false, hidden: false, ...more });

// Choosing without a canvas.
function makeFound(count, objects) {
  const found = Object.create(Found.prototype);
  const candidates = Array.from({ length: count }, () => ({}));
  return Object.assign(found, {
    candidates,
    chosen: new Set(),
    maxObjects: 50,
    snapshot: () => ({ objects }),
    show: () => {},
  });
}

test("all of many outlines are as many as there is room for, and a second time none", () => {
  const found = makeFound(80, [object({ 3: {} }), object({ 3: {} })]);
  found.chooseAll();
  assert.equal(found.chosen.size, 48);
  found.chooseAll();
  assert.equal(found.chosen.size, 0);
});

test("objects without prompts are taken first, unless they are locked or hidden", () => {
  assert.equal(makeFound(80, [object({})]).room, 50);
  assert.equal(makeFound(80, [object({}, { locked: true }), object({}, { hidden: true })]).room, 48);
});

test("the user reads that there is no room for more", () => {
  assert.equal(foundText(80, 48, 48), "80 outlines, 48 chosen: there is no room for more.");
  assert.equal(foundText(8, 8, 48), "8 outlines, 8 chosen.");
  assert.match(foundText(8, 0, 0), /is full/);
});
