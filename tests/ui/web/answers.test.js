// What people read where an upload or a deletion is refused.

import assert from "node:assert/strict";
import test from "node:test";
import { explainAnswer } from "../../../sam2ov/ui/web/answers.js";

test("the server's own words are shown", () => {
  const said = explainAnswer(507, "text/plain; charset=utf-8", "The disk is full.");
  assert.equal(said, "The disk is full.");
});

test("a proxy's page is not", () => {
  const page = "<html><head><title>413 Request Entity Too Large</title></head></html>";
  for (const status of [413, 502, 503, 504, 500]) {
    const said = explainAnswer(status, "text/html", page);
    assert.ok(!said.includes("<"), said);
    assert.ok(said.length > 20);
  }
  assert.match(explainAnswer(413, "text/html", page), /larger than/);
  assert.match(explainAnswer(413, null, ""), /larger than/);
  assert.match(explainAnswer(418, "text/plain", " "), /418/);
});
