// Tracking: starting it, for which objects, and whether the picture goes along.

const REFRESH_MS = 600;

export class Tracking {
  // `snapshot()` gives the present one; `changed()` is called when other buttons can be pressed.
  constructor({ section, send, snapshot, selection, media, player, status, changed }) {
    Object.assign(this, { send, snapshot, selection, media, player, status, changed });
    this.follows = true; // the playhead goes where tracking is
    this.onlyChosen = false; // not all objects
    this.isStarting = false; // it was asked for and has not been answered
    this.choice = section.querySelector('[data-action="onlyChosen"]');
  }

  start(direction) {
    const { clip, job } = this.snapshot();
    if (!clip || job || this.isStarting) return;
    this.isStarting = true;
    this.status.clearError();
    this.player.pause();
    this.follow();
    this.changed();
    const objects = this.onlyChosen ? [this.selection.id] : null;
    this.send("track", { clip: clip.token, frame: this.player.frame, direction, objects });
  }

  toggleOnlyChosen() {
    this.onlyChosen = !this.onlyChosen;
    this.choice.setAttribute("aria-pressed", String(this.onlyChosen));
    this.changed();
  }

  // The user wants to see what comes.
  follow() {
    this.follows = true;
  }

  // The user goes to a frame.
  lookElsewhere() {
    if (this.#isRunning) this.follows = false;
  }

  // The server has said something new: show the masks, and go where it says.
  received(before) {
    this.isStarting = false;
    const { clip, mask, revision, show_frame: wanted } = this.snapshot();
    const isOpening = clip?.token !== before.clip?.token; // it starts where it was left
    if (revision !== before.revision) this.media.forgetMasks();
    else if (this.#isRunning && !this.follows) this.#refreshSoon();
    if (mask) this.media.putMasks(mask.frame, mask.png, mask.objects);
    if (wanted !== null && !isOpening && (this.follows || !mask)) this.player.seek(wanted);
    else if (clip && !this.#isRunning) this.player.refresh();
  }

  get #isRunning() {
    return this.snapshot().job?.kind === "track";
  }

  // While the user looks elsewhere, tracking may change what is in sight.
  #refreshSoon() {
    this.refreshing ??= setTimeout(() => {
      this.refreshing = null;
      this.media.forgetMasks();
      this.player.refresh();
    }, REFRESH_MS);
  }
}
