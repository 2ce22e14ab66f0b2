/** The items in order, in pieces of at most `most`. */
export function inBatches<T>(items: readonly T[], most: number): readonly (readonly T[])[] {
  const batches: (readonly T[])[] = [];
  for (let start = 0; start < items.length; start += most) batches.push(items.slice(start, start + most));
  return batches;
}
