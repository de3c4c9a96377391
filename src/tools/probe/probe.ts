/**
 * Finds out from a real Damoov what its documentation leaves open, on a disposable instance. Defines the order of the questions, and
 * deletes every created user in the end.
 */
import type { DamoovInstance } from '../../damoov/calls.ts';
import type { DamoovClient } from '../../damoov/client.ts';
import { DamoovError } from '../../damoov/errors.ts';
import { probeChanges, probeClientIdForm } from './changes.ts';
import type { Facts } from './facts.ts';
import { probeFields } from './fields.ts';
import { probeIdentity } from './identity.ts';
import { probeLogins } from './logins.ts';
import { probeMoves } from './moves.ts';
import { type Leftovers, OwnUsers, type OwnUsersOptions } from './own-users.ts';
import { LOOK_UP_FAILED, ProbeFailed, unlessLookUpFails } from './observation.ts';
import { probeRefusals } from './refusals.ts';

export interface ProbeOptions extends OwnUsersOptions {
  /** With an admin. */
  client: OwnUsersOptions['client'] & Pick<DamoovClient, 'page'>;
  /** Where a user is moved; undefined: none is moved. */
  secondInstance: DamoovInstance | undefined;
  triesWrongKey: boolean;
  /** Whether to log a user in, at most `MOST_LOGINS` times. */
  triesLogins: boolean;
  /** How many users an instance may have; undefined: the default, and the number must be known. */
  mostUsers: number | undefined;
  /** How long a write may take to become visible, in milliseconds. */
  patienceMs: number;
  /** Ends the clean-up; `signal` ends the questions before it. */
  cleanUpSignal: AbortSignal;
  /** Called before each step, and once with the mark of this run's users. */
  onStep: (step: string) => void;
}

export interface ProbeEnd {
  facts?: Facts;
  failure?: Error;
  leftovers: Leftovers;
}

/** A test instance has few users; more look like real ones. */
export const MOST_USERS = 50;

/** Never rejects: the failure is returned with what was left behind. */
export async function probe(options: ProbeOptions): Promise<ProbeEnd> {
  const { onStep, signal, cleanUpSignal, patienceMs } = options;
  const own = new OwnUsers(options);
  let end: Pick<ProbeEnd, 'facts' | 'failure'>;
  try {
    await refuseWhereUsersLive('instance', options.instance, options);
    if (options.secondInstance !== undefined) {
      await refuseWhereUsersLive('second instance', options.secondInstance, options);
    }
    onStep(`the users of this probe have the last name ${own.mark}`);
    end = { facts: await probeAll(own, options) };
  } catch (error) {
    end = { failure: asError(signal.aborted ? signal.reason : error) };
  }
  const { mark } = own;
  if (!own.hasCreated) return { ...end, leftovers: { mark, userIds: [], isInDoubt: false } };
  onStep('deleting the users of the probe');
  const lagMs = end.facts === undefined ? 0 : Math.max(0, ...Object.values(end.facts.findLagMs).map(Number));
  const withinMs = Math.min(patienceMs, Math.max(CLEAN_UP_MS, 2 * lagMs));
  try {
    return { ...end, leftovers: await own.removeAll(cleanUpSignal, withinMs) };
  } catch (error) {
    const failure = end.failure ?? asError(cleanUpSignal.aborted ? cleanUpSignal.reason : error);
    return { ...end, failure, leftovers: { mark, userIds: own.mayBeLeft, isInDoubt: true } };
  }
}

/** How long the clean-up waits for a deletion, or an unknown user, to become visible. */
const CLEAN_UP_MS = 10_000;

/** Also the first request of the admin: no user is created before it is certain that it can be deleted. */
async function refuseWhereUsersLive(
  name: string,
  instance: DamoovInstance,
  options: ProbeOptions,
): Promise<void> {
  const most = options.mostUsers ?? MOST_USERS;
  const count = await countUsers(instance, options);
  if (typeof count === 'number' && count > most) {
    throw new ProbeFailed(
      `the ${name} has ${count} users, more than ${most}, and does not look disposable: no user was created ` +
        `(--even-with-users ${count}, if it is)`,
    );
  }
  if (typeof count === 'string' && options.mostUsers === undefined) {
    throw new ProbeFailed(
      `the number of users in the ${name} is unknown, and no user was created: ${count} (--even-with-users, if it is disposable)`,
    );
  }
}

/** Counts inactive users, too. Returns the reason if Damoov does not show the number. */
async function countUsers(
  instance: DamoovInstance,
  { client, signal }: ProbeOptions,
): Promise<number | string> {
  const query = { pageNumber: 1, pageSize: 1, instanceIds: [instance.id], includeInactive: true };
  try {
    return (await client.page(query, { signal })).totalUsers;
  } catch (error) {
    const isAnswer = error instanceof DamoovError && error.operation === 'page' && NOT_SHOWN.has(error.kind);
    if (!isAnswer) throw error;
    return error.message;
  }
}
const NOT_SHOWN: ReadonlySet<DamoovError['kind']> = new Set([
  'forbidden',
  'not-found',
  'rejected',
  'malformed',
  'no-result',
]);

async function probeAll(own: OwnUsers, options: ProbeOptions): Promise<Facts> {
  const { patienceMs, secondInstance, triesWrongKey, triesLogins, onStep } = options;
  onStep('probing the UserId');
  const { lagMs: lagOfUser, ...identity } = await probeIdentity(own, patienceMs);
  onStep('probing updates');
  const { lagMs: lagOfUpdate, ...changes } = await probeChanges(own, patienceMs);
  onStep('probing how a ClientId is stored');
  const clientIdForm = await probeClientIdForm(own, patienceMs);
  onStep('probing refusals');
  const refusals = await probeRefusals(own, triesWrongKey);
  onStep('probing fields');
  const fields = await unlessLookUpFails(() => probeFields(own, patienceMs), {
    createIgnores: LOOK_UP_FAILED,
    settingsShown: LOOK_UP_FAILED,
  });
  onStep('probing moves and logins');
  const repeatedMove = await unlessLookUpFails(
    () => probeMoves(own, secondInstance, patienceMs),
    LOOK_UP_FAILED,
  );
  const loginRevokes = await unlessLookUpFails(
    () => probeLogins(own, triesLogins, patienceMs),
    LOOK_UP_FAILED,
  );
  return {
    ...identity,
    ...changes,
    clientIdForm,
    ...refusals,
    ...fields,
    repeatedMove,
    loginRevokes,
    findLagMs: { ...lagOfUser, ...lagOfUpdate },
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
