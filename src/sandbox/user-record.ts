/**
 * One user as the sandbox stores it, and as the API shows it. A record is immutable: a write makes a new one.
 */
import type { SandboxModes } from './modes.ts';

/** What reads show of an empty profile (documented). */
const EMPTY_PROFILE = {
  FirstName: null,
  LastName: null,
  Nickname: null,
  Phone: null,
  Email: null,
  Gender: 'None',
  Birthday: null,
  MaritalStatus: null,
  Country: null,
  District: null,
  City: null,
  Address: null,
  ExternalImageUrl: null,
  ChildrenCount: null,
};

export type Profile = Partial<Record<keyof typeof EMPTY_PROFILE, string | number | null>>;

/** The flags of a fresh user, as in the vendor's own samples. */
export const FRESH_FIELDS = {
  EnableTracking: true,
  EnableLogging: false,
  EnableRealTimeLocation: false,
  Enabled: true,
};

export type UserFields = typeof FRESH_FIELDS & { ClientId: string | null };

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
  readonly profile: Readonly<Profile>;
  readonly fields: Readonly<UserFields>;
}

/**
 * A user as find and the filtered page show it (documented): UserFields is an array of one object when read. Without
 * `includeAccountInfo` the names in AccountInfo are null.
 */
export function asRead(user: UserRecord, includeAccountInfo: boolean, casing: SandboxModes['tokenCasing']) {
  return {
    DeviceToken: tokenOf(user, casing),
    // Seen in live samples: no zone, seven fraction digits.
    DateCreated: `${iso(user.createdAt).slice(0, -1)}0000`,
    Status: user.status,
    ActivityStatus: 'No Data',
    UserProfile: { ...EMPTY_PROFILE, ...user.profile },
    AccountInfo: {
      InstanceId: user.instanceId,
      InstanceName: includeAccountInfo ? `Sandbox ${user.instanceId}` : null,
    },
    UserFields: [user.fields],
  };
}

/** A user's token in the casing of the answers. */
export function tokenOf(
  { deviceToken, givenToken }: Pick<UserRecord, 'deviceToken' | 'givenToken'>,
  casing: SandboxModes['tokenCasing'],
): string {
  if (casing === 'as-given') return givenToken;
  return casing === 'upper' ? deviceToken.toUpperCase() : deviceToken;
}

/** A user as the sandbox's own controls show it. */
export function asListed({ deviceToken, instanceId, fields, profile, ...user }: UserRecord) {
  return {
    deviceToken,
    instanceId,
    clientId: fields.ClientId,
    firstName: profile.FirstName ?? null,
    lastName: profile.LastName ?? null,
    nickname: profile.Nickname ?? null,
    phone: profile.Phone ?? null,
    email: profile.Email ?? null,
    status: user.status,
    createdAt: iso(user.createdAt),
    deletedAt: user.deletedAt === null ? null : iso(user.deletedAt),
  };
}

/** Epoch milliseconds as ISO 8601. */
export function iso(at: number): string {
  return new Date(at).toISOString();
}
