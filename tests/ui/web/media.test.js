import assert from "node:assert/strict";
import test from "node:test";

import { Media } from "../../../sam2ov/ui/web/media/media.js";

const pause = () => new Promise((done) => setTimeout(done, 5));

test("what the server refuses to draw is told once, and another look is asked for", async (context) => {
  const { fetch } = globalThis;
  context.after(() => (globalThis.fetch = fetch));
  const asked = [];
  globalThis.fetch = async (url) => {
    if (url.includes("/look/")) asked.push(url);
    return new Response("The effect needs a colour.", { status: 422 });
  };
  const looks = { live: {}, wanted: "one", version: "" };
  const told = [];
  const media = new Media("", looks, () => {}, (frame, reason) => told.push([frame, reason]));
  media.open("token", 1);
  media.want(0, "moving", 1);
  await pause();
  assert.equal(asked.length, 1);
  assert.deepEqual(told, [[0, "The effect needs a colour."]]);
  looks.wanted = "other";
  media.relook();
  await pause();
  assert.equal(asked.length, 2);
  assert.match(asked[1], /look=other/);
});
