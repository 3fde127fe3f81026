// CBOR (RFC 8949) as strangers write it, within the bounds of docs/digital-id.md; of all tags, numbers and names only
// what a card is made of. idp/digital_id/cbor.py has the same rules, in the same order.
import { Unreadable } from "./unreadable.js";

const DEPTH = 8; // arrays and maps inside each other
const MAP_KEYS = 256;
const [UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG] = [0, 1, 2, 3, 4, 5, 6];
const INDEFINITE = 31;
const SIMPLE_VALUES = new Map([[20, false], [21, true], [22, null]]);
const FLOATS = [25, 26, 27]; // of two, four and eight bytes
const LEAST = [24, 2 ** 8, 2 ** 16, 2 ** 32]; // arguments in so many more bytes: below, fewer would do

// A floating point number, which is no whole number even where it looks like one. Nothing in a card is one.
export class Real {}

// { value, deterministic }: the one item of the bytes, which has no tags, and whether section 4.2.1 would write it so.
// Maps become Map, whole numbers above 2^53 BigInt. Throws Unreadable.
export function decode(bytes) {
  const reader = new Reader(bytes);
  const value = reader.item(1);
  if (reader.at !== bytes.length) throw new Unreadable("trailing_bytes");
  if (reader.badText) throw new Unreadable("bad_cbor");
  return { value, deterministic: reader.deterministic };
}

// { tags, at }: the tags that stand before the item, at most two, and where the item begins. Throws Unreadable.
export function tagsOf(bytes) {
  const reader = new Reader(bytes);
  const tags = [];
  let at = 0;
  while (tags.length < 2) {
    const { major, argument } = reader.head();
    if (major !== TAG) break;
    tags.push(argument);
    at = reader.at;
  }
  return { tags, at };
}

// An array of texts and byte strings.
export function encodedArray(items) {
  const parts = [head(ARRAY, items.length)];
  for (const item of items) {
    const bytes = typeof item === "string" ? new TextEncoder().encode(item) : item;
    parts.push(head(typeof item === "string" ? TEXT : BYTES, bytes.length), bytes);
  }
  return joined(parts);
}

export function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function head(major, argument) {
  if (argument < LEAST[0]) return Uint8Array.of((major << 5) | argument);
  const size = argument < LEAST[1] ? 0 : argument < LEAST[2] ? 1 : 2;
  const bytes = new Uint8Array(1 + (1 << size));
  bytes[0] = (major << 5) | (24 + size);
  for (let at = bytes.length - 1, rest = argument; at > 0; at -= 1, rest = Math.floor(rest / 256)) bytes[at] = rest & 255;
  return bytes;
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
    this.deterministic = true;
    this.badText = false; // told last, as it is found last in Python
  }

  item(depth) {
    return this.rest(this.head(), depth);
  }

  // What follows a head.
  rest({ major, argument, short }, depth) {
    if (major === UNSIGNED) return argument;
    if (major === NEGATIVE) return typeof argument === "bigint" ? -1n - argument : -1 - argument;
    if (major === BYTES) return this.take(argument).slice();
    if (major === TEXT) return this.text(argument);
    if (major > TAG) return SIMPLE_VALUES.has(short) ? SIMPLE_VALUES.get(short) : new Real();
    if (depth > DEPTH) throw new Unreadable("too_deep");
    if (major === TAG) throw new Unreadable("bad_cbor");
    if (major === MAP) return this.map(argument, depth + 1);
    const items = [];
    for (let count = 0; count < argument; count += 1) items.push(this.item(depth + 1));
    return items;
  }

  map(pairs, depth) {
    if (pairs > MAP_KEYS) throw new Unreadable("too_many_keys");
    const found = new Map();
    const seen = new Set();
    let before = null;
    for (let count = 0; count < pairs; count += 1) {
      const begin = this.at;
      const started = this.head();
      if (![UNSIGNED, NEGATIVE, TEXT].includes(started.major)) throw new Unreadable("bad_cbor");
      const after = this.at;
      const key = this.rest(started, depth);
      // By its bytes and not by its letters: two that are no UTF-8 are two.
      const name = started.major === TEXT ? new TextDecoder("latin1").decode(this.bytes.subarray(after, this.at)) : key;
      const mark = `${started.major} ${name}`;
      if (seen.has(mark)) throw new Unreadable("duplicate_key");
      seen.add(mark);
      const written = this.bytes.subarray(begin, this.at);
      if (before !== null && !isBefore(before, written)) this.deterministic = false;
      before = written;
      found.set(key, this.item(depth));
    }
    return found;
  }

  text(length) {
    const bytes = this.take(length);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      this.badText = true;
      return "";
    }
  }

  take(length) {
    const end = this.within(this.at + Number(length));
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  // RFC 8949 section 3
  head() {
    if (this.at >= this.bytes.length) throw new Unreadable("bad_cbor");
    const first = this.bytes[this.at++];
    const major = first >> 5;
    const short = first & 31;
    if (short === INDEFINITE) throw new Unreadable("indefinite_length");
    const isValue = SIMPLE_VALUES.has(short) || FLOATS.includes(short);
    if (short > 27 || (major > TAG && !isValue)) throw new Unreadable("bad_cbor");
    return { major, short, argument: short < 24 ? short : this.argument(major, short - 24) };
  }

  argument(major, size) {
    const at = this.at;
    this.at = this.within(at + (1 << size));
    if (major > TAG) return 0; // nobody asks what a floating point number is
    const { view } = this;
    let value = size === 0 ? view.getUint8(at) : size === 1 ? view.getUint16(at) : size === 2 ? view.getUint32(at) : view.getBigUint64(at);
    if (value < LEAST[size]) this.deterministic = false;
    if (typeof value === "bigint" && value <= Number.MAX_SAFE_INTEGER) value = Number(value);
    return value;
  }

  within(end) {
    if (end > this.bytes.length) throw new Unreadable("bad_cbor");
    return end;
  }
}

// Section 4.2.1: byte by byte.
function isBefore(one, other) {
  for (let at = 0; at < Math.min(one.length, other.length); at += 1) {
    if (one[at] !== other[at]) return one[at] < other[at];
  }
  return one.length < other.length;
}
