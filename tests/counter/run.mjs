// Gives what it reads from standard input to the counter's own scripts, as the page would, and prints what they say.
import { readFileSync } from "node:fs";
import { NotBelieved, readList } from "../../idp/web/static/counter/lists.js";
import { readTrustList } from "../../idp/web/static/counter/trust.js";
import { verify } from "../../idp/web/static/counter/verify.js";

const { issuer, trustLists, lists, codes } = JSON.parse(readFileSync(0, "utf-8"));

async function believed(read) {
  try {
    return { value: await read() };
  } catch (problem) {
    if (!(problem instanceof NotBelieved)) throw problem;
    return { why: problem.why };
  }
}

const told = { trustLists: [], lists: [], verdicts: [] };
let trust = null;
for (const { token, now, first } of trustLists) {
  const { value, why } = await believed(() => readTrustList(token, issuer, now, first ? null : trust));
  told.trustLists.push(why ?? null);
  trust = value ?? trust;
}
const read = [];
for (const { token, now, uri } of lists) {
  const { value, why } = await believed(() => readList(new Uint8Array(Buffer.from(token, "base64")), trust, now, uri));
  told.lists.push(why ?? null);
  read.push(value);
}
for (const { text, now, list } of codes) {
  const known = list === null ? [] : [read[list]];
  const { answer, reason, status, asOf, fingerprint } = await verify(text, { trust, lists: new Map(known.map((one) => [one.uri, one])), now });
  told.verdicts.push({ answer, reason, status, asOf, fingerprint });
}
console.log(JSON.stringify(told));
