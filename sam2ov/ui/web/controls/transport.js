// The transport: playing, looping, going from frame to frame; the counter says where one is.

import { timecode } from "../texts.js";

export class Transport {
  // `snapshot()` gives the present one.
  constructor({ section, snapshot, player, tracking }) {
    Object.assign(this, { snapshot, player, tracking });
    this.counter = section.querySelector(".s2-counter");
    this.play = section.querySelector('[data-action="play"]');
    this.loop = section.querySelector('[data-action="loop"]');
  }

  // The names of `data-action`, and those of keys.
  get actions() {
    const { player } = this;
    return {
      play: () => player.toggle(),
      step: (by) => this.seek(player.frame + by),
      back: () => this.seek(player.frame - 1),
      forward: () => this.seek(player.frame + 1),
      previousPrompt: () => this.seek(this.promptFrom(-1)),
      nextPrompt: () => this.seek(this.promptFrom(1)),
      loop: () => this.#toggleLoop(),
    };
  }

  seek(frame) {
    this.tracking.lookElsewhere();
    this.player.pause();
    this.player.seek(frame);
  }

  // The next prompted frame of any object, or with -1 the one before; else where the playhead is.
  promptFrom(by) {
    const { frame } = this.player;
    const { objects } = this.snapshot();
    const prompted = objects.flatMap(({ prompts }) => Object.keys(prompts).map(Number));
    const ahead = prompted.filter((one) => (one - frame) * by > 0);
    return ahead.length ? (by > 0 ? Math.min(...ahead) : Math.max(...ahead)) : frame;
  }

  show() {
    const { frame, isPlaying, clock, numFrames } = this.player;
    this.counter.textContent = this.snapshot().clip
      ? `${frame} / ${numFrames - 1}  ·  ${timecode(clock.timeOf(frame))}`
      : "";
    this.play.setAttribute("aria-pressed", String(isPlaying));
    this.play.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
  }

  #toggleLoop() {
    this.player.loops = !this.player.loops;
    this.loop.setAttribute("aria-pressed", String(this.player.loops));
  }
}
