import { type Figure, summaryOf } from './figure.ts';

const leftPx = 330;
const plotPx = 560;
const rowPx = 18;
const groupPx = 26;
/** Okabe and Ito's colours, which people with any colour vision can tell apart. */
const colours = { yaim: '#0072b2', keepalived: '#e69f00', 'vip-manager': '#009e73', other: '#888888' };
const decades = [1, 10, 100, 1000, 10_000];

/** The times as a picture: for each a line from the least to the most, with the median as a dot, on a logarithmic scale. */
export function pictureOf(figures: readonly Figure[]): string {
  const times = figures.filter(({ unit }) => unit === 'ms');
  const groups = [...new Set(times.map(({ what }) => what))];
  const parts: string[] = [];
  let y = 30;
  for (const what of groups) {
    y += groupPx;
    parts.push(`<text x="8" y="${y}" font-weight="bold">${escaped(what)}</text>`);
    for (const figure of times.filter((one) => one.what === what)) {
      y += rowPx;
      parts.push(rowOf(figure, y));
    }
  }
  const height = y + 24;
  const width = leftPx + plotPx + 90;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    '<title>What yaim and its peers were measured at</title>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...decades.map((ms) => gridLine(ms, height)),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function rowOf(figure: Figure, y: number): string {
  const { min, median, max } = summaryOf(figure);
  const colour = colourOf(figure.who);
  const middle = y - 4;
  const title = `${figure.who}: ${[min, median, max].map((ms) => ms.toFixed(1)).join(' / ')} ms`;
  return [
    `<g><title>${escaped(title)}</title>`,
    `<text x="20" y="${y}" fill="#333">${escaped(figure.who)}</text>`,
    `<line x1="${x(min)}" x2="${x(max)}" y1="${middle}" y2="${middle}" stroke="${colour}" stroke-width="4" stroke-opacity="0.45" stroke-linecap="round"/>`,
    `<circle cx="${x(median)}" cy="${middle}" r="5" fill="${colour}"/>`,
    `<text x="${x(max) + 10}" y="${y}" fill="#333">${median < 10 ? median.toFixed(1) : median.toFixed(0)}</text></g>`,
  ].join('');
}

function gridLine(ms: number, height: number): string {
  const at = x(ms);
  const label = ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
  return `<line x1="${at}" x2="${at}" y1="30" y2="${height - 8}" stroke="#ddd"/><text x="${at}" y="22" fill="#666" text-anchor="middle">${label}</text>`;
}

/** Below a millisecond there is no difference for anybody. */
function x(ms: number): number {
  const most = Math.log10(decades.at(-1) ?? 1);
  return Math.round(leftPx + (Math.min(Math.log10(Math.max(1, ms)), most) / most) * plotPx);
}

function colourOf(who: string): string {
  const name = (['yaim', 'keepalived', 'vip-manager'] as const).find((one) => who.startsWith(one));
  return colours[name ?? 'other'];
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
