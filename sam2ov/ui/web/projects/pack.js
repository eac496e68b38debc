// Many images as one file: a zip without compression, which images would not get smaller by.

const IMAGE = /\.(jpe?g|png|webp|tiff?|bmp|exr|dpx|tga|ppm|pgm|jp2|j2k)$/i;
const CLIP = /\.(mp4|m4v|mov|mkv|webm|avi|wmv|flv|ogv|gif|m?ts|mpe?g|dv|sam2ov)$/i;
const LOCAL = 30; // bytes of a header, without the name
const CENTRAL = 46;
const END = 22;
const MOST_FILES = 65_535; // and bytes, of a plain zip
const MOST_BYTES = 2 ** 32 - 1;
const UTF8 = 0x0800;

/** @param {File} file */
export const isImage = ({ name }) => IMAGE.test(name);

/** @type {WeakMap<File, string>} */
const folders = new WeakMap();

/**
 * Note where a dropped file lies, which browsers do not tell of it.
 *
 * @param {File} file
 * @param {string} folder
 */
export const putIn = (file, folder) => folders.set(file, folder);

/** @param {File} file */
const folderOf = (file) =>
  folders.get(file) ?? file.webkitRelativePath.split("/").slice(0, -1).join("/");

/**
 * Which files are clips in pieces, and which are each a clip. A folder that is mostly images is one
 * clip; notes beside them are left out, videos are not.
 *
 * @param {File[]} files
 */
export function clipsOf(files) {
  /** @type {Map<string, File[]>} */
  const byFolder = new Map();
  for (const file of files) {
    const folder = folderOf(file);
    const within = byFolder.get(folder) ?? [];
    within.push(file);
    byFolder.set(folder, within);
  }
  /** @type {File[][]} */
  const sequences = [];
  /** @type {File[]} */
  const single = [];
  for (const within of byFolder.values()) {
    const images = within.filter(isImage);
    if (images.length > 1 && images.length > within.length / 2) {
      sequences.push(images);
      single.push(...within.filter(({ name }) => CLIP.test(name)));
    } else single.push(...within);
  }
  return { sequences, single };
}

/**
 * Images in the order of their names, by numbers in them, as one file.
 *
 * @param {File[]} files
 * @returns {Promise<File>}
 */
export async function packed(files) {
  const sorted = [...files].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  const total = sorted.reduce((sum, { name, size }) => sum + size + LOCAL + CENTRAL + 8 * name.length, END);
  if (sorted.length > MOST_FILES || total > MOST_BYTES) {
    throw new Error("These are too many images to send at once. Send fewer, or make a video of them.");
  }
  /** @type {BlobPart[]} */
  const parts = [];
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const directory = [];
  let at = 0;
  for (const file of sorted) {
    const name = new TextEncoder().encode(file.name);
    const sum = crc32(new Uint8Array(await file.arrayBuffer()));
    const facts = header(name.length, file.size, sum);
    const local = joined([record(0x04034b50, facts), name]);
    directory.push(joined([central(facts, at), name]));
    parts.push(local, file);
    at += local.length + file.size;
  }
  const listing = joined(directory);
  parts.push(listing, end(sorted.length, listing.length, at));
  return new File(parts, `${stemOf(sorted[0])} (${sorted.length} images).zip`);
}

/** @param {File} file */
function stemOf(file) {
  const { name } = file;
  return folderOf(file).split("/").at(-1) || name.replace(/[\s._-]*\d*\.\w+$/, "") || "images";
}

/**
 * What both headers of a file say of it.
 *
 * @param {number} nameLength
 * @param {number} size
 * @param {number} sum
 */
function header(nameLength, size, sum) {
  const bytes = new Uint8Array(26);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 20, true); // version
  view.setUint16(2, UTF8, true);
  view.setUint16(8, 0x21, true); // 1980-01-01
  view.setUint32(10, sum, true);
  view.setUint32(14, size, true);
  view.setUint32(18, size, true);
  view.setUint16(22, nameLength, true);
  return bytes;
}

/**
 * @param {number} signature
 * @param {Uint8Array<ArrayBuffer>} facts
 */
function record(signature, facts) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, signature, true);
  return joined([bytes, facts]);
}

/**
 * @param {Uint8Array<ArrayBuffer>} facts
 * @param {number} at where the file's own header is
 */
function central(facts, at) {
  const made = new Uint8Array(2);
  made[0] = 20;
  const rest = new Uint8Array(CENTRAL - 4 - made.length - facts.length);
  new DataView(rest.buffer).setUint32(rest.length - 4, at, true);
  return joined([record(0x02014b50, made), facts, rest]);
}

/**
 * @param {number} count
 * @param {number} size of the directory
 * @param {number} at where it is
 */
function end(count, size, at) {
  const bytes = new Uint8Array(END);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x06054b50, true);
  view.setUint16(8, count, true);
  view.setUint16(10, count, true);
  view.setUint32(12, size, true);
  view.setUint32(16, at, true);
  return bytes;
}

/** @param {Uint8Array<ArrayBuffer>[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** @param {Uint8Array} bytes */
export function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ TABLE[(sum ^ byte) & 0xff];
  return (sum ^ 0xffffffff) >>> 0;
}
