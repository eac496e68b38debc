// Frames and masks of the open clip: fetched, decoded, and kept within a budget.
//
// Masks are kept as they come, and decoded with the colours of the present looks. Both come in two
// levels: "view" fits a screen; "full" has the video's pixels, for the frame that is looked at closely.

const FRAME_BUDGET_BYTES = 128 * 2 ** 20;
const MASK_BUDGET_BYTES = 96 * 2 ** 20;
const PNG_BUDGET_BYTES = 64 * 2 ** 20;
const REQUESTS_AT_ONCE = 4;
const LEVELS = ["view", "full"];

async function bitmapOf(response) {
  if (!response.ok) throw new Error(`${response.status} for ${response.url}`);
  return createImageBitmap(await response.blob());
}

async function masksOf(response) {
  if (!response.ok) throw new Error(`${response.status} for ${response.url}`);
  const ids = response.headers.get("X-Objects").split(",").filter(Boolean).map(Number);
  return { png: new Uint8Array(await response.arrayBuffer()), ids };
}

const weighBitmap = (bitmap) => 4 * bitmap.width * bitmap.height;

const keyOf = (frame, level) => `${frame} ${level}`;

// By frame and level; forgets what was used longest ago once it takes more than `budget` bytes.
class Cache {
  constructor(budget, weigh = weighBitmap) {
    this.budget = budget;
    this.weigh = weigh;
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
    this.weight += this.weigh(bitmap);
    for (const oldest of this.entries.keys()) {
      if (this.weight <= this.budget || oldest === key) break;
      this.delete(oldest);
    }
  }

  delete(key) {
    const bitmap = this.entries.get(key);
    if (bitmap === undefined) return;
    this.entries.delete(key);
    this.weight -= this.weigh(bitmap);
    bitmap.close?.();
  }

  clear() {
    for (const key of [...this.entries.keys()]) this.delete(key);
  }
}

export class Media {
  // `looks` decodes masks; `onReady(frame)` hears of every frame that can now be painted.
  constructor(root, looks, onReady, onError) {
    this.root = root;
    this.looks = looks;
    this.onReady = onReady;
    this.onError = onError;
    this.frames = new Cache(FRAME_BUDGET_BYTES);
    this.masks = new Cache(MASK_BUDGET_BYTES);
    this.pngs = new Cache(PNG_BUDGET_BYTES, ({ png }) => png.length);
    this.hasMasks = () => false;
    this.wanted = [];
    this.level = "view";
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
    this.level = "view";
    this.loading = new Set(); // requests of the clip before end in their own set
    this.failed.clear();
    this.forgetMasks();
  }

  forgetMasks() {
    this.revision += 1;
    this.masks.clear();
    this.pngs.clear();
  }

  // The looks have changed: what is there is decoded anew, nothing is fetched.
  relook() {
    this.masks.clear();
    this.#next();
  }

  // How closely the first of the wanted frames is looked at.
  setLevel(level) {
    if (level === this.level) return;
    this.level = level;
    this.#next();
  }

  async putMasks(frame, base64, ids) {
    const revision = ++this.revision; // what is on its way is older
    const png = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    for (const cache of [this.pngs, this.masks]) cache.delete(keyOf(frame, "full"));
    await this.#takeMasks(keyOf(frame, "view"), { png, ids }, this.epoch, revision);
    if (revision !== this.revision) return;
    if (this.isReady(frame)) this.onReady(frame);
    this.#next();
  }

  // What there is to paint, or undefined while some of it has yet to come.
  get(frame) {
    if (!this.isReady(frame)) return undefined;
    return { picture: this.#sharpest(this.frames, frame), masks: this.#sharpest(this.masks, frame) };
  }

  isReady(frame) {
    return (
      LEVELS.some((level) => this.#hasPicture(frame, level)) &&
      LEVELS.some((level) => this.#hasMasksAt(frame, level))
    );
  }

  // Frames to load, the most urgent first; what was wanted earlier and has not begun is dropped.
  want(frames) {
    this.wanted = frames.filter((frame) => frame >= 0 && frame < this.numFrames);
    // Going to a frame again tries again.
    for (const level of LEVELS) this.failed.delete(keyOf(this.wanted[0], level));
    this.#next();
  }

  #hasPicture(frame, level) {
    return this.frames.has(keyOf(frame, level));
  }

  #hasMasksAt(frame, level) {
    return !this.hasMasks(frame) || this.masks.has(keyOf(frame, level));
  }

  #sharpest(cache, frame) {
    const full = this.level === "full" ? cache.get(keyOf(frame, "full")) : undefined;
    return full ?? cache.get(keyOf(frame, "view")) ?? cache.get(keyOf(frame, "full"));
  }

  #next() {
    const open = (frame, level) =>
      !(this.#hasPicture(frame, level) && this.#hasMasksAt(frame, level)) &&
      !this.loading.has(keyOf(frame, level)) &&
      !this.failed.has(keyOf(frame, level));
    while (this.loading.size < REQUESTS_AT_ONCE) {
      const [first, ...others] = this.wanted;
      if (first === undefined) return;
      if (!this.isReady(first) && open(first, "view")) this.#load(first, "view");
      else if (this.level === "full" && open(first, "full")) this.#load(first, "full");
      else {
        const frame = others.find((wanted) => !this.isReady(wanted) && open(wanted, "view"));
        if (frame === undefined) return;
        this.#load(frame, "view");
      }
    }
  }

  async #takeMasks(key, masks, epoch, revision) {
    const { version } = this.looks;
    this.pngs.set(key, masks);
    const bitmap = await this.looks.decode(masks.png, masks.ids);
    const isPresent = epoch === this.epoch && revision === this.revision;
    if (isPresent && version === this.looks.version) this.masks.set(key, bitmap);
    else bitmap.close();
  }

  async #load(frame, level) {
    const { epoch, revision } = this;
    const key = keyOf(frame, level);
    const url = (type) => `${this.root}/media/${this.token}/${frame}.${type}?size=${level}`;
    const { loading } = this;
    loading.add(key);
    try {
      const needsMasks = !this.#hasMasksAt(frame, level);
      const [picture, masks] = await Promise.all([
        this.frames.has(key) ? null : fetch(url("jpg")).then(bitmapOf),
        needsMasks && (this.pngs.get(key) ?? fetch(url("png"), { cache: "no-store" }).then(masksOf)),
      ]);
      if (epoch !== this.epoch) return;
      if (picture) this.frames.set(key, picture);
      if (masks && revision === this.revision) await this.#takeMasks(key, masks, epoch, revision);
      if (epoch === this.epoch && this.isReady(frame)) this.onReady(frame);
    } catch (error) {
      if (epoch !== this.epoch) return;
      this.failed.add(key);
      this.onError(frame, error);
    } finally {
      loading.delete(key);
      if (epoch === this.epoch) this.#next();
    }
  }
}
