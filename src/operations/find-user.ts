/**
 * Looks users up at Damoov, inactive ones included, and compares what comes back exactly: nothing is documented of how
 * strictly the service itself compares.
 */
import { type DamoovUser, sameUserId } from '../damoov/wire.ts';
import { type Failed, failed } from '../contract/outcome.ts';
import type { OperationContext } from './context.ts';

/** The user with this id, or undefined. */
export async function findByUserId(
  userId: string,
  context: OperationContext,
): Promise<DamoovUser | undefined> {
  const { client, signal } = context;
  const users = await client.findUsers({ deviceToken: userId, includeInactive: true }, { signal });
  return users.find((user) => sameUserId(user.userId, userId));
}

/** All users with this clientId: the API allows several. */
export async function findByClientId(clientId: string, context: OperationContext): Promise<DamoovUser[]> {
  const { client, signal } = context;
  const users = await client.findUsers({ clientId, includeInactive: true }, { signal });
  return users.filter((user) => user.clientId === clientId);
}

/** More than one user bears the clientId; a person has to say which one is meant. */
export function ambiguous(users: readonly DamoovUser[]): Failed {
  const ids = users.map((user) => user.userId).join(', ');
  return failed('ambiguous-client-id', `${users.length} users have this clientId: ${ids}`);
}
