// Presence codes as the holder's phone makes them: the card, and beside it what the phone's key signs for this moment.
// The layout stands in docs/digital-id.md; idp/digital_id/presence.py reads it. Nothing here touches a page.

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"; // RFC 9285
const LIFE_SECONDS = 30;
const CODE_ID_BYTES = 8;
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n; // of P-256
const KEY_KIND = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };
const PROOF = "motcua holder key\n"; // what is signed as a proof can never be taken for a presence code

export const INTERVAL_SECONDS = 15;

// A key that never leaves this browser, not even for us.
export function newKey() {
  return crypto.subtle.generateKey(KEY_KIND, false, ["sign"]);
}

// The public key as a JWK with nothing else in it.
export async function publicJwk(keys) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", keys.publicKey);
  return { kty, crv, x, y };
}

// The proof of having the key, for the challenge that the provider gave, in base64url.
export async function proof(keys, challenge) {
  return toBase64Url(await signature(keys.privateKey, new TextEncoder().encode(PROOF + challenge)));
}

// The text of the code for this moment. `card` is the text of the card's own code, `binding` the 16 bytes by which it
// is named, `jwk` the public key, `now` seconds since 1970.
export async function presenceCode({ card, binding, jwk, privateKey, now }) {
  const payload = claims(binding, jwk, now);
  const header = [0xa1, 0x01, 0x26]; // {1: -7}, ES256
  const start = [0x84, ...text("Signature1"), ...bytes(header), ...bytes([]), ...bytes(payload)];
  const signed = await signature(privateKey, Uint8Array.from(start));
  const shown = [0xd2, 0x84, ...bytes(header), 0xa0, ...bytes(payload), ...bytes(signed)]; // 18([header, {}, …])
  return base45([0x82, ...bytes(fromBase45(card)), ...bytes(shown)]);
}

function claims(binding, jwk, now) {
  const x = fromBase64Url(jwk.x);
  const yIsOdd = fromBase64Url(jwk.y)[31] & 1;
  const chance = crypto.getRandomValues(new Uint8Array(CODE_ID_BYTES));
  return [
    0xa5,
    0x04, ...head(0, now + LIFE_SECONDS),
    0x06, ...head(0, now),
    0x07, ...bytes(chance),
    0x08, 0xa1, 0x01, 0xa4, 0x01, 0x02, 0x20, 0x01, 0x21, ...bytes(x), 0x22, yIsOdd ? 0xf5 : 0xf4,
    0x3a, 0x00, 0x01, 0x00, 0x00, ...bytes(binding), // -65537
  ];
}

// r and s, of the two that hold the one with the lower s: nobody can then make a second signature of it.
async function signature(privateKey, message) {
  const made = new Uint8Array(await crypto.subtle.sign(SIGNING, privateKey, message));
  const s = BigInt(`0x${hexadecimal(made.slice(32))}`);
  if (s <= ORDER / 2n) return made;
  const low = (ORDER - s).toString(16).padStart(64, "0");
  return Uint8Array.from([...made.slice(0, 32), ...low.match(/../g).map((pair) => parseInt(pair, 16))]);
}

// --- CBOR, as far as it is needed (RFC 8949 section 3)

function bytes(content) {
  return [...head(2, content.length), ...content];
}

function text(ascii) {
  return [...head(3, ascii.length), ...new TextEncoder().encode(ascii)];
}

function head(major, value) {
  const first = major << 5;
  if (value < 24) return [first | value];
  if (value < 0x100) return [first | 24, value];
  if (value < 0x10000) return [first | 25, value >> 8, value & 255];
  return [first | 26, value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

// --- texts for bytes

function base45(data) {
  let made = "";
  for (let at = 0; at < data.length; at += 2) {
    const isPair = at + 1 < data.length;
    let value = isPair ? data[at] * 256 + data[at + 1] : data[at];
    for (let digit = 0; digit < (isPair ? 3 : 2); digit += 1) {
      made += ALPHABET[value % 45];
      value = Math.floor(value / 45);
    }
  }
  return made;
}

// Of a text that the provider wrote.
function fromBase45(written) {
  const data = [];
  for (let at = 0; at < written.length; at += 3) {
    const part = [...written.slice(at, at + 3)];
    const value = part.reduceRight((sum, letter) => sum * 45 + ALPHABET.indexOf(letter), 0);
    data.push(...(part.length === 3 ? [value >> 8, value & 255] : [value]));
  }
  return data;
}

export function fromBase64Url(written) {
  const usual = written.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(usual), (letter) => letter.charCodeAt(0));
}

function toBase64Url(data) {
  return btoa(String.fromCharCode(...data)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function hexadecimal(data) {
  return [...data].map((each) => each.toString(16).padStart(2, "0")).join("");
}
