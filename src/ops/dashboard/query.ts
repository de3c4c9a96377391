/**
 * Reads the query of a page's address, and refuses with every fault at once what the page does not know.
 */
import { z } from 'zod';
import { InputFault } from './input-fault.ts';

/**
 * @param shape the names that the page knows, each with a schema whose message says what it may be.
 * @throws InputFault
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
  if (faults.length > 0 || !read.success) throw new InputFault(faults);
  return read.data;
}

/** How many are passed over before the page begins. */
export const Skipped = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a number from 0 to 999999999')
  .transform(Number)
  .default(0);

export const Id = z.string().regex(/\S/, 'must not be empty');

/** A day of the calendar, in UTC. */
export const Day = z
  .string()
  .refine((text) => /^\d{4}-\d\d-\d\d$/.test(text) && isDay(text), 'must be a day such as 2027-01-31');

function isDay(text: string): boolean {
  const begin = new Date(text);
  return !Number.isNaN(begin.getTime()) && begin.toISOString().startsWith(text);
}

/** One of these words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(
  words: Words,
): z.ZodEnum<{ [Word in Words[number]]: Word }> {
  return z.enum(words, { error: `must be one of ${words.join(', ')}` });
}
