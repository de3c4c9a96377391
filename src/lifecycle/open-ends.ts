/**
 * What a run leaves open for later runs: a create or a deletion that Damoov may have applied, or that continues later. Decides what an
 * error proves, not how to react.
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
  /** The error that the operation threw. */
  error?: unknown;
  /** The record update, if the operation ended. */
  recordUpdate?: RecordUpdate | undefined;
  /** Whether a create was answered with a user before the error. */
  hasCreated?: boolean | undefined;
  /** Whether the deletion was authorized; before that, no DELETE was sent. */
  isAuthorized: boolean;
}

/** The record update after a run of this job. */
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
        ? // A look-up has to show whether the user still has its clientId.
          { ...recordUpdate, record: { ...recordUpdate.record, lastSeenAt: undefined }, mayHaveRenamed: true }
        : { ...recordUpdate, mayHaveRenamed: false };
    case 'move-user':
      return {
        ...recordUpdate,
        record: { ...recordUpdate.record, movingSince: openMove(record, end, nowMs) },
        mayHaveRenamed: mayHaveBeenApplied('move', end),
      };
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
 * The newest unsettled create: updates that find no user wait for it, and so does an older deletion. A newer create stays pending when
 * this one is settled.
 */
function openCreate({ pending }: UserRecord, version: Version, { outcome }: End): Version | undefined {
  if (!isSettled(outcome)) return newest(pending, version);
  return isOlder(version, pending) ? pending : undefined;
}

/** Whether a create may have made an unknown user, since when, and which one. */
function doubtAfter(
  { data }: CreateUserJob,
  record: UserRecord,
  end: End,
  nowMs: number,
): Pick<UserRecord, 'isInDoubt' | 'doubtSince' | 'doubtAbout'> {
  const { isInDoubt, doubtSince, doubtAbout } = record;
  if (end.recordUpdate !== undefined)
    return { isInDoubt: end.recordUpdate.record.isInDoubt, doubtSince, doubtAbout };
  const mayHaveCreated = end.hasCreated === true || mayHaveBeenApplied('create', end);
  if (!mayHaveCreated) return { isInDoubt, doubtSince, doubtAbout };
  const about = [...new Set([...(doubtAbout ?? []), askedFor(data.userId, record)])];
  return { isInDoubt: true, doubtSince: nowMs, doubtAbout: about };
}

/** Since when a move may have been sent that no run has settled. Once its job has failed, only look-ups show where the user is. */
function openMove({ movingSince }: UserRecord, end: End, nowMs: number): number | undefined {
  if (isSettled(end.outcome)) return undefined;
  return mayHaveBeenApplied('move', end) ? nowMs : movingSince;
}

/** An unexpected error proves nothing. */
function mayHaveBeenApplied(operation: DamoovOperation, { error }: End): boolean {
  if (error === undefined) return false;
  return !(error instanceof DamoovError) || (error.operation === operation && error.mayHaveBeenApplied);
}

/** Since when an unconfirmed deletion may have been sent; 0 if its job failed: no later run confirms it. */
function openDeletion({ deletingSince }: UserRecord, end: End, nowMs: number): number | undefined {
  const { outcome } = end;
  if (deletingSince === undefined && !mayHaveDeleted(end)) return undefined;
  if (outcome.status === 'failed') return 0;
  return isSettled(outcome) ? undefined : (deletingSince ?? nowMs);
}

/** Every failed request of an authorized run may come after the DELETE, except a request that was never sent. */
function mayHaveDeleted({ outcome, error, isAuthorized }: End): boolean {
  if (!isAuthorized) return false;
  if (error instanceof DamoovError) return !OUTSIDE.has(error.operation) && error.kind !== 'no-admin';
  const isUnconfirmed = outcome.status === 'failed' && outcome.code === 'retries-exhausted';
  return outcome.status === 'retry' || outcome.status === 'wait' || isUnconfirmed || error !== undefined;
}

const OUTSIDE: ReadonlySet<DamoovError['operation']> = new Set(['login', 'refresh']);
