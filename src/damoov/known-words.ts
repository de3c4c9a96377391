/**
 * The words of Damoov that an error may repeat, and with it an event, a log line or a circuit's reason. A message may quote personal data
 * in any form (escaped, encoded, cut, in parts) or name another person. No pattern finds all of that; a list of harmless words is safe.
 */
import type { DamoovFault } from './errors.ts';

const MOST_FAULTS = 20;
/** Cut before any processing. */
const MOST_CHARACTERS = 300;
/** Replaces everything that is not on the list. */
const UNKNOWN = '…';

/** Damoov's Errors[] with every unknown word replaced by `…`, and cut to a sane size. */
export function redactedFaults(faults: readonly DamoovFault[]): DamoovFault[] {
  return faults.slice(0, MOST_FAULTS).map(({ key, message }) => ({
    key: knownWordsOf(key),
    message: knownWordsOf(message),
  }));
}

/** The text with `…` for every token that is not made of known words and punctuation. */
export function knownWordsOf(text: string): string {
  const kept: string[] = [];
  for (const token of text.slice(0, MOST_CHARACTERS).trim().split(/\s+/)) {
    const isSafe = isKnown(token);
    if (isSafe || kept.at(-1) !== UNKNOWN) kept.push(isSafe ? token : UNKNOWN);
  }
  return kept.join(' ');
}

/** `ClientId` and `$.client_id` are known if `client` and `id` are. */
function isKnown(token: string): boolean {
  if (!/^[A-Za-z"'()[\]{}.,:;!?/_|$-]*$/.test(token)) return false;
  // Codes of countries are words, too.
  if (/^\W*[A-Z]{2,3}\W*$/.test(token) && !/\b(?:ID|JWT|URL|URI)\b/.test(token)) return false;
  const words = token.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g) ?? [];
  // What is quoted may be a value.
  const known = /^\W*["'`]/.test(token) ? NAMES : WORDS;
  return words.every((word) => known.has(word.toLowerCase()));
}

/**
 * Names of fields, and the words of common validation messages: above all those of .NET (DataAnnotations, ModelState, System.Text.Json,
 * FluentValidation), since Damoov runs on it. No word that is a field's value (`male`, `married`), and none that is mainly a name (`max`,
 * `will`, `grant`).
 */
const LISTED = `
  access account activity address admin application auth authorization bearer birthday body child children city client
  code company count country create created custom data database date default delete deleted device district e email
  enable enabled end endpoint external fields filter find first full gender header headers http https id identity image
  instance json jwt key language last line location logging login mail marital name names nickname number object page
  parameter parameters password path person phone position profile property properties query real record refresh
  registration request requests resource response role server service session size sort start status system time title
  token tokens tracking update url user users username uuid guid version

  accepted active allowed already associated authorized available bad belong belongs blank blocked conflict contain
  contains conversion convert converting converted correct credentials denied different disabled duplicate duplicated empty
  encountered exceed exceeded exceeds exist existing exists expected expired failed forbidden found free future greater
  illegal inactive incorrect internal invalid known less limit limited locked long longer malformed match matches
  matching maximum minimum mismatch missing negative null occurred operation parsed parsing past permission permissions
  permitted positive present processed provided read recognized registered rejected required rights short shorter
  something specified supplied supported taken temporarily timeout unauthenticated unauthorized unavailable unexpected
  unique unknown unprocessable unsupported used valid validated validation validations violates went wrong

  array arrays blank boolean byte bytes character characters condition constraint constraints content digit digits
  element elements entity enum error errors expression fewer field format formatted guidelines input integer iso item
  items length letter letters list media method model numeric options path pattern payload range reference regular rule
  rules schema sequence set string strings text type types value values zone

  a after again all am an and another any are as at be been before being between both but by can cannot combination could
  did do does doesn each either entered equal exactly following for from has have in include includes inside into is isn
  it its later least many met more most must non nor not of on one only or out outside per please retry s same should so such
  t than that the them then there these this to too try until was were when which while with within without you use your no
  `;
const WORDS = wordsOf(LISTED);
/** Those of the first paragraph. */
const NAMES = wordsOf(LISTED.split(/\n\s*\n/, 1)[0] ?? '');

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
