/**
 * The fields of jobs: their names, their validation, and the field that a sender probably meant by another spelling: those of the Python
 * SDK, other cases, and fields in the wrong place.
 */
import { z } from 'zod';
import { ClientId } from './client-id.ts';

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

export const STATUSES = ['active', 'deactivated'] as const;
export type Status = (typeof STATUSES)[number];

// z.guid, not z.uuid: Damoov does not promise RFC 9562 versions in its ids.
export const UserId = z
  .guid('must be a UUID, by which Damoov knows the user; your own id of a user is its clientId')
  .transform((id) => id.toLowerCase())
  .describe('The id of the user at Damoov: a UUID.');

/** No JSON reader keeps half of a surrogate pair, such as a cut emoji: it becomes U+FFFD here for all readers. */
export const WellFormed = z.string().overwrite((text) => text.toWellFormed());

export const Text = WellFormed.max(1024);

const Gender = z.enum(['male', 'female', 'other']);
const MaritalStatus = z.enum(['married', 'widowed', 'divorced', 'single']);
const Birthday = z.iso.date('must be a date such as 1815-12-10');
const ChildrenCount = z.int().min(0).max(100);
const ImageUrl = z
  .url({ protocol: /^https?$/, error: 'must be an address that begins with https:// or http://' })
  .max(1024);

export const Profile = z
  .strictObject({
    firstName: Text.optional(),
    lastName: Text.optional(),
    nickname: Text.optional(),
    phone: Text.optional(),
    email: Text.optional(),
    gender: Gender.optional(),
    birthday: Birthday.optional(),
    maritalStatus: MaritalStatus.optional(),
    childrenCount: ChildrenCount.optional(),
    country: Text.optional(),
    district: Text.optional(),
    city: Text.optional(),
    address: Text.optional(),
    imageUrl: ImageUrl.optional(),
  } satisfies Record<ProfileField, z.ZodType>)
  .describe('The known profile of the user.');

export type Profile = z.output<typeof Profile>;

export const Settings = z
  .strictObject({
    enabled: z.boolean().optional(),
    tracking: z.boolean().optional(),
    logging: z.boolean().optional(),
    realTimeLocation: z.boolean().optional(),
  } satisfies Record<Setting, z.ZodType>)
  .describe('What is turned on or off for the user; what is left out stays as it is.');

export type Settings = z.output<typeof Settings>;

export const Changes = z
  .strictObject({
    firstName: Text.nullable().optional(),
    lastName: Text.nullable().optional(),
    nickname: Text.nullable().optional(),
    phone: Text.nullable().optional(),
    email: Text.nullable().optional(),
    gender: Gender.nullable().optional(),
    birthday: Birthday.nullable().optional(),
    maritalStatus: MaritalStatus.nullable().optional(),
    childrenCount: ChildrenCount.nullable().optional(),
    country: Text.nullable().optional(),
    district: Text.nullable().optional(),
    city: Text.nullable().optional(),
    address: Text.nullable().optional(),
    imageUrl: ImageUrl.nullable().optional(),
    clientId: ClientId.nullable().optional(),
    settings: Settings.optional(),
    status: z.enum(STATUSES).optional().describe('`deactivated` suspends the user, `active` resumes.'),
  } satisfies Record<ProfileField | 'clientId' | 'settings' | 'status', z.ZodType>)
  .refine(changesSomething, 'must change something')
  .meta({ description: 'The new values, one at least; null clears a field.', minProperties: 1 });

function changesSomething({ settings = {}, ...changes }: { settings?: object | undefined }): boolean {
  return [...Object.values(changes), ...Object.values(settings)].some((value) => value !== undefined);
}

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
  'toInstance',
  'correlationId',
  'occurredAt',
];
const MEANT = new Map([
  ...[...PROFILE_FIELDS, ...SETTINGS, ...OTHERS].map((name) => [name.toLowerCase(), name] as const),
  ['customtoken', 'userId'],
  ['devicetoken', 'userId'],
  ['instanceid', 'instance'],
  ['toinstanceid', 'toInstance'],
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

/** Where a job has what another job has as a section of this name. */
const RENAMED = new Map([
  ['create-user', new Map([['changes', 'profile']])],
  [
    'update-user',
    new Map([
      ['settings', 'changes.settings'],
      ['profile', 'changes'],
    ]),
  ],
]);

/** The key that `key` under `path` (empty at the top) of a job probably means, or undefined. */
export function hintFor(jobName: string, path: string, key: string): string | undefined {
  const meant = MEANT.get(key.toLowerCase().replaceAll(/[_\- ]/g, ''));
  const place = meant && placeOf(jobName, meant);
  const here = `${path}.`;
  const hint = place?.startsWith(here) === true ? place.slice(here.length) : place;
  return hint === key ? undefined : hint;
}

/** The path of a field in the data of a job; undefined if the job has no such field. */
function placeOf(jobName: string, meant: string): string | undefined {
  const kind = kindOf(meant);
  if (kind === undefined) return RENAMED.get(jobName)?.get(meant) ?? meant;
  const section = SECTIONS.get(jobName)?.[kind];
  return section === undefined ? undefined : `${section}${meant}`;
}

function kindOf(name: string): 'profile' | 'settings' | 'status' | undefined {
  if (PROFILE_FIELDS.some((field) => field === name)) return 'profile';
  if (SETTINGS.some((setting) => setting === name)) return 'settings';
  return name === 'status' ? 'status' : undefined;
}
