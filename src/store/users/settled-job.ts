/**
 * Converts a settled job to its form in Redis, and back; adds the receipt of a deletion.
 */
import { z } from 'zod';
import { UserEvent } from '../../contract/event.ts';
import { isKeyedJobId } from '../../contract/job-options.ts';
import type { Settled } from '../../contract/outcome.ts';
import type { Receipt } from '../../contract/receipt.ts';
import type { Link } from '../receipts/receipt-chain.ts';
import { type Version, isOlder } from '../../contract/version.ts';
import { KEEP_TOKENS_S, type UserTokens, userTokensKey } from './user-tokens.ts';
import {
  type SettledJob,
  type Settlement,
  type Unchained,
  StoredOutcome,
} from '../../lifecycle/ports/user-state.ts';
import { fieldOf } from './outcome-counts.ts';
import { versionIn } from './record-fields.ts';

/** A stored outcome outlives every redelivery; it is removed when its job has completed. */
const KEEP_OUTCOME_S = 7 * 24 * 3600;
/** With an idempotency key it stays longer, for a caller that repeats the request after the queue removed the job. */
const KEEP_KEYED_S = 24 * 3600;

/** Signs a receipt with the key that it names. */
export type Sign = (statement: Unchained & Link) => Receipt;

/** Whether a later job with the same id is the same request, and ends with the same outcome. */
function isKeptFor({ outcome }: Settlement, jobId: string): boolean {
  return outcome.status !== 'failed' && isKeyedJobId(jobId);
}

/** The argument of settle.lua about the job's outcome. */
export function endOf(settlement: Settlement, jobId: string, prefix: string): object {
  const { outcome, event } = settlement;
  const isKept = isKeptFor(settlement, jobId);
  return {
    keepOutcome: isKept ? KEEP_KEYED_S : KEEP_OUTCOME_S,
    isKept,
    hasFailed: outcome.status === 'failed',
    count: fieldOf(event),
    tokens: tokensOf(settlement, prefix),
  };
}

/** The outcome and the event as stored. */
export function linesOf({ outcome, attempts, event, statement }: Settlement): [string, string] {
  const kept = { outcome: withoutSecrets(outcome), attempts, at: Date.parse(event.time) };
  return [JSON.stringify({ ...kept, statement }), JSON.stringify(event)];
}

/** A job settled by this run. */
export function settledNow(
  settlement: Settlement,
  jobId: string,
  {
    older,
    sequence,
    previous,
    user,
  }: { older: readonly string[]; sequence: string; previous: string; user: string },
  sign: Sign,
): SettledJob {
  const { outcome, attempts, event, statement } = settlement;
  const settled = {
    kept: { outcome: withoutSecrets(outcome), attempts, at: Date.parse(event.time) },
    event,
    user,
    isKept: isKeptFor(settlement, jobId),
    olderFailed: erasableOf(older),
  };
  return attested(settled, statement, { sequence: Number(sequence), previous }, sign);
}

/** A job settled by an earlier run, in the format of stored-outcome.lua. */
export function settledBefore(text: string, older: readonly string[], sign: Sign): SettledJob {
  const [who = '', outcome = '', event = ''] = text.split('\n');
  const { user, isKept, ...link } = StoredRun.parse(JSON.parse(who));
  const { statement, ...kept } = OutcomeLine.parse(JSON.parse(outcome));
  const settled = {
    kept,
    event: event === '' ? undefined : UserEvent.parse(JSON.parse(event)),
    user,
    isKept,
    olderFailed: erasableOf(older),
  };
  return attested(settled, statement, link, sign);
}

const StoredRun = z.object({
  user: z.string(),
  isKept: z.boolean().default(false),
  sequence: z.coerce.number(),
  previous: z.string(),
});
const OutcomeLine = StoredOutcome.extend({
  // A worker of ours wrote it.
  statement: z.custom<Unchained>((value) => typeof value === 'object' && value !== null).optional(),
});

/** Adds the receipt to a deletion, once the receipt has its place. */
function attested(settled: SettledJob, statement: Unchained | undefined, link: Link, sign: Sign): SettledJob {
  const { kept, event } = settled;
  if (statement === undefined) return settled;
  const receipt = sign({ ...statement, ...link });
  return {
    ...settled,
    kept: StoredOutcome.parse({ ...kept, outcome: { ...kept.outcome, receipt } }),
    event: event?.type === 'user.deleted' ? { ...event, data: { ...event.data, receipt } } : event,
  };
}

/** The versions of failed jobs that are older than the deletion. */
function erasableOf([deleted, ...failed]: readonly string[]): Version[] {
  const deletion = versionIn(deleted);
  return failed.flatMap((text) => versionIn(text) ?? []).filter((version) => isOlder(version, deletion));
}

function withoutSecrets(outcome: Settled): Settled {
  if (!('accessToken' in outcome) && !('refreshToken' in outcome)) return outcome;
  const { accessToken: _secret, refreshToken: _secretToo, ...rest } = outcome;
  return rest;
}

/** The tokens of a sign-up; a deletion removes them. */
function tokensOf({ event }: Settlement, prefix: string): object | undefined {
  const { type, data } = event;
  if (data.userId === undefined) return undefined;
  if (type === 'user.deleted') return { key: userTokensKey(prefix, data.userId) };
  if (type !== 'user.created') return undefined;
  const { userId, jobId, accessToken, refreshToken } = data;
  if (accessToken === undefined && refreshToken === undefined) return undefined;
  const value: UserTokens = { jobId, accessToken, refreshToken };
  const key = userTokensKey(prefix, userId);
  return { key, value: JSON.stringify(value), keepSeconds: KEEP_TOKENS_S };
}
