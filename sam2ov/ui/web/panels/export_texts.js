// What the export panel calls formats, effects and options. A new option shows up without an entry
// here, by its name and description; with one, it is called what editors call it.

/** @typedef {"video" | "compositing" | "editing" | "annotation"} GroupName */

/** @type {Record<GroupName, { label: string, formats: string[] }>} */
export const GROUPS = {
  video: { label: "Video", formats: ["overlay", "matte", "alpha-prores", "alpha-vp9", "alpha-ffv1"] },
  compositing: { label: "Compositing", formats: ["png-matte", "png-rgba", "exr", "cryptomatte"] },
  editing: { label: "Editing", formats: ["timeline"] },
  annotation: { label: "Masks and training data", formats: [] }, // all others
};

/** @type {Record<string, string>} shorter than the registry's, where the panel shows the rest */
export const PURPOSES = {
  overlay: "The clip with its objects in colour, or with an effect on them or around them.",
};

/**
 * @typedef {object} EffectText
 * @property {string} label
 * @property {string[]} fields the options that it heeds
 */

/** @type {Record<string, EffectText>} */
export const EFFECTS = {
  colour: { label: "Colour", fields: ["fill", "outline"] },
  outline: { label: "Outline", fields: ["outline"] },
  blur: { label: "Blur", fields: ["on", "strength", "outline"] },
  pixelate: { label: "Pixelate", fields: ["on", "strength", "outline"] },
  grey: { label: "Grey", fields: ["on", "outline"] },
  spotlight: { label: "Spotlight", fields: ["on", "strength", "outline"] },
  replace: { label: "Replace", fields: ["on", "background", "outline"] },
  remove: { label: "Solid", fields: ["on", "paint", "outline"] },
};

/**
 * @typedef {object} OptionText
 * @property {string} label
 * @property {string} [hint]
 * @property {Record<string, string>} [choices]
 * @property {"%" | "px" | "s" | "frames"} [unit] "%": of a share from 0 to 1
 * @property {string} [empty] what leaving it out means
 * @property {boolean} [isReversed] less is better: the slider goes the other way
 * @property {boolean} [isMinor] stands among the further options
 */

const AUDIO = { all: "All tracks", first: "First track", none: "None" };
const BITS = { auto: "As the clip", 8: "8 bits", 10: "10 bits", 16: "16 bits" };

/** @type {Record<string, OptionText>} by option, or by "format.option" */
const OPTIONS = {
  on: { label: "Apply to", choices: { object: "Objects", background: "Background" } },
  fill: { label: "Opacity", unit: "%" },
  outline: { label: "Outline", unit: "px", empty: "auto" },
  strength: { label: "Strength", unit: "%" },
  paint: { label: "Colour" },
  background: { label: "Picture or video", hint: "Fills the frame. A short video starts over." },
  codec: {
    label: "Codec",
    choices: { h264: "H.264, plays everywhere", h265: "H.265, smaller", "h265-10": "H.265, 10 bits" },
    isMinor: true,
  },
  crf: { label: "Quality", isReversed: true, isMinor: true },
  audio: { label: "Sound", choices: AUDIO, isMinor: true },
  edges: { label: "Edges", choices: { soft: "Soft", hard: "Hard" }, hint: "Soft edges are as wide as Clean-up's feather." },
  bits: { label: "Depth", choices: BITS, hint: "More bits give soft edges finer steps." },
  timeline: {
    label: "For",
    choices: { otio: "Resolve, Premiere (OTIO)", fcpxml: "Final Cut Pro (FCPXML)", edl: "Any (EDL)" },
  },
  media: { label: "Where the clip lies", empty: "linked by its name" },
  keep: { label: "Keep", choices: { objects: "Objects", background: "Background" } },
  premultiplied: { label: "Premultiply by alpha", isMinor: true },
  hidden: { label: "Keep the picture under transparency", isMinor: true },
  hdr: {
    label: "HDR",
    choices: { "tone-mapped": "Tone-mapped to BT.709", kept: "Kept, with its tags" },
    isMinor: true,
  },
  picture: { label: "Add the picture", hint: "In linear light, multiplied by alpha." },
  compression: { label: "Compression", choices: { zip: "ZIP, lossless", none: "None" }, isMinor: true },
  images: { label: "Add the frames as JPEGs" },
  "coco.images": { label: "Names end in", choices: { jpg: ".jpg", png: ".png" } },
  quality: { label: "JPEG quality", isMinor: true },
  every: { label: "Every", unit: "frames" },
  segmentation: { label: "Masks as", choices: { rle: "Run lengths, exact", polygon: "Polygons, editable" } },
  val: { label: "For validation", unit: "%" },
  split: {
    label: "Split by",
    choices: { auto: "Clips, else stretches", clips: "Clips", stretches: "Stretches of each clip" },
    isMinor: true,
  },
  gap: { label: "Gap before validation", unit: "s", isMinor: true },
  empty: { label: "Keep frames without objects", isMinor: true },
  parts: {
    label: "Objects in parts",
    choices: { auto: "Join where it fits", joined: "Join", separate: "A polygon each" },
    isMinor: true,
  },
  video: { label: "Where the clip lies", empty: "its name" },
  shapes: { label: "Masks as", choices: { mask: "Masks", polygon: "Polygons", box: "Boxes" } },
};

/** @type {Record<"per_object" | "keep_start" | "square_pixels" | "first_number" | "names", OptionText>} */
export const COMMON = {
  per_object: { label: "A file for each object" },
  keep_start: { label: "Keep the clip's start time" },
  square_pixels: { label: "Square pixels", hint: "For clips whose pixels are not." },
  first_number: { label: "First frame is number", empty: "as in the clip" },
  names: { label: "File names", hint: "{clip}, {object}, {id}, {frame:05d}" },
};

/**
 * @param {string} format
 * @param {{ name: string, description: string }} option
 * @returns {OptionText}
 */
export function textOf(format, { name, description }) {
  const label = name[0].toUpperCase() + name.slice(1).replaceAll("_", " ");
  return OPTIONS[`${format}.${name}`] ?? OPTIONS[name] ?? { label, hint: description };
}

/**
 * What the slider of quality says.
 *
 * @param {number} share 0…1 of the way to the best
 */
export function qualityName(share) {
  if (share > 0.75) return "best";
  if (share > 0.55) return "high";
  return share > 0.35 ? "medium" : "small file";
}

export const EXPORT = {
  open: "Open a clip first.",
  click: "Click an object first.",
  wait: "Wait for what is running, or cancel it.",
  noFile: "Choose a picture or video first.",
  choose: "Choose …",
  again: "Save again",
  /** @type {(name: string, size: string) => string} */
  saved: (name, size) => `Saved ${name}, ${size}.`,
  /** @type {(name: string, share: number) => string} */
  uploading: (name, share) => `Uploading ${name}: ${Math.round(share * 100)} %`,
};
