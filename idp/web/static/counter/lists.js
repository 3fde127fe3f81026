// Token Status Lists (draft-ietf-oauth-status-list-21) in the form of a CWT: read, believed or not, and asked. The rules
// are those of idp/digital_id/status_lists.py.
import { decode } from "./cbor.js";
import { opened, signerOf } from "./cose.js";
import { Unreadable } from "./unreadable.js";

const LEEWAY_SECONDS = 60;
export const TOKEN_BYTES = 16 * 1024 * 1024;
const ARRAY_BYTES = 32 * 1024 * 1024;
const PIECE_BYTES = 4_096; // given to the browser's decompressor at a time: of each it makes four megabytes at most
const TYPE = "application/statuslist+cwt";
const SIZES = [1, 2, 4, 8];
const [ISSUER, SUBJECT, EXPIRES, ISSUED, LIST, TTL] = [1, 2, 4, 6, 65_533, 65_534];
const MEANS = ["valid", "invalid", "suspended"];

// This is nothing that we believe; `why` says why: "clock" if it comes from the future, else words for the console.
export class NotBelieved extends Error {
  constructor(why) {
    super(why);
    this.why = why;
  }
}

// The list published at `uri`, signed by one of the keys of the trust list and not expired; throws NotBelieved.
export async function readList(token, { keys, issuer }, now, uri) {
  if (token.length > TOKEN_BYTES) throw new NotBelieved("too large");
  const claims = await claimsOf(token, keys);
  const listed = claims.get(LIST);
  const isListed = listed instanceof Map && SIZES.includes(listed.get("bits")) && listed.get("lst") instanceof Uint8Array;
  if (claims.get(SUBJECT) !== uri) throw new NotBelieved("sub is not the address of the list");
  if (claims.has(ISSUER) && claims.get(ISSUER) !== null && claims.get(ISSUER) !== issuer) throw new NotBelieved("another issuer's");
  if (!isListed) throw new NotBelieved("status_list is not as it should be");
  const issuedAt = instant(claims.get(ISSUED));
  const expiresAt = (claims.get(EXPIRES) ?? null) === null ? null : instant(claims.get(EXPIRES));
  if (isExpired(expiresAt, now)) throw new NotBelieved("expired");
  if (issuedAt > now + LEEWAY_SECONDS) throw new NotBelieved("clock");
  if ((claims.get(TTL) ?? null) !== null) instant(claims.get(TTL));
  return { uri, bits: listed.get("bits"), array: await inflatedList(listed.get("lst")), issuedAt, expiresAt };
}

// { status, asOf }: what the lists say about the place, and when. An expired list says no more that a card is valid;
// that one is not, it still says.
export function told(lists, { index, uri }, now) {
  const list = lists.get(uri);
  if (list === undefined) return { status: "unknown", asOf: null };
  const value = valueAt(list, index);
  const status = value === null ? "reserved" : (MEANS[value] ?? "reserved");
  return { status: status === "valid" && isExpired(list.expiresAt, now) ? "unknown" : status, asOf: list.issuedAt };
}

// Section 4.1: the first card stands in the lowest bits.
function valueAt({ bits, array }, index) {
  const places = (array.length * 8) / bits;
  if (index >= places) return null;
  const at = index * bits;
  return (array[Math.floor(at / 8)] >> (at % 8)) & ((1 << bits) - 1);
}

async function claimsOf(token, keys) {
  try {
    const met = new Set();
    const signed = opened(token, met);
    if (met.has("cwt_tag")) throw new NotBelieved("not a COSE_Sign1 with the tag 18 alone");
    if (signed.kind !== TYPE) throw new NotBelieved(`type is not ${TYPE}`);
    const { key } = await signerOf(signed, keys);
    if (!key) throw new NotBelieved("no trusted key signed it");
    const { value } = decode(signed.payload);
    if (!(value instanceof Map)) throw new NotBelieved("no claims");
    return value;
  } catch (problem) {
    throw problem instanceof Unreadable ? new NotBelieved(problem.reason) : problem;
  }
}

// By the browser's own decompressor, in pieces, so that what swells is left before it fills the memory.
async function inflatedList(compressed) {
  const stream = new DecompressionStream("deflate");
  const fed = feed(stream.writable.getWriter(), compressed);
  const parts = [];
  let length = 0;
  const reader = stream.readable.getReader();
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      length += piece.value.length;
      if (length > ARRAY_BYTES) {
        await reader.cancel();
        throw new NotBelieved("too_large");
      }
      parts.push(piece.value);
    }
    await fed;
  } catch (problem) {
    throw problem instanceof NotBelieved ? problem : new NotBelieved("bad_compression");
  }
  const array = new Uint8Array(length);
  parts.reduce((at, part) => (array.set(part, at), at + part.length), 0);
  return array;
}

async function feed(writer, bytes) {
  try {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      await writer.ready;
      await writer.write(bytes.subarray(at, at + PIECE_BYTES));
    }
    await writer.close();
  } catch {
    // The side that reads is told of the same fault, or has left.
  }
}

function isExpired(expiresAt, now) {
  return expiresAt !== null && now >= expiresAt + LEEWAY_SECONDS;
}

function instant(value) {
  if (typeof value !== "number" || value < 0) throw new NotBelieved("an instant is not a whole number");
  return value;
}
