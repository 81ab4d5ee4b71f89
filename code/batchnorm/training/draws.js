/** Random numbers that Python can draw, too: draws.py in the page, bit for bit. */

/** @param {number} z an unsigned 32-bit integer @returns {number} another */
function hash(z) {
  z = (z + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0xd35a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/**
 * Numbers between 0 and 1, neither included.
 * @param {number} seed @param {number} stream @param {number} n how many
 */
export function uniform(seed, stream, n) {
  const start = hash(seed ^ hash(stream));
  const drawn = new Float64Array(n);
  for (let i = 0; i < n; i++) drawn[i] = (hash(i ^ start) + 0.5) / 2 ** 32;
  return drawn;
}

/**
 * Numbers of mean 0 and variance 1, normally distributed.
 * @param {number} seed @param {number} stream @param {number} n how many
 */
export function normal(seed, stream, n) {
  const u = uniform(seed, stream, 2 * n);
  const drawn = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    drawn[i] = Math.sqrt(-2 * Math.log(u[i])) * Math.cos(2 * Math.PI * u[n + i]);
  }
  return drawn;
}

/**
 * Integers from 0 to bound - 1, with repetition.
 * @param {number} seed @param {number} stream @param {number} n how many @param {number} bound
 */
export function below(seed, stream, n, bound) {
  return Array.from(uniform(seed, stream, n), (u) => Math.floor(u * bound));
}
