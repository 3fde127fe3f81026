// The page of a card that is shown now: a new code every 15 seconds, from us, or from this phone's own key. Once the page
// is open, codes of the phone's own need no network.
import { drawing } from "./qr.js";
import { INTERVAL_SECONDS, fromBase64Url, newKey, presenceCode, proof, publicJwk } from "./presence.js";

const STALE_SECONDS = 30; // then a code may be too old before it is read
const page = document.getElementById("now");
const shows = (id, is) => (document.getElementById(id).hidden = !is);
// The phone's clock may be wrong by hours; ours says how much.
const apart = Number(page.dataset.now) - Date.now() / 1000;
const now = () => Date.now() / 1000 + apart;

let phone = null; // this card's own key, where this browser has it
let madeAt = now();
let timer = 0;

start();

async function start() {
  const canKeep = isSecureContext && "indexedDB" in window;
  phone = page.dataset.card && canKeep ? await kept(page.dataset.number).catch(() => null) : null;
  shows("from-us", !phone);
  shows("from-phone", phone);
  shows("phone", canKeep && !phone);
  document.getElementById("set-up").addEventListener("click", setUp);
  // A phone in a pocket sleeps, and its timers with it.
  document.addEventListener("visibilitychange", () => document.hidden || renew());
  if (phone) renew();
  else later();
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(renew, (INTERVAL_SECONDS - (now() % INTERVAL_SECONDS)) * 1000 + 50);
}

async function renew() {
  clearTimeout(timer);
  try {
    const text = phone ? await fromPhone() : await fromUs();
    draw(text);
    madeAt = now();
  } catch {
    // No network. What is on the screen says for how long it is good.
  }
  shows("stale", now() - madeAt >= STALE_SECONDS);
  later();
}

function fromPhone() {
  const { card, binding } = page.dataset;
  const { jwk, privateKey } = phone;
  return presenceCode({ card, binding: fromBase64Url(binding), jwk, privateKey, now: Math.floor(now()) });
}

async function fromUs() {
  const response = await fetch(page.dataset.codeUrl, { cache: "no-store" });
  if (!response.ok) throw new Error(`${response.status}`);
  return response.text();
}

function draw(text) {
  const { modules, path } = drawing(text);
  const code = page.querySelector("svg");
  const [ground, dark] = code.querySelectorAll("path");
  code.setAttribute("viewBox", `0 0 ${modules} ${modules}`);
  ground.setAttribute("d", `M0 0h${modules}v${modules}H0z`);
  dark.setAttribute("d", path);
}

// --- a card for this phone

async function setUp() {
  const button = document.getElementById("set-up");
  button.disabled = true;
  shows("failed", false);
  shows("too-many", false);
  try {
    const keys = await newKey();
    const jwk = await publicJwk(keys);
    await keep({ number: "", jwk, privateKey: keys.privateKey }); // or there would be a card for a key that is lost
    const { challenge } = await posted(page.dataset.challengeUrl, {});
    const made = await posted(page.dataset.phoneUrl, { challenge, x: jwk.x, y: jwk.y, signature: await proof(keys, challenge) });
    await keep({ number: made.number, jwk, privateKey: keys.privateKey });
    await phones("readwrite", (store) => store.delete(""));
    await navigator.storage?.persist?.();
    location.assign(made.url);
  } catch (problem) {
    if (problem.message === "409 prove_again") return location.assign(page.dataset.signInUrl);
    shows(problem.message === "409 too_many" ? "too-many" : "failed", true);
    button.disabled = false;
  }
}

async function posted(url, fields) {
  const body = new URLSearchParams({ form_token: page.dataset.formToken, ...fields });
  const response = await fetch(url, { method: "POST", body });
  if (!response.ok) throw new Error(`${response.status} ${response.status === 409 ? await response.text() : ""}`);
  return response.json();
}

// --- where the key is kept: in this browser, which uses it and gives it to nobody

function phones(mode, act) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("motcua", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("phones", { keyPath: "number" });
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const change = opening.result.transaction("phones", mode);
      const asked = act(change.objectStore("phones"));
      change.oncomplete = () => resolve(asked.result ?? null);
      change.onerror = change.onabort = () => reject(change.error);
    };
  });
}

function kept(number) {
  return phones("readonly", (store) => store.get(number));
}

function keep(record) {
  return phones("readwrite", (store) => store.put(record));
}
