// The QR code on Vietnam's national card: text that nobody signed. It helps to fill in a form, and proves nothing.
const FIELDS = ["number", "former", "name", "born", "sex", "residence", "issued"];
const OF_2021 = 7;
const OF_2024 = 11; // what the last four are, we do not know

// { number, former, name, born, sex, residence, issued }, as they stand there, or null for anything else.
export function nationalCard(text) {
  const fields = text.trim().split("|");
  const isCard = [OF_2021, OF_2024].includes(fields.length) && /^[0-9]{12}$/.test(fields[0]);
  return isCard ? Object.fromEntries(FIELDS.map((name, at) => [name, fields[at].trim()])) : null;
}
