/**
 * Checks whether this Node can run the product. Every Node with modules understands this file; it imports nothing.
 */

/**
 * The message if it cannot.
 * @param version the running one: `v20.20.2`. @param needed `>=22.22`, as in package.json.
 */
export function refusalOf(version: string, needed: string): string | undefined {
  const [major = 0, minor = 0] = numbersIn(version);
  const [neededMajor = 0, neededMinor = 0] = numbersIn(needed);
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return undefined;
  return `Node ${neededMajor}.${neededMinor} or newer is needed; this is ${version}`;
}

function numbersIn(text: string): number[] {
  return (/\d+(?:\.\d+)*/.exec(text)?.[0] ?? '').split('.').map(Number);
}
