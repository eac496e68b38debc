// Gives a palette PNG other colours: the masks stay as they are, nothing is fetched or decoded twice.

/** @typedef {[red: number, green: number, blue: number, alpha: number]} Colour 0–255 */

const SIGNATURE_BYTES = 8;
const FRAME_BYTES = 12; // of a chunk around its data: length, type, CRC

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * @param {string} type four letters
 * @param {Uint8Array} data
 */
function makeChunk(type, data) {
  const chunk = new Uint8Array(data.length + FRAME_BYTES);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i += 1) chunk[4 + i] = type.charCodeAt(i);
  chunk.set(data, 8);
  view.setUint32(data.length + 8, crc32(chunk.subarray(4, data.length + 8)));
  return chunk;
}

/**
 * @param {Uint8Array<ArrayBuffer>} png with a palette
 * @param {Colour[]} entries of each index
 */
export function recolour(png, entries) {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const parts = [png.subarray(0, SIGNATURE_BYTES)];
  for (let at = SIGNATURE_BYTES; at < png.length; ) {
    const size = view.getUint32(at) + FRAME_BYTES;
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    if (type === "PLTE") {
      parts.push(makeChunk("PLTE", Uint8Array.from(entries.flatMap((entry) => entry.slice(0, 3)))));
      parts.push(makeChunk("tRNS", Uint8Array.from(entries, ([, , , alpha]) => alpha)));
    } else if (type !== "tRNS") {
      parts.push(png.subarray(at, at + size));
    }
    at += size;
  }
  return new Blob(parts, { type: "image/png" });
}
