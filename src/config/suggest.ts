import { distance } from 'fastest-levenshtein';

/** The known name that is nearest to a mistyped one: case, hyphens and underscores make no difference. */
export function suggest(name: string, known: readonly string[]): string {
  const wanted = bare(name);
  const scored = known.map((candidate) => ({ candidate, score: scoreOf(wanted, bare(candidate)) }));
  return scored.reduce((best, next) => (next.score < best.score ? next : best)).candidate;
}

/** A word that is part of the name (`listen` for `http_listen`) is nearer than any misspelling of it. */
function scoreOf(wanted: string, candidate: string): number {
  const isPart = wanted.length >= 4 && (candidate.includes(wanted) || wanted.includes(candidate));
  return isPart
    ? 1 - Math.min(wanted.length, candidate.length) / Math.max(wanted.length, candidate.length)
    : 1 + distance(wanted, candidate) / Math.max(wanted.length, candidate.length);
}

function bare(name: string): string {
  return name.toLowerCase().replace(/[-_ .]/g, '');
}
