/**
 * Users at Damoov who are not in a list by their clientId, and whom it may mean all the same: it has that clientId in another writing,
 * as a spreadsheet, a shell or a person changes ids without meaning another user, or their userId. Holds two fingerprints of each
 * of them, and nothing of the list.
 */
import { fingerprint } from './fingerprint.ts';

interface Ids {
  readonly userId?: string | undefined;
  readonly clientId?: string | undefined;
}

export interface Lookalikes {
  /** A user at Damoov who is not in the list. */
  add(user: Ids): void;
  /** The list has a row with these ids. */
  meet(ids: Ids, line: number): void;
  /** The line of the list that may mean this user; 0 if none does. Undefined: it has an id with which it was not added. */
  lineOf(user: Ids): number | undefined;
  /** How many ids there are that a row could have. */
  readonly size: number;
}

export function createLookalikes(): Lookalikes {
  const lines = new Map<string, number>();
  return {
    add(user) {
      for (const key of keysOf(user)) if (!lines.has(key)) lines.set(key, 0);
    },
    meet(ids, line) {
      if (lines.size === 0) return;
      for (const key of keysOf(ids)) if (lines.get(key) === 0) lines.set(key, line);
    },
    lineOf(user) {
      const found = keysOf(user).map((key) => lines.get(key));
      return found.includes(undefined) ? undefined : (found.find((line) => line !== 0) ?? 0);
    },
    get size() {
      return lines.size;
    },
  };
}

function keysOf({ clientId, userId }: Ids): string[] {
  return [clientId, userId].filter((id) => id !== undefined).map((id) => fingerprint(folded(id)));
}

/**
 * The form in which two writings of one id are the same: without case, blanks, characters that cannot be seen, quotes around it,
 * zeros or a plus in front, zeros behind a decimal point, marks over letters that case changes, and with one kind of hyphen and of
 * apostrophe, in one form of Unicode.
 */
export function folded(id: string): string {
  const bare = withoutQuotes(id.normalize('NFKC').replaceAll(UNSEEN, ''));
  const plain = bare.replaceAll(HYPHENS, '-').replaceAll(APOSTROPHES, "'");
  const number = withoutZerosBehind(plain.replace(/^\+?0*(?=.)/, ''));
  // Upper case first: it is the same for some letters of which lower case is not, such as both forms of the sigma.
  return number.toUpperCase().toLowerCase().replaceAll('i\u0307', 'i').normalize('NFC');
}

/** As a spreadsheet writes a number with decimals. */
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
