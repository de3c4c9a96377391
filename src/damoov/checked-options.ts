/**
 * Validates the options of a library's caller.
 */
import { z } from 'zod';

/** @throws TypeError that names every fault, and repeats no value: it may be a secret. */
export function checkedOptions<Schema extends z.ZodType>(schema: Schema, options: unknown): z.output<Schema> {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const faults = faultsIn(parsed.error).map(
    ({ path, message }) => `${path.join('.') || 'options'}: ${message}`,
  );
  throw new TypeError(faults.join('; '));
}

export function faultsIn({ issues }: z.ZodError): { path: PropertyKey[]; message: string }[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, message: issue.message }];
    // A mistyped option would be ignored silently.
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'no such option' }));
  });
}

export const Text = z.string('must be a text').min(1, 'must not be empty');

/** The maximum of Node's timers, in milliseconds: they treat longer and invalid times as 1. */
const LONGEST_MS = 2 ** 31 - 1;

const isMs = (value: unknown) => typeof value === 'number' && value >= 0 && value <= LONGEST_MS;

export const Ms = z.custom<number>(isMs, `must be a number of milliseconds up to ${LONGEST_MS}`);
export const MsOrEver = z.custom<number>(
  (value) => value === Infinity || isMs(value),
  `must be a number of milliseconds up to ${LONGEST_MS}, or Infinity`,
);

export function wholeNumber(least: number, most = LONGEST_MS) {
  return z.custom<number>(
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
    `must be a whole number from ${least} to ${most}`,
  );
}

export function callback<Callback>(message = 'must be a function') {
  return z.custom<Callback>((value) => typeof value === 'function', message);
}

/** An object of the caller, with at least these members. */
export function objectWith<Members extends object>(...names: (keyof Members & string)[]) {
  return z.custom<Members>(
    (value) => typeof value === 'object' && value !== null && names.every((name) => name in value),
    `must be an object with ${names.join(', ')}`,
  );
}
