/**
 * Writes JSON for our Lua scripts. Redis' decoder refuses a lone surrogate, such as a cut emoji, with an error that ends the script;
 * JSON.stringify writes it as an escape.
 */

/** An escaped backslash, after which `ud83d` is plain text; or a lone surrogate: a pair is never escaped. */
const ESCAPES = /\\\\|\\ud[89a-f][\da-f]{2}/g;

/** The JSON of a value, with U+FFFD for each lone surrogate. */
export function luaJson(value: unknown): string {
  const json = JSON.stringify(value);
  // Nearly no text has one.
  if (!json.includes('\\ud')) return json;
  return json.replaceAll(ESCAPES, (escape) => (escape === '\\\\' ? escape : '\uFFFD'));
}
