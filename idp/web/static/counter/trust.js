// The trust list: whose keys sign cards, and where their status lists are. A compact JWS with ES256, and nothing else.
import { verifies } from "./cose.js";
import { NotBelieved } from "./lists.js";

const LEEWAY_SECONDS = 60;
export const TRUST_CHARACTERS = 1_000_000;
const TYPE = "trust-list+jwt";
const MOST_KEYS = 100;
const MOST_LISTS = 1_024;
const KEY_ID = /^[0-9a-f]{16}$/;
const COORDINATE = /^[A-Za-z0-9_-]{43}$/;

// { issuer, issuedAt, expiresAt, keys: [{ id, key }], statusLists: [address] }; throws NotBelieved.
//
// One of its own keys must have signed it. `anchor` is the trust list that we have already: that key must be in it too.
// Where there is none, this is the first, believed because it came by TLS from the issuer's own place, or because it was
// believed before.
export async function readTrustList(token, issuer, now, anchor = null) {
  const { header, claims, message, signature } = parted(token);
  if (header.typ !== TYPE || header.alg !== "ES256" || "crit" in header) throw new NotBelieved(`not a ${TYPE} with ES256`);
  const list = await contentOf(claims, issuer);
  const own = list.keys.find(({ id }) => id === header.kid);
  const signer = own && (anchor ?? list).keys.find(({ id }) => id === own.id);
  if (!signer || !(await verifies(signer.key, signature, message))) throw new NotBelieved("no key that is trusted signed it");
  if (list.issuedAt > now + LEEWAY_SECONDS) throw new NotBelieved("clock");
  return list;
}

// Why a trust list is good for nothing, or null.
export function staleTrust(list, now) {
  if (list === null) return "trust_list_missing";
  return now >= list.expiresAt + LEEWAY_SECONDS ? "trust_list_stale" : null;
}

function parted(token) {
  const parts = token.length <= TRUST_CHARACTERS ? token.trim().split(".") : [];
  if (parts.length !== 3) throw new NotBelieved("no JWS");
  try {
    const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(fromText(part))));
    if (![header, claims].every((one) => typeof one === "object" && one !== null)) throw new TypeError("no objects");
    return { header, claims, message: new TextEncoder().encode(parts.slice(0, 2).join(".")), signature: fromText(parts[2]) };
  } catch {
    throw new NotBelieved("no JWS");
  }
}

async function contentOf(claims, issuer) {
  const { iss, iat, exp, keys, status_lists: statusLists } = claims;
  if (iss !== issuer) throw new NotBelieved("another issuer's");
  const areInstants = [iat, exp].every((instant) => Number.isSafeInteger(instant) && instant >= 0);
  const isWhole = Array.isArray(keys) && keys.length > 0 && keys.length <= MOST_KEYS && areInstants;
  if (!isWhole || !Array.isArray(statusLists) || statusLists.length > MOST_LISTS) throw new NotBelieved("a claim is missing");
  if (!statusLists.every((address) => typeof address === "string" && address.startsWith(`${issuer}/`))) throw new NotBelieved("a status list of another place");
  const usable = keys.filter((jwk) => jwk?.kty !== "OKP"); // a counter has no use for EdDSA: no browser before 2025 has
  return { issuer, issuedAt: iat, expiresAt: exp, keys: await Promise.all(usable.map(keyOf)), statusLists };
}

async function keyOf(jwk) {
  const isOurs = jwk?.kty === "EC" && jwk.crv === "P-256" && COORDINATE.test(jwk.x) && COORDINATE.test(jwk.y);
  if (!isOurs || !KEY_ID.test(jwk.kid)) throw new NotBelieved("a key that is none");
  const { x, y, kid } = jwk;
  const usages = ["verify"];
  try {
    const key = await crypto.subtle.importKey("jwk", { kty: "EC", crv: "P-256", x, y }, { name: "ECDSA", namedCurve: "P-256" }, false, usages);
    return { id: kid, key };
  } catch {
    throw new NotBelieved("a key that is none");
  }
}

function fromText(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new TypeError("no base64url");
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}
