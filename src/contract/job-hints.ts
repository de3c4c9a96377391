/**
 * The spelling a sender probably meant: the Python SDK's names, other cases, and profile fields in the wrong place.
 */
const PROFILE = ['firstName', 'lastName', 'nickname', 'phone', 'email'];
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
  ...[...PROFILE, ...OTHERS].map((name) => [name.toLowerCase(), name] as const),
  ['customtoken', 'userId'],
  ['devicetoken', 'userId'],
  ['instanceid', 'instance'],
]);

/** Where a job has the fields of the profile. */
const SECTIONS = new Map([
  ['create-user', 'profile'],
  ['update-user', 'changes'],
]);

/** The key that was probably meant by `key` under `path` (empty at the top) of a job, or undefined. */
export function hintFor(jobName: string, path: string, key: string): string | undefined {
  const meant = MEANT.get(key.toLowerCase().replaceAll(/[_\- ]/g, ''));
  if (meant === undefined || path !== '' || !PROFILE.includes(meant)) return meant;
  const section = SECTIONS.get(jobName);
  return section && `${section}.${meant}`;
}
