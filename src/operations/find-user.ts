/**
 * Looks users up at Damoov, inactive ones included, and compares what comes back exactly: nothing is documented of how
 * strictly the service itself compares.
 */
import { type DamoovUser, sameUserId } from '../damoov/wire.ts';
import { type Failed, failed } from '../contract/outcome.ts';
import type { OperationContext } from './context.ts';

/** Where a look-up is made. */
export interface FindContext {
  client: Pick<OperationContext['client'], 'findUsers'>;
  instance: Pick<OperationContext['instance'], 'id'>;
  signal?: AbortSignal;
}

/** The user with this id, or undefined. */
export async function findByUserId(userId: string, context: FindContext): Promise<DamoovUser | undefined> {
  const users = await find({ deviceToken: userId }, context);
  return users.find((user) => sameUserId(user.userId, userId));
}

/** A look-up may lag behind: it is repeated after so many milliseconds before the whole job is. */
export const LOOK_AGAIN_AFTER_MS = [0, 250, 1000] as const;

/** All users with this clientId: the API allows several. */
export async function findByClientId(clientId: string, context: FindContext): Promise<DamoovUser[]> {
  const users = await find({ clientId }, context);
  return users.filter((user) => user.clientId === clientId);
}

async function find(
  query: { deviceToken: string } | { clientId: string },
  { client, instance, signal }: FindContext,
): Promise<DamoovUser[]> {
  const users = await client.findUsers(
    { ...query, includeInactive: true, includeAccountInfo: true },
    { signal },
  );
  return users.filter((user) => isOfInstance(user, instance));
}

/**
 * The admin may see the users of several instances, and a job means only those of its own. A user of whom Damoov tells no
 * instance counts as one of them: `AccountInfo` is seen in the vendor's samples, not promised.
 */
export function isOfInstance({ instanceId }: DamoovUser, instance: FindContext['instance']): boolean {
  return instanceId === undefined || instanceId === instance.id.toLowerCase();
}

/** More than one user bears the clientId; a person has to say which one is meant. */
export function ambiguous(users: readonly DamoovUser[]): Failed {
  const ids = users.map((user) => user.userId).join(', ');
  return failed('ambiguous-client-id', `${users.length} users have this clientId: ${ids}`);
}
