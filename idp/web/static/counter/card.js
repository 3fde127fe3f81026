// A card from the claims of a CWT, whether in the strict form or as others write it: idp/digital_id/reading.py.
// Also what is not strict has to be read to its end, so that a code has the same fault here as everywhere.
import { decode } from "./cbor.js";
import { Unreadable } from "./unreadable.js";

const LATEST_INSTANT = 253_402_300_799; // the end of the year 9999
const MOST_INDEX = 2n ** 63n;
const IDENTITY = 169;
const STATUS = 65_535;
const THUMBPRINT = 5;
const TEXTS = new Map([
  [1, "number"], [2, "version"], [3, "language"], [4, "fullName"], [5, "firstName"], [6, "middleName"], [7, "lastName"],
  [8, "birthDate"], [10, "address"], [11, "email"], [12, "phone"], [13, "nationality"], [15, "guardian"],
  [19, "secondaryFullName"], [20, "secondaryLanguage"], [21, "locationCode"], [22, "legalStatus"],
  [23, "countryOfIssuance"],
]);
const CHOICES = new Map([[9, ["gender", 3]], [14, ["maritalStatus", 3]], [17, ["photoFormat", 4]], [75, ["ageOver", 150]]]);
const [PHOTO, BEST_FINGERS] = [16, 18];
const BIOMETRICS = Array.from({ length: 16 }, (_, at) => 50 + at); // fingers, irises, face, palms, voice
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

// { card, unknown }: what the payload says, and whether it holds what we do not know. Adds to `met` how it is not
// strict. Throws Unreadable.
export function readCard(payload, met) {
  const { value: claims, deterministic } = decode(payload);
  if (!(claims instanceof Map)) throw new Unreadable("bad_claim");
  if (!deterministic) met.add("not_deterministic");
  return new CardReader(met).read(claims);
}

class CardReader {
  constructor(met) {
    this.met = met;
    this.unknown = false;
    this.card = {};
  }

  read(claims) {
    if (!claims.has(IDENTITY)) throw new Unreadable("no_identity");
    for (const [key, value] of claims) this.claim(key, value);
    for (const [key, value] of this.identity(claims.get(IDENTITY))) this.attribute(key, value);
    const { card } = this;
    if (![card.issuer, card.expiresAt, card.issuedAt].every((claim) => claim !== undefined)) this.met.add("missing_claim");
    return { card, unknown: this.unknown };
  }

  claim(key, value) {
    const { card } = this;
    if (key === 1) card.issuer = text(value);
    else if (key === 2) card.subject = text(value);
    else if (key === 4) card.expiresAt = whole(value, 0, LATEST_INSTANT);
    else if (key === 5) card.notBefore = whole(value, 0, LATEST_INSTANT);
    else if (key === 6) card.issuedAt = whole(value, 0, LATEST_INSTANT);
    else if (key === 7) card.codeId = bytes(value);
    else if (key === 8) this.confirmation(map(value));
    else if (key === STATUS) this.status(map(value));
    else if (key !== IDENTITY) this.unknown = true;
  }

  confirmation(members) {
    this.others(members, THUMBPRINT);
    if (members.has(THUMBPRINT)) this.card.holderKey = bytes(members.get(THUMBPRINT));
  }

  status(members) {
    this.others(members, "status_list");
    if (!members.has("status_list")) return;
    const reference = map(members.get("status_list"));
    this.others(reference, "idx", "uri");
    this.card.status = { index: whole(reference.get("idx"), 0, MOST_INDEX), uri: text(reference.get("uri")) };
  }

  identity(value) {
    if (!(value instanceof Uint8Array)) return map(value);
    this.met.add("wrapped_claim");
    return map(decode(value).value);
  }

  attribute(key, value) {
    const { card } = this;
    if (TEXTS.has(key)) card[TEXTS.get(key)] = text(value);
    else if (CHOICES.has(key)) card[CHOICES.get(key)[0]] = this.number(value, 1, CHOICES.get(key)[1]);
    else if (key === PHOTO) card.photo = this.photo(value);
    else if (key === BEST_FINGERS) list(value).forEach((finger) => this.number(finger, 0, 10));
    else if (BIOMETRICS.includes(key)) this.biometrics(value);
    else this.unknown = true;
  }

  // They are read for their faults; no counter compares fingers.
  biometrics(value) {
    if (value instanceof Map) this.met.add("single_biometric");
    for (const one of value instanceof Map ? [value] : list(value)) {
      const members = map(one);
      this.others(members, 0, 1, 2, 3);
      bytes(members.get(0));
      if ((members.get(1) ?? null) !== null) this.number(members.get(1), 0, 3);
      if ((members.get(2) ?? null) !== null) this.number(members.get(2), 0, 200);
      if ((members.get(3) ?? null) !== null) text(members.get(3));
    }
  }

  photo(value) {
    if (typeof value !== "string") return bytes(value);
    this.met.add("photo_as_text");
    if (!BASE64.test(value)) throw new Unreadable("bad_claim");
    return Uint8Array.from(atob(value), (letter) => letter.charCodeAt(0));
  }

  number(value, least, most) {
    if (typeof value === "string" && /^[0-9]{1,3}$/.test(value)) {
      this.met.add("number_as_text");
      return whole(Number(value), least, most);
    }
    return whole(value, least, most);
  }

  others(members, ...known) {
    if ([...members.keys()].some((key) => !known.includes(key))) this.unknown = true;
  }
}

function checked(value, isRight) {
  if (!isRight) throw new Unreadable("bad_claim");
  return value;
}

const text = (value) => checked(value, typeof value === "string");
const bytes = (value) => checked(value, value instanceof Uint8Array);
const map = (value) => checked(value, value instanceof Map);
const list = (value) => checked(value, Array.isArray(value));
const whole = (value, least, most) =>
  checked(value, (typeof value === "number" || typeof value === "bigint") && value >= least && value <= most);
