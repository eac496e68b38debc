// What this browser remembers. Storage may be switched off: the page works, and remembers nothing.

/** @typedef {"localStorage" | "sessionStorage"} Place in all tabs, or in this tab alone */

/**
 * @param {Place} storage
 * @param {string} key
 * @returns {unknown} null where there is nothing
 */
export function readKept(storage, key) {
  try {
    return JSON.parse(window[storage].getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {Place} storage
 * @param {string} key
 * @param {unknown} value null takes it away
 */
export function writeKept(storage, key, value) {
  try {
    if (value === null) window[storage].removeItem(key);
    else window[storage].setItem(key, JSON.stringify(value));
  } catch {
    // full or forbidden
  }
}
