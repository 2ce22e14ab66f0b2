/** Numbers, each with a key: the one with the least key comes first, and among equal keys the least number. */
export interface MinHeap {
  readonly push: (key: number, value: number) => void;
  /** The least key; Infinity when there is nothing. */
  readonly leastKey: () => number;
  /** Takes out the value with the least key; -1 when there is nothing. */
  readonly pop: () => number;
  /** The value with the least key; -1 when there is nothing. */
  readonly peek: () => number;
  readonly clear: () => void;
}

export function minHeap(): MinHeap {
  const keys: number[] = [];
  const values: number[] = [];

  const isBefore = (key: number, value: number, index: number): boolean => {
    const other = keys[index] ?? 0;
    return key < other || (key === other && value < (values[index] ?? 0));
  };
  const set = (index: number, key: number, value: number): void => {
    keys[index] = key;
    values[index] = value;
  };
  const move = (from: number, to: number): void => set(to, keys[from] ?? 0, values[from] ?? 0);

  const sink = (key: number, value: number): void => {
    let index = 0;
    for (let child = 1; child < keys.length; child = 2 * index + 1) {
      const right = child + 1;
      if (right < keys.length && isBefore(keys[right] ?? 0, values[right] ?? 0, child)) child = right;
      if (isBefore(key, value, child)) break;
      move(child, index);
      index = child;
    }
    set(index, key, value);
  };

  return {
    push: (key, value) => {
      let index = keys.length;
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (!isBefore(key, value, parent)) break;
        move(parent, index);
        index = parent;
      }
      set(index, key, value);
    },
    leastKey: () => keys[0] ?? Number.POSITIVE_INFINITY,
    pop: () => {
      const [first = -1] = values;
      const [key, value] = [keys.pop(), values.pop()];
      if (key !== undefined && value !== undefined && keys.length > 0) sink(key, value);
      return first;
    },
    peek: () => values[0] ?? -1,
    clear: () => {
      keys.length = 0;
      values.length = 0;
    },
  };
}
