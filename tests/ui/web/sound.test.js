import assert from "node:assert/strict";
import test from "node:test";

import { Sound } from "../../../sam2ov/ui/web/media/sound.js";

function makeSound(context) {
  const audio = {
    paused: true,
    currentTime: 0,
    duration: 60,
    playbackRate: 1,
    pause: () => (audio.paused = true),
    removeAttribute: () => {},
    play: async () => (audio.paused = false),
  };
  globalThis.document = { createElement: () => audio };
  context.after(() => delete globalThis.document);
  const clock = { timeOf: (frame) => frame / 5 };
  const player = { isPlaying: true, rate: 1, frame: 0, stride: 1, numFrames: 300, clock };
  const sound = new Sound({ append: () => {} }, player, () => {});
  sound.url = "sound";
  audio.muted = false;
  return { sound, audio, player };
}

test("sound waits where the picture stalls, and goes on with it", (context) => {
  const { sound, audio, player } = makeSound(context);
  sound.isThere = true;
  sound.follow();
  audio.currentTime = 0.3; // the frame lasts up to 0.2
  sound.follow();
  assert.equal(audio.paused, false);
  audio.currentTime = 0.4;
  sound.follow();
  sound.follow();
  assert.equal(audio.paused, true);
  player.frame = 1;
  sound.follow();
  assert.deepEqual([audio.paused, audio.currentTime], [false, 0.2]);
});

test("a server that is gone is not asked at every frame", async (context) => {
  const { fetch } = globalThis;
  context.after(() => (globalThis.fetch = fetch));
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let asked = 0;
  globalThis.fetch = async () => {
    asked += 1;
    throw new TypeError("gone");
  };
  const { sound } = makeSound(context);
  for (let i = 0; i < 5; i += 1) {
    sound.follow();
    await new Promise(setImmediate);
  }
  assert.equal(asked, 1);
  context.mock.timers.tick(10_000);
  sound.follow();
  assert.equal(asked, 2);
});
