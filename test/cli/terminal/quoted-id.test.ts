import { expect, it } from 'vitest';
import { needsQuotes, quotedId } from '../../../src/cli/terminal/quoted-id.ts';

it.each([
  ['c-1', '"c-1"', false],
  ['Zoë', '"Zoë"', false],
  ['हिन्दी', '"हिन्दी"', false],
  ['two words', '"two words"', false],
  [' c', '" c"', true],
  ['c\u00A0', String.raw`"c\u00a0"`, true],
  ['c\u3000d', String.raw`"c\u3000d"`, true],
  ['c\u200Bd', String.raw`"c\u200bd"`, true],
  ['c\u{E0001}', String.raw`"c\udb40\udc01"`, true],
  ['c\n"', String.raw`"c\n\""`, true],
  ['Zoe\u0308', String.raw`"Zoe\u0308"`, true],
  ['\uD800', String.raw`"\ud800"`, true],
  ['x'.repeat(100), `"${'x'.repeat(100)}"`, false],
  ['x'.repeat(101), `"${'x'.repeat(100)}"…`, false],
])('%j is shown as %s', (id, shown, isHidden) => {
  expect(quotedId(id)).toBe(shown);
  expect(needsQuotes(id)).toBe(isHidden);
});
