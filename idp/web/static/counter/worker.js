// Keeps the counter's page for the time without network. The provider writes FILES above this, with a digest of every
// file in its address: when one changes, so does this script, and the browser takes all of them anew.
"use strict";

const PAGE = "/counter";
const PREFIX = "counter-files-";
const KEPT = PREFIX + FILES.version;
const WAIT_MILLISECONDS = 3_000; // for a page, before the one that is here is shown

// Without cookies, and so without the language that somebody chose being changed by it.
function request(path) {
  return new Request(path, { credentials: "omit", cache: "no-cache", redirect: "error" });
}

self.addEventListener("install", (event) => {
  const all = caches.open(KEPT).then((kept) => kept.addAll(FILES.paths.map(request)));
  event.waitUntil(all.then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOlder().then(() => self.clients.claim()));
});

async function forgetOlder() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== KEPT).map((name) => caches.delete(name)));
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname === PAGE) event.respondWith(page(url));
  else if (FILES.paths.includes(url.pathname)) event.respondWith(file(event.request));
  // Everything else, the news too, comes from the network or does not come: the page keeps its news itself.
});

async function file(asked) {
  return (await (await caches.open(KEPT)).match(asked)) ?? fetch(asked);
}

// Online the newest page; else the one that is here, in the language that was spoken last.
async function page(url) {
  const kept = await caches.open(KEPT);
  try {
    const answer = await fetch(url, { credentials: "same-origin", signal: AbortSignal.timeout(WAIT_MILLISECONDS) });
    if (!answer.ok) throw new Error(`the page has status ${answer.status}`);
    await remember(kept, answer.headers.get("content-language") ?? "vi");
    return answer;
  } catch {
    const language = url.searchParams.get("lang") ?? (await spoken(kept));
    await remember(kept, language);
    return (await kept.match(`${PAGE}?lang=${language}`)) ?? (await kept.match(PAGE, { ignoreSearch: true })) ?? Response.error();
  }
}

function remember(kept, language) {
  return kept.put("/counter/language", new Response(language));
}

async function spoken(kept) {
  return (await (await kept.match("/counter/language"))?.text()) ?? "vi";
}
