import assert from "node:assert/strict";
import test from "node:test";

import { Span } from "../../../sam2ov/ui/web/timeline/span.js";

/** @param {number} numFrames */
function open(numFrames) {
  const span = new Span();
  span.open(numFrames);
  return span;
}

test("at first the whole clip is in sight", () => {
  const span = open(100);
  assert.deepEqual([span.start, span.end, span.count, span.isZoomed], [0, 100, 100, false]);
  assert.equal(span.shareOf(25), 0.25);
  assert.equal(span.frameAt(0.255), 25);
});

test("shares beyond the ends give the first and the last frame", () => {
  const span = open(100);
  assert.equal(span.frameAt(-0.1), 0);
  assert.equal(span.frameAt(1), 99);
  assert.equal(span.frameAt(2), 99);
});

test("a clip without frames is taken for one with a single frame", () => {
  const span = open(0);
  assert.equal(span.numFrames, 1);
  assert.equal(span.frameAt(0.9), 0);
});

test("zooming holds what is at the pointer", () => {
  const span = open(1000);
  span.zoom(0.5, 0.25);
  assert.equal(span.count, 500);
  assert.equal(span.shareOf(250), 0.25);
  assert.ok(span.isZoomed);
});

test("zooming in ends at twelve frames, zooming out at the whole clip", () => {
  const span = open(1000);
  span.zoom(1e-6, 0.5);
  assert.equal(span.count, 12);
  span.zoom(1e6, 0.1);
  assert.deepEqual([span.start, span.end, span.isZoomed], [0, 1000, false]);
});

test("a clip of fewer than twelve frames is never zoomed", () => {
  const span = open(5);
  span.zoom(0.1, 0.5);
  assert.deepEqual([span.start, span.end, span.isZoomed], [0, 5, false]);
});

test("moving stops at both ends", () => {
  const span = open(100);
  span.zoom(0.2, 0);
  span.moveTo(-5);
  assert.deepEqual([span.start, span.end], [0, 20]);
  span.moveTo(95);
  assert.deepEqual([span.start, span.end], [80, 100]);
});

test("what is in sight need not be revealed", () => {
  const span = open(100);
  span.zoom(0.2, 0);
  assert.equal(span.reveal(0), false);
  assert.equal(span.reveal(19), false);
  assert.deepEqual([span.start, span.end], [0, 20]);
});

test("a frame just ahead comes to the left, so that playing shows what follows", () => {
  const span = open(100);
  span.zoom(0.2, 0);
  assert.equal(span.reveal(20), true);
  assert.equal(span.start, 18);
});

test("a frame far away or behind comes to the middle", () => {
  const span = open(100);
  span.zoom(0.2, 0);
  span.reveal(60);
  assert.equal(span.start, 50);
  span.reveal(30);
  assert.equal(span.start, 20);
  span.reveal(99);
  assert.equal(span.end, 100);
});
