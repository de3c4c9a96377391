/**
 * Looks users up at Damoov, inactive ones included, and compares the results itself: Damoov does not document how strictly it compares,
 * or whether it stores a ClientId unchanged.
 */
import type { DamoovError } from '../damoov/errors.ts';
import { type DamoovUser, sameUserId } from '../damoov/wire.ts';
import { type Failed, failed } from '../contract/outcome.ts';
import { isOlder, msOf } from '../contract/version.ts';
import type { Instance, OperationContext, UserRecord } from './context.ts';
import type { Knowledge, LookUp } from './step.ts';

/** The instance and the options of a look-up. */
export interface FindContext {
  client: Pick<OperationContext['client'], 'findUsers'>;
  signal?: AbortSignal;
}

/** A look-up may lag: it is repeated after these delays, in milliseconds, before the whole job is. */
export const LOOK_AGAIN_AFTER_MS = [0, 250, 1000] as const;

/**
 * The users with this id or clientId in any instance, since users are moved. A clientId that differs only in its form counts,
 * too: {@link isSameForm}.
 */
export async function findUsers(
  { by, value }: LookUp,
  { client, signal }: FindContext,
): Promise<DamoovUser[]> {
  const query = by === 'userId' ? { deviceToken: value } : { clientId: value };
  const users = await client.findUsers(
    { ...query, includeInactive: true, includeAccountInfo: true },
    { signal },
  );
  return users.filter((user) =>
    by === 'userId' ? sameUserId(user.userId, value) : isSameForm(user.clientId, value),
  );
}

/** Whether an update was answered that there is no such user. */
export function isNotFound({ operation, kind }: DamoovError): boolean {
  return operation === 'update' && kind === 'not-found';
}

/** Whether a service that trims, composes or lower-cases clientIds would confuse these two. */
export function isSameForm(a: string | undefined, b: string | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && formOf(a) === formOf(b));
}

function formOf(clientId: string): string {
  return clientId.trim().normalize('NFC').toLowerCase();
}

/** Whether a look-up still shows the user under its previous clientId, or in its previous instance, because it lags. */
export function hasGivenUp({ userId }: DamoovUser, record: UserRecord, { now, lagMs }: Knowledge): boolean {
  const at = givenUpAt(record);
  return record.formerUserId === userId && at !== undefined && now - at < lagMs;
}

/** When the user lost the clientId of this record, in epoch milliseconds: its job may be much older. */
export function givenUpAt({ givenUpAt, deleted }: UserRecord): number | undefined {
  return givenUpAt ?? (deleted && msOf(deleted));
}

/** Whether a look-up may still show the remembered user under an earlier clientId. */
export function isRenamedLately({
  record,
  now,
  lagMs,
}: Pick<Knowledge, 'record' | 'now' | 'lagMs'>): boolean {
  const { created, fields } = record;
  const given = fields.clientId;
  // A create gives the clientId, too: a look-up that lags behind it shows no user.
  return given !== undefined && given !== created && now - msOf(given) < lagMs;
}

/** A user without an instance counts as ours: `AccountInfo` appears in the vendor's samples but is not promised. */
export function isOfInstance({ instanceId }: DamoovUser, { id }: { id: string }): boolean {
  return instanceId === undefined || instanceId === id.toLowerCase();
}

/**
 * Whether a job that names its user by the clientId means this one: it is in the job's instance, or was there until a newer job moved it.
 */
export function isOfJob(user: DamoovUser, known: Knowledge): boolean {
  const { record, job, instance } = known;
  const hasMoved = isOlder(job.version, record.moved) && isRecorded(user, record);
  // Damoov does not say where it is, and it has given up its clientId here.
  const hasLeft = user.instanceId === undefined && record.formerUserId === user.userId;
  return (isOfInstance(user, instance) && !hasLeft) || (hasMoved && isInReach(user, known));
}

/** Whether the record is about this user. */
export function isRecorded(user: DamoovUser, { userId }: UserRecord): boolean {
  return userId !== undefined && sameUserId(userId, user.userId);
}

/** The instance of the user; the job's if it is not known. */
export function instanceOf(
  user: DamoovUser | null | undefined,
  { instance, instances, instanceNames }: Pick<Knowledge, 'instance' | 'instances' | 'instanceNames'>,
): Instance {
  return instances.get(instanceNames.get(user?.instanceId ?? '') ?? '') ?? instance;
}

/** Whether a job of this instance may change the user: it is in that instance or in another configured one. */
export function isInReach(user: DamoovUser, { instance, instanceNames }: Knowledge): boolean {
  const { instanceId } = user;
  return instanceId === undefined || isOfInstance(user, instance) || instanceNames.has(instanceId);
}

/** The user is in another instance than the job. */
export function otherInstance({ userId, instanceId = '' }: DamoovUser, { instanceNames }: Knowledge): Failed {
  const name = instanceNames.get(instanceId);
  const place = name === undefined ? `instance ${instanceId}, which is not configured` : `instance "${name}"`;
  const advice = name === undefined ? '' : ': name that instance, or the userId';
  return failed('other-instance', `user ${userId} is in ${place}${advice}`, userId);
}

/** More than one user has the clientId; a person has to say which one is meant. */
export function ambiguous(users: readonly DamoovUser[]): Failed {
  const ids = users.map((user) => user.userId).join(', ');
  return failed('ambiguous-client-id', `${users.length} users have this clientId: ${ids}`);
}
