/**
 * Finds duplicate keys in a JSON object, of which JSON.parse silently takes the last. Scans the text without recursion: it may be nested
 * very deeply.
 */

/** Whether the member of a row with this name has fields of its own. */
export function isSection(name: string): boolean {
  return /^(?:profile|settings)$/i.test(name);
}

/** The start of a key; text values may look the same, so this gives an upper bound. */
const KEY = /"\s*:/g;

/**
 * The duplicate keys of the object and of its sections.
 * @param text valid JSON.
 * @param object the parsed text.
 */
export function repeatedKeys(text: string, object: object): string[] {
  // Nearly always the parser kept as many keys as the text has, and no text looks like one.
  const found = text.match(KEY)?.length ?? 0;
  return found === keysIn(object) ? [] : scan(text);
}

/** The keys of the object and of its direct members. */
function keysIn(object: object): number {
  let count = 0;
  for (const value of Object.values(object) as unknown[]) {
    count += 1;
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      count += Object.keys(value).length;
  }
  return count;
}

function scan(text: string): string[] {
  const repeated = new Set<string>();
  const ofObject = new Set<string>();
  let ofSection = new Set<string>();
  let [depth, key] = [0, ''];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '{' || char === '[') depth += 1;
    if (char === '}' || char === ']') depth -= 1;
    if (char === '{' && depth === 2) ofSection = new Set();
    if (char !== '"') continue;
    const end = endOfText(text, at);
    const isCounted = depth === 1 || (depth === 2 && isSection(key));
    if (isCounted && isBeforeColon(text, end)) {
      const name = String(JSON.parse(text.slice(at, end)));
      const known = depth === 1 ? ofObject : ofSection;
      if (known.has(name)) repeated.add(name);
      known.add(name);
      if (depth === 1) key = name;
    }
    at = end - 1;
  }
  return [...repeated];
}

/** The place after the quote that ends the string at this place. */
function endOfText(text: string, from: number): number {
  for (let at = from + 1; ; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"' || at >= text.length) return at + 1;
  }
}

function isBeforeColon(text: string, from: number): boolean {
  let at = from;
  while (/\s/.test(text[at] ?? '')) at += 1;
  return text[at] === ':';
}
