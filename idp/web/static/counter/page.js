// The counter: a text comes from a scanner that types, from a camera, a picture or the clipboard; it is verified here, in
// the browser; the answer is shown and the next may come at once. Nothing of a code leaves this page.
import { pictureIn, pictureReader, watch } from "./eyes.js";
import { nationalCard } from "./national.js";
import { News } from "./news.js";
import { presence } from "./presence.js";
import { seen } from "./seen.js";
import { moment, say, showNational, showNotice, showVerdict, span } from "./show.js";
import { verify } from "./verify.js";

const REFRESH_MILLISECONDS = 30_000; // so that a suspension is seen within a minute, caches on the way included
const SAME_CODE_MILLISECONDS = 3_000; // a camera sees one code many times
const AGE_CODE_SECONDS = 86_400; // as long as a code for an age is good

const counter = document.getElementById("counter");
const field = document.getElementById("code");
const clock = () => Math.floor(Date.now() / 1000);
const news = new News(counter.dataset.issuer, clock);
let lastSeen = { text: "", at: 0 };
let stopCamera = null;

async function check(text) {
  const now = clock();
  const context = { trust: news.trust, lists: news.lists, now };
  const national = nationalCard(text);
  if (national) return showNational(national);
  const verdict = (await presence(text, context, seen)) ?? (await verify(text, context));
  return showVerdict(verdict, now, again(verdict, now));
}

// A code for an age is made to be shown once: it has no name by which a second bearer would be noticed.
function again({ answer, card, fingerprint }, now) {
  const isSecond = answer !== "refused" && card.ageOver !== undefined && seen(fingerprint, now, AGE_CODE_SECONDS);
  return isSecond ? say("shown_before") : "";
}

// One after the other, so that the answer on the screen is always that of the last code; none before the news that was
// kept is there.
const loaded = news.load();
let last = loaded;
function checkNext(text) {
  last = last.then(() => check(text)).catch((problem) => {
    console.error(problem);
    showNotice("refused", say("answer_refused"), say("failed"));
  });
  return last;
}

function checkSeen(text) {
  const isSame = text === lastSeen.text && Date.now() - lastSeen.at < SAME_CODE_MILLISECONDS;
  lastSeen = { text, at: Date.now() };
  if (!isSame) checkNext(text);
}

function ready() {
  field.value = "";
  field.focus({ preventScroll: true });
}

document.getElementById("typed").addEventListener("submit", (event) => {
  event.preventDefault();
  if (field.value.trim() !== "") checkNext(field.value);
  ready();
});

// A scanner types wherever the focus is: its first letter takes the focus to where it belongs.
document.addEventListener("keydown", (event) => {
  const isLetter = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (isLetter && event.target !== field) field.focus({ preventScroll: true });
});

document.getElementById("picture").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  try {
    const text = await (await eyes).read(await pictureIn(file));
    if (text === null) showNotice("not_verified", say("nothing_read"), say("nothing_read_hint"));
    else await checkNext(text);
  } catch {
    showNotice("not_verified", say("nothing_read"), say("no_picture"));
  }
  ready();
});

const cameraButton = document.getElementById("camera-button");
cameraButton.addEventListener("click", async () => {
  const video = document.getElementById("camera");
  if (stopCamera) {
    stopCamera();
    stopCamera = null;
  } else {
    stopCamera = await watch(video, await eyes, checkSeen).catch(() => null);
    if (!stopCamera) showNotice("not_verified", say("no_camera"), say("no_camera_hint"));
  }
  video.hidden = !stopCamera;
  cameraButton.textContent = say(stopCamera ? "camera_off" : "camera_on");
});

// ---- the news ----

function tellNews() {
  const about = document.getElementById("news");
  const now = clock();
  if (news.trust === null) about.textContent = say("news_none");
  else if (now >= news.trust.expiresAt) about.textContent = say("news_stale");
  else if (news.asOf === null) about.textContent = say("news_no_lists");
  else about.textContent = say("news", { moment: moment(news.asOf), left: span(news.trust.expiresAt - now) });
  const trouble = document.getElementById("trouble");
  const name = news.clockIsOff || news.problem === "clock" ? "clock" : news.problem;
  trouble.textContent = name === null ? "" : say(`problem_${name}`);
  trouble.hidden = name === null;
}

async function refresh() {
  await news.refresh();
  tellNews();
}

document.getElementById("refresh").addEventListener("click", async () => {
  await refresh();
  ready();
});

document.getElementById("forget").addEventListener("click", async () => {
  await news.forget();
  await refresh();
  ready();
});

// ---- the beginning ----

const eyes = pictureReader(counter.dataset.decode || null);

async function begin() {
  document.getElementById("starting").hidden = true;
  counter.hidden = false;
  ready();
  const canRead = (await eyes) !== null;
  document.getElementById("pictures").hidden = !canRead;
  document.getElementById("no-pictures").hidden = canRead;
  await loaded;
  tellNews();
  await refresh();
  setInterval(refresh, REFRESH_MILLISECONDS);
  window.addEventListener("online", refresh);
}

if ("serviceWorker" in navigator) {
  // The rest works without it, as long as there is a network.
  navigator.serviceWorker.register(counter.dataset.worker, { scope: counter.dataset.scope }).catch(console.warn);
}
begin();
