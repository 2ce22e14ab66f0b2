/** A time from … to, on whatever clock. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The spans within `whole` in which `holds` is true; it may change only at the given moments. */
export function spansWhere(
  whole: Span,
  changes: readonly number[],
  holds: (momentMs: number) => boolean,
): Span[] {
  const inside = changes.filter((moment) => moment > whole.fromMs && moment < whole.toMs);
  const moments = [...new Set([whole.fromMs, ...inside, whole.toMs])].sort((a, b) => a - b);
  const spans: Span[] = [];
  for (const [index, fromMs] of moments.entries()) {
    const toMs = moments[index + 1];
    if (toMs === undefined || !holds((fromMs + toMs) / 2)) continue;
    const last = spans.at(-1);
    if (last?.toMs === fromMs) spans[spans.length - 1] = { fromMs: last.fromMs, toMs };
    else spans.push({ fromMs, toMs });
  }
  return spans;
}

/** The longest time for which one span lasts within another. */
export function longestWithin(whole: Span, spans: readonly Span[]): number {
  const shared = spans.map(({ fromMs, toMs }) => Math.min(toMs, whole.toMs) - Math.max(fromMs, whole.fromMs));
  return Math.max(0, ...shared);
}
