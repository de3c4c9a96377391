/**
 * What the data of a job may be, and becomes: as it was added, sealed once it has failed, its ids alone once it is done with.
 * Reads each, and says what is kept; knows neither the queue nor the cipher.
 */
import { z } from 'zod';
import {
  type JobReference,
  type ParsedJob,
  isJobName,
  parseJobText,
  refuseLarge,
  referenceOfText,
} from '../contract/job.ts';
import type { Settled } from '../contract/outcome.ts';
import type { Delivery } from './delivery.ts';
import { SEALED, type Seal } from './seal.ts';

/** A job as it was added, whatever has become of its data since. */
export interface ReadJob {
  name: string;
  parsed: ParsedJob;
  /** The data as it lies in the queue, where it is sealed. */
  sealed?: string;
  /** Its user was deleted after it: nothing but its ids is left, and it has nothing to say any more. */
  isErased?: true;
}

/** What is left in the queue of a job that is settled. */
export interface Remains {
  /** `unknown` for a name that is no job's: it may be anything. */
  name: string;
  data: string;
}

const SealedData = z.strictObject({
  clientId: z.string().optional(),
  userId: z.string().optional(),
  instance: z.string().optional(),
  correlationId: z.string().optional(),
  occurredAt: z.string().optional(),
  sealed: z.string().regex(SEALED),
});

/** What was sealed: the name too, which may have been anything. */
const Sealable = z.object({ name: z.string(), text: z.string() });

/**
 * Reads a job's name and data; opens it where it is sealed.
 * @param now the clock that its times are judged by, in epoch milliseconds.
 */
export function readJob(
  job: Pick<Delivery, 'id' | 'name' | 'text' | 'timestamp' | 'tooLargeBytes'>,
  seal: Seal,
  now: number,
): ReadJob {
  const { id, name, text, timestamp, tooLargeBytes } = job;
  if (tooLargeBytes !== undefined) return { name, parsed: refuseLarge(tooLargeBytes) };
  const clock = { now, timestamp };
  const sealed = text.includes('"sealed"') ? sealedIn(text) : undefined;
  if (sealed === undefined) return { name, parsed: parsedOf(name, text, clock) };
  const opened = seal.open(id, sealed);
  if (opened === 'erased') return { name, parsed: refused('the data is erased', text), isErased: true };
  if (opened === undefined) return { name, parsed: refused(LOCKED, text), sealed: text };
  const added = Sealable.parse(JSON.parse(opened.text));
  return { name: added.name, parsed: parsedOf(added.name, added.text, clock), sealed: text };
}

function parsedOf(name: string, text: string, clock: { now: number; timestamp: number }): ParsedJob {
  return text === '' ? refused(GONE, '') : parseJobText(name, text, clock);
}

const GONE = 'Redis keeps no data of the job: it was removed while it waited';
const LOCKED = 'unknown key "sealed": no secret that is configured has sealed it, so it cannot be opened';

/**
 * What is kept of a job that ends so. One that failed can be run again, and so keeps all it said, sealed, unless it was too large;
 * any other keeps its ids, of which a repeated delivery makes the same event.
 */
export function remainsOf(
  outcome: Settled,
  { name, parsed, sealed, isErased }: ReadJob,
  { id, text }: Pick<Delivery, 'id' | 'text'>,
  seal: Seal,
): Remains {
  const { clientId, userId, instance, correlationId, occurredAt } = referenceOf(parsed);
  const ids = { clientId, userId, instance, correlationId, occurredAt };
  const kept = isJobName(name) ? name : 'unknown';
  if (outcome.status !== 'failed' || isErased) return { name: kept, data: JSON.stringify(ids) };
  if (sealed !== undefined) return { name: kept, data: sealed };
  // What says so in place of the data is no job either: it must not become one where it is retried.
  if (!parsed.ok && parsed.invalid.isTooLarge)
    return { name: kept, data: JSON.stringify(`${parsed.invalid.message}: it is not kept`) };
  return {
    name: kept,
    data: JSON.stringify({ ...ids, sealed: seal.seal(id, JSON.stringify({ name, text }), instance) }),
  };
}

/** Whose job it is and when it happened, as far as it can be read. */
export function referenceOf(parsed: ParsedJob): { [Key in keyof JobReference]: string | undefined } {
  return parsed.ok ? parsed.job.data : parsed.invalid.reference;
}

function sealedIn(text: string): string | undefined {
  try {
    return SealedData.safeParse(JSON.parse(text)).data?.sealed;
  } catch {
    return undefined;
  }
}

function refused(message: string, text: string): ParsedJob {
  return {
    ok: false,
    invalid: { message, faults: [{ path: '', message }], reference: referenceOfText(text) },
  };
}
