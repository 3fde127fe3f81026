// Is this code genuine? Three answers, each with its reason: idp/digital_id/verification.py, for keys of issuers who
// write the strict form and nothing else. Here are no words and no page, so that tests hold both against each other.
import { decode as base45 } from "./base45.js";
import { readCard } from "./card.js";
import { hex, opened, signerOf } from "./cose.js";
import { inflated } from "./inflate.js";
import { told } from "./lists.js";
import { staleTrust } from "./trust.js";
import { Unreadable } from "./unreadable.js";

export const LEEWAY_SECONDS = 60; // by which two clocks may differ
export const FRESH_STATUS_SECONDS = 86_400;
const TEXT_CHARACTERS = 3_000;
const INFLATED_BYTES = 65_536;
const REFUSED = new Map([["invalid", "revoked"], ["suspended", "suspended"], ["reserved", "unknown_status"]]);

// A verdict: { answer: "genuine" | "genuine_status_old" | "refused", reason, card, status, asOf, fingerprint }.
//
// `trust` is what trust.js read, or null; `lists` a Map of what lists.js read, by address; `now` seconds since 1970.
// `reason` is null for a plain yes. `card` is there only if a key that we trust signed it: nobody else's word is shown.
// `fingerprint`, in hexadecimal, is the same for every text of one code.
export async function verify(text, { trust, lists, now }) {
  let found;
  try {
    found = read(text);
  } catch (problem) {
    if (!(problem instanceof Unreadable)) throw problem;
    return refused(problem.reason);
  }
  const staleness = staleTrust(trust, now);
  if (staleness) return refused(staleness);
  const { signed, card } = found;
  const { key, reason } = await signerOf(signed, trust.keys);
  const fingerprint = await digest(signed.message);
  if (!key) return refused(reason, { fingerprint });
  const notTheirs = notItsIssuers(found, trust.issuer);
  if (notTheirs) return refused(notTheirs, { fingerprint });
  const outOfForce = notInForce(card, now);
  if (outOfForce) return refused(outOfForce, { card, fingerprint });
  return withStatus({ card, fingerprint }, lists, now);
}

// What the text holds, without a word on whether it is true; throws Unreadable.
export function read(text) {
  // Letters are counted as Python does: one beyond the first 65,536 is two units here.
  if (text.length > 2 * TEXT_CHARACTERS || [...text].length > TEXT_CHARACTERS) throw new Unreadable("too_long");
  const { data, padded } = inflated(base45(text.replace(/^[\r\n\t]+|[\r\n\t]+$/g, "")), INFLATED_BYTES);
  const met = new Set(padded ? ["padded"] : []);
  const signed = opened(data, met);
  const { card, unknown } = readCard(signed.payload, met);
  return { card, signed, unknown: unknown || signed.unknown || signed.kind !== null, leniencies: met };
}

export function refused(reason, more = {}) {
  return { answer: "refused", reason, card: null, status: null, asOf: null, fingerprint: null, ...more };
}

function notItsIssuers({ card, unknown, leniencies }, issuer) {
  if (card.issuer !== issuer) return "wrong_issuer";
  if (unknown) return "unknown_claims";
  return leniencies.size > 0 ? "not_strict" : null;
}

function notInForce(card, now) {
  if (card.expiresAt === undefined) return "no_expiry";
  if (now >= card.expiresAt + LEEWAY_SECONDS) return "expired";
  if (card.notBefore !== undefined && now < card.notBefore - LEEWAY_SECONDS) return "not_yet_valid";
  if (card.issuedAt !== undefined && now < card.issuedAt - LEEWAY_SECONDS) return "issued_ahead";
  return null;
}

function withStatus(verdict, lists, now) {
  if (verdict.card.status === undefined) return { answer: "genuine", reason: null, status: null, asOf: null, ...verdict };
  const { status, asOf } = told(lists, verdict.card.status, now);
  if (REFUSED.has(status)) return { answer: "refused", reason: REFUSED.get(status), status, asOf, ...verdict };
  const reason = doubt(status, asOf, now);
  return { answer: reason ? "genuine_status_old" : "genuine", reason, status, asOf, ...verdict };
}

function doubt(status, asOf, now) {
  if (status === "unknown" || asOf === null) return "status_not_known";
  const age = now - asOf;
  return age < -LEEWAY_SECONDS || age > FRESH_STATUS_SECONDS ? "status_old" : null;
}

async function digest(message) {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", message)));
}
