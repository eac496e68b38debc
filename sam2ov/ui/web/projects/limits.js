// What may be uploaded, as far as the browser can tell before anything is sent. The server checks
// all of it again.

const PATIENCE_MS = 3000;
const GB = 2 ** 30;

// Resolves to why a file would be refused, or to null. What the browser cannot read is sent.
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

function measure(file) {
  const video = document.createElement("video");
  const url = URL.createObjectURL(file);
  return new Promise((resolve) => {
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
  }).finally(() => {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(url);
  });
}

function minutes(seconds) {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.ceil(seconds / 60)} minutes`;
}
