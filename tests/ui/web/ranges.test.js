import assert from "node:assert/strict";
import test from "node:test";

import { contains, parseRanges } from "../../../sam2ov/ui/web/timeline/ranges.js";

test("ranges are read as the server writes them", () => {
  assert.deepEqual(parseRanges("0-36,50-96"), [[0, 36], [50, 96]]);
  assert.deepEqual(parseRanges("7-7"), [[7, 7]]);
  assert.deepEqual(parseRanges(""), []);
});

test("both ends belong to a range", () => {
  const ranges = parseRanges("2-4,6-6,9-12");
  const found = Array.from({ length: 15 }, (_, frame) => frame).filter((f) => contains(ranges, f));
  assert.deepEqual(found, [2, 3, 4, 6, 9, 10, 11, 12]);
});

test("nothing is in no ranges", () => {
  assert.equal(contains([], 0), false);
});

test("many ranges are searched to the last", () => {
  const ranges = Array.from({ length: 1000 }, (_, i) => [i * 10, i * 10 + 3]);
  assert.ok(contains(ranges, 9993));
  assert.ok(!contains(ranges, 9994));
  assert.ok(!contains(ranges, 9989));
  assert.ok(contains(ranges, 0));
});
