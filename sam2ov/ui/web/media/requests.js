// What is asked of the server for the stage: pictures, masks, and runs of both for playing.

/** @typedef {"proxy" | "view" | "full"} Level */

/**
 * @typedef {object} Masks all masks of a frame, or the frame as an export would have it
 * @property {Uint8Array<ArrayBuffer>} png with a look a JPEG
 * @property {[id: number, soft: number][]} objects whose its indices are, with the number of soft
 *   levels, see overlay.py
 * @property {string} look what the server was asked to draw, or ""
 */

/**
 * @typedef {object} Part of a run
 * @property {number} frame
 * @property {ImageBitmap} picture
 * @property {Masks | null} masks
 */

/** The server says, for the user, why it does not draw a look. */
export class LookRefusedError extends Error {}

/** @param {Response} response */
async function checked(response) {
  if (response.status === 422) throw new LookRefusedError(await response.text());
  if (response.status !== 200) throw new Error(`${response.status} for ${response.url}`);
  return response;
}

/**
 * @param {Response} response
 * @returns {Masks["objects"]}
 */
function objectsOf(response) {
  const entries = (response.headers.get("X-Objects") ?? "").split(",").filter(Boolean);
  return entries.map((entry) => {
    const [id, soft] = entry.split(":").map(Number);
    return [id, soft];
  });
}

export class Requests {
  /** @param {string} base media/<token> */
  constructor(base) {
    this.base = base;
  }

  /**
   * Null where the server has taken another frame for the one that is looked at since.
   *
   * @param {number} frame
   * @param {Level} level
   */
  async picture(frame, level) {
    const response = await fetch(`${this.base}/${frame}.jpg?size=${level}`);
    if (response.status === 204) return null;
    await checked(response);
    return createImageBitmap(await response.blob());
  }

  /**
   * What is quickly there: of the frame, or of one nearby.
   *
   * @param {number} frame
   */
  async near(frame) {
    const response = await checked(await fetch(`${this.base}/near/${frame}.jpg`));
    const shown = Number(response.headers.get("X-Frame"));
    return { shown, picture: await createImageBitmap(await response.blob()) };
  }

  /**
   * Null as for pictures.
   *
   * @param {number} frame
   * @param {Level} level
   * @param {string} look what is drawn, or ""
   * @returns {Promise<Masks | null>}
   */
  async masks(frame, level, look) {
    const url = look
      ? `${this.base}/look/${frame}.jpg?size=${level}&look=${encodeURIComponent(look)}`
      : `${this.base}/${frame}.png?size=${level}`;
    const response = await fetch(url, { cache: "no-store" });
    if (response.status === 204) return null;
    await checked(response);
    const png = new Uint8Array(await response.arrayBuffer());
    return { png, objects: objectsOf(response), look };
  }

  /**
   * Small pictures of `count` frames, `step` apart, with their masks or without.
   *
   * @param {number} first
   * @param {number} count
   * @param {number} step
   * @param {boolean} withMasks
   * @param {string} look that is drawn in place of masks, or ""
   * @returns {Promise<Part[]>}
   */
  async run(first, count, step, withMasks, look) {
    const drawn = look ? `&look=${encodeURIComponent(look)}` : "";
    const query = `count=${count}&step=${step}&masks=${Number(withMasks)}${drawn}`;
    const response = await checked(await fetch(`${this.base}/run/${first}?${query}`));
    const buffer = await response.arrayBuffer();
    const objects = objectsOf(response);
    const view = new DataView(buffer);
    const parts = [];
    for (let at = 0; at < buffer.byteLength; ) {
      const [frame, jpegBytes, pngBytes] = [0, 4, 8].map((by) => view.getUint32(at + by, true));
      at += 12;
      const jpeg = new Blob([buffer.slice(at, at + jpegBytes)], { type: "image/jpeg" });
      at += jpegBytes;
      const png = pngBytes ? new Uint8Array(buffer.slice(at, at + pngBytes)) : null;
      at += pngBytes;
      parts.push({ frame, jpeg, masks: png && { png, objects, look } });
    }
    return Promise.all(
      parts.map(async ({ frame, jpeg, masks }) => ({
        frame,
        masks,
        picture: await createImageBitmap(jpeg),
      })),
    );
  }
}
