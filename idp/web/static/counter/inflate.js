// One zlib stream (RFC 1950, 1951) within a bound, for what comes from strangers: what a code holds is small.
//
// The browser's DecompressionStream, which reads the status lists, tells of every fault alike, and of the unused bits
// nothing. A clerk is to be told the same by every browser, and by the programs in Python; so codes are read here.
import { Unreadable } from "./unreadable.js";

const LENGTHS = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCES = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193,
  12289, 16385, 24577,
];
const DISTANCE_BITS = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]; // RFC 1951 section 3.2.7
const LONGEST_BITS = 15;
const END = 256;

const bad = () => new Unreadable("bad_compression");

// { data, padded }: the bytes, and whether there is anything in bits that every reader passes over. Throws Unreadable.
export function inflated(bytes, most) {
  const method = bytes[0];
  if (bytes.length < 2 || (method & 15) !== 8 || method >> 4 > 7) throw bad();
  if (((method << 8) | bytes[1]) % 31 || bytes[1] & 0x20) throw bad(); // RFC 1950 section 2.2; a dictionary is not ours
  const input = new Bits(bytes, 2);
  const output = new Output(most);
  let padded = false;
  let plainSoFar = true;
  for (let isLast = 0; !isLast; ) {
    isLast = input.take(1);
    const kind = input.take(2);
    if (kind === 3) throw bad();
    if (kind === 0) {
      // As in packing.py: of stored blocks, the padding of those at the beginning is looked at.
      const unused = input.toNextByte();
      padded ||= plainSoFar && unused !== 0;
      stored(input, output);
    } else {
      plainSoFar = false;
      compressed(input, output, ...(kind === 1 ? FIXED : dynamic(input)));
    }
  }
  const data = output.bytes();
  padded = input.toNextByte() !== 0 || padded;
  if (input.number(4) !== adler32(data)) throw bad();
  if (input.at < bytes.length) throw new Unreadable("trailing_bytes");
  return { data, padded };
}

class Bits {
  constructor(bytes, at) {
    this.data = bytes;
    this.at = at;
    this.held = 0; // bits that were read and not yet taken, the next one lowest
    this.count = 0;
  }

  byte() {
    if (this.at >= this.data.length) throw bad();
    return this.data[this.at++];
  }

  take(count) {
    while (this.count < count) {
      this.held |= this.byte() << this.count;
      this.count += 8;
    }
    const taken = this.held & ((1 << count) - 1);
    this.held >>>= count;
    this.count -= count;
    return taken;
  }

  // What was left of the byte.
  toNextByte() {
    const left = this.held;
    this.held = this.count = 0;
    return left;
  }

  number(count) {
    let value = 0;
    for (let i = 0; i < count; i += 1) value = value * 256 + this.byte();
    return value;
  }
}

class Output {
  constructor(most) {
    this.room = new Uint8Array(most);
    this.length = 0;
  }

  push(byte) {
    if (this.length === this.room.length) throw new Unreadable("too_large");
    this.room[this.length++] = byte;
  }

  again(distance, length) {
    if (distance > this.length) throw bad();
    for (let i = 0; i < length; i += 1) this.push(this.room[this.length - distance]);
  }

  bytes() {
    return this.room.slice(0, this.length);
  }
}

function stored(input, output) {
  const length = input.byte() | (input.byte() << 8);
  const complement = input.byte() | (input.byte() << 8);
  if ((length ^ complement) !== 0xffff) throw bad();
  for (let i = 0; i < length; i += 1) output.push(input.byte());
}

function compressed(input, output, literals, distances) {
  for (;;) {
    const symbol = next(input, literals);
    if (symbol === END) return;
    if (symbol < END) {
      output.push(symbol);
      continue;
    }
    const length = symbol - END - 1;
    if (length >= LENGTHS.length) throw bad();
    const run = LENGTHS[length] + input.take(LENGTH_BITS[length]);
    const distance = next(input, distances);
    if (distance >= DISTANCES.length) throw bad();
    output.again(DISTANCES[distance] + input.take(DISTANCE_BITS[distance]), run);
  }
}

// RFC 1951 section 3.2.7
function dynamic(input) {
  const literals = input.take(5) + 257;
  const distances = input.take(5) + 1;
  const used = input.take(4) + 4;
  if (literals > 286 || distances > 30) throw bad();
  const lengths = new Array(ORDER.length).fill(0);
  for (let i = 0; i < used; i += 1) lengths[ORDER[i]] = input.take(3);
  const all = lengthsBy(input, code(lengths, false), literals + distances);
  if (all[END] === 0) throw bad();
  return [code(all.slice(0, literals), true), code(all.slice(literals), true)];
}

function lengthsBy(input, meaning, count) {
  const lengths = [];
  while (lengths.length < count) {
    const symbol = next(input, meaning);
    if (symbol < 16) {
      lengths.push(symbol);
      continue;
    }
    if (symbol === 16 && lengths.length === 0) throw bad();
    const repeated = symbol === 16 ? lengths[lengths.length - 1] : 0;
    const times = symbol === 16 ? 3 + input.take(2) : symbol === 17 ? 3 + input.take(3) : 11 + input.take(7);
    for (let i = 0; i < times; i += 1) lengths.push(repeated);
  }
  if (lengths.length > count) throw bad();
  return lengths;
}

// How many symbols there are of each length, and which, in order (RFC 1951 section 3.2.2). zlib takes a code with room
// left only if it has one symbol, or none, which is then in nobody's way until it is used.
function code(lengths, mayBeAlone) {
  const counts = new Array(LONGEST_BITS + 1).fill(0);
  for (const length of lengths) counts[length] += 1;
  let room = 1;
  for (let length = 1; length <= LONGEST_BITS; length += 1) {
    room = room * 2 - counts[length];
    if (room < 0) throw bad();
  }
  const used = lengths.length - counts[0];
  if (room > 0 && used > 0 && !(mayBeAlone && used === 1 && counts[1] === 1)) throw bad();
  counts[0] = 0;
  const symbols = lengths.map((length, symbol) => [length, symbol]).filter(([length]) => length > 0);
  symbols.sort(([one, first], [other, second]) => one - other || first - second);
  return { counts, symbols: symbols.map(([, symbol]) => symbol) };
}

function next(input, { counts, symbols }) {
  let value = 0;
  let first = 0;
  let index = 0;
  for (let length = 1; length <= LONGEST_BITS; length += 1) {
    value |= input.take(1);
    if (value - first < counts[length]) return symbols[index + value - first];
    index += counts[length];
    first = (first + counts[length]) << 1;
    value <<= 1;
  }
  throw bad();
}

// RFC 1951 section 3.2.6: 30 and 31 are no distances, and yet have codes.
const FIXED = [
  code(Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)), false),
  code(new Array(32).fill(5), false),
];

function adler32(data) {
  let low = 1;
  let high = 0;
  for (const byte of data) {
    low = (low + byte) % 65521;
    high = (high + low) % 65521;
  }
  return high * 65536 + low;
}
