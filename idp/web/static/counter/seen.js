// Which codes were shown at this counter lately, by their fingerprints: a code that counts once is known again, also
// after the page was loaded anew. Nothing of a person is kept.
const PLACE = "counter.seen";
const MOST = 10_000;

// Whether the code with this fingerprint was shown before; from now on it was, for so many seconds.
export function seen(fingerprint, now, seconds) {
  const kept = Object.entries(stored()).filter(([, until]) => until > now).slice(-MOST);
  const isKnown = kept.some(([one]) => one === fingerprint);
  if (!isKnown) kept.push([fingerprint, now + seconds]);
  localStorage.setItem(PLACE, JSON.stringify(Object.fromEntries(kept)));
  return isKnown;
}

function stored() {
  try {
    return JSON.parse(localStorage.getItem(PLACE)) ?? {};
  } catch {
    return {}; // somebody else's hand: what cannot be read was not written by us
  }
}
