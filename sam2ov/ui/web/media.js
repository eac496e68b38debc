// Frames and masks of the open clip: fetched, decoded, and kept within a budget.

const FRAME_BUDGET_BYTES = 128 * 2 ** 20;
const MASK_BUDGET_BYTES = 96 * 2 ** 20;
const REQUESTS_AT_ONCE = 4;

async function bitmapOf(response) {
  if (!response.ok) throw new Error(`${response.status} for ${response.url}`);
  return createImageBitmap(await response.blob());
}

const weigh = (bitmap) => 4 * bitmap.width * bitmap.height;

// Pictures by frame; forgets what was used longest ago once they take more than `budget` bytes.
class Cache {
  constructor(budget) {
    this.budget = budget;
    this.weight = 0;
    this.entries = new Map();
  }

  get(key) {
    const bitmap = this.entries.get(key);
    if (bitmap !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, bitmap);
    }
    return bitmap;
  }

  has(key) {
    return this.entries.has(key);
  }

  set(key, bitmap) {
    this.delete(key);
    this.entries.set(key, bitmap);
    this.weight += weigh(bitmap);
    for (const oldest of this.entries.keys()) {
      if (this.weight <= this.budget || oldest === key) break;
      this.delete(oldest);
    }
  }

  delete(key) {
    const bitmap = this.entries.get(key);
    if (bitmap === undefined) return;
    this.entries.delete(key);
    this.weight -= weigh(bitmap);
    bitmap.close();
  }

  clear() {
    for (const key of [...this.entries.keys()]) this.delete(key);
  }
}

export class Media {
  // `onReady(frame)` hears of every frame that can now be painted.
  constructor(root, onReady, onError) {
    this.root = root;
    this.onReady = onReady;
    this.onError = onError;
    this.frames = new Cache(FRAME_BUDGET_BYTES);
    this.masks = new Cache(MASK_BUDGET_BYTES);
    this.hasMasks = () => false;
    this.wanted = [];
    this.loading = new Set();
    this.failed = new Set();
    this.epoch = 0; // of the clip
    this.revision = 0; // of the masks
  }

  open(token, numFrames) {
    this.epoch += 1;
    this.token = token;
    this.numFrames = numFrames;
    this.frames.clear();
    this.wanted = [];
    this.loading = new Set(); // requests of the clip before end in their own set
    this.failed.clear();
    this.forgetMasks();
  }

  forgetMasks() {
    this.revision += 1;
    this.masks.clear();
  }

  async putMasks(frame, base64) {
    const { epoch } = this;
    const revision = ++this.revision; // what is on its way is older
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    if (epoch !== this.epoch || revision !== this.revision) return bitmap.close();
    this.masks.set(frame, bitmap);
    if (this.isReady(frame)) this.onReady(frame);
  }

  // What there is to paint, or undefined while some of it has yet to come.
  get(frame) {
    if (!this.isReady(frame)) return undefined;
    return { picture: this.frames.get(frame), masks: this.masks.get(frame) };
  }

  isReady(frame) {
    return this.frames.has(frame) && (this.masks.has(frame) || !this.hasMasks(frame));
  }

  // Frames to load, the most urgent first; what was wanted earlier and has not begun is dropped.
  want(frames) {
    this.wanted = frames.filter((frame) => frame >= 0 && frame < this.numFrames);
    this.failed.delete(this.wanted[0]); // going to a frame again tries again
    this.#next();
  }

  #next() {
    while (this.loading.size < REQUESTS_AT_ONCE) {
      const frame = this.wanted.find(
        (wanted) => !this.isReady(wanted) && !this.loading.has(wanted) && !this.failed.has(wanted),
      );
      if (frame === undefined) return;
      this.#load(frame);
    }
  }

  async #load(frame) {
    const { epoch, revision } = this;
    const url = `${this.root}/media/${this.token}/${frame}`;
    const { loading } = this;
    loading.add(frame);
    try {
      const needsMasks = this.hasMasks(frame) && !this.masks.has(frame);
      const [picture, masks] = await Promise.all([
        this.frames.has(frame) ? null : fetch(`${url}.jpg`).then(bitmapOf),
        needsMasks ? fetch(`${url}.png`, { cache: "no-store" }).then(bitmapOf) : null,
      ]);
      if (epoch !== this.epoch) return;
      if (picture) this.frames.set(frame, picture);
      if (masks && revision === this.revision) this.masks.set(frame, masks);
      if (this.isReady(frame)) this.onReady(frame);
    } catch (error) {
      if (epoch !== this.epoch) return;
      this.failed.add(frame);
      this.onError(frame, error);
    } finally {
      loading.delete(frame);
      if (epoch === this.epoch) this.#next();
    }
  }
}
