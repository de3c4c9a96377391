/**
 * Finds users at Damoov that are not in the list by clientId, but that a row may mean: with the clientId in another spelling, as a
 * spreadsheet, a shell or a person writes it, or with the userId.
 */

interface Ids {
  readonly userId?: string | undefined;
  readonly clientId?: string | undefined;
}

/** @returns the first line with an id of the user; undefined if there is none. */
export function createLookalikes(
  rows: Iterable<Ids & { readonly line: number }>,
): (user: Ids) => number | undefined {
  const lines = new Map<string, number>();
  for (const { line, ...ids } of rows) {
    for (const id of normalizedIds(ids)) if (!lines.has(id)) lines.set(id, line);
  }
  return (user) =>
    normalizedIds(user)
      .map((id) => lines.get(id))
      .find((line) => line !== undefined);
}

function normalizedIds({ clientId, userId }: Ids): string[] {
  return [clientId, userId].filter((id) => id !== undefined).map(normalizedId);
}

/**
 * The form that ignores spelling: case, blanks, invisible characters, surrounding quotes, leading zeros or a plus, zeros after a decimal
 * point, marks that case changes, and the kind of hyphen, apostrophe and Unicode form.
 */
export function normalizedId(id: string): string {
  const bare = withoutQuotes(id.normalize('NFKC').replaceAll(UNSEEN, ''));
  const plain = bare.replaceAll(HYPHENS, '-').replaceAll(APOSTROPHES, "'");
  const number = withoutZerosBehind(plain.replace(/^\+?0*(?=.)/, ''));
  // Upper case first: it unifies letters that lower case does not, such as both forms of the sigma.
  return number.toUpperCase().toLowerCase().replaceAll('i\u0307', 'i').normalize('NFC');
}

/** A spreadsheet may write a number with decimals. */
function withoutZerosBehind(text: string): string {
  const point = text.lastIndexOf('.');
  if (point < 0 || !/^\d+$/.test(text.slice(point + 1))) return text;
  let end = text.length;
  while (text.charAt(end - 1) === '0') end -= 1;
  return text.slice(0, end - 1 === point ? point : end);
}

const HYPHENS = /\p{Pd}/gu;
const APOSTROPHES = /[`´‘’‛]/g;
const UNSEEN = /[\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]+/gu;
const QUOTES = new Set('"\'`´«»‹›‘’‚‛“”„‟');

function withoutQuotes(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && QUOTES.has(text.charAt(from))) from += 1;
  while (from < to && QUOTES.has(text.charAt(to - 1))) to -= 1;
  return text.slice(from, to);
}
