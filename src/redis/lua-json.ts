/**
 * Writes JSON for our Lua scripts. The decoder of Redis refuses a lone surrogate, such as a cut emoji leaves, with an error that ends
 * the script; JSON.stringify writes it as an escape.
 */

/** An escaped backslash, behind which `ud83d` is only text, or a lone surrogate: a pair is never escaped. */
const ESCAPES = /\\\\|\\ud[89a-f][\da-f]{2}/g;

/** The JSON of a value, with U+FFFD for each lone surrogate. */
export function luaJson(value: unknown): string {
  const json = JSON.stringify(value);
  // In nearly every text there is none.
  if (!json.includes('\\ud')) return json;
  return json.replaceAll(ESCAPES, (escape) => (escape === '\\\\' ? escape : '\uFFFD'));
}
