import { findOverlaps } from '../support/holdings.ts';
import { effective, type Inflicted } from './inflicted.ts';
import type { Observation } from './run.ts';

/** Okabe and Ito's colours, which people with any colour vision can tell apart. */
const colours = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9'];
const leftPx = 110;
const rightPx = 150;
const rowPx = 18;
const lanePx = 13;
const letterPx = 5.2;
const pxPerSecond = 9;

type Pictured = Pick<Observation, 'plan' | 'startMs' | 'endMs' | 'holdings' | 'inflicted'>;

/** A timeline as SVG: a row an address, coloured by its holder, and below it a mark a fault. */
export function pictureOf(seen: Pictured): string {
  const { plan, startMs, endMs } = seen;
  const x = (ms: number) => round(leftPx + ((ms - startMs) / 1000) * pxPerSecond);
  const topPx = 46;
  const rows = plan.pool.flatMap((address, index) => addressRow(seen, address, topPx + index * rowPx, x));
  const faultsPx = topPx + plan.pool.length * rowPx + 26;
  const lanes = packed(seen.inflicted, endMs, x);
  const marks = lanes.flatMap((lane, index) =>
    lane.map((one) => faultMark(one, endMs, faultsPx + index * lanePx, x)),
  );
  const heightPx = faultsPx + lanes.length * lanePx + 16;
  const widthPx = x(endMs) + rightPx;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}" viewBox="0 0 ${widthPx} ${heightPx}" font-family="sans-serif" font-size="10">`,
    `<rect width="${widthPx}" height="${heightPx}" fill="#fff"/>`,
    legend(seen),
    ...plan.calms.map(({ fromMs, toMs }) => {
      const left = x(startMs + fromMs);
      return `<rect class="calm" x="${left}" y="32" width="${round(x(startMs + toMs) - left)}" height="${heightPx - 40}" fill="#eef6ee"/>`;
    }),
    ...axis(seen, x, heightPx),
    ...rows,
    `<text x="4" y="${faultsPx + 9}" fill="#444">faults</text>`,
    ...marks,
    '</svg>',
    '',
  ].join('\n');
}

function addressRow(
  { plan, startMs, endMs, holdings }: Pictured,
  address: string,
  y: number,
  x: (ms: number) => number,
) {
  const own = holdings.filter((holding) => holding.address === address && (holding.toMs ?? endMs) > startMs);
  const bar = (fromMs: number, toMs: number, attributes: string, title: string) => {
    const left = x(Math.max(fromMs, startMs));
    const width = Math.max(0.3, round(x(Math.min(toMs, endMs)) - left));
    return `<rect x="${left}" y="${y}" width="${width}" height="${rowPx - 4}" ${attributes}><title>${escaped(title)}</title></rect>`;
  };
  return [
    `<g class="address"><text x="4" y="${y + 11}" fill="#222">${escaped(address)}</text>`,
    `<rect x="${leftPx}" y="${y}" width="${round(x(endMs) - leftPx)}" height="${rowPx - 4}" fill="#e4e4e4"/>`,
    ...own
      .filter(({ fromMs }) => fromMs < endMs)
      .map(({ host, fromMs, toMs = endMs }) =>
        bar(
          fromMs,
          toMs,
          `fill="${colourOf(plan.nodes, host)}"`,
          `${address} on ${host}, ${lasted(fromMs, toMs, startMs)}`,
        ),
      ),
    ...findOverlaps(own, endMs).map(({ hosts, fromMs, toMs = endMs }) =>
      bar(
        fromMs,
        toMs,
        'class="overlap" fill="#d00" stroke="#d00" stroke-width="3"',
        `on ${hosts.join(' and ')}, ${lasted(fromMs, toMs, startMs)}`,
      ),
    ),
    '</g>',
  ];
}

function faultMark(one: Inflicted, endMs: number, y: number, x: (ms: number) => number): string {
  const left = x(one.beganMs);
  const width = Math.max(1.5, round(x(one.endedMs ?? endMs) - left));
  const colour = one.inVain === undefined ? '#555' : '#bbb';
  return [
    `<g class="fault"><title>${escaped(`${labelOf(one)} ${one.inVain ?? ''}`)}</title>`,
    `<rect x="${left}" y="${y}" width="${width}" height="${lanePx - 3}" fill="${colour}" fill-opacity="0.35"/>`,
    `<rect x="${left}" y="${y}" width="1.5" height="${lanePx - 3}" fill="${colour}"/>`,
    `<text x="${left + 3}" y="${y + 8.5}" font-size="9" fill="${one.inVain === undefined ? '#222' : '#999'}">${escaped(labelOf(one))}</text></g>`,
  ].join('');
}

/** As few lanes as needed for no mark to lie on another one's text. */
function packed(inflicted: readonly Inflicted[], endMs: number, x: (ms: number) => number): Inflicted[][] {
  const lanes: { readonly marks: Inflicted[]; endPx: number }[] = [];
  for (const one of [...inflicted].sort((a, b) => a.beganMs - b.beganMs)) {
    const left = x(one.beganMs);
    const right = Math.max(x(one.endedMs ?? endMs), left + 6 + labelOf(one).length * letterPx);
    const free = lanes.find(({ endPx }) => endPx < left);
    if (free === undefined) lanes.push({ marks: [one], endPx: right });
    else {
      free.marks.push(one);
      free.endPx = right;
    }
  }
  return lanes.map(({ marks }) => marks);
}

function axis({ startMs, endMs }: Pictured, x: (ms: number) => number, heightPx: number): string[] {
  const count = Math.floor((endMs - startMs) / 10_000) + 1;
  return Array.from({ length: count }, (_, index) => {
    const at = x(startMs + index * 10_000);
    return `<line x1="${at}" y1="34" x2="${at}" y2="${heightPx - 8}" stroke="#ccc"/><text x="${at + 2}" y="42" font-size="9" fill="#666">${index * 10} s</text>`;
  });
}

function legend({ plan, inflicted }: Pictured): string {
  const nodes = plan.nodes.map((node, index) => {
    const left = leftPx + index * 60;
    return `<rect x="${left}" y="18" width="10" height="10" fill="${colourOf(plan.nodes, node)}"/><text x="${left + 14}" y="27">${node}</text>`;
  });
  const left = leftPx + plan.nodes.length * 60;
  return [
    `<text x="4" y="12" font-weight="bold">seed ${plan.seed}: who held which address; ${effective(inflicted).length} faults</text>`,
    ...nodes,
    `<rect x="${left}" y="18" width="10" height="10" fill="#e4e4e4"/><text x="${left + 14}" y="27">nobody</text>`,
    `<rect x="${left + 70}" y="18" width="10" height="10" fill="#d00"/><text x="${left + 84}" y="27">two at once</text>`,
    `<rect x="${left + 160}" y="18" width="10" height="10" fill="#eef6ee" stroke="#bcd"/><text x="${left + 174}" y="27">calm</text>`,
  ].join('');
}

function labelOf({ fault, hit }: Inflicted): string {
  return `${fault.number} ${fault.kind} ${hit || fault.targets.join(' ')}`;
}

function colourOf(nodes: readonly string[], host: string): string {
  return colours[nodes.indexOf(host)] ?? '#000';
}

function lasted(fromMs: number, toMs: number, startMs: number): string {
  return `from ${((fromMs - startMs) / 1000).toFixed(3)} s for ${((toMs - fromMs) / 1000).toFixed(3)} s`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function round(px: number): number {
  return Math.round(px * 10) / 10;
}
