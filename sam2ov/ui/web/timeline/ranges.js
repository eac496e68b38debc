// Ranges of frames as the server writes them: "0-36,50-96".

export function parseRanges(text) {
  if (!text) return [];
  return text.split(",").map((range) => range.split("-").map(Number));
}

export function contains(ranges, frame) {
  return ranges.some(([first, last]) => first <= frame && frame <= last);
}
