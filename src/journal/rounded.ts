/** Milliseconds for people and their tools: microseconds are enough. */
export function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
