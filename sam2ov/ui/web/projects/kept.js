// What this browser remembers: the keys of the projects that it may open, where the playhead stood
// in each, and which project this very tab has open.

const LIST = "sam2ov-projects"; // in all tabs: [{ token, frame }], the newest first
const CURRENT = "sam2ov-project"; // in this tab: a token
const MOST = 30;

// Storage may be switched off: the page works, and remembers nothing.
function read(storage, key) {
  try {
    return JSON.parse(window[storage].getItem(key));
  } catch {
    return null;
  }
}

function write(storage, key, value) {
  try {
    if (value === null) window[storage].removeItem(key);
    else window[storage].setItem(key, JSON.stringify(value));
  } catch {
    // full or forbidden
  }
}

const isEntry = (entry) => typeof entry?.token === "string" && Number.isInteger(entry.frame);

export class Kept {
  get tokens() {
    return this.#entries().map(({ token }) => token);
  }

  // The project of this tab, also after a reload.
  get current() {
    const token = read("sessionStorage", CURRENT);
    return typeof token === "string" ? token : null;
  }

  opened(token) {
    const known = this.#entries().find((entry) => entry.token === token);
    write("sessionStorage", CURRENT, token);
    this.#put([known ?? { token, frame: 0 }, ...this.#without(token)]);
  }

  // The tab has no project any more; it stays in the list.
  left() {
    write("sessionStorage", CURRENT, null);
  }

  forget(tokens) {
    const gone = new Set(tokens);
    if (gone.has(this.current)) this.left();
    this.#put(this.#entries().filter(({ token }) => !gone.has(token)));
  }

  frameOf(token) {
    return this.#entries().find((entry) => entry.token === token)?.frame ?? 0;
  }

  putFrame(token, frame) {
    const entries = this.#entries();
    const entry = entries.find((known) => known.token === token);
    if (!entry || entry.frame === frame) return;
    entry.frame = frame;
    this.#put(entries);
  }

  // Read anew each time: other tabs write to the same list.
  #entries() {
    const found = read("localStorage", LIST);
    return Array.isArray(found) ? found.filter(isEntry) : [];
  }

  #without(token) {
    return this.#entries().filter((entry) => entry.token !== token);
  }

  #put(entries) {
    write("localStorage", LIST, entries.slice(0, MOST));
  }
}
