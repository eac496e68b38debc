// What the page says to people.

/** @import { Task } from "./controls/status.js" */
/** @import { JobView, ObjectView, Snapshot } from "./messages.js" */
/** @import { Tool } from "./stage/tools.js" */

/**
 * 1:02:03.45; without hours where there are none, and without hundredths if not `isExact`.
 *
 * @param {number} seconds
 */
export function timecode(seconds, isExact = true) {
  const hundredths = Math.floor(seconds * 100 + 1e-6);
  /** @type {(number: number) => string} */
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  const hours = Math.floor(hundredths / 360000);
  const minutes = (hundredths / 6000) % 60;
  const head = hours ? `${hours}:${two(minutes)}` : String(Math.floor(minutes));
  const tail = isExact ? `.${two(hundredths % 100)}` : "";
  return `${head}:${two((hundredths / 100) % 60)}${tail}`;
}

/** @param {number} seconds */
function duration(seconds) {
  if (seconds < 1) return "a moment";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}

/** @param {number} moment in seconds since the epoch */
export function ago(moment) {
  const minutes = (Date.now() / 1000 - moment) / 60;
  if (minutes < 2) return "just now";
  if (minutes < 90) return `${Math.round(minutes)} min ago`;
  if (minutes < 36 * 60) return `${Math.round(minutes / 60)} h ago`;
  return `${Math.round(minutes / 1440)} days ago`;
}

/**
 * A size on the disk; as in the server's settings, a GB is 2³⁰ bytes.
 *
 * @param {number} count
 */
export function bytes(count) {
  const name = count >= 2 ** 30 ? "GB" : count >= 2 ** 20 ? "MB" : "KB";
  const number = Math.max(count / { GB: 2 ** 30, MB: 2 ** 20, KB: 2 ** 10 }[name], 1);
  return `${number < 10 ? Number(number.toFixed(1)) : Math.round(number)} ${name}`;
}

/**
 * A size as those who offer downloads count it: an MB is 10⁶ bytes.
 *
 * @param {number} count
 */
export function megabytes(count) {
  return count >= 1e6 ? `${Math.round(count / 1e6).toLocaleString("en")} MB` : `${Math.ceil(count / 1e3)} KB`;
}

/**
 * What a frame takes, by two digits; reckoned figures say "about".
 *
 * @param {number} seconds
 * @param {boolean} isMeasured
 */
export function secondsPerFrame(seconds, isMeasured) {
  const shown =
    seconds < 0.995
      ? `${Math.max(Number((seconds * 1000).toPrecision(2)), 1)} ms`
      : `${Number(seconds.toPrecision(2))} s`;
  return isMeasured ? shown : `about ${shown}`;
}

/** @param {number} count */
export function days(count) {
  if (count < 2) return `${Math.max(Math.round(count * 24), 1)} hours`;
  return `${Math.round(count)} days`;
}

/** @param {Pick<ObjectView, "prompts">} object */
export const isPrompted = (object) => Object.keys(object.prompts).length > 0;

const isTouched = () => matchMedia("(hover: none)").matches;

/**
 * Keys are for those who have a keyboard.
 *
 * @type {(text: string, keys: string) => string}
 */
const withKeys = (text, keys) =>
  isTouched() ? text : `${text} ${keys}`;

/** @type {Record<Exclude<Tool, "positive">, (object: ObjectView) => string>} */
const TOOL_HINTS = {
  negative: ({ name }) => `Click what does not belong to ${name}.`,
  box: ({ name }) => `Drag a box around ${name}.`,
  brush: ({ name }) =>
    withKeys(`Paint over ${name}.`, "Shift erases; [ and ] change the size of the brush."),
  eraser: ({ name }) =>
    withKeys(
      `Wipe away what does not belong to ${name}.`,
      "Shift paints; [ and ] change the size of the brush.",
    ),
  pan: () => "Drag the picture. The wheel or two fingers zoom.",
};

/**
 * What to do next with a tool.
 *
 * @param {Pick<Snapshot, "clip" | "objects">} snapshot
 * @param {ObjectView | undefined} active
 * @param {Tool} tool
 */
export function hint({ clip, objects }, active, tool) {
  if (!clip || !active) return "";
  if (tool !== "positive") return TOOL_HINTS[tool](active);
  if (!isPrompted(active)) {
    return isTouched()
      ? `Tap ${active.name} in the picture.`
      : `Click ${active.name} in the picture, or drag a box around it.`;
  }
  if (objects.some((object) => object.stale)) {
    return "The paler frames were tracked from earlier prompts: track again to update them.";
  }
  if (!active.tracked) return "Refine it with more clicks, or track it through the clip.";
  return "Play it through. A click corrects any frame.";
}

/**
 * What was found on a frame, and what of it is chosen.
 *
 * @param {number} count
 * @param {number} chosen
 * @param {number} room how many may be chosen
 */
export function foundText(count, chosen, room) {
  if (!count) return "Nothing stands out on this frame. Click the object instead.";
  const what = count === 1 ? "One outline" : `${count} outlines`;
  if (room < 1) return `${what}. The project is full: remove an object to take one.`;
  const isFull = chosen >= room && chosen < count;
  if (chosen) return `${what}, ${chosen} chosen${isFull ? ": there is no room for more" : ""}.`;
  return `${what}. ${isTouched() ? "Tap" : "Click"} what you want.`;
}

/** @param {number} number */
const others = (number) => `${number} ${number === 1 ? "other" : "others"}`;

/**
 * A server's job as a task for the status line.
 *
 * @param {JobView | null} job
 * @returns {Task | null}
 */
export function taskOf(job) {
  if (!job) return null;
  if (job.cancelling) return { text: `${job.label}: stopping …`, share: null, canCancel: false };
  if (job.waiting !== null) {
    const place = job.waiting ? `${job.waiting} before you` : "you are next";
    const text = `Waiting for a place, ${place}  ·  ${others(job.sharing)} at work`;
    return { text, share: null, canCancel: true };
  }
  const parts = [
    job.total ? `${job.label}: ${job.done} of ${job.total} ${job.unit}` : `${job.label} …`,
  ];
  if (job.per_second !== null) parts.push(`${job.per_second.toPrecision(2)} ${job.unit}/s`);
  if (job.seconds_left !== null) parts.push(`${duration(job.seconds_left)} left`);
  if (job.sharing) parts.push(`shared with ${others(job.sharing)}`);
  return {
    text: parts.join("  ·  "),
    share: job.total ? job.done / job.total : null,
    canCancel: true,
  };
}

/** @param {string} text that stands within another elsewhere */
export const asSentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;
