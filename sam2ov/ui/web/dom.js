// What is found on the page, and that it is of the kind that it is taken for.

/**
 * What a template of ours holds.
 *
 * @template {Element} E
 * @param {ParentNode} within
 * @param {string} selector
 * @param {new () => E} kind
 * @returns {E}
 */
export function find(within, selector, kind) {
  const found = within.querySelector(selector);
  if (found instanceof kind) return found;
  throw new Error(`The page has no ${kind.name} at ${selector}: its template has changed.`);
}

/**
 * @template {Element} E
 * @param {ParentNode} within
 * @param {string} selector
 * @param {new () => E} kind
 * @returns {E[]}
 */
export function findAll(within, selector, kind) {
  /** @type {E[]} */
  const all = [];
  for (const found of within.querySelectorAll(selector)) if (found instanceof kind) all.push(found);
  return all;
}

/**
 * Have the browser fetch a file and keep it.
 *
 * @param {string} url
 * @param {string} name
 */
export function download(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

/**
 * What an event is about: its target, or what that lies in. Null where it is something else.
 *
 * @template {Element} E
 * @param {{ readonly target: EventTarget | null }} event
 * @param {string} selector
 * @param {new () => E} kind
 * @returns {E | null}
 */
export function under({ target }, selector, kind) {
  const found = target instanceof Element ? target.closest(selector) : null;
  return found instanceof kind ? found : null;
}
