/**
 * Texts that a cut emoji has left without half of a pair, between others that a reader of JSON could stumble over.
 */
import { fc } from '@fast-check/vitest';

const pieces = fc.oneof(
  fc.constantFrom('\uD83D', '\uDE00', '😀', '\\', '\\\\', '"', '\\ud83d', '\uFFFD', '\u2028', '\u0001', ' '),
  fc.string({ unit: 'binary', maxLength: 3 }),
);

export const brokenText = fc.array(pieces, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
