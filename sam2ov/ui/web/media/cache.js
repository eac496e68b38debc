// Pictures by key; forgets what was used longest ago once they take more than `budget` bytes.

export const weighBitmap = (bitmap) => 4 * bitmap.width * bitmap.height;

export class Cache {
  constructor(budget, weigh = weighBitmap) {
    this.budget = budget;
    this.weigh = weigh;
    this.weight = 0;
    this.entries = new Map();
  }

  get(key) {
    const entry = this.entries.get(key);
    if (entry !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, entry);
    }
    return entry;
  }

  has(key) {
    return this.entries.has(key);
  }

  set(key, entry) {
    this.delete(key);
    this.entries.set(key, entry);
    this.weight += this.weigh(entry);
    for (const oldest of this.entries.keys()) {
      if (this.weight <= this.budget || oldest === key) break;
      this.delete(oldest);
    }
  }

  delete(key) {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    this.entries.delete(key);
    this.weight -= this.weigh(entry);
    entry.close?.();
  }

  clear() {
    for (const key of [...this.entries.keys()]) this.delete(key);
  }
}
