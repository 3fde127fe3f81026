// Base45 (RFC 9285), by which bytes fit the alphanumeric mode of a QR code: one text for the bytes, and no other.
import { Unreadable } from "./unreadable.js";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const VALUES = new Map([...ALPHABET].map((letter, value) => [letter, value]));

// The bytes; throws Unreadable for what no encoder writes (RFC 9285 section 6).
export function decode(text) {
  const values = Array.from(text, (letter) => VALUES.get(letter));
  if (values.includes(undefined) || values.length % 3 === 1) throw new Unreadable("bad_text");
  const bytes = new Uint8Array(Math.floor((values.length * 2) / 3));
  let end = 0;
  for (let at = 0; at < values.length; at += 3) {
    const whole = at + 2 < values.length;
    const value = values[at] + 45 * values[at + 1] + (whole ? 2025 * values[at + 2] : 0);
    if (value > (whole ? 0xffff : 0xff)) throw new Unreadable("bad_text");
    if (whole) bytes[end++] = value >> 8;
    bytes[end++] = value & 0xff;
  }
  return bytes;
}
