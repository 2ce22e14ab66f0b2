import { EPISODES, type EpisodeName, type Measured } from './measure.ts';
import { growthOf } from './report.ts';

/** Okabe and Ito's colours, which people with any colour vision can tell apart. */
const colours: Readonly<Record<EpisodeName, string>> = {
  start: '#0072b2',
  'one lost': '#009e73',
  'a tenth lost': '#d55e00',
  'a tenth back': '#cc79a7',
};
const panelPx = { width: 400, height: 250, left: 60, right: 70, top: 44, bottom: 40 };

interface Panel {
  readonly title: string;
  readonly value: (measured: Measured, name: EpisodeName) => number;
}

const panels: readonly Panel[] = [
  { title: 'time of one plan, ms', value: ({ episodes }, name) => episodes[name].planMs },
  {
    title: 'the same, every address preferring a node, ms',
    value: ({ preferringPlanMs }, name) => preferringPlanMs[name] ?? Number.NaN,
  },
  { title: 'time of one decision on the plan, ms', value: ({ episodes }, name) => episodes[name].decideMs },
  { title: 'transactions of all nodes', value: ({ episodes }, name) => episodes[name].transactions },
  { title: 'messages of the watch to each node', value: ({ episodes }, name) => episodes[name].messages },
  {
    title: 'MB of watch messages to all nodes',
    value: ({ nodes, episodes }, name) => (nodes * episodes[name].bytes) / 1e6,
  },
];

/** How everything grows with the number of nodes, on logarithmic axes: a straight line is a power, named at its end. */
export function pictureOf(all: readonly Measured[]): string {
  const [width, height] = [panelPx.width * 3, panelPx.height * 2 + 34];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    '<title>How plan, decision and traffic grow with the number of nodes</title>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...EPISODES.map((name, index) => {
      const x = panelPx.left + index * 110;
      return `<rect x="${x}" y="10" width="12" height="12" fill="${colours[name]}"/><text x="${x + 17}" y="20">${name}</text>`;
    }),
    `<text x="${panelPx.left + EPISODES.length * 110}" y="20" fill="#555">across: number of nodes n, with 10 addresses each</text>`,
    ...panels.map((panel, index) => {
      const [x, y] = [(index % 3) * panelPx.width, 30 + Math.floor(index / 3) * panelPx.height];
      return `<g transform="translate(${x} ${y})">${drawn(panel, all)}</g>`;
    }),
    '</svg>',
    '',
  ].join('\n');
}

function drawn({ title, value }: Panel, all: readonly Measured[]): string {
  const { width, height, left, right, top, bottom } = panelPx;
  const values = all.flatMap((one) => EPISODES.map((name) => value(one, name))).filter((one) => one > 0);
  const y = axisOf(values, height - bottom, top);
  const x = axisOf(
    all.map(({ nodes }) => nodes),
    left,
    width - right,
  );
  const gridX = x.ticks.map(
    (tick) =>
      `<line x1="${x.at(tick)}" y1="${top}" x2="${x.at(tick)}" y2="${height - bottom}" stroke="#ddd"/><text x="${x.at(tick)}" y="${height - bottom + 15}" text-anchor="middle" fill="#555">${tick}</text>`,
  );
  const gridY = y.ticks.map(
    (tick) =>
      `<line x1="${left}" y1="${y.at(tick)}" x2="${width - right}" y2="${y.at(tick)}" stroke="#ddd"/><text x="${left - 6}" y="${y.at(tick) + 4}" text-anchor="end" fill="#555">${tick}</text>`,
  );
  return [
    `<text x="${left}" y="${top - 12}" font-weight="bold">${title}</text>`,
    ...gridX,
    ...gridY,
    ...linesOf({ title, value }, all, x, y),
  ].join('\n');
}

function linesOf({ value }: Panel, all: readonly Measured[], x: Axis, y: Axis): readonly string[] {
  const shown = EPISODES.filter((name) => value(all.at(-1) as Measured, name) > 0);
  const ends = shown.map((name) => ({ name, y: y.at(value(all.at(-1) as Measured, name)) + 4 }));
  ends.sort((a, b) => a.y - b.y);
  for (const [index, end] of ends.entries()) end.y = Math.max(end.y, (ends[index - 1]?.y ?? -100) + 12);
  return shown.map((name) => {
    const points = all
      .map((one) => ({ nodes: one.nodes, value: value(one, name) }))
      .filter((one) => one.value > 0);
    const path = points.map((one) => `${x.at(one.nodes)},${y.at(one.value)}`).join(' ');
    const dots = points.map((one) => `<circle cx="${x.at(one.nodes)}" cy="${y.at(one.value)}" r="2.5"/>`);
    const growth = growthOf(
      all.map((one) => value(one, name)),
      all,
    );
    const end = `<text x="${x.at(all.at(-1)?.nodes ?? 1) + 7}" y="${ends.find((one) => one.name === name)?.y}">${growth}</text>`;
    return `<g fill="${colours[name]}"><polyline points="${path}" fill="none" stroke="${colours[name]}" stroke-width="2"/>${dots.join('')}${end}</g>`;
  });
}

interface Axis {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** A logarithmic axis over whole decades, from one pixel to another. */
function axisOf(values: readonly number[], fromPx: number, toPx: number): Axis {
  const first = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
  const at = (value: number) =>
    Math.round((fromPx + ((Math.log10(value) - first) / (last - first)) * (toPx - fromPx)) * 10) / 10;
  const ticks = Array.from({ length: last - first + 1 }, (_, index) =>
    Number((10 ** (first + index)).toPrecision(1)),
  );
  return { at, ticks };
}
