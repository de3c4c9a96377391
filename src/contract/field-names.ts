/**
 * The names of a job's fields, and the field that a sender probably meant by another spelling: those of the Python SDK, other cases, and
 * profile fields in the wrong place.
 */

/** The user fields of jobs, without the ids. */
export const PROFILE_FIELDS = ['firstName', 'lastName', 'nickname', 'phone', 'email'] as const;
export type ProfileField = (typeof PROFILE_FIELDS)[number];

const OTHERS = [
  'clientId',
  'userId',
  'createAccessToken',
  'profile',
  'changes',
  'reason',
  'instance',
  'correlationId',
  'occurredAt',
];
const MEANT = new Map([
  ...[...PROFILE_FIELDS, ...OTHERS].map((name) => [name.toLowerCase(), name] as const),
  ['customtoken', 'userId'],
  ['devicetoken', 'userId'],
  ['instanceid', 'instance'],
]);

/** Where a job has the profile fields. */
const SECTIONS = new Map([
  ['create-user', 'profile'],
  ['update-user', 'changes'],
]);

/** The key that `key` under `path` (empty at the top) of a job probably means, or undefined. */
export function hintFor(jobName: string, path: string, key: string): string | undefined {
  const meant = MEANT.get(key.toLowerCase().replaceAll(/[_\- ]/g, ''));
  if (meant === undefined || path !== '' || !isProfileField(meant)) return meant;
  const section = SECTIONS.get(jobName);
  return section && `${section}.${meant}`;
}

function isProfileField(name: string): boolean {
  return PROFILE_FIELDS.some((field) => field === name);
}
