import assert from "node:assert/strict";
import test from "node:test";

import { Cache, bitmapCache, weighBitmap } from "../../../sam2ov/ui/web/media/cache.js";

/** @param {number} budget */
function makeCache(budget) {
  const released = [];
  const cache = new Cache(budget, (entry) => entry.length, (entry) => released.push(entry));
  return { cache, released };
}

test("what was used longest ago is forgotten first", () => {
  const { cache, released } = makeCache(6);
  cache.set("a", "aa");
  cache.set("b", "bb");
  cache.set("c", "cc");
  assert.equal(cache.get("a"), "aa"); // now the newest
  cache.set("d", "d");
  assert.deepEqual(released, ["bb"]);
  assert.deepEqual([...cache.entries.keys()], ["c", "a", "d"]);
  assert.equal(cache.weight, 5);
});

test("asking whether something is there does not make it newer", () => {
  const { cache, released } = makeCache(4);
  cache.set("a", "aa");
  cache.set("b", "bb");
  assert.ok(cache.has("a"));
  cache.set("c", "cc");
  assert.deepEqual(released, ["aa"]);
});

test("what fills the budget to the byte stays", () => {
  const { cache, released } = makeCache(4);
  cache.set("a", "aa");
  cache.set("b", "bb");
  assert.deepEqual(released, []);
  assert.equal(cache.weight, 4);
});

test("the newest entry stays even if it alone is over the budget", () => {
  const { cache, released } = makeCache(3);
  cache.set("a", "a");
  cache.set("b", "bbbbb");
  assert.equal(cache.get("b"), "bbbbb");
  assert.deepEqual(released, ["a"]);
  assert.equal(cache.weight, 5);
});

test("an entry that takes another's place releases it and is weighed anew", () => {
  const { cache, released } = makeCache(10);
  cache.set("a", "aaaa");
  cache.set("a", "b");
  assert.deepEqual(released, ["aaaa"]);
  assert.equal(cache.weight, 1);
});

test("deleting what is not there changes nothing", () => {
  const { cache, released } = makeCache(10);
  cache.set("a", "a");
  cache.delete("b");
  assert.equal(cache.weight, 1);
  cache.clear();
  assert.deepEqual([cache.weight, released.length, cache.has("a")], [0, 1, false]);
});

test("bitmaps weigh four bytes a pixel and are closed", () => {
  let closed = 0;
  const bitmap = { width: 10, height: 5, close: () => (closed += 1) };
  assert.equal(weighBitmap(bitmap), 200);
  const cache = bitmapCache(300);
  cache.set(0, bitmap);
  cache.set(1, bitmap);
  assert.equal(closed, 1);
  assert.equal(cache.has(0), false);
});
