// Before an export of a clip that is not tracked all through: whether that is meant.

/** @import { Dialogs } from "../controls/dialogs.js" */
/** @import { Tracking } from "../media/tracking.js" */
/** @import { ObjectView, Snapshot } from "../messages.js" */
/** @import { Selection } from "../selection.js" */
/** @import { Coverage } from "../timeline/coverage.js" */

import { isPrompted } from "../texts.js";
import { contains } from "../timeline/ranges.js";

/**
 * @typedef {object} Counts of the frames that are exported
 * @property {number} all
 * @property {number} tracked all objects are there, from their present prompts
 * @property {number} outdated an object is there from earlier prompts
 */

export class ExportQuestion {
  /**
   * @param {object} parts
   * @param {Dialogs} parts.dialogs
   * @param {() => Snapshot} parts.snapshot gives the present one
   * @param {Selection} parts.selection
   * @param {Coverage} parts.coverage
   * @param {Tracking} parts.tracking
   */
  constructor({ dialogs, snapshot, selection, coverage, tracking }) {
    this.dialogs = dialogs;
    this.snapshot = snapshot;
    this.selection = selection;
    this.coverage = coverage;
    this.tracking = tracking;
  }

  /**
   * Resolves to whether the export is meant as it is; else it may have started tracking.
   *
   * @param {boolean} isChosen only the chosen objects are exported
   * @param {boolean} isWhole the whole clip is, whatever its in and out points
   */
  async agrees(isChosen, isWhole) {
    const objects = this.#objects(isChosen);
    const { all, tracked, outdated } = this.#count(objects, isWhole);
    if (!objects.length || tracked === all) return true;
    const rest = outdated ? ` ${outdated} are tracked from earlier prompts.` : "";
    const text = `${tracked} of ${all} frames tracked.${rest}`;
    const answer = await this.dialogs.choose(text, "Track now", "Export anyway");
    if (answer === "yes") {
      const frames = objects.flatMap(({ prompts }) => Object.keys(prompts).map(Number));
      const ids = objects.map(({ id }) => id);
      this.tracking.run({ frame: Math.min(...frames), direction: "both", objects: ids });
    }
    return answer === "no";
  }

  // Hidden objects are exported only if they are chosen, and those without prompts never.
  /** @param {boolean} isChosen */
  #objects(isChosen) {
    const { objects } = this.snapshot();
    const meant = isChosen ? this.selection.objects : objects.filter(({ hidden }) => !hidden);
    return meant.filter(isPrompted);
  }

  /**
   * @param {ObjectView[]} objects
   * @param {boolean} isWhole
   * @returns {Counts}
   */
  #count(objects, isWhole) {
    const { clip, range } = this.snapshot();
    const whole = { first: 0, last: (clip?.num_frames ?? 0) - 1 };
    const { first, last } = isWhole ? whole : (range ?? whole);
    const known = objects.map(({ id, prompts }) => ({ prompts, ...this.coverage.of(id) }));
    let [tracked, outdated] = [0, 0];
    for (let frame = first; frame <= last; frame += 1) {
      const isStale = known.some(({ stale }) => contains(stale, frame));
      const isThere = known.every((one) => frame in one.prompts || contains(one.tracked, frame));
      if (isStale) outdated += 1;
      else if (isThere) tracked += 1;
    }
    return { all: last - first + 1, tracked, outdated };
  }
}
