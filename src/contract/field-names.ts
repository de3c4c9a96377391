/**
 * The names of a job's fields, and the field that a sender probably meant by another spelling: those of the Python SDK, other cases, and
 * profile fields in the wrong place.
 */

/** The profile fields of jobs. */
export const PROFILE_FIELDS = [
  'firstName',
  'lastName',
  'nickname',
  'phone',
  'email',
  'gender',
  'birthday',
  'maritalStatus',
  'childrenCount',
  'country',
  'district',
  'city',
  'address',
  'imageUrl',
] as const;
export type ProfileField = (typeof PROFILE_FIELDS)[number];

/** The value of a field that was given as a text: all are texts but for a number. */
export function profileValue(field: string, text: string): string | number {
  return field === 'childrenCount' && /^\s*\d{1,4}\s*$/.test(text) ? Number(text) : text;
}

/** What can be turned on and off for a user. */
export const SETTINGS = ['enabled', 'tracking', 'logging', 'realTimeLocation'] as const;
export type Setting = (typeof SETTINGS)[number];

const OTHERS = [
  'clientId',
  'userId',
  'createAccessToken',
  'profile',
  'settings',
  'changes',
  'status',
  'reason',
  'instance',
  'correlationId',
  'occurredAt',
];
const MEANT = new Map([
  ...[...PROFILE_FIELDS, ...SETTINGS, ...OTHERS].map((name) => [name.toLowerCase(), name] as const),
  ['customtoken', 'userId'],
  ['devicetoken', 'userId'],
  ['instanceid', 'instance'],
  ['externalimageurl', 'imageUrl'],
  ['enabletracking', 'tracking'],
  ['trackingenabled', 'tracking'],
  ['enablelogging', 'logging'],
  ['logenabled', 'logging'],
  ['enablerealtimelocation', 'realTimeLocation'],
  ['apienabled', 'enabled'],
]);

/** Where a job has its profile fields, settings and status. */
const SECTIONS = new Map<string, { profile: string; settings: string; status?: string }>([
  ['create-user', { profile: 'profile.', settings: 'settings.' }],
  ['update-user', { profile: 'changes.', settings: 'changes.settings.', status: 'changes.' }],
]);

/** The key that `key` under `path` (empty at the top) of a job probably means, or undefined. */
export function hintFor(jobName: string, path: string, key: string): string | undefined {
  const meant = MEANT.get(key.toLowerCase().replaceAll(/[_\- ]/g, ''));
  const kind = meant === undefined ? undefined : kindOf(meant);
  if (meant === undefined || kind === undefined) return meant;
  const section = SECTIONS.get(jobName)?.[kind];
  if (section === undefined) return undefined;
  const here = `${path}.`;
  return `${section.startsWith(here) ? section.slice(here.length) : section}${meant}`;
}

function kindOf(name: string): 'profile' | 'settings' | 'status' | undefined {
  if (PROFILE_FIELDS.some((field) => field === name)) return 'profile';
  if (SETTINGS.some((setting) => setting === name)) return 'settings';
  return name === 'status' ? 'status' : undefined;
}
