// Shows what came of a code: a word, a sign and a reason that say the same, then what the card says. The words are on the
// page, in its language; colours only repeat them.
const DAY_SECONDS = 86_400;
const WEBP = 4;
const SIGNS = { genuine: "✓", genuine_status_old: "!", refused: "✕", not_verified: "?", ready: "…" };
const UNITS = [["day", DAY_SECONDS], ["hour", 3_600], ["minute", 60]];
const ZONE = "Asia/Ho_Chi_Minh";
const DAY = { vi: { day: "2-digit", month: "2-digit", year: "numeric" }, en: { dateStyle: "long" } };
const language = document.documentElement.lang;
const locale = { vi: "vi-VN", en: "en-GB" }[language]; // days before months

const words = new Map(Array.from(document.querySelectorAll("[data-word]"), (item) => [item.dataset.word, item.textContent]));

// The words of this name, with the {gaps} filled in.
export function say(name, gaps = {}) {
  return words.get(name).replace(/\{([a-z]+)\}/g, (gap, key) => gaps[key] ?? gap);
}

// "14:03:22, 21/11/2026", on Vietnam's clock.
export function moment(seconds) {
  const day = new Intl.DateTimeFormat(locale, { ...DAY[language], timeZone: ZONE }).format(seconds * 1000);
  return `${clockFace(seconds * 1000)}, ${day}`;
}

function clockFace(milliseconds) {
  const digits = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: ZONE };
  return new Intl.DateTimeFormat(locale, digits).format(milliseconds);
}

// "3 days": the largest unit that is whole.
export function span(seconds) {
  const [unit, length] = UNITS.find(([, size]) => seconds >= size) ?? UNITS[UNITS.length - 1];
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(Math.floor(seconds / length));
}

// A verdict as verify.js has it; `note` is one more sentence, or "".
export function showVerdict({ answer, reason, card, asOf, shownAt }, now, note = "") {
  const isRefused = answer === "refused";
  const tellsAge = !isRefused && card.ageOver !== undefined;
  let title = say(`answer_${answer}`, { age: asOf === null ? "" : span(now - asOf) });
  if (tellsAge) title = say("age_title", { age: card.ageOver });
  if (answer === "genuine_status_old" && (reason !== "status_old" || asOf > now)) title = say("answer_genuine_status_unknown");
  const why = reason === null ? say(tellsAge ? "age_only" : "compare") : say(`reason_${reason}`, { moment: asOf === null ? "" : moment(asOf) });
  const present = shownAt === undefined ? "" : say("present", { moment: moment(shownAt) });
  headline(answer, title, [present, why, note].filter(Boolean).join(" "));
  rows(isRefused ? known(card) : details(card, asOf));
  picture(isRefused ? null : card);
}

export function showNational(card) {
  headline("not_verified", say("answer_not_verified"), say("national"));
  rows(["number", "former", "name", "born", "sex", "residence", "issued"].map((name) => [say(`national_${name}`), card[name]]));
  picture(null);
}

// Nothing to tell of a code: words from the page alone.
export function showNotice(state, title, text) {
  headline(state, title, text);
  rows([]);
  picture(null);
}

// Of a card that is refused although its issuer signed it, no more than by which number to ask for it.
function known(card) {
  return card?.number ? [[say("card_number"), card.number]] : [];
}

function details(card, asOf) {
  return [
    [say("name"), card.fullName],
    [say("born"), birthDate(card.birthDate)],
    [say("sex"), card.gender ? say(`sex_${card.gender}`) : undefined],
    [say("nationality"), card.nationality],
    [say("card_number"), card.number],
    [say("expires"), moment(card.expiresAt)],
    [say("status_as_of"), asOf === null ? undefined : moment(asOf)],
  ];
}

function birthDate(text) {
  const parts = /^(\d{4})(\d{2})(\d{2})$/.exec(text ?? "");
  return parts ? `${parts[3]}/${parts[2]}/${parts[1]}` : text;
}

// The turn makes two answers that are alike two: to the eye, and to what reads the page aloud.
let turn = 0;
function headline(state, title, text) {
  turn += 1;
  const verdict = document.getElementById("verdict");
  verdict.dataset.state = state;
  document.getElementById("sign").textContent = SIGNS[state];
  document.getElementById("answer").textContent = title;
  document.getElementById("why").textContent = text;
  document.getElementById("turn").textContent = say("turn", { number: turn, moment: clockFace(Date.now()) });
  verdict.scrollIntoView({ block: "start" });
}

function rows(pairs) {
  const shown = pairs.filter(([, value]) => value);
  const list = document.getElementById("says");
  list.replaceChildren(...shown.map(([label, value]) => {
    const row = document.createElement("div");
    row.append(Object.assign(document.createElement("dt"), { textContent: label }));
    row.append(Object.assign(document.createElement("dd"), { textContent: value }));
    return row;
  }));
  list.hidden = shown.length === 0;
}

// A data: address is all that the page's policy lets a picture of a card come from.
function picture(card) {
  const place = document.getElementById("photo");
  const isThere = card?.photo !== undefined && card.photoFormat === WEBP;
  place.hidden = !isThere;
  place.replaceChildren();
  if (!isThere) return;
  const image = new Image();
  image.src = `data:image/webp;base64,${btoa(String.fromCharCode(...card.photo))}`;
  image.alt = say("photo", { name: card.fullName ?? "" });
  place.append(image);
}
