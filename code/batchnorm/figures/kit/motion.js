/**
 * A motion of 300 ms, none for readers who asked for reduced motion.
 *
 * `start()` begins it; `part()` says how far it has come, 0 to 1, and asks for the next frame until
 * it has arrived.
 *
 * @param {{redraw: () => void}} view
 */
export function motion(view, milliseconds = 300) {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let began = -Infinity;
  return {
    start() {
      began = still.matches ? -Infinity : performance.now();
    },
    part() {
      const t = Math.min(1, (performance.now() - began) / milliseconds);
      if (t < 1) view.redraw();
      return t * (2 - t);
    },
  };
}

/**
 * Values that follow what they are given, smoothly: the ends of axes, which would jump else. Each is
 * kept by its key.
 * @param {{redraw: () => void}} view
 */
export function follower(view) {
  /** @typedef {number | number[]} Value */
  /** @type {Map<string, {from: Value, to: Value, now: Value, way: ReturnType<typeof motion>}>} */
  const known = new Map();
  /** @type {(a: Value, b: Value, part: number) => Value} */
  const between = (a, b, part) =>
    Array.isArray(a) && Array.isArray(b)
      ? a.map((v, k) => v + part * (b[k] - v))
      : Number(a) + part * (Number(b) - Number(a));
  return {
    /** @template {Value} T @param {string} key @param {T} to @returns {T} */
    follow(key, to) {
      const one = known.get(key) ?? { from: to, to, now: to, way: motion(view) };
      known.set(key, one);
      if (String(one.to) !== String(to)) {
        Object.assign(one, { from: one.now, to });
        one.way.start();
      }
      const part = one.way.part();
      one.now = part < 1 ? between(one.from, one.to, part) : one.to;
      return /** @type {T} */ (one.now);
    },
    /** It stays where it is now, if there is one. @param {string} key */
    rest(key) {
      const one = known.get(key);
      if (one) one.from = one.to = one.now;
      return one?.now;
    },
    /** Whether it is under way. @param {string} key */
    moving: (key) => known.get(key)?.now !== known.get(key)?.to,
  };
}
