/**
 * Reads the query of a page's address, and refuses with every fault at once what the page does not know.
 */
import { z } from 'zod';

/** The faults of a query, each a sentence. */
export class QueryFault extends Error {
  override readonly name = 'QueryFault';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super('the query has faults');
    this.faults = faults;
  }
}

/**
 * @param shape the names that the page knows, each with a schema whose message says what it may be.
 * @throws QueryFault
 */
export function queryIn<Shape extends Record<string, z.ZodType>>(
  url: string,
  shape: Shape,
): z.output<z.ZodObject<Shape>> {
  const given = [...new URL(url).searchParams];
  const known = Object.keys(shape);
  const names = given.map(([name]) => name);
  const strangers = new Set(names.filter((name) => !known.includes(name)));
  const repeated = new Set(names.filter((name, at) => known.includes(name) && names.indexOf(name) < at));
  const read = z.object(shape).safeParse(Object.fromEntries(given));
  const faults = [
    ...[...strangers].map(
      (name) => `${JSON.stringify(name)} is not known here (known: ${known.join(', ')}).`,
    ),
    ...[...repeated].map((name) => `${name} is given twice.`),
    ...(read.error?.issues ?? []).map(({ path, message }) => `${path.join('.')} ${message}.`),
  ];
  if (faults.length > 0 || !read.success) throw new QueryFault(faults);
  return read.data;
}

/** The number of a page, from 1. */
export const PageNumber = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'must be a page number from 1')
  .transform(Number)
  .default(1);

/** One of these words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(
  words: Words,
): z.ZodEnum<{ [Word in Words[number]]: Word }> {
  return z.enum(words, { error: `must be one of ${words.join(', ')}` });
}
