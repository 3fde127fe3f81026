// QR codes for texts in base45: alphanumeric mode, error correction level M, versions 1 to 25 (ISO/IEC 18004:2015, to
// which the sections are). One call is for everybody: drawing(text).

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"; // table 5
const QUIET_MODULES = 4; // 5.3.8
const DARK = 1;
// Table 9, level M, by version: check codewords of a block, and how many blocks there are.
const CHECKS = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26, 26, 28, 28, 28, 28];
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21];

// How many modules the code is wide and high with its quiet zone, and the dark ones as the `d` of a path.
export function drawing(text) {
  const { size, modules } = qrCode(text);
  let path = "";
  for (let y = 0; y < size; y += 1) {
    for (const run of line(modules, size, 0, y, 1).matchAll(/1+/g)) {
      const width = run[0].length;
      path += `M${run.index + QUIET_MODULES} ${y + QUIET_MODULES}h${width}v1h-${width}z`;
    }
  }
  return { modules: size + 2 * QUIET_MODULES, path };
}

// The modules row by row, in the smallest version that has room. Throws RangeError for what fits none, and for a text
// with other characters.
export function qrCode(text) {
  const values = [...text].map((letter) => ALPHABET.indexOf(letter));
  if (values.includes(-1)) throw new RangeError("a character that is not alphanumeric");
  for (let version = 1; version <= CHECKS.length; version += 1) {
    const frame = frameOf(version);
    const total = frame.free.length >> 3;
    const room = total - CHECKS[version - 1] * BLOCKS[version - 1];
    const data = codewords(values, version < 10 ? 9 : 11, room);
    if (data) return { size: frame.size, modules: masked(frame, withChecks(data, version, total)) };
  }
  throw new RangeError("too long for a code");
}

// --- the words

// The text's bits as bytes, filled up (7.4.4, 7.4.9, 7.4.10); null if there is no room.
function codewords(values, lengthBits, room) {
  let bits = "0010" + binary(values.length, lengthBits);
  for (let at = 0; at < values.length; at += 2) {
    const isPair = at + 1 < values.length;
    bits += isPair ? binary(values[at] * 45 + values[at + 1], 11) : binary(values[at], 6);
  }
  if (bits.length > room * 8) return null;
  bits += "0".repeat(Math.min(4, room * 8 - bits.length));
  bits += "0".repeat(-bits.length & 7);
  const words = bits.match(/.{8}/g).map((byte) => parseInt(byte, 2));
  for (let pad = 0xec; words.length < room; pad ^= 0xec ^ 0x11) words.push(pad);
  return words;
}

const binary = (number, length) => number.toString(2).padStart(length, "0");

// The data in blocks, each with its check words; the first word of each block, then the second of each … (7.5, 7.6).
function withChecks(data, version, total) {
  const count = BLOCKS[version - 1];
  const divisor = generator(CHECKS[version - 1]);
  const shorter = count - (total % count); // so many blocks have one word less
  const blocks = [];
  let at = 0;
  for (let number = 0; number < count; number += 1) {
    const length = Math.floor(total / count) - CHECKS[version - 1] + (number < shorter ? 0 : 1);
    const block = data.slice(at, at + length);
    blocks.push({ block, checks: remainder(block, divisor) });
    at += length;
  }
  return [...inTurns(blocks.map(({ block }) => block)), ...inTurns(blocks.map(({ checks }) => checks))];
}

function inTurns(blocks) {
  const longest = Math.max(...blocks.map((block) => block.length));
  const words = [];
  for (let at = 0; at < longest; at += 1) for (const block of blocks) if (at < block.length) words.push(block[at]);
  return words;
}

// --- Reed and Solomon, over the field of 256 with x^8 + x^4 + x^3 + x^2 + 1 (7.5.2)

function times(one, other) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ (product >> 7 ? 0x11d : 0);
    if ((other >> bit) & 1) product ^= one;
  }
  return product;
}

// (x - 1)(x - 2)(x - 4)…, without the first coefficient, which is 1.
function generator(degree) {
  let polynomial = [1];
  let root = 1;
  for (let number = 0; number < degree; number += 1) {
    const next = [...polynomial, 0];
    polynomial.forEach((factor, at) => (next[at + 1] ^= times(factor, root)));
    polynomial = next;
    root = times(root, 2);
  }
  return polynomial.slice(1);
}

function remainder(data, divisor) {
  const rest = divisor.map(() => 0);
  for (const word of data) {
    const factor = word ^ rest.shift();
    rest.push(0);
    divisor.forEach((each, at) => (rest[at] ^= times(each, factor)));
  }
  return rest;
}

// --- what every code of a version has, and which modules are left for its words, in their order

const frames = new Map(); // by version

function frameOf(version) {
  if (!frames.has(version)) frames.set(version, makeFrame(version));
  return frames.get(version);
}

function makeFrame(version) {
  const size = 4 * version + 17;
  const modules = new Uint8Array(size * size);
  const isFixed = new Uint8Array(size * size);
  const put = (x, y, dark) => {
    modules[y * size + x] = dark ? DARK : 0;
    isFixed[y * size + x] = 1;
  };
  for (let at = 0; at < size; at += 1) [[6, at], [at, 6]].forEach(([x, y]) => put(x, y, at % 2 === 0)); // 6.3.5
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) square(size, x, y, 4, [0, 1, 3], put); // 6.3.3, 6.3.4
  const places = alignments(version, size);
  for (const x of places) {
    for (const y of places) {
      const isCorner = (x === 6 && (y === 6 || y === size - 7)) || (y === 6 && x === size - 7);
      if (!isCorner) square(size, x, y, 2, [0, 2], put); // 6.3.6
    }
  }
  putFormat(size, 0, put); // only to hold the places
  if (version >= 7) putVersion(size, version, put);
  return { size, modules, free: freePlaces(size, isFixed) };
}

// Rings about a middle: those at the named distances are dark.
function square(size, left, top, reach, dark, put) {
  for (let y = Math.max(0, top - reach); y <= Math.min(size - 1, top + reach); y += 1) {
    for (let x = Math.max(0, left - reach); x <= Math.min(size - 1, left + reach); x += 1) {
      put(x, y, dark.includes(Math.max(Math.abs(x - left), Math.abs(y - top))));
    }
  }
}

// Annex E: as evenly as whole even steps can be, and what does not fit before the first step.
function alignments(version, size) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = 2 * Math.ceil((size - 13) / (2 * (count - 1)));
  return [6, ...Array.from({ length: count - 1 }, (_, at) => size - 7 - step * (count - 2 - at))];
}

// 7.9: level M is 00, then the mask; ten bits of a BCH code; all against a pattern.
function putFormat(size, mask, put) {
  const bits = withBch(mask, 10, 0x537) ^ 0x5412;
  for (let at = 0; at < 15; at += 1) {
    const dark = (bits >> at) & 1;
    put(...(at < 8 ? [8, at < 6 ? at : at + 1] : [at === 8 ? 7 : 14 - at, 8]), dark);
    put(...(at < 8 ? [size - 1 - at, 8] : [8, size - 15 + at]), dark);
  }
  put(8, size - 8, true);
}

// 7.10
function putVersion(size, version, put) {
  const bits = withBch(version, 12, 0x1f25);
  for (let at = 0; at < 18; at += 1) {
    const [near, far] = [Math.floor(at / 3), size - 11 + (at % 3)];
    put(near, far, (bits >> at) & 1);
    put(far, near, (bits >> at) & 1);
  }
}

function withBch(value, length, divisor) {
  let rest = value << length;
  for (let bit = 31 - Math.clz32(rest); bit >= length; bit -= 1) {
    if ((rest >> bit) & 1) rest ^= divisor << (bit - length);
  }
  return (value << length) | rest;
}

// 7.7.3: up and down again, two columns at a time from the right, past the column of the timing pattern.
function freePlaces(size, isFixed) {
  const places = [];
  let isUpwards = true;
  for (let right = size - 1; right > 0; right -= 2, isUpwards = !isUpwards) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      const y = isUpwards ? size - 1 - step : step;
      for (const x of [right, right - 1]) if (!isFixed[y * size + x]) places.push(y * size + x);
    }
  }
  return places;
}

// --- the mask (7.8)

const MASKS = [
  (x, y) => (x + y) % 2, (x, y) => y % 2, (x) => x % 3, (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2, (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

function masked({ size, modules, free }, words) {
  const candidates = MASKS.map((isKept, number) => {
    const made = modules.slice();
    free.forEach((place, at) => {
      const bit = at >> 3 < words.length ? (words[at >> 3] >> (7 - (at & 7))) & 1 : 0;
      made[place] = bit ^ (isKept(place % size, Math.floor(place / size)) === 0 ? 1 : 0);
    });
    putFormat(size, number, (x, y, dark) => (made[y * size + x] = dark ? DARK : 0));
    return { made, penalty: penalty(made, size) };
  });
  return candidates.reduce((best, each) => (each.penalty < best.penalty ? each : best)).made;
}

// 7.8.3: long runs, blocks of one colour, what looks like a corner, and too much of one colour.
function penalty(modules, size) {
  let points = 0;
  for (let at = 0; at < size; at += 1) {
    for (const text of [line(modules, size, 0, at, 1), line(modules, size, at, 0, size)]) {
      for (const run of text.matchAll(/0{5,}|1{5,}/g)) points += run[0].length - 2;
      points += 40 * [...`0000${text}0000`.matchAll(/(?=00001011101|10111010000)/g)].length;
    }
  }
  for (let at = 0; at < size * (size - 1); at += 1) {
    const sum = modules[at] + modules[at + 1] + modules[at + size] + modules[at + size + 1];
    if (at % size < size - 1 && sum % 4 === 0) points += 3;
  }
  const dark = modules.reduce((sum, each) => sum + each, 0);
  return points + 10 * Math.floor(Math.abs((20 * dark) / modules.length - 10));
}

// A row (step 1) or a column (step size) as a text of 0 and 1.
function line(modules, size, x, y, step) {
  let text = "";
  for (let at = 0; at < size; at += 1) text += modules[y * size + x + at * step];
  return text;
}
