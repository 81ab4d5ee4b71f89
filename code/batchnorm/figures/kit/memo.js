/** @typedef {<T>(name: string, from: any[], make: () => T) => T} Memo */

/** A store of values, each made again only when one of what it is made from has changed. */
export function memoizer() {
  /** @type {Map<string, {from: any[], value: any}>} */
  const kept = new Map();
  /** @type {Memo} */
  return (name, from, make) => {
    const old = kept.get(name);
    if (old && old.from.length === from.length && from.every((v, i) => v === old.from[i])) {
      return old.value;
    }
    const value = make();
    kept.set(name, { from, value });
    return value;
  };
}
