// Gives texts to the counter's own script for presence codes, as the page would, and prints what it says.
import { readFileSync } from "node:fs";
import { readList } from "../../idp/web/static/counter/lists.js";
import { presence } from "../../idp/web/static/counter/presence.js";
import { seen } from "../../idp/web/static/counter/seen.js";
import { readTrustList } from "../../idp/web/static/counter/trust.js";

const { issuer, trustList, list, uri, at, codes } = JSON.parse(readFileSync(0, "utf-8"));
const kept = new Map(); // a browser has this place, and Node has none
globalThis.localStorage = { getItem: (place) => kept.get(place) ?? null, setItem: (place, text) => kept.set(place, text) };

const trust = await readTrustList(trustList, issuer, at, null);
const read = await readList(new Uint8Array(Buffer.from(list, "base64")), trust, at, uri);
const told = [];
for (const { text, now } of codes) {
  const verdict = await presence(text, { trust, lists: new Map([[uri, read]]), now }, seen);
  told.push(verdict && { genuine: verdict.answer !== "refused", reason: verdict.reason, shownAt: verdict.shownAt ?? null });
}
console.log(JSON.stringify(told));
