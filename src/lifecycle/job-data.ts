/**
 * The data of a job in its three forms: as added, encrypted once the job failed, reduced to ids once it is done.
 * Reads each form and builds the data to keep.
 */
import { z } from 'zod';
import {
  type JobReference,
  type ParsedJob,
  parseJobText,
  refuseLarge,
  referenceOfText,
} from '../contract/job.ts';
import type { Delivery } from './delivery.ts';
import { ENCRYPTED, type JobCipher, erased } from './encryption.ts';
import { StoredOutcome } from './ports/user-state.ts';

/** A job as it was added, even if its data was reduced since. */
export interface ReadJob {
  name: string;
  parsed: ParsedJob;
  /** The data as stored in the queue, if it is encrypted. */
  encrypted?: string;
  /** Its user was deleted later: only its ids remain. */
  isErased?: true;
  /** The earlier outcome, if the job was retried by hand or its run was interrupted before the queue was updated. */
  ended?: StoredOutcome;
}

const Ids = z.strictObject({
  clientId: z.string().optional(),
  userId: z.string().optional(),
  instance: z.string().optional(),
  correlationId: z.string().optional(),
  occurredAt: z.string().optional(),
});
const EncryptedData = Ids.extend({ encrypted: z.string().regex(ENCRYPTED) });
const EndedData = Ids.extend({ ended: StoredOutcome, proof: z.string() });

/** The encrypted text. It includes the job name, which may hold personal data. */
const Plaintext = z.object({ name: z.string(), text: z.string() });

/**
 * Reads a job's name and data; decrypts the data if needed.
 * @param now the current time for checking its times, in epoch milliseconds.
 */
export function readJob(
  job: Pick<Delivery, 'id' | 'name' | 'text' | 'timestamp' | 'tooLargeBytes'>,
  cipher: JobCipher,
  now: number,
): ReadJob {
  const { id, name, text, timestamp, tooLargeBytes } = job;
  if (tooLargeBytes !== undefined) return { name, parsed: refuseLarge(tooLargeBytes) };
  const clock = { now, timestamp };
  const ended = text.includes('"ended"') ? read(EndedData, text) : undefined;
  if (ended !== undefined && cipher.isProven(id, proven(timestamp, ended.ended), ended.proof))
    return { name, parsed: refused('it has ended', text), ended: ended.ended };
  const encrypted = text.includes('"encrypted"') ? read(EncryptedData, text)?.encrypted : undefined;
  if (encrypted === undefined) return { name, parsed: parsedOf(name, text, clock) };
  const opened = cipher.decrypt(id, encrypted);
  if (opened === 'erased') return { name, parsed: refused('the data is erased', text), isErased: true };
  if (opened === undefined) return { name, parsed: refused(LOCKED, text), encrypted: text };
  const added = Plaintext.parse(JSON.parse(opened.text));
  return { name: added.name, parsed: parsedOf(added.name, added.text, clock), encrypted: text };
}

function parsedOf(name: string, text: string, clock: { now: number; timestamp: number }): ParsedJob {
  return text === '' ? refused(GONE, '') : parseJobText(name, text, clock);
}

const GONE = 'Redis keeps no data of the job: it was removed while it waited';
const LOCKED = 'unknown key "encrypted": no configured secret can decrypt it';

/**
 * Returns the data that the queue keeps of an ended job; undefined if unchanged. A failed job can be retried, so its data is kept
 * encrypted, unless it was too large; any other job keeps its ids and its outcome.
 */
export function retainedDataOf(
  kept: StoredOutcome,
  { name, parsed, encrypted, isErased, ended }: ReadJob,
  { id, timestamp, text }: Pick<Delivery, 'id' | 'timestamp' | 'text'>,
  cipher: JobCipher,
): unknown {
  if (ended !== undefined) return undefined;
  const { clientId, userId, instance, correlationId, occurredAt } = referenceOf(parsed);
  const ids = { clientId, userId, instance, correlationId, occurredAt };
  if (kept.outcome.status !== 'failed' || isErased)
    return { ...ids, ended: kept, proof: cipher.prove(id, proven(timestamp, kept), instance) };
  if (encrypted !== undefined) return undefined;
  // This text replaces the data and is no valid job, so a retry fails again.
  if (!parsed.ok && parsed.invalid.isTooLarge) return `${parsed.invalid.message}: it is not kept`;
  return { ...ids, encrypted: cipher.encrypt(id, JSON.stringify({ name, text }), instance) };
}

/** Another job may reuse the id at another time. */
function proven(timestamp: number, kept: StoredOutcome): string {
  return JSON.stringify([timestamp, kept]);
}

/** Removes the encrypted data, because the user was deleted. */
export function erasedOf(retainedData: unknown): unknown {
  const data = EncryptedData.safeParse(retainedData).data;
  return data === undefined ? retainedData : { ...data, encrypted: erased(data.encrypted) };
}

/** The ids and the time of the job, as far as they can be read. */
export function referenceOf(parsed: ParsedJob): { [Key in keyof JobReference]: string | undefined } {
  return parsed.ok ? parsed.job.data : parsed.invalid.reference;
}

function read<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
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
