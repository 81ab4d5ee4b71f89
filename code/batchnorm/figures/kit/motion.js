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
