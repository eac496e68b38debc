// What may be uploaded, as far as the browser can tell before anything is sent. The server checks
// all of it again.

/**
 * @typedef {object} Limits of what is uploaded
 * @property {string} text says them in words
 * @property {number} bytes
 * @property {number} pixels of a frame
 * @property {number} seconds
 */

const PATIENCE_MS = 3000;
const GB = 2 ** 30;

/**
 * Resolves to why a file would be refused, or to null. What the browser cannot read is sent.
 *
 * @param {File} file
 * @param {Limits} limits
 * @returns {Promise<string | null>}
 */
export async function refusal(file, limits) {
  const isProject = file.name.endsWith(".sam2ov"); // holds a clip and all that was made of it
  const advice = `A clip may have ${limits.text}: cut it or scale it down, or ask who runs this server to allow more.`;
  if (file.size > limits.bytes * (isProject ? 2 : 1)) {
    return `${file.name} is too large (${(file.size / GB).toPrecision(2)} GB). ${advice}`;
  }
  if (isProject) return null;
  const { seconds, width, height } = await measure(file);
  if (seconds > limits.seconds) {
    return `${file.name} is too long (${minutes(seconds)}). ${advice}`;
  }
  if (width * height > limits.pixels) {
    return `${file.name} has too many pixels (${width}×${height}). ${advice}`;
  }
  return null;
}

/**
 * @param {File} file
 * @returns {Promise<{ seconds: number, width: number, height: number }>}
 */
function measure(file) {
  const video = document.createElement("video");
  const url = URL.createObjectURL(file);
  const measured = new Promise((resolve) => {
    const answer = () => {
      const { duration, videoWidth: width, videoHeight: height } = video;
      const seconds = Number.isFinite(duration) ? duration : 0; // streams do not say
      resolve({ seconds, width, height });
    };
    video.addEventListener("loadedmetadata", answer);
    video.addEventListener("error", answer);
    setTimeout(answer, PATIENCE_MS);
    video.preload = "metadata";
    video.muted = true;
    video.src = url;
  });
  return measured.finally(() => {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(url);
  });
}

/** @param {number} seconds */
function minutes(seconds) {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.ceil(seconds / 60)} minutes`;
}
