// Codes that show that the holder's own device is here, new every few seconds: idp/digital_id/presence.py for those that
// are checked here, idp/digital_id/online_presence.py for those that we have to ask about.
import { decode as base45 } from "./base45.js";
import { decode } from "./cbor.js";
import { hex, opened, verifies } from "./cose.js";
import { Unreadable } from "./unreadable.js";
import { LEEWAY_SECONDS, refused, verify } from "./verify.js";

const [ONLINE, OFFLINE] = [0x02, 0x82]; // how the bytes begin; those of a card do so otherwise
const TEXT_CHARACTERS = 3_000;
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const ADDRESS = "/presence";
const WAIT_MILLISECONDS = 10_000;
const LIFE_SECONDS = 30; // as it says of itself
const ACCEPTED_SECONDS = 45;
const REMEMBERED_SECONDS = ACCEPTED_SECONDS + LEEWAY_SECONDS; // as long as a clock that is off might accept it
const LATEST_INSTANT = 253_402_300_799;
const [EXPIRES, ISSUED, CODE_ID, CONFIRMATION, BINDING] = [4, 6, 7, 8, -65_537];
const [CODE_ID_BYTES, BINDING_BYTES, COORDINATE_BYTES] = [8, 16, 32];
// P-256 (SP 800-186 section 3.2.1.3)
const PRIME = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

// A verdict as verify.js has it on the card, refused unless the holder's phone is here; null for what is no such code.
// If it is genuine, `shownAt` says when the code was made. `context` is that of verify.js; `seen` that of seen.js.
export async function presence(text, context, seen) {
  const bytes = bytesOf(text);
  if (bytes?.[0] === ONLINE) return online(text, context);
  if (bytes?.[0] !== OFFLINE) return null;
  let shown;
  try {
    shown = await read(bytes);
  } catch (problem) {
    if (!(problem instanceof Unreadable)) throw problem;
    return refused(problem.reason);
  }
  const verdict = await verify(textOf(shown.card), context);
  if (verdict.answer === "refused") return verdict;
  const reason = (await fault(shown, verdict, context.now)) ?? (await again(shown, context.now, seen));
  return reason ? { ...verdict, answer: "refused", reason } : { ...verdict, shownAt: shown.issuedAt };
}

// Without what ends a line. A space is a letter like any other.
function plain(text) {
  return text.replace(/^[\r\n\t]+|[\r\n\t]+$/g, "");
}

// What cannot be read is for verify.js to say.
function bytesOf(text) {
  if (text.length > 2 * TEXT_CHARACTERS || [...text].length > TEXT_CHARACTERS) return null;
  try {
    return base45(plain(text));
  } catch (problem) {
    if (!(problem instanceof Unreadable)) throw problem;
    return null;
  }
}

// --- asked about

// The provider spends the code and names the card, which is verified like any other. Without an answer, refused.
async function online(text, context) {
  let answer;
  try {
    answer = await fetch(ADDRESS, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ code: plain(text) }),
      cache: "no-store", credentials: "omit", redirect: "error", signal: AbortSignal.timeout(WAIT_MILLISECONDS),
    });
    const told = await answer.json();
    if (!answer.ok) return refused(KNOWN.has(told.error) ? told.error : "presence_online", { asOf: context.now });
    const verdict = await verify(told.card, context);
    return verdict.answer === "refused" ? verdict : { ...verdict, shownAt: told.checked_at };
  } catch {
    return refused("presence_online");
  }
}

const KNOWN = new Set(["bad_text", "presence_unknown", "presence_old", "presence_seen", "suspended", "revoked"]);

// --- checked here

// What the bytes hold; nothing of it is verified. Throws Unreadable.
async function read(bytes) {
  const { value: parts, deterministic } = decode(bytes);
  if (!parts.every((part) => part instanceof Uint8Array)) throw new Unreadable("not_cose");
  const [card, part] = parts;
  const met = new Set();
  const signed = opened(part, met);
  const isPlain = met.size === 1 && met.has("no_key_id") && !signed.unknown && signed.kind === null;
  const { value: claims, deterministic: isOrdered } = decode(signed.payload);
  checkClaims(claims);
  return {
    card, signed, point: pointOf(claims.get(CONFIRMATION)), issuedAt: claims.get(ISSUED),
    binding: claims.get(BINDING), strict: isPlain && deterministic && isOrdered,
  };
}

function checkClaims(claims) {
  const names = [EXPIRES, ISSUED, CODE_ID, CONFIRMATION, BINDING];
  check(claims instanceof Map && claims.size === names.length && names.every((name) => claims.has(name)));
  const issuedAt = claims.get(ISSUED);
  check(typeof issuedAt === "number" && issuedAt >= 0 && issuedAt < LATEST_INSTANT);
  check(claims.get(EXPIRES) === issuedAt + LIFE_SECONDS);
  check(isBytes(claims.get(CODE_ID), CODE_ID_BYTES) && isBytes(claims.get(BINDING), BINDING_BYTES));
}

// The point of the key, x and y; of y the code tells the last bit alone (RFC 9053 section 7.1.1).
function pointOf(confirmation) {
  const key = confirmation instanceof Map && confirmation.size === 1 ? confirmation.get(1) : null;
  check(key instanceof Map && key.size === 4 && key.get(1) === 2 && key.get(-1) === 1);
  check(isBytes(key.get(-2), COORDINATE_BYTES) && typeof key.get(-3) === "boolean");
  const x = BigInt(`0x${hex(key.get(-2))}`);
  const square = (x * x * x - 3n * x + B) % PRIME;
  const root = power(square < 0n ? square + PRIME : square, (PRIME + 1n) / 4n);
  check(x < PRIME && (root * root - square) % PRIME === 0n);
  const y = (root & 1n) === BigInt(key.get(-3)) ? root : PRIME - root;
  return [key.get(-2), Uint8Array.from(y.toString(16).padStart(64, "0").match(/../g), (pair) => parseInt(pair, 16))];
}

function power(base, exponent) {
  let result = 1n;
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n, square = (square * square) % PRIME) {
    if (rest & 1n) result = (result * square) % PRIME;
  }
  return result;
}

// Why the code does not prove that the phone of this card's holder is here, just now; null if it does.
async function fault(shown, { card, fingerprint }, now) {
  if (!shown.strict) return "not_strict";
  if (!(await isByHolder(shown, card.holderKey))) return "presence_not_holder";
  if (hex(shown.binding) !== fingerprint.slice(0, 2 * BINDING_BYTES)) return "presence_not_this_card";
  if (now < shown.issuedAt - LEEWAY_SECONDS) return "issued_ahead";
  return now >= shown.issuedAt + ACCEPTED_SECONDS ? "presence_old" : null;
}

async function isByHolder({ signed, point: [x, y] }, holderKey) {
  const coseKey = Uint8Array.of(0xa4, 1, 2, 0x20, 1, 0x21, 0x58, COORDINATE_BYTES, ...x, 0x22, 0x58, COORDINATE_BYTES, ...y);
  const thumbprint = await digest(coseKey); // RFC 9679
  if (holderKey === undefined || thumbprint !== hex(holderKey) || signed.alg !== "ES256") return false;
  const kind = { name: "ECDSA", namedCurve: "P-256" };
  const key = await crypto.subtle.importKey("raw", Uint8Array.of(4, ...x, ...y), kind, false, ["verify"]);
  return verifies(key, signed.signature, signed.message);
}

async function again(shown, now, seen) {
  const left = shown.issuedAt + REMEMBERED_SECONDS - now;
  return seen(await digest(shown.signed.message), now, left) ? "presence_seen" : null;
}

async function digest(message) {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", message)));
}

function check(isRight) {
  if (!isRight) throw new Unreadable("bad_claim");
}

function isBytes(value, size) {
  return value instanceof Uint8Array && value.length === size;
}

// The text of the card's own code.
function textOf(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 2) {
    const isPair = at + 1 < bytes.length;
    const value = isPair ? bytes[at] * 256 + bytes[at + 1] : bytes[at];
    text += ALPHABET[value % 45] + ALPHABET[Math.floor(value / 45) % 45] + (isPair ? ALPHABET[Math.floor(value / 2025)] : "");
  }
  return text;
}
