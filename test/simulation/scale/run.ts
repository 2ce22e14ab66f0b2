import { writeFileSync } from 'node:fs';
import { type Measured, measure } from './measure.ts';
import { pictureOf } from './picture.ts';
import { tablesOf } from './report.ts';

const SIZES = [10, 30, 100, 300, 1000];

/** Measures every size up to `most` nodes, prints the tables, and draws them into `picture`. */
export async function runScale({
  most,
  picture,
}: {
  readonly most: number;
  readonly picture: string;
}): Promise<void> {
  // Code that has run before is compiled by now: the first size would seem slow.
  await measure(100);
  const all: Measured[] = [];
  for (const nodes of SIZES.filter((size) => size <= most)) {
    const begin = performance.now();
    all.push(await measure(nodes));
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    console.error(`${nodes} nodes with ${nodes * 10} addresses: ${seconds} s`);
  }
  console.log(tablesOf(all));
  writeFileSync(picture, pictureOf(all));
  console.log(`\ndrawn in ${picture}`);
}
