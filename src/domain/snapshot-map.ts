/** A map that changes, and gives itself away as it is now: the same map again as long as nothing changed in it. */
export interface SnapshotMap<Key, Value> {
  readonly get: (key: Key) => Value | undefined;
  readonly set: (key: Key, value: Value) => void;
  readonly delete: (key: Key) => void;
  readonly snapshot: () => ReadonlyMap<Key, Value>;
}

export function snapshotMap<Key, Value>(): SnapshotMap<Key, Value> {
  let current = new Map<Key, Value>();
  let isGivenAway = false;
  const ours = (): Map<Key, Value> => {
    if (isGivenAway) current = new Map(current);
    isGivenAway = false;
    return current;
  };
  return {
    get: (key) => current.get(key),
    set: (key, value) => ours().set(key, value),
    delete: (key) => current.has(key) && ours().delete(key),
    snapshot: () => {
      isGivenAway = true;
      return current;
    },
  };
}
