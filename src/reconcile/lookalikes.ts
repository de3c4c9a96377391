/**
 * Finds users at Damoov that are not in the list by clientId, but that a row may mean: with the clientId in another spelling, as a
 * spreadsheet, a shell or a person writes it, or with the userId. Holds two fingerprints of each user, and nothing of the list.
 */
import { fingerprint } from './fingerprint.ts';

interface Ids {
  readonly userId?: string | undefined;
  readonly clientId?: string | undefined;
}

export interface Lookalikes {
  /** Adds a user at Damoov that is not in the list. */
  add(user: Ids): void;
  /** Reports a row of the list with these ids. */
  meet(ids: Ids, line: number): void;
  /** The line of a row that may mean this user; 0 if there is none. Undefined: it has an id with which it was not added. */
  lineOf(user: Ids): number | undefined;
  /** Number of ids that a row could match. */
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
 * The form that ignores spelling: case, blanks, invisible characters, surrounding quotes, leading zeros or a plus, zeros after a decimal
 * point, marks that case changes, and the kind of hyphen, apostrophe and Unicode form.
 */
export function folded(id: string): string {
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
