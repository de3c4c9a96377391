/**
 * What a run leaves open for the runs after it: a create or a deletion that may have been carried out, or that goes on
 * later. Knows what an error proves, not what is done about it.
 */
import type { CreateUserJob, UserJob } from '../contract/job.ts';
import { type Outcome, isSettled } from '../contract/outcome.ts';
import { type Version, isOlder, newest } from '../contract/version.ts';
import { DamoovError, type DamoovOperation } from '../damoov/errors.ts';
import type { RecordUpdate, UserRecord } from '../operations/context.ts';
import { askedFor } from '../operations/derive-user-id.ts';

/** How a run ended. */
export interface End {
  outcome: Outcome;
  /** What the operation threw. */
  error?: unknown;
  /** What it learned of the user, where it came to an end. */
  recordUpdate?: RecordUpdate | undefined;
  /** Whether the deletion was let go: before that, nothing was sent that could delete. */
  isAuthorized: boolean;
}

/** What is to be remembered of the user after a run of this job. */
export function leaveOpen(
  job: UserJob,
  version: Version,
  record: UserRecord,
  end: End,
  nowMs: number,
): RecordUpdate {
  const { recordUpdate = { record } } = end;
  switch (job.name) {
    case 'update-user':
      return mayHaveBeenApplied('update', end) && job.data.changes.clientId !== undefined
        ? // Whether the user still bears its clientId has to be looked up.
          { ...recordUpdate, record: { ...recordUpdate.record, madeAt: undefined }, mayHaveRenamed: true }
        : { ...recordUpdate, mayHaveRenamed: false };
    case 'create-user': {
      const pending = openCreate(record, version, end);
      return {
        ...recordUpdate,
        record: { ...recordUpdate.record, ...doubtAfter(job, record, end, nowMs), pending },
      };
    }
    case 'delete-user': {
      const deletingSince = openDeletion(record, end, nowMs);
      return { ...recordUpdate, record: { ...recordUpdate.record, deletingSince } };
    }
  }
}

/**
 * The newest create that goes on: updates that find no user wait for it, and so does a deletion that is older. One that has
 * begun meanwhile goes on although this one is settled.
 */
function openCreate({ pending }: UserRecord, version: Version, { outcome }: End): Version | undefined {
  if (!isSettled(outcome)) return newest(pending, version);
  return isOlder(version, pending) ? pending : undefined;
}

/** Whether a create may have made a user of whom nobody knows, since when, and which one. */
function doubtAfter(
  { data }: CreateUserJob,
  record: UserRecord,
  end: End,
  nowMs: number,
): Pick<UserRecord, 'isInDoubt' | 'doubtSince' | 'doubtAbout'> {
  const { isInDoubt, doubtSince, doubtAbout } = record;
  if (end.recordUpdate !== undefined)
    return { isInDoubt: end.recordUpdate.record.isInDoubt, doubtSince, doubtAbout };
  if (!mayHaveBeenApplied('create', end)) return { isInDoubt, doubtSince, doubtAbout };
  const about = [...new Set([...(doubtAbout ?? []), askedFor(data.userId, record)])];
  return { isInDoubt: true, doubtSince: nowMs, doubtAbout: about };
}

/** An error that nobody foresaw proves nothing. */
function mayHaveBeenApplied(operation: DamoovOperation, { error }: End): boolean {
  if (error === undefined) return false;
  return !(error instanceof DamoovError) || (error.operation === operation && error.mayHaveBeenApplied);
}

/** Since when a deletion may be out that nobody has confirmed; 0 where its job has failed, and nobody will. */
function openDeletion({ deletingSince }: UserRecord, end: End, nowMs: number): number | undefined {
  const { outcome } = end;
  if (deletingSince === undefined && !mayHaveDeleted(end)) return undefined;
  if (outcome.status === 'failed') return 0;
  return isSettled(outcome) ? undefined : (deletingSince ?? nowMs);
}

/** Any request of the run may have failed behind the deletion, but for one that was never let in. */
function mayHaveDeleted({ outcome, error, isAuthorized }: End): boolean {
  if (!isAuthorized) return false;
  if (error instanceof DamoovError) return !OUTSIDE.has(error.operation) && error.kind !== 'no-admin';
  const isUnconfirmed = outcome.status === 'failed' && outcome.code === 'retries-exhausted';
  return outcome.status === 'retry' || outcome.status === 'wait' || isUnconfirmed || error !== undefined;
}

const OUTSIDE: ReadonlySet<DamoovError['operation']> = new Set(['login', 'refresh']);
