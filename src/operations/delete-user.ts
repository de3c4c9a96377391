/**
 * A deletion: the user that was meant, and no other, is gone afterwards, and a look-up confirmed it. At Damoov this cannot
 * be undone, so the user is looked up before anything is sent.
 */
import { DamoovError } from '../damoov/errors.ts';
import type { DamoovUser } from '../damoov/wire.ts';
import type { DeleteUserJob } from '../contract/job.ts';
import { type Failed, type Outcome, failed } from '../contract/outcome.ts';
import type { OperationContext } from './context.ts';
import { ambiguous, findByClientId, findByUserId } from './find-user.ts';

/** A look-up may lag behind the deletion: it is repeated after so many milliseconds before the whole job is. */
const CONFIRM_AFTER_MS = [0, 250, 1000] as const;

/** Deletes the user. Where both ids are given they must belong together, or nothing is deleted. */
export async function deleteUser(
  address: DeleteUserJob['data'],
  context: OperationContext,
): Promise<Outcome> {
  const user = await identify(address, context);
  if (user === undefined) return deleted(address.userId, false);
  if ('code' in user) return user;
  const { client, signal, directory, instance } = context;

  let refusal: DamoovError | undefined;
  try {
    await client.deleteUser(user.userId, { signal });
  } catch (error) {
    // 403 and 404 may both mean that the user is gone already; only a look-up tells.
    if (!(error instanceof DamoovError && error.operation === 'delete' && REFUSALS.has(error.kind)))
      throw error;
    refusal = error;
  }
  if (!(await isGone(user.userId, context))) {
    if (refusal?.kind === 'forbidden') return failed('forbidden', refusal.message, user.userId);
    return { status: 'retry', reason: 'a look-up still finds the user' };
  }
  for (const clientId of [address.clientId, user.clientId]) {
    if (clientId !== undefined) await directory.forget(instance, clientId);
  }
  return deleted(user.userId, true);
}
const REFUSALS: ReadonlySet<DamoovError['kind']> = new Set(['forbidden', 'not-found']);

/** The user that both ids, or the one given, lead to at Damoov itself; nothing remembered is believed here. */
async function identify(
  { clientId, userId }: DeleteUserJob['data'],
  context: OperationContext,
): Promise<DamoovUser | undefined | Failed> {
  if (userId !== undefined) {
    const user = await findByUserId(userId, context);
    if (clientId === undefined) return user;
    if (user?.clientId === clientId) return user;
    if (user !== undefined) return failed('user-mismatch', 'this user has another clientId', userId);
    const [other] = await findByClientId(clientId, context);
    return other && failed('user-mismatch', `the clientId belongs to user ${other.userId}`, userId);
  }
  const users = clientId === undefined ? [] : await findByClientId(clientId, context);
  return users.length > 1 ? ambiguous(users) : users[0];
}

async function isGone(userId: string, context: OperationContext): Promise<boolean> {
  for (const delayMs of CONFIRM_AFTER_MS) {
    if (delayMs > 0) await context.pause(delayMs, context.signal);
    if ((await findByUserId(userId, context)) === undefined) return true;
  }
  return false;
}

function deleted(userId: string | undefined, existed: boolean): Outcome {
  return {
    status: 'done',
    type: 'user.deleted',
    existed,
    verified: true,
    ...(userId !== undefined && { userId }),
  };
}
