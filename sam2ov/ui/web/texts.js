// What the page says to people.

export function timecode(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(2).padStart(5, "0")}`;
}

function duration(seconds) {
  if (seconds < 1) return "a moment";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}

export const isPrompted = (object) => Object.keys(object.prompts).length > 0;

// What to do next.
export function hint({ clip, objects }, active) {
  if (!clip || !active) return "";
  if (!isPrompted(active)) return `Click ${active.name} in the picture, or drag a box around it.`;
  if (objects.some((object) => object.stale)) {
    return "The paler frames were tracked from earlier prompts: track again to update them.";
  }
  if (!active.tracked) return "Refine it with more clicks, or track it through the clip.";
  return "Play it through. A click corrects any frame.";
}

// A server's job as a task for the status line.
export function taskOf(job) {
  if (!job) return null;
  if (job.cancelling) return { text: `${job.label}: stopping …`, share: null, canCancel: false };
  const parts = [
    job.total ? `${job.label}: ${job.done} of ${job.total} ${job.unit}` : `${job.label} …`,
  ];
  if (job.per_second !== null) parts.push(`${job.per_second.toPrecision(2)} ${job.unit}/s`);
  if (job.seconds_left !== null) parts.push(`${duration(job.seconds_left)} left`);
  return {
    text: parts.join("  ·  "),
    share: job.total ? job.done / job.total : null,
    canCancel: true,
  };
}
