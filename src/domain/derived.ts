/**
 * `work`, done once for each object: what follows from one immutable object alone. Decisions come far more often than
 * pool, marks or routes change, and those that share an object share what follows from it.
 */
export function derived<From extends object, Result extends object>(
  work: (from: From) => Result,
): (from: From) => Result {
  const known = new WeakMap<From, Result>();
  return (from) => {
    let result = known.get(from);
    if (result === undefined) {
      result = work(from);
      known.set(from, result);
    }
    return result;
  };
}
