/**
 * Where something has been, which is only drawn, as text: bits, six to a digit of base64url. In
 * Python: figures/kit/link.py.
 *
 * A number alone is its sign, its exponent and 15 bits more: five digits. Of rows there are, first,
 * how many, in 12 bits; then the least and the largest number of each column; then where each number
 * lies between these two, in 12 bits, or in fewer where there are more than 533 numbers. So all rows
 * together take 1,067 characters at most; fewer still where a link would be too long otherwise. How
 * many bits they have then, the text's length says.
 */
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const ALONE = 24; // bits
export const ROOM = 6400; // bits
const WORD = 12;

/** @param {number} whole @param {number} size how many bits */
const bits = (whole, size) => whole.toString(2).padStart(size, "0");

/** @param {string} all */
const digits = (all) =>
  all.replace(/.{1,6}/g, (six) => DIGITS[Number.parseInt(six.padEnd(6, "0"), 2)]);

/** @param {string} text */
const undone = (text) => [...text].map((digit) => bits(DIGITS.indexOf(digit), 6)).join("");

const float = new DataView(new ArrayBuffer(4));

/** @param {number} v */
function rounded(v) {
  float.setFloat32(0, Math.fround(v) + 0); // -0 is 0
  return (float.getUint32(0) + 128) >>> 8;
}

/** @param {string} code */
function numberIn(code) {
  float.setUint32(0, Number.parseInt(code, 2) * 256);
  return float.getFloat32(0);
}

/** How many bits each of so many numbers in rows has. @param {number} count @param {number} room */
const sizeOf = (count, room) => Math.min(WORD, Math.floor(room / count));

/** @param {number[]} values */
export const packed = (values) => digits(values.map((v) => bits(rounded(v), ALONE)).join(""));

/** @param {number[]} values @param {number} n numbers a row @param {number} [room] for all of them */
export function packedRows(values, n, room = ROOM) {
  if (!values.length) return "";
  const size = Math.max(sizeOf(values.length, room), 1);
  const columns = Array.from({ length: n }, (_, i) => values.filter((_, k) => k % n === i));
  const ends = columns.map((column) => [Math.min(...column), Math.max(...column)]);
  const at = values.map((v, k) => {
    const [least, most] = ends[k % n];
    const one = rounded(least) === rounded(most);
    return one ? 0 : Math.floor(((v - least) / (most - least)) * (2 ** size - 1) + 0.5);
  });
  const head =
    bits(values.length / n, WORD) +
    ends
      .flat()
      .map((v) => bits(rounded(v), ALONE))
      .join("");
  return digits(head + at.map((k) => bits(k, size)).join(""));
}

/** What was packed; NaN where nothing was. @param {string} text */
export function unpacked(text) {
  if (text.length % 4 || !/^[\w-]*$/.test(text)) return [NaN];
  return (undone(text).match(/.{24}/g) ?? []).map(numberIn);
}

/** What was packed in rows; NaN where nothing was. @param {string} text @param {number} n */
export function unpackedRows(text, n) {
  if (!text) return [];
  if (!/^[\w-]*$/.test(text)) return [NaN];
  const all = undone(text);
  const count = n * Number.parseInt(all.slice(0, WORD), 2);
  const start = WORD + 2 * n * ALONE;
  const size = sizeOf(count, 6 * text.length - start);
  if (!(size > 0) || text.length !== Math.ceil((start + size * count) / 6)) return [NaN];
  const part = (/** @type {number} */ from, /** @type {number} */ length) =>
    all.slice(from, from + length);
  const ends = Array.from({ length: 2 * n }, (_, i) => numberIn(part(WORD + ALONE * i, ALONE)));
  const top = 2 ** size - 1;
  return Array.from({ length: count }, (_, k) => {
    const i = k % n;
    const at = Number.parseInt(part(start + size * k, size), 2);
    return (ends[2 * i] * (top - at) + ends[2 * i + 1] * at) / top;
  });
}
