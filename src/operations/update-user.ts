/**
 * A profile change: the named fields have their new values afterwards. An update may arrive before its user does.
 */
import { DamoovError } from '../damoov/errors.ts';
import type { UpdateUserJob } from '../contract/job.ts';
import { type Outcome, failed } from '../contract/outcome.ts';
import type { OperationContext } from './context.ts';
import { resolveClientId } from './find-user.ts';

/** How long after it was added an update waits for a create that may still come, in milliseconds. */
export const PATIENCE_MS = 5 * 60_000;

/** Applies the changes. Where both ids are given, the userId is the address. */
export async function updateUser(
  { clientId, userId, changes }: UpdateUserJob['data'],
  context: OperationContext,
): Promise<Outcome> {
  const { client, directory, instance, signal } = context;
  let target = userId ?? (clientId === undefined ? undefined : await resolveClientId(clientId, context));
  for (let isRemembered = userId === undefined; target !== undefined; isRemembered = false) {
    if (typeof target !== 'string') return target;
    try {
      await client.updateUser(target, changes, { signal });
    } catch (error) {
      if (!(error instanceof DamoovError && error.operation === 'update' && error.kind === 'not-found'))
        throw error;
      if (!isRemembered || clientId === undefined) break;
      // The remembered user is gone: ask Damoov itself, once.
      await directory.forget(instance, clientId);
      target = await resolveClientId(clientId, context, false);
      continue;
    }
    if (typeof changes.clientId === 'string') await directory.remember(instance, changes.clientId, target);
    if (clientId !== undefined && changes.clientId !== undefined && changes.clientId !== clientId) {
      await directory.forget(instance, clientId);
    }
    return { status: 'done', type: 'user.updated', userId: target, changed: namesOf(changes) };
  }
  return awaitUser(userId, context);
}

function namesOf(changes: UpdateUserJob['data']['changes']): string[] {
  return Object.entries(changes).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}

/** The wait doubles with the job's age. */
function awaitUser(userId: string | undefined, { job, now }: OperationContext): Outcome {
  const ageMs = Math.max(0, now() - job.timestamp);
  if (ageMs >= PATIENCE_MS) return failed('user-not-found', 'no such user, and none came in time', userId);
  const delayMs = Math.min(Math.max(1000, ageMs), PATIENCE_MS - ageMs);
  return { status: 'wait', reason: 'no such user yet', delayMs };
}
