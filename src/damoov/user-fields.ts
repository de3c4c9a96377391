/**
 * What Damoov stores of a user beside its id, and how each field goes over the wire: profile fields at the top of a body, the settings and
 * the ClientId under `UserFields`.
 */
import { field, isObject, readText } from './envelope.ts';

/** Fields that are texts on both sides, and have the same name but for its case. */
const TEXTS = [
  'firstName',
  'lastName',
  'nickname',
  'phone',
  'email',
  'country',
  'district',
  'city',
  'address',
] as const;
type TextField = (typeof TEXTS)[number];
const TEXTS_ON_WIRE = TEXTS.map((name) => [name, pascalCase(name)] as const);

/** `None|Male|Female|Other` (documented). */
const GENDERS = { male: 'Male', female: 'Female', other: 'Other' } as const;
/** The texts "1" to "4" (seen in shipped code). */
const MARITAL_STATUSES = { married: '1', widowed: '2', divorced: '3', single: '4' } as const;
/** As they are written (documented). */
const STATUSES = { active: 'Active', deactivated: 'Deactivated' } as const;
/** As they are read (documented). */
const READ_STATUSES = { active: 'Active', deactivated: 'Inactive' } as const;

/** Under `UserFields`. */
const SETTINGS = {
  enabled: 'Enabled',
  tracking: 'EnableTracking',
  logging: 'EnableLogging',
  realTimeLocation: 'EnableRealTimeLocation',
} as const;

/** What can be turned on and off for a user. */
export type UserSettings = { readonly [setting in keyof typeof SETTINGS]?: boolean | undefined };

interface Profile extends Record<TextField, string> {
  gender: keyof typeof GENDERS;
  /** `YYYY-MM-DD`. */
  birthday: string;
  maritalStatus: keyof typeof MARITAL_STATUSES;
  childrenCount: number;
  /** Where a picture of the user is. */
  imageUrl: string;
}

/** The fields of a profile that a create takes (documented, or seen in the vendor's frameworks). Of the others it takes no notice. */
export const CREATE_FIELDS = [
  'firstName',
  'lastName',
  'nickname',
  'phone',
  'email',
  'gender',
  'birthday',
  'maritalStatus',
  'childrenCount',
  'address',
] as const satisfies (keyof Profile)[];

interface OwnFields {
  /** The integrator's own id of the user. Damoov does not require it to be unique. */
  readonly clientId?: string | null | undefined;
  readonly settings?: UserSettings | undefined;
}

/** What a create may say of the user; what is undefined is not sent. */
export type CreatedFields = OwnFields & {
  readonly [name in (typeof CREATE_FIELDS)[number]]?: Profile[name] | null | undefined;
};

/** What an update may say of the user: undefined leaves a field alone; null and "" are sent (whether null clears is not documented). */
export type UserChanges = OwnFields & {
  readonly [name in keyof Profile]?: Profile[name] | null | undefined;
} & {
  /** `deactivated` suspends the user, `active` resumes. */
  readonly status?: keyof typeof STATUSES | undefined;
};

/** A user's fields as read. What Damoov gave as null or left out, or in a form that is not known, is absent. */
export type ReadFields = { readonly [name in keyof Profile]?: Profile[name] } & {
  readonly clientId?: string;
  readonly settings?: UserSettings;
  readonly status?: keyof typeof STATUSES;
};

/** The part of a body that says what the user is to be like. */
export function fieldsToWire(changes: UserChanges): Record<string, unknown> {
  const { gender, maritalStatus, imageUrl, status, settings = {}, clientId } = changes;
  const userFields = withoutUndefined({
    ClientId: clientId,
    ...Object.fromEntries(settingsOf((setting, name) => [name, settings[setting]])),
  });
  const body: Record<string, unknown> = {};
  for (const [name, onWire] of TEXTS_ON_WIRE) body[onWire] = changes[name];
  return withoutUndefined({
    ...body,
    // Null is none of the documented values.
    Gender: gender === null ? 'None' : gender && GENDERS[gender],
    Birthday: changes.birthday,
    MaritalStatus: maritalStatus && MARITAL_STATUSES[maritalStatus],
    ChildrenCount: changes.childrenCount,
    ExternalImageUrl: imageUrl,
    Status: status && STATUSES[status],
    UserFields: Object.keys(userFields).length > 0 ? userFields : undefined,
  });
}

/** The fields of a user as read, from its `UserProfile` and `UserFields`. */
export function fieldsFromWire(user: unknown): ReadFields {
  const profile = firstObject(field(user, 'UserProfile'));
  const userFields = firstObject(field(user, 'UserFields'));
  const settings = Object.fromEntries(settingsOf((setting, name) => [setting, readFlag(userFields, name)]));
  const count = /^\s*\d+\s*$/.exec(readText(field(profile, 'ChildrenCount')) ?? '')?.[0];
  return withoutUndefined({
    ...Object.fromEntries(TEXTS_ON_WIRE.map(([name, onWire]) => [name, readText(field(profile, onWire))])),
    gender: findKey(GENDERS, readText(field(profile, 'Gender'))),
    // Some of Damoov's dates have a time, which means nothing here; the year 1 stands for none.
    birthday: /^(?!0001)\d{4}-\d\d-\d\d/.exec(readText(field(profile, 'Birthday')) ?? '')?.[0],
    maritalStatus: findKey(MARITAL_STATUSES, readText(field(profile, 'MaritalStatus'))),
    childrenCount: count === undefined ? undefined : Number(count),
    // `ImageUrl` is another one: also that of a user without a picture.
    imageUrl: readText(field(profile, 'ExternalImageUrl')),
    status: findKey(READ_STATUSES, readText(field(user, 'Status'))),
    clientId: readText(field(userFields, 'ClientId')),
    settings: Object.values(settings).some((value) => value !== undefined)
      ? withoutUndefined(settings)
      : undefined,
  });
}

function settingsOf<T>(entry: (setting: keyof UserSettings, name: string) => [string, T]): [string, T][] {
  return [
    entry('enabled', SETTINGS.enabled),
    entry('tracking', SETTINGS.tracking),
    entry('logging', SETTINGS.logging),
    entry('realTimeLocation', SETTINGS.realTimeLocation),
  ];
}

function readFlag(userFields: unknown, name: string): boolean | undefined {
  const value = field(userFields, name);
  return typeof value === 'boolean' ? value : undefined;
}

function findKey<Key extends string>(words: Readonly<Record<Key, string>>, text?: string): Key | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of an object literal
  const keys = Object.keys(words) as Key[];
  const lower = text?.toLowerCase();
  return keys.find((key) => words[key].toLowerCase() === lower || key.toLowerCase() === lower);
}

/** UserFields are an array of one object when read (documented), but also seen as null, as [] and, as written, an object. */
function firstObject(value: unknown): unknown {
  return Array.isArray(value) ? value.find(isObject) : value;
}

/** What is undefined is left out. */
function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name in fields) if (fields[name] !== undefined) kept[name] = fields[name];
  return kept;
}

export function pascalCase(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
