// Ranges of frames as the server writes them: "0-36,50-96".

/** @typedef {[first: number, last: number]} Range both included */

/**
 * @param {string} text
 * @returns {Range[]} in order, none of them touches another
 */
export function parseRanges(text) {
  if (!text) return [];
  return text.split(",").map((range) => {
    const [first, last] = range.split("-").map(Number);
    return [first, last];
  });
}

/**
 * @param {Range[]} ranges in order
 * @param {number} frame
 */
export function contains(ranges, frame) {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle][1] < frame) low = middle + 1;
    else high = middle;
  }
  return low < ranges.length && ranges[low][0] <= frame;
}
