// The news of the issuer: its trust list and all its status lists, fetched together and kept for the days without
// network. All lists are fetched, so that nobody learns from it who is checked. Only our own origin is asked.
import { NotBelieved, readList } from "./lists.js";
import { readTrustList, staleTrust } from "./trust.js";

const KEPT = "counter-news";
const TRUST_LIST = "/trust-list";
const WAIT_MILLISECONDS = 20_000;
const BELIEVED_AT = "x-believed-at";
const CLOCKS_DIFFER_SECONDS = 60;

export class News {
  constructor(issuer, clock) {
    this.issuer = issuer;
    this.clock = clock; // seconds since 1970
    this.trust = null;
    this.lists = new Map();
    this.problem = null; // "offline", "not_believed", "clock": why there was no news the last time
    this.clockIsOff = false; // this device's, by more than a minute, as the issuer's goes
    this.running = null;
  }

  // What was believed before is there again. It is held against the clock of then: since then it may have expired, and
  // verify.js knows what an expired list still says.
  async load() {
    const kept = await caches.open(KEPT);
    const believed = await kept.match(TRUST_LIST);
    if (!believed) return;
    try {
      this.trust = await readTrustList(await believed.text(), this.issuer, Number(believed.headers.get(BELIEVED_AT)));
    } catch (problem) {
      passOver(problem); // of another issuer, say: then it is as if there were none
      return;
    }
    for (const uri of this.trust.statusLists) {
      const answer = await kept.match(pathOf(uri));
      if (answer) await this.take(uri, new Uint8Array(await answer.arrayBuffer()), Number(answer.headers.get(BELIEVED_AT))).catch(passOver);
    }
  }

  // Fetches everything anew; whoever asks while that goes on waits for the same news.
  refresh() {
    this.running ??= this.fetched().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  // When the oldest of the lists was signed, or null where one is missing.
  get asOf() {
    if (this.trust === null || this.trust.statusLists.some((uri) => !this.lists.has(uri))) return null;
    return Math.min(this.trust.issuedAt, ...[...this.lists.values()].map((list) => list.issuedAt));
  }

  // Forgets what was believed: the next trust list is a first one again.
  async forget() {
    await caches.delete(KEPT);
    this.trust = null;
    this.lists = new Map();
  }

  async fetched() {
    this.problem = await problemOf(() => this.fetchedTrust());
    if (this.trust === null || this.problem === "offline") return;
    for (const uri of this.lists.keys()) if (!this.trust.statusLists.includes(uri)) this.lists.delete(uri);
    for (const uri of this.trust.statusLists) this.problem = (await problemOf(() => this.fetchedList(uri))) ?? this.problem;
  }

  async fetchedTrust() {
    const answer = await asked(TRUST_LIST);
    const served = Date.parse(answer.headers.get("date") ?? "") / 1000;
    const now = this.clock();
    this.clockIsOff = Math.abs(served - now) > CLOCKS_DIFFER_SECONDS;
    const token = await answer.text();
    const trust = await readTrustList(token, this.issuer, now, this.trust);
    if (staleTrust(trust, now)) throw new NotBelieved("expired");
    if (trust.issuedAt < (this.trust?.issuedAt ?? 0)) return; // a process that was slower to make it: ours is newer
    await keep(TRUST_LIST, token, now);
    this.trust = trust;
  }

  async fetchedList(uri) {
    const token = new Uint8Array(await (await asked(pathOf(uri), "application/statuslist+cwt")).arrayBuffer());
    const now = this.clock();
    if (await this.take(uri, token, now)) await keep(pathOf(uri), token, now);
  }

  async take(uri, token, now) {
    const list = await readList(token, this.trust, now, uri);
    const isNewest = list.issuedAt >= (this.lists.get(uri)?.issuedAt ?? 0);
    if (isNewest) this.lists.set(uri, list);
    return isNewest;
  }
}

// At the verifier's own desk service the page has another origin than the issuer, and its lists have the same paths.
function pathOf(uri) {
  return new URL(uri).pathname;
}

async function asked(path, accept = "*/*") {
  const answer = await fetch(path, {
    cache: "no-store", credentials: "omit", redirect: "error", headers: { Accept: accept },
    signal: AbortSignal.timeout(WAIT_MILLISECONDS),
  });
  if (!answer.ok) throw new TypeError(`${path}: ${answer.status}`);
  return answer;
}

async function keep(path, body, now) {
  const kept = await caches.open(KEPT);
  await kept.put(path, new Response(body, { headers: { [BELIEVED_AT]: String(now) } }));
}

// Why the news did not come, or null. That there is no network is nothing special at a counter.
async function problemOf(task) {
  try {
    await task();
    return null;
  } catch (problem) {
    if (!(problem instanceof NotBelieved)) return "offline";
    console.warn(`news not believed: ${problem.why}`);
    return problem.why === "clock" ? "clock" : "not_believed";
  }
}

function passOver(problem) {
  if (!(problem instanceof NotBelieved)) throw problem;
}
