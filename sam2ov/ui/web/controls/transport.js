// The transport: playing, looping, going from frame to frame; the counter says where one is.

/** @import { Player } from "../media/player.js" */
/** @import { Sound } from "../media/sound.js" */
/** @import { Tracking } from "../media/tracking.js" */
/** @import { Snapshot } from "../messages.js" */

import { find } from "../dom.js";
import { timecode } from "../texts.js";

const FASTEST = 2; // times the clip's own speed

export class Transport {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.section
   * @param {() => Snapshot} parts.snapshot gives the present one
   * @param {Player} parts.player
   * @param {Tracking} parts.tracking
   * @param {Sound} parts.sound
   */
  constructor({ section, snapshot, player, tracking, sound }) {
    this.sound = sound;
    this.mute = find(section, '[data-action="mute"]', HTMLButtonElement);
    this.volume = find(section, ".s2-volume", HTMLInputElement);
    this.volume.addEventListener("input", () => {
      sound.setVolume(Number(this.volume.value));
      this.show();
    });
    this.snapshot = snapshot;
    this.player = player;
    this.tracking = tracking;
    this.counter = find(section, ".s2-counter", HTMLElement);
    this.play = find(section, '[data-action="play"]', HTMLButtonElement);
    this.rate = find(section, ".s2-rate", HTMLSelectElement);
    this.rate.addEventListener("change", () => this.#setRate(Number(this.rate.value)));
    this.loop = find(section, '[data-action="loop"]', HTMLButtonElement);
  }

  // The names of `data-action`.
  get actions() {
    const { player } = this;
    return {
      play: () => player.toggle(),
      back: () => this.seek(player.frame - 1),
      forward: () => this.seek(player.frame + 1),
      previousPrompt: () => this.seek(this.promptFrom(-1)),
      nextPrompt: () => this.seek(this.promptFrom(1)),
      loop: () => this.#toggleLoop(),
      mute: () => {
        this.sound.toggle();
        this.show();
      },
      pause: () => player.pause(),
      playBack: () => this.#shuttle(-1),
      playOn: () => this.#shuttle(1),
    };
  }

  /**
   * The keys J and L of editing programs: pressed again they are faster.
   *
   * @param {1 | -1} direction
   */
  #shuttle(direction) {
    const { player } = this;
    const isSame = player.isPlaying && Math.sign(player.rate) === direction;
    const faster = Math.min(Math.abs(player.rate) * 2, FASTEST);
    this.tracking.lookElsewhere();
    player.play(direction * (isSame ? faster : player.chosenRate));
  }

  /** @param {number} rate */
  #setRate(rate) {
    const { player } = this;
    player.chosenRate = rate;
    if (player.isPlaying) player.play(Math.sign(player.rate) * rate);
  }

  /** @param {number} by so many frames */
  step(by) {
    this.seek(this.player.frame + by);
  }

  /** @param {number} frame */
  seek(frame) {
    this.tracking.lookElsewhere();
    this.player.pause();
    this.player.seek(frame);
  }

  /**
   * The next prompted frame of any object, or with -1 the one before; else where the playhead is.
   *
   * @param {1 | -1} by
   */
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
    const hasSound = this.snapshot().clip?.has_sound ?? false;
    this.mute.hidden = this.volume.hidden = !hasSound;
    this.mute.setAttribute("aria-pressed", String(this.sound.isMuted));
    this.volume.value = String(this.sound.isMuted ? 0 : this.sound.audio.volume);
    this.play.setAttribute("aria-pressed", String(isPlaying));
    this.play.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
  }

  #toggleLoop() {
    this.player.loops = !this.player.loops;
    this.loop.setAttribute("aria-pressed", String(this.player.loops));
  }
}
