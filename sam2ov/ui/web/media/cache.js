// Pictures by key; forgets what was used longest ago once they take more than `budget` bytes.

/** @param {ImageBitmap} bitmap */
export const weighBitmap = (bitmap) => 4 * bitmap.width * bitmap.height;

/**
 * @template K, E
 */
export class Cache {
  /**
   * @param {number} budget
   * @param {(entry: E) => number} weigh gives bytes
   * @param {(entry: E) => void} release is told of what is forgotten
   */
  constructor(budget, weigh, release = () => {}) {
    this.budget = budget;
    this.weigh = weigh;
    this.release = release;
    this.weight = 0;
    /** @type {Map<K, E>} */
    this.entries = new Map();
  }

  /** @param {K} key */
  get(key) {
    const entry = this.entries.get(key);
    if (entry !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, entry);
    }
    return entry;
  }

  /** @param {K} key */
  has(key) {
    return this.entries.has(key);
  }

  /**
   * @param {K} key
   * @param {E} entry
   */
  set(key, entry) {
    this.delete(key);
    this.entries.set(key, entry);
    this.weight += this.weigh(entry);
    for (const oldest of this.entries.keys()) {
      if (this.weight <= this.budget || oldest === key) break;
      this.delete(oldest);
    }
  }

  /** @param {K} key */
  delete(key) {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    this.entries.delete(key);
    this.weight -= this.weigh(entry);
    this.release(entry);
  }

  clear() {
    for (const key of [...this.entries.keys()]) this.delete(key);
  }
}

/**
 * A cache of bitmaps.
 *
 * @template K
 * @param {number} budget
 * @returns {Cache<K, ImageBitmap>}
 */
export function bitmapCache(budget) {
  return new Cache(budget, weighBitmap, (bitmap) => bitmap.close());
}
