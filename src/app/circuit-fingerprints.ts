/**
 * The circuits of a configuration. An operator closes one by a corrected credential or address: each has the fingerprint of that value,
 * which does not reveal it.
 */
import { createHash } from 'node:crypto';
import type { DamoovAccess } from '../config/config.ts';
import { DELETION_LIMIT } from '../store/circuits/deletion-limit.ts';
import type { CircuitName } from '../lifecycle/ports/circuits.ts';

/** @param admin the fingerprint of the admin's credentials, if any. */
export function fingerprintsOf(
  { baseUrl, instances }: DamoovAccess,
  admin = 'none',
): ReadonlyMap<CircuitName, string> {
  const fingerprint = (...parts: string[]) =>
    createHash('sha256')
      .update(JSON.stringify([baseUrl, ...parts]))
      .digest('base64url')
      .slice(0, 12);
  return new Map<CircuitName, string>([
    ['damoov', fingerprint()],
    DELETION_LIMIT,
    ['admin', admin],
    ...Object.entries(instances).map(
      ([name, { id, key }]) => [`instance-key:${name}`, fingerprint(id, key)] as const,
    ),
  ]);
}
