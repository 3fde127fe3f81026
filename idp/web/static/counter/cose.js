// COSE_Sign1 (RFC 9052): taken apart, and held against keys for ES256. The rules are those of idp/digital_id/cose.py.
import { decode, encodedArray, tagsOf } from "./cbor.js";
import { Unreadable } from "./unreadable.js";

const SIGN1 = 18;
const ENCRYPT0 = 16;
const CWT = 61; // RFC 8392 section 6
const [ALGORITHM, CRITICAL, KEY_ID, IV, TYPE] = [1, 2, 4, 5, 16];
const OURS = [ALGORITHM, KEY_ID, TYPE];
const ALGORITHMS = new Map([[-7, "ES256"], [-8, "EdDSA"]]);
const A256GCM = 3;
const IV_BYTES = 12;
const KEY_ID_BYTES = 8;
const HALF_BYTES = 32;
const HALF_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n / 2n; // of P-256

// What is signed, by whom it says; nobody has verified it. Adds to `met`, a Set, how it is not in the strict form.
// `unknown` says whether the headers hold more than ours do. Throws Unreadable.
export function opened(bytes, met) {
  const { tag, parts } = untagged(bytes, met);
  if (tag === ENCRYPT0) refuseEncrypted(parts);
  if (tag !== SIGN1) throw new Unreadable("not_cose");
  const isMade = parts.length === 4 && [0, 2, 3].every((at) => parts[at] instanceof Uint8Array) && parts[1] instanceof Map;
  if (!isMade) throw new Unreadable("not_cose");
  const [protectedBytes, unprotected, payload, signature] = parts;
  const header = headerOf(protectedBytes, met);
  const alg = ALGORITHMS.get(header.get(ALGORITHM));
  if (alg === undefined) throw new Unreadable("unknown_algorithm");
  if (header.has(CRITICAL) || unprotected.has(CRITICAL)) throw new Unreadable("critical_header");
  if (alg === "ES256" && !isLow(signature)) met.add("high_s");
  const keyId = keyIdOf(header, unprotected, met);
  const kind = header.get(TYPE) ?? null;
  const unknown = [...header.keys()].some((key) => !OURS.includes(key)) || [...unprotected.keys()].some((key) => key !== KEY_ID);
  const message = encodedArray(["Signature1", protectedBytes, new Uint8Array(), payload]); // section 4.4
  return { alg, keyId, kind, payload, signature, message, unknown };
}

// { key } that signed it, by the one algorithm that our keys have, or the { reason } why there is none.
// `keys` are { id: hexadecimal, key: CryptoKey }.
export async function signerOf(signed, keys) {
  if (signed.signature.length === 0) return { reason: "not_signed" };
  const isOurs = signed.alg === "ES256";
  const possible = signed.keyId === null ? keys.filter(() => isOurs) : keys.filter(({ id }) => id === hex(signed.keyId));
  if (possible.length === 0) return { reason: "unknown_key" };
  if (!isOurs) return { reason: "wrong_algorithm" };
  for (const key of possible) {
    if (await verifies(key.key, signed.signature, signed.message)) return { key };
  }
  return { reason: "bad_signature" };
}

export function verifies(key, signature, message) {
  if (signature.length !== 2 * HALF_BYTES) return false;
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, message);
}

export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function untagged(bytes, met) {
  let { tags, at } = tagsOf(bytes);
  if (tags[0] === CWT) {
    met.add("cwt_tag");
    tags = tags.slice(1);
  }
  const { value, deterministic } = decode(bytes.subarray(at));
  if (tags.length !== 1 || !Array.isArray(value)) throw new Unreadable("not_cose");
  const inOneByte = bytes[at - 1] === (0xc0 | (Number(tags[0]) & 31));
  if (!deterministic || !inOneByte) met.add("not_deterministic");
  return { tag: tags[0], parts: value };
}

function headerOf(bytes, met) {
  if (bytes.length === 0) return new Map();
  const { value, deterministic } = decode(bytes);
  if (!(value instanceof Map)) throw new Unreadable("not_cose");
  if (!deterministic) met.add("not_deterministic");
  return value;
}

function keyIdOf(header, unprotected, met) {
  if (unprotected.size > 0) met.add(unprotected.has(KEY_ID) ? "key_id_unprotected" : "unprotected_header");
  const found = (header.has(KEY_ID) ? header.get(KEY_ID) : unprotected.get(KEY_ID)) ?? null;
  if (found === null) {
    met.add("no_key_id");
    return null;
  }
  if (!(found instanceof Uint8Array)) throw new Unreadable("not_cose");
  if (found.length !== KEY_ID_BYTES) met.add("key_id_length");
  return found;
}

// Of the two signatures that hold, the one that the issuer writes: of the other one, anybody could be the author.
function isLow(signature) {
  const half = hex(signature.subarray(HALF_BYTES));
  return half === "" || BigInt(`0x${half}`) <= HALF_ORDER;
}

// A counter has no key to decrypt anything with.
function refuseEncrypted(parts) {
  if (parts.length !== 3 || !(parts[0] instanceof Uint8Array) || !(parts[2] instanceof Uint8Array)) throw new Unreadable("not_cose");
  const header = headerOf(parts[0], new Set());
  if (header.has(CRITICAL)) throw new Unreadable("critical_header");
  if (header.get(ALGORITHM) !== A256GCM) throw new Unreadable("unknown_algorithm");
  const iv = header.has(IV) ? header.get(IV) : parts[1] instanceof Map ? parts[1].get(IV) : null;
  if (!(iv instanceof Uint8Array) || iv.length !== IV_BYTES) throw new Unreadable("not_cose");
  throw new Unreadable("encrypted");
}
