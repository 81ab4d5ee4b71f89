/**
 * A page's state in its address: `#s=1&batch.x=1,3.5&batch-2.gamma=2.5&cell3=<code>&at=batch`.
 *
 * `s` is the version of the format. Then comes what differs from the published page: a figure's
 * trait, by the figure's kind, which one of its kind it is on the page, and the trait's name; and a
 * cell's code, deflated, in base64url. `at` says where the link leads: to a figure, a cell or a
 * section. A trait's value is numbers with commas between them, true and false are 1 and 0; where
 * something has been is packed (past.js). In Python: figures/kit/link.py writes the same.
 *
 * @typedef {[kind: string, low?: number | null, high?: number | null]} Kind what a trait can be: the
 *   class Figure (kit/base.py) says it
 * @typedef {[key: string, text: string]} Entry
 */
import { packed, packedRows, ROOM, unpacked, unpackedRows } from "./past.js";

export const VERSION = 1;
const MOST = 1000; // numbers in a value
const LARGEST = 1e150; // as in kit/base.py, where no other end is named
const DIGITS = /^-?\d+(\.\d+)?(e-?\d+)?$/;

/** @param {Uint8Array} bytes */
export const toBase64 = (bytes) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

/** @param {string} text in base64url; throws for any other */
export const fromBase64 = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) =>
    letter.charCodeAt(0),
  );

/**
 * The text of a trait's value.
 * @param {Kind} kind @param {any} value @param {number} [room] bits for where something has been
 */
export function written([kind, n], value, room = ROOM) {
  const flat = [value].flat(Infinity).map(Number);
  if (kind === "past") return packed(flat);
  if (kind === "rows") return packedRows(flat, Number(n), room);
  return flat.map((v) => String(v).replace("e+", "e")).join(",");
}

/** The numbers in the text of a value; NaN for what is none. @param {string} text @param {Kind} kind */
function numbersIn(text, [kind, n]) {
  if (kind === "past") return unpacked(text);
  if (kind === "rows") return unpackedRows(text, Number(n));
  return text === "" ? [] : text.split(",").map((v) => (DIGITS.test(v) ? +v : NaN));
}

/**
 * Numbers in the nested lists of another value.
 * @param {any} like @param {() => number} next @returns {any}
 */
const shaped = (like, next) =>
  Array.isArray(like) ? like.map((part) => shaped(part, next)) : next();

/** @param {number[]} flat @param {number} n */
const inRows = (flat, n) =>
  Array.from({ length: flat.length / n }, (_, i) => flat.slice(n * i, n * i + n));

/**
 * What a text says, if it is a value of this kind; undefined if not.
 * @param {string} text
 * @param {Kind} kind
 * @param {any} now the trait's present value, which has the shape that it keeps
 * @param {(target: number, slot: number) => boolean} [isEdge]
 */
export function valueFrom(text, [kind, low, high], now, isEdge = () => false) {
  const values = numbersIn(text, [kind, low]);
  const grouped = ["list", "past", "rows"].includes(kind);
  const [least, most] = grouped ? [-LARGEST, LARGEST] : [low ?? -LARGEST, high ?? LARGEST];
  const whole = ["bool", "int", "ints", "edges"].includes(kind);
  const fits = (/** @type {number} */ v) =>
    Number.isFinite(v) && least <= v && v <= most && (!whole || Number.isSafeInteger(v));
  if (values.length > MOST || !values.every(fits)) return undefined;
  const n = kind === "edges" ? 2 : (low ?? 1);
  if (kind === "edges" || grouped) {
    if (values.length % n) return undefined;
    const rows = inRows(values, n);
    const isIndex = (/** @type {number} */ i) => Number.isInteger(i) && 0 <= i && i < (high ?? 0);
    if (kind === "list") return rows.every(([i]) => isIndex(i)) ? values : undefined;
    if (kind === "past") return values;
    return kind === "rows" || rows.every(([target, slot]) => isEdge(target, slot))
      ? rows
      : undefined;
  }
  if (values.length !== [now].flat(Infinity).length) return undefined;
  if (kind === "bool") return values[0] === 0 || values[0] === 1 ? values[0] === 1 : undefined;
  return shaped(now, () => /** @type {number} */ (values.shift()));
}

/** The part of an address that holds a state. @param {Entry[]} entries @param {string} at */
export function hashOf(entries, at = "") {
  const all = at ? [...entries, ["at", at]] : entries;
  return `#s=${VERSION}${all.map(([key, text]) => `&${key}=${text}`).join("")}`;
}

const WANTED = 2000; // characters: some programs cut longer links off

/**
 * The same, short enough if it can be: then what is only drawn is written more coarsely. It cannot
 * where a reader has written much code.
 * @param {(room: number) => Entry[]} read @param {string} [at]
 * @param {string} none what it is where there are no entries
 */
export function shortHash(read, at = "", none = hashOf([], at)) {
  const entries = read(ROOM);
  if (!entries.length) return none;
  const finest = hashOf(entries, at);
  let hash = finest;
  for (let room = ROOM - 400; hash.length >= WANTED; room -= 400) {
    if (room <= 0) return finest;
    hash = hashOf(read(room), at);
  }
  return hash;
}

/** Whether an address holds a state, be it a good one. @param {string} hash */
export const holdsState = (hash) => hash.startsWith("#s=");

/**
 * Where an address leads: to a figure, a cell or a section; "" for the page.
 * @param {string} hash
 */
export const placeIn = (hash) => /(?:^#|^#s=.*&at=)([\w.-]+)$/.exec(hash)?.[1] ?? "";

const LONGEST = 50_000; // characters of an address that anyone looks at

/**
 * What an address says; null where it cannot be read.
 * @param {string} hash
 * @returns {{ version: number, entries: Entry[], at: string } | null}
 */
export function parsed(hash) {
  if (hash.length > LONGEST) return null;
  let text = hash;
  try {
    text = decodeURIComponent(hash); // some programs write a comma as %2C
  } catch {
    return null;
  }
  if (!/^#s=\d{1,9}(&[\w.-]+=[\w.,-]*)*$/.test(text)) return null;
  const [[, version], ...rest] = text
    .slice(1)
    .split("&")
    .map((part) => /** @type {Entry} */ (part.split("=")));
  const entries = rest.filter(([key]) => key !== "at");
  return { version: Number(version), entries, at: rest.find(([key]) => key === "at")?.[1] ?? "" };
}
