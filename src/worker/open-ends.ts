/**
 * What a run leaves open for the runs after it: a create or a deletion that may have been carried out, or that goes on
 * later. Knows what an error proves, not what is done about it.
 */
import type { UserJob } from '../contract/job.ts';
import { type Outcome, isSettled } from '../contract/outcome.ts';
import { type Version, isOlder, newest } from '../contract/version.ts';
import { DamoovError, type DamoovOperation } from '../damoov/errors.ts';
import type { AuthorizedDelete, Learnt, UserRecord } from '../operations/context.ts';

/** How a run ended. */
export interface End {
  outcome: Outcome;
  /** What the operation threw. */
  error?: unknown;
  /** What it learnt of the user, where it came to an end. */
  learnt?: Learnt | undefined;
  /** What the deletion was authorized to do: before that, nothing was sent that could delete. */
  committed?: AuthorizedDelete | undefined;
}

/** What is to be remembered of the user after a run of this job. */
export function leaveOpen(
  job: UserJob,
  version: Version,
  record: UserRecord,
  end: End,
  nowMs: number,
): Learnt {
  const { learnt = { record } } = end;
  switch (job.name) {
    case 'update-user':
      return { ...learnt, mayHaveRenamed: mayHaveBeenApplied('update', end) };
    case 'create-user': {
      const isInDoubt =
        end.learnt === undefined
          ? record.isInDoubt || mayHaveBeenApplied('create', end)
          : learnt.record.isInDoubt;
      const pending = openCreate(record, version, end);
      return { ...learnt, record: { ...learnt.record, isInDoubt, pending } };
    }
    case 'delete-user': {
      const deletingSince = openDeletion(record, end, nowMs);
      // Once a look-up has shown the user, that it was made lately is no proof of it any more.
      const wasSeen = end.learnt === undefined && end.committed === 'sends';
      const madeAt = wasSeen ? undefined : learnt.record.madeAt;
      return { ...learnt, record: { ...learnt.record, madeAt, deletingSince } };
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
function mayHaveDeleted({ outcome, error, committed }: End): boolean {
  if (committed === undefined || committed === 'sends nothing') return false;
  if (error instanceof DamoovError) return !OUTSIDE.has(error.operation) && error.kind !== 'no-admin';
  const isUnconfirmed = outcome.status === 'failed' && outcome.code === 'retries-exhausted';
  return outcome.status === 'retry' || outcome.status === 'wait' || isUnconfirmed || error !== undefined;
}

const OUTSIDE: ReadonlySet<DamoovError['operation']> = new Set(['login', 'refresh']);
