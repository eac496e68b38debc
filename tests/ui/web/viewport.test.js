import assert from "node:assert/strict";
import test from "node:test";

import { Viewport } from "../../../sam2ov/ui/web/stage/viewport.js";

/** A picture of 200 × 100 on a stage of 400 × 400. */
function open() {
  const viewport = new Viewport();
  viewport.resize(400, 400);
  viewport.open(200, 100);
  return viewport;
}

/**
 * @param {{ x: number, y: number }} found
 * @param {{ x: number, y: number }} expected
 */
function assertNear(found, expected) {
  assert.ok(Math.hypot(found.x - expected.x, found.y - expected.y) < 1e-9, JSON.stringify(found));
}

test("a picture is opened as a whole, in the middle", () => {
  const viewport = open();
  assert.deepEqual([viewport.scale, viewport.x, viewport.y], [2, 0, 100]);
  assert.ok(viewport.isFit);
  assertNear(viewport.toStage({ x: 100, y: 50 }), { x: 200, y: 200 });
});

test("stage and picture are inverse to each other", () => {
  const viewport = open();
  viewport.zoomBy(3.7, { x: 31, y: 222 });
  assertNear(viewport.toPicture(viewport.toStage({ x: 12.5, y: 80 })), { x: 12.5, y: 80 });
});

test("zooming holds the point under the pointer", () => {
  const viewport = open();
  const at = { x: 130, y: 250 };
  const held = viewport.toPicture(at);
  viewport.zoomBy(4, at);
  assert.equal(viewport.scale, 8);
  assertNear(viewport.toPicture(at), held);
});

test("zooming out ends at the whole picture, in the middle", () => {
  const viewport = open();
  viewport.zoomBy(10, { x: 10, y: 110 });
  viewport.zoomBy(1e-3, { x: 390, y: 10 });
  assert.deepEqual([viewport.scale, viewport.x, viewport.y], [2, 0, 100]);
});

test("zooming in ends at 32 stage pixels per pixel, or twice the whole picture", () => {
  const viewport = open();
  viewport.zoomBy(1e6);
  assert.equal(viewport.scale, 32);
  assert.ok(viewport.isClosest);
  viewport.open(4, 4);
  assert.equal(viewport.scale, 100);
  viewport.zoomBy(1e6);
  assert.equal(viewport.scale, 200);
});

test("a picture cannot be pushed off the stage", () => {
  const viewport = open();
  viewport.zoomTo(4);
  viewport.panBy(1e5, 1e5);
  assert.deepEqual([viewport.x, viewport.y], [0, 100]);
  viewport.panBy(-1e5, -1e5);
  assert.deepEqual([viewport.x, viewport.y], [400 - 800, 300 - 400]);
});

test("a whole picture stays whole when the stage gets another size", () => {
  const viewport = open();
  viewport.resize(800, 200);
  assert.deepEqual([viewport.scale, viewport.x, viewport.y], [2, 200, 0]);
  assert.ok(viewport.isFit);
});

test("what is in the middle stays there when the stage gets another size", () => {
  const viewport = open();
  viewport.zoomTo(10, { x: 200, y: 200 });
  viewport.panBy(-120, 35);
  const middle = viewport.toPicture({ x: 200, y: 200 });
  viewport.resize(300, 500);
  assert.equal(viewport.scale, 10);
  assertNear(viewport.toPicture({ x: 150, y: 250 }), middle);
});

test("a stage without size is taken for one of a pixel", () => {
  const viewport = open();
  viewport.resize(0, 0);
  assert.ok(viewport.scale > 0 && Number.isFinite(viewport.x));
});

test("pixels that are wider than they are high are shown so", () => {
  const viewport = new Viewport();
  viewport.resize(400, 400);
  viewport.open(100, 100, 2);
  assert.deepEqual([viewport.scale, viewport.scaleX, viewport.x, viewport.y], [2, 4, 0, 100]);
  assertNear(viewport.toStage({ x: 50, y: 50 }), { x: 200, y: 200 });
  viewport.zoomBy(3, { x: 100, y: 150 });
  assertNear(viewport.toPicture(viewport.toStage({ x: 12.5, y: 80 })), { x: 12.5, y: 80 });
  assertNear(viewport.toPicture({ x: 100, y: 150 }), { x: 25, y: 25 });
});
