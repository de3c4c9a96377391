/**
 * Turns a request into a job's data, validated against the contract before anything is sent.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { durationMsOf, instantMsOf } from '../contract/duration.ts';
import {
  type CreateUserData,
  type DeleteUserData,
  type JobName,
  type MoveUserData,
  type UpdateUserData,
  parseJobText,
} from '../contract/job.ts';
import { keyedJobId } from '../contract/job-options.ts';
import { dueFaultOf } from '../store/deletions/deletions.ts';

/** `occurredAt` may be a Date. */
type Request<Data> = Omit<Data, 'occurredAt'> & {
  /** When it happened at the source: a Date, or ISO 8601 with a zone. Default: when the job is added. */
  occurredAt?: string | Date | undefined;
};

export interface AddOptions {
  /**
   * Equal requests with the same key are added once: use a key to repeat a call safely. Another request with the key is another job
   * (`occurredAt` and `correlationId` do not count). The key is valid until 24 hours after the job's end: until then a repeated call gets
   * the first result, and nothing is carried out. A failed job keeps its key as long as the job is stored. Default: a new key for each
   * call, which makes its own retries safe.
   */
  idempotencyKey?: string | undefined;
  /** Marks a bulk job: workers take it after all other jobs. Default false. `createMany` sets it. */
  isBulk?: boolean | undefined;
}

/** Creates the user, or finds the existing one. Without a `clientId` each call creates a new user. */
export type CreateUser = Request<z.input<typeof CreateUserData>>;
/** A profile change: only the named fields change, `null` clears one. Needs `clientId` or `userId`. */
export type UpdateUser = Request<z.input<typeof UpdateUserData>>;
/** Names a user. Needs `clientId` or `userId`. */
export type OfUser = Omit<UpdateUser, 'changes'>;
/** Moves the user to the configured instance `toInstance`. Needs `clientId` or `userId`. */
export type MoveUser = Request<z.input<typeof MoveUserData>>;
/** A closed account. Needs `clientId` or `userId`; if both are given, they must belong together. */
export type DeleteUser = Omit<z.input<typeof DeleteUserData>, 'occurredAt'>;

/** When a deletion is due; at once if neither is given. A given property must not be undefined. */
export interface Due {
  /** After this time: `90s`, `45m`, `12h`, `30d`, `2w`, or milliseconds. */
  in?: string | number;
  /** At this time: a Date, or ISO 8601 with a zone. */
  at?: string | Date;
}

/** How a deletion is requested. */
export interface DeleteOptions extends Due {
  /** Moves a pending deletion to this time. Default false: that stays as it is. */
  reschedules?: boolean;
  /** Suspends the user until then, and resumes it if the deletion is cancelled or the user signs up again. Default false. */
  suspends?: boolean;
}

/** A request that no worker would carry out: it was not added. The message names every fault, and never a value. */
export class InvalidJobError extends Error {
  override readonly name = 'InvalidJobError';
  /** Index of the row in the input, from 0; the message counts from 1. Undefined for a single request. */
  readonly index: number | undefined;

  constructor(faults: string, index?: number) {
    super(`${index === undefined ? '' : `row ${index + 1}: `}${faults}`);
    this.index = index;
  }
}

export interface CheckedJob {
  name: JobName;
  /** The queue gets its JSON. */
  data: Record<string, unknown>;
}

/**
 * Checks a request against the contract.
 * @throws InvalidJobError
 */
export function checked(name: JobName, request: object | undefined, index?: number): CheckedJob {
  const text = jsonOf(request, index);
  const parsed = parseJobText(name, text);
  if (!parsed.ok) throw new InvalidJobError(parsed.invalid.message, index);
  const data: Record<string, unknown> = JSON.parse(text);
  return { name, data };
}

/** As JSON, because a worker will read JSON. */
function jsonOf(request: unknown, index: number | undefined): string {
  try {
    return JSON.stringify(request ?? null);
  } catch {
    throw new InvalidJobError('the data cannot be written as JSON', index);
  }
}

/**
 * A unique job id. With an idempotency key, equal keys and requests give equal ids, and the id reveals neither. `occurredAt` and
 * `correlationId` do not count.
 * @throws InvalidJobError for an invalid key: an empty one would merge all jobs into one.
 */
export function jobIdOf(
  { name, data }: CheckedJob,
  idempotencyKey: string | undefined,
  index?: number,
): string {
  if (idempotencyKey === undefined) return randomUUID();
  if (typeof idempotencyKey !== 'string' || idempotencyKey.trim() === '') {
    throw new InvalidJobError('idempotencyKey: must be a text that is not blank', index);
  }
  const { occurredAt: _at, correlationId: _id, instance = 'default', ...request } = data;
  const of = JSON.stringify([name, instance, idempotencyKey, sorted(request)]);
  return keyedJobId(createHash('sha256').update(of).digest('base64url').slice(0, 27));
}

/**
 * A mistyped option would be ignored silently, and its protection lost.
 * @throws InvalidJobError
 */
export function refuseUnknown(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new InvalidJobError(`${unknown.join(', ')}: no such option; there are ${known.join(', ')}`);
}

/** Equal for equal fields, in any order. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([name, field]) => [name, sorted(field)])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

/**
 * What is asked for with a deletion; its due time in epoch milliseconds.
 * @throws InvalidJobError
 */
export function parseDeletion({ reschedules = false, suspends = false, ...due }: DeleteOptions, now: number) {
  const dueAt = parseDue(due, now);
  if (suspends && dueAt <= now) throw new InvalidJobError('suspends: needs in or at, in the future');
  return { dueAt, reschedules, suspends };
}

/**
 * Its due time, in epoch milliseconds.
 * @throws InvalidJobError
 */
export function parseDue(due: Due, now: number): number {
  refuseUnknown(due, ['in', 'at', 'reschedules', 'suspends']);
  // An unset variable must not turn a deferred deletion into an immediate one.
  for (const [name, value] of Object.entries(due)) {
    if (value === undefined)
      throw new InvalidJobError(`${name}: is undefined: leave it out to delete at once`);
  }
  const dueAt = parseInstant(due, now);
  const fault = dueFaultOf(dueAt);
  if (fault !== undefined) throw new InvalidJobError(fault);
  return dueAt;
}

function parseInstant({ in: span, at }: Due, now: number): number {
  if (span !== undefined && at !== undefined)
    throw new InvalidJobError('in, at: only one of them may be given');
  if (span !== undefined) {
    const ms = typeof span === 'string' ? durationMsOf(span) : span;
    if (typeof ms !== 'number' || !(ms >= 0 && ms < Infinity)) {
      throw new InvalidJobError(
        'in: must be a number of milliseconds, or one with a unit, such as 12h or 30d',
      );
    }
    return now + ms;
  }
  if (at === undefined) return now;
  const ms = typeof at === 'string' ? instantMsOf(at) : at instanceof Date ? at.getTime() : undefined;
  if (ms === undefined || Number.isNaN(ms)) {
    throw new InvalidJobError('at: must be a Date, or ISO 8601 with a zone, such as 2027-01-31T12:00:00Z');
  }
  return ms;
}
