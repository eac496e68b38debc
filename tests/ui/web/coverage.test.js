import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { Coverage } from "../../../sam2ov/ui/web/timeline/coverage.js";
import { LaneData } from "../../../sam2ov/ui/web/timeline/lanes.js";
import { parseRanges } from "../../../sam2ov/ui/web/timeline/ranges.js";
import { Span } from "../../../sam2ov/ui/web/timeline/span.js";

const { fetch } = globalThis;
afterEach(() => {
  globalThis.fetch = fetch;
});

/** As parseRanges, and counts its calls. */
function counting() {
  const parse = (text) => {
    parse.calls += 1;
    return parseRanges(text);
  };
  parse.calls = 0;
  return parse;
}

const dog = { id: 1, prompts: { 0: {} }, tracked: "10-20", stale: "" };
const ball = { id: 2, prompts: {}, tracked: "", stale: "30-31,40-41" };

test("a frame has masks where any object is prompted, tracked, or was", () => {
  const coverage = new Coverage();
  assert.equal(coverage.hasMasks(0), false);
  coverage.receive([dog, ball]);
  const frames = Array.from({ length: 50 }, (_, frame) => frame);
  assert.deepEqual(
    frames.filter((frame) => coverage.hasMasks(frame)),
    [0, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 30, 31, 40, 41],
  );
});

test("an object that is gone covers nothing", () => {
  const coverage = new Coverage();
  coverage.receive([dog]);
  coverage.receive([]);
  assert.equal(coverage.hasMasks(10), false);
  assert.deepEqual(coverage.of(1), { tracked: [], stale: [] });
});

test("prompts are those of the newest snapshot, also where the ranges stay", () => {
  const coverage = new Coverage();
  coverage.receive([dog]);
  coverage.receive([{ ...dog, prompts: { 5: {} } }]);
  assert.equal(coverage.hasMasks(0), false);
  assert.ok(coverage.hasMasks(5));
});

test("playing parses nothing, however many frames are asked for", () => {
  const parse = counting();
  const coverage = new Coverage(parse);
  coverage.receive([dog, ball]);
  const before = parse.calls;
  for (let frame = 0; frame < 10_000; frame += 1) coverage.hasMasks(frame);
  for (let picture = 0; picture < 1000; picture += 1) coverage.of(1);
  assert.equal(parse.calls, before);
});

test("a snapshot parses only what has changed", () => {
  const parse = counting();
  const coverage = new Coverage(parse);
  coverage.receive([dog, ball]);
  assert.equal(parse.calls, 2); // nothing is read from no text
  coverage.receive([structuredClone(dog), structuredClone(ball)]);
  assert.equal(parse.calls, 2);
  coverage.receive([{ ...dog, tracked: "10-21" }, ball]);
  assert.equal(parse.calls, 3);
  assert.ok(coverage.hasMasks(21));
  coverage.receive([{ ...dog, tracked: "" }, ball]);
  assert.equal(coverage.hasMasks(15), false);
});

test("where objects are absent is parsed once per answer", async () => {
  const parse = counting();
  const lanes = { 1: { confidence: [90, null, 40, 10], absent: "1-1" } };
  globalThis.fetch = async () => ({ status: 200, json: async () => lanes });
  const span = new Span();
  span.open(4);
  const data = await new Promise((resolve) => {
    const made = new LaneData(() => resolve(made), parse);
    made.open("media/token");
    made.want(span, 100, "1");
  });
  for (let picture = 0; picture < 1000; picture += 1) data.isAbsentAt(1, picture % 4);
  assert.equal(parse.calls, 1);
  assert.deepEqual([0, 1, 2].map((frame) => data.isAbsentAt(1, frame)), [false, true, false]);
  assert.deepEqual([0, 1, 3].map((frame) => data.confidenceAt(1, frame)), [90, null, 10]);
  assert.equal(data.confidenceAt(2, 0), null);
});
