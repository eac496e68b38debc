// The clip's sound, in step with the picture. The picture leads: where it has to wait, so does the sound.

/** @import { ClipView } from "../messages.js" */
/** @import { Player } from "./player.js" */

import { readKept, writeKept } from "../storage.js";

const KEPT = "sam2ov.sound"; // { volume, isMuted } on this computer
const ASK_AGAIN_MS = 700;
const ASK_LOST_MS = 5000; // a server that does not answer
const MOST_APART = 0.12; // seconds that nobody hears
/** How far browsers can stretch sound. */
const MOST_RATE = 4;

export class Sound {
  /**
   * @param {HTMLElement} place
   * @param {Player} player
   * @param {(text: string) => void} failed is told of errors
   */
  constructor(place, player, failed) {
    this.player = player;
    this.failed = failed;
    this.audio = document.createElement("audio");
    this.audio.preload = "auto";
    place.append(this.audio);
    this.url = "";
    this.isAsked = false;
    this.isThere = false;
    /** @type {number | null} */
    this.heldAt = null; // the frame at which it waits for the picture
    const kept = readKept("localStorage", KEPT);
    const isKept = typeof kept === "object" && kept !== null && "volume" in kept && "isMuted" in kept;
    this.audio.volume = isKept && typeof kept.volume === "number" ? Math.min(Math.max(kept.volume, 0), 1) : 1;
    this.audio.muted = isKept && kept.isMuted === true;
  }

  /**
   * @param {ClipView} clip
   * @param {string} base media/<token>
   */
  open({ has_sound }, base) {
    this.close();
    this.url = has_sound ? `${base}/sound` : "";
  }

  close() {
    this.url = "";
    this.isAsked = false;
    this.isThere = false;
    this.audio.pause();
    this.audio.removeAttribute("src");
  }

  get isMuted() {
    return this.audio.muted;
  }

  toggle() {
    this.#set(this.audio.volume || 1, !this.audio.muted);
  }

  /** @param {number} volume 0…1 */
  setVolume(volume) {
    this.#set(volume, volume === 0);
  }

  /**
   * @param {number} volume
   * @param {boolean} isMuted
   */
  #set(volume, isMuted) {
    this.audio.volume = volume;
    this.audio.muted = isMuted;
    writeKept("localStorage", KEPT, { volume, isMuted });
    this.follow();
  }

  // Call whenever the playhead moves, all the time while playing, and when playing begins or ends.
  follow() {
    const { player, audio } = this;
    const isHeard = player.isPlaying && player.rate > 0 && !audio.muted && this.url !== "";
    if (!isHeard) {
      audio.pause();
      this.heldAt = null;
      return;
    }
    if (!this.isThere) {
      if (!this.isAsked) this.#ask(this.url);
      return;
    }
    const due = player.clock.timeOf(player.frame);
    const rate = Math.min(player.rate, MOST_RATE);
    if (audio.playbackRate !== rate) audio.playbackRate = rate;
    if (due >= audio.duration) return; // the picture goes on without
    if (this.heldAt === player.frame) return;
    this.heldAt = null;
    const apart = MOST_APART * Math.max(rate, 1);
    const end = player.clock.timeOf(Math.min(player.frame + player.stride, player.numFrames));
    if (audio.paused) {
      audio.currentTime = due;
      audio.play().catch(() => {}); // paused again at once, or not allowed before a click
    } else if (!audio.seeking && audio.currentTime > end + apart) {
      audio.pause();
      this.heldAt = player.frame;
    } else if (!audio.seeking && audio.currentTime < due - apart) {
      audio.currentTime = due;
    }
  }

  /**
   * The server makes the sound when somebody listens first.
   *
   * @param {string} url
   */
  async #ask(url) {
    this.isAsked = true;
    try {
      const response = await fetch(url, { headers: { Range: "bytes=0-0" } });
      if (url !== this.url) return;
      if (response.status === 204) {
        setTimeout(() => url === this.url && this.#ask(url), ASK_AGAIN_MS);
      } else if (response.ok) {
        this.audio.src = url;
        this.isThere = true;
        this.follow();
      } else {
        this.url = "";
        this.failed(await response.text());
      }
    } catch {
      // A server that is gone is told elsewhere; it is asked again for who still listens.
      setTimeout(() => url === this.url && (this.isAsked = false), ASK_LOST_MS);
    }
  }
}
