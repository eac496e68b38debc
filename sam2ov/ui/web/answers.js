// What the server, or something between it and the page, says when it does not do what it is asked.

/**
 * A line for people. Proxies answer in pages of their own, which nobody wants to read here.
 * @param {number} status
 * @param {string | null} type of the answer's content
 * @param {string} text the answer
 */
export function explainAnswer(status, type, text) {
  const isOurs = (type ?? "").startsWith("text/plain");
  if (isOurs && text.trim()) return text;
  return OF_PROXIES.get(status) ?? `The server cannot do this now (status ${status}). Try again.`;
}

const OF_PROXIES = new Map([
  [
    413,
    "The file is larger than what is in front of the server lets through. Make it smaller, or ask " +
      "who runs it to raise the limit of the proxy.",
  ],
  [502, "The server does not answer what is in front of it. Try again in a moment."],
  [503, "The server is not ready. Try again in a moment."],
  [504, "The server took too long for what is in front of it. Try again in a moment."],
]);
