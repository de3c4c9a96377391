/**
 * The addresses of the pages.
 */

import { isClientId } from '../../contract/client-id.ts';
import { UserId } from '../../contract/fields.ts';

export const PATH = '/dashboard';

/** @param query what is undefined is left out. */
export function pathOf(path: string, query: Record<string, string | number | undefined> = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(String(value).toWellFormed())}`],
  );
  return `${PATH}${path}${given.length === 0 ? '' : `?${given.join('&')}`}`;
}

/** A browser resolves these itself, also percent-encoded: no address can end with one. */
const DOTS = new Set(['', '.', '..']);
/** In characters. The server takes headers of 8 KB in all. */
const LONGEST = 4000;

/** Undefined for an id that no address can hold: not in Unicode, too long, or dots. */
export function pathOfJob(jobId: string): string | undefined {
  if (DOTS.has(jobId) || !jobId.isWellFormed()) return undefined;
  const path = pathOf(`/jobs/${encodeURIComponent(jobId)}`);
  return path.length > LONGEST ? undefined : path;
}

export interface UserIds {
  clientId?: string | undefined;
  userId?: string | undefined;
  instance?: string | undefined;
}

/** Undefined for a user without an id, or with one that no user can have. */
export function pathOfUser({ clientId, userId, instance }: UserIds): string | undefined {
  if (clientId === undefined && userId === undefined) return undefined;
  const isValid =
    (clientId === undefined || isClientId(clientId)) && UserId.optional().safeParse(userId).success;
  if (!isValid) return undefined;
  const path = pathOf('/users', {
    'client-id': clientId,
    'user-id': userId,
    instance: instance === 'default' ? undefined : instance,
  });
  return path.length > LONGEST ? undefined : path;
}
