/**
 * Asks a real Damoov what its documentation leaves open, on an instance whose users are nobody's. Knows the order of the questions
 * and that everything it made is deleted in the end; what follows from the answers is judged elsewhere.
 */
import type { DamoovClient, DamoovInstance } from '../../damoov/client.ts';
import { DamoovError } from '../../damoov/errors.ts';
import { askChanges, askClientIdForm } from './changes.ts';
import type { Facts } from './facts.ts';
import { askIdentity } from './identity.ts';
import { type Leftovers, OwnUsers, type ProbeClock } from './own-users.ts';
import { ProbeFailed } from './observation.ts';
import { askRefusals } from './refusals.ts';

export interface ProbeOptions {
  /** With an admin. */
  client: Pick<DamoovClient, 'request' | 'updateUser' | 'deleteUser' | 'findUsers' | 'page'>;
  instance: DamoovInstance;
  triesWrongKey: boolean;
  /** How many users the instance may have; undefined if nobody has said, and then it has to be known. */
  mostUsers: number | undefined;
  /** How long a write may take to be seen, in milliseconds. */
  patienceMs: number;
  clock: ProbeClock;
  /** Ends the questions; then comes the cleaning up. */
  signal: AbortSignal;
  /** Ends the cleaning up. */
  cleanUpSignal: AbortSignal;
  /** Told what is done now, and once how the users of this run can be recognised. */
  onStep: (step: string) => void;
}

export interface ProbeEnd {
  /** Undefined if it failed. */
  facts?: Facts;
  failure?: Error;
  leftovers: Leftovers;
}

/** A test instance has a handful of users; more look like somebody's. */
export const MOST_USERS = 50;

/** Never rejects: what went wrong is told beside what it has left behind. */
export async function probe(options: ProbeOptions): Promise<ProbeEnd> {
  const { onStep, signal, cleanUpSignal, patienceMs } = options;
  const own = new OwnUsers(options);
  let asked: Pick<ProbeEnd, 'facts' | 'failure'>;
  try {
    await refuseWhereUsersLive(options);
    onStep(`the users of this probe have the last name ${own.mark}`);
    asked = { facts: await ask(own, options) };
  } catch (error) {
    asked = { failure: asError(signal.aborted ? signal.reason : error) };
  }
  const { mark } = own;
  if (!own.hasCreated) return { ...asked, leftovers: { mark, userIds: [], isInDoubt: false } };
  onStep('deleting what the probe has made');
  const lagMs =
    asked.facts === undefined ? 0 : Math.max(0, ...Object.values(asked.facts.findLagMs).map(Number));
  const withinMs = Math.min(patienceMs, Math.max(CLEAN_UP_MS, 2 * lagMs));
  try {
    return { ...asked, leftovers: await own.removeAll(cleanUpSignal, withinMs) };
  } catch (error) {
    const failure = asked.failure ?? asError(cleanUpSignal.aborted ? cleanUpSignal.reason : error);
    return { ...asked, failure, leftovers: { mark, userIds: own.mayBeLeft, isInDoubt: true } };
  }
}

/** How long a deletion may take to be seen when cleaning up, and a user nobody has told us of to appear. */
const CLEAN_UP_MS = 10_000;

/** Also the first request of the admin: nobody is made before it is sure that they can be deleted again. */
async function refuseWhereUsersLive(options: ProbeOptions): Promise<void> {
  const most = options.mostUsers ?? MOST_USERS;
  const count = await countUsers(options);
  if (typeof count === 'number' && count > most) {
    throw new ProbeFailed(
      `the instance has ${count} users, more than ${most}, and does not look disposable: no user was created ` +
        `(--even-with-users ${count}, if it is)`,
    );
  }
  if (typeof count === 'string' && options.mostUsers === undefined) {
    throw new ProbeFailed(
      `the number of users in the instance is unknown, and no user was created: ${count} (--even-with-users, if it is disposable)`,
    );
  }
}

/** Inactive users count. Answers why where Damoov does not tell. */
async function countUsers({ client, instance, signal }: ProbeOptions): Promise<number | string> {
  const query = { pageNumber: 1, pageSize: 1, instanceIds: [instance.id], includeInactive: true };
  try {
    return (await client.page(query, { signal })).totalUsers;
  } catch (error) {
    const isAnswer = error instanceof DamoovError && error.operation === 'page' && NOT_TOLD.has(error.kind);
    if (!isAnswer) throw error;
    return error.message;
  }
}
const NOT_TOLD: ReadonlySet<DamoovError['kind']> = new Set([
  'forbidden',
  'not-found',
  'rejected',
  'malformed',
  'no-result',
]);

async function ask(own: OwnUsers, { patienceMs, triesWrongKey, onStep }: ProbeOptions): Promise<Facts> {
  onStep('asking whose the UserId is');
  const { lagMs: lagOfUser, ...identity } = await askIdentity(own, patienceMs);
  onStep('asking what an update does');
  const { lagMs: lagOfUpdate, ...changes } = await askChanges(own, patienceMs);
  onStep('asking how a ClientId is kept');
  const clientIdForm = await askClientIdForm(own, patienceMs);
  onStep('asking how Damoov refuses');
  const refusals = await askRefusals(own, triesWrongKey);
  return {
    ...identity,
    ...changes,
    clientIdForm,
    ...refusals,
    findLagMs: { ...lagOfUser, ...lagOfUpdate },
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
