/**
 * One user as the sandbox stores it, and as the API shows it. A record is immutable: a write makes a new one.
 */
import { iso, timeOf } from './dates.ts';
import { EMPTY_PROFILE, FRESH_FIELDS } from './empty-user.ts';
import { APPLICATION, COMPANY, instanceName } from './hierarchy.ts';
import type { SandboxModes } from './modes.ts';
import type { Body } from './request.ts';
import { withoutFields } from './without-fields.ts';

export type Profile = Partial<Record<keyof typeof EMPTY_PROFILE, string | number | null>>;

export interface UserFields {
  readonly ClientId?: string | null;
  readonly EnableTracking?: boolean;
  readonly EnableLogging?: boolean;
  readonly EnableRealTimeLocation?: boolean;
  readonly Enabled?: boolean;
}

/** For a user without a picture (documented). Assumption: neither an upload nor ExternalImageUrl changes it. */
const DEFAULT_IMAGE_URL = 'https://user.telematicssdk.com/Files/DefaultImages/ic_no_avatar_white.png';

/** Assumption: reads show nothing of a phone whose app never reported, and no sandbox user has an app that does. */
export const NO_MOBILE_DEVICE = {
  MobileUid: null,
  DeviceModel: null,
  OsType: null,
  OsVersion: null,
  SdkVersion: null,
  AppVersion: null,
  VirtualImei: null,
};

export interface UserRecord {
  /** A UUID in lower case. */
  readonly deviceToken: string;
  /** The same in the casing of the create. */
  readonly givenToken: string;
  readonly instanceId: string;
  /** Epoch milliseconds, as is `deletedAt`. */
  readonly createdAt: number;
  /** Deleted users are kept for inspection; null: not deleted. */
  readonly deletedAt: number | null;
  readonly status: 'Active' | 'Inactive';
  /** Only what was written; the same for the fields. */
  readonly profile: Readonly<Profile>;
  readonly fields: UserFields;
}

/** UserFields with their defaults. */
export function fieldsOf({ fields }: UserRecord) {
  return { ...FRESH_FIELDS, ...fields };
}

/**
 * A user as find, the filtered page and its own read show it (documented): UserFields is an array of one object when read. Without
 * `includeAccountInfo` the names in AccountInfo are null.
 */
export function asRead(user: UserRecord, includeAccountInfo: boolean, modes: SandboxModes): Body {
  const read = {
    DeviceToken: tokenOf(user, modes.tokenCasing),
    // Seen in live samples: no zone, seven fraction digits.
    DateCreated: `${iso(user.createdAt).slice(0, -1)}0000`,
    Status: user.status,
    ActivityStatus: 'No Data',
    UserProfile: profileOf(user, modes),
    MobileDevice: NO_MOBILE_DEVICE,
    AccountInfo: {
      CompanyId: COMPANY.id,
      CompanyName: includeAccountInfo ? COMPANY.name : null,
      ApplicationId: APPLICATION.id,
      ApplicationName: includeAccountInfo ? APPLICATION.name : null,
      InstanceId: user.instanceId,
      InstanceName: includeAccountInfo ? instanceName(user.instanceId) : null,
    },
    UserWallets: [],
    // Null for a user without an identity provider (documented): the sandbox has none.
    IdentityId: null,
    IdentityProvider: null,
    UserFields: [fieldsOf(user)],
  };
  return withoutFields(read, modes.hiddenFields);
}

function profileOf({ profile }: UserRecord, { birthdayForm }: SandboxModes) {
  const { Birthday: birthday, Gender: gender } = profile;
  return {
    ...EMPTY_PROFILE,
    ...profile,
    // Inferred: a cleared gender is None, the only documented value for it.
    Gender: gender ?? EMPTY_PROFILE.Gender,
    Birthday: birthdayForm === 'datetime' ? asDateTime(birthday) : (birthday ?? null),
    ImageUrl: DEFAULT_IMAGE_URL,
  };
}

/** Seen in live samples: midnight, without a zone. Text that is not a date is unchanged. */
function asDateTime(birthday: Profile['Birthday']) {
  const at = typeof birthday === 'string' ? timeOf(birthday) : undefined;
  return at === undefined ? (birthday ?? null) : iso(at).slice(0, 'YYYY-MM-DDTHH:MM:SS'.length);
}

/** A user's token as answers write it. */
export function tokenOf(
  { deviceToken, givenToken }: Pick<UserRecord, 'deviceToken' | 'givenToken'>,
  casing: SandboxModes['tokenCasing'],
): string {
  if (casing === 'as-given') return givenToken;
  return casing === 'upper' ? deviceToken.toUpperCase() : deviceToken;
}

/** A user in the sandbox's own controls; written values of the newer fields have their own names. */
export function asListed({ deviceToken, instanceId, fields, profile, ...user }: UserRecord) {
  const { ClientId: clientId = null, ...flags } = fields;
  const { FirstName, LastName, Nickname, Phone, Email, ...others } = profile;
  return {
    deviceToken,
    instanceId,
    clientId,
    firstName: FirstName ?? null,
    lastName: LastName ?? null,
    nickname: Nickname ?? null,
    phone: Phone ?? null,
    email: Email ?? null,
    ...inCamelCase(others),
    ...inCamelCase(flags),
    status: user.status,
    createdAt: iso(user.createdAt),
    deletedAt: user.deletedAt === null ? null : iso(user.deletedAt),
  };
}

function inCamelCase(values: object): Record<string, unknown> {
  const entries = Object.entries(values);
  return Object.fromEntries(
    entries.map(([name, value]) => [`${name.charAt(0).toLowerCase()}${name.slice(1)}`, value]),
  );
}
