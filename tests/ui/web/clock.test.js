import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { Clock } from "../../../sam2ov/ui/web/media/clock.js";

const { fetch } = globalThis;
afterEach(() => {
  globalThis.fetch = fetch;
});

/**
 * @param {number} status
 * @param {number[]} times
 */
function answerWith(status, times = []) {
  const body = new Float64Array(times).buffer;
  globalThis.fetch = async () => ({ status, arrayBuffer: async () => body });
}

test("at an even rate frames and times follow from each other", () => {
  const clock = new Clock(25, 100);
  assert.equal(clock.timeOf(50), 2);
  for (let frame = 0; frame < 100; frame += 1) assert.equal(clock.frameAt(clock.timeOf(frame)), frame);
});

test("rates that are no fractions of two lose no frame", () => {
  const clock = new Clock(30000 / 1001, 5000);
  for (let frame = 0; frame < 5000; frame += 1) {
    assert.equal(clock.frameAt(clock.timeOf(frame)), frame);
  }
});

test("times beyond the clip give its first and its last frame", () => {
  const clock = new Clock(10, 20);
  assert.equal(clock.frameAt(-1), 0);
  assert.equal(clock.frameAt(2), 19);
  assert.equal(clock.frameAt(99), 19);
  assert.equal(clock.timeOf(20), 2); // the length
});

test("a clip without a rate has times of its own", async () => {
  const clock = new Clock(10, 3);
  answerWith(200, [0, 0.1, 0.5, 0.6]);
  await clock.fetchTimes("times");
  assert.deepEqual([0, 1, 2, 3].map((frame) => clock.timeOf(frame)), [0, 0.1, 0.5, 0.6]);
  assert.deepEqual([0, 0.09, 0.1, 0.49, 0.5, 7].map((time) => clock.frameAt(time)), [0, 0, 1, 1, 2, 2]);
  assert.equal(clock.timeOf(-1), 0);
  assert.equal(clock.timeOf(9), 0.6);
});

test("an even clip answers without times, and the rate stays", async () => {
  const clock = new Clock(10, 3);
  answerWith(204);
  await clock.fetchTimes("times");
  assert.equal(clock.times, null);
  assert.equal(clock.timeOf(1), 0.1);
});

test("times of another clip are not taken", async () => {
  const clock = new Clock(10, 3);
  answerWith(200, [0, 1]);
  await clock.fetchTimes("times");
  assert.equal(clock.times, null);
});
