/**
 * One user as the sandbox keeps it, and as the API shows it when read. A record never changes: a write
 * makes a new one. Knows nothing of where records are kept.
 */
import type { SandboxModes } from './modes.ts';

/** The profile fields that are text (documented), by the names the API gives them. */
export const TEXT_FIELDS = [
  'FirstName',
  'LastName',
  'Nickname',
  'Phone',
  'Email',
  'Gender',
  'Birthday',
  'MaritalStatus',
  'Country',
  'District',
  'City',
  'Address',
  'ExternalImageUrl',
] as const;

export const FLAGS = ['EnableTracking', 'EnableLogging', 'EnableRealTimeLocation', 'Enabled'] as const;

export type TextField = (typeof TEXT_FIELDS)[number];
export type Flag = (typeof FLAGS)[number];

export type Profile = Record<TextField, string | null> & { ChildrenCount: number | null };
export type UserFields = Record<Flag, boolean> & { ClientId: string | null };

export interface UserRecord {
  /** A UUID in lower case. */
  readonly deviceToken: string;
  /** The same as it was given in the create. */
  readonly givenToken: string;
  readonly instanceId: string;
  /** Epoch milliseconds, as is `deletedAt`. */
  readonly createdAt: number;
  /** Deleted users are kept, so that what became of them can be told; null = not deleted. */
  readonly deletedAt: number | null;
  readonly status: 'Active' | 'Inactive';
  readonly profile: Readonly<Profile>;
  readonly fields: Readonly<UserFields>;
}

type TokenCasing = SandboxModes['tokenCasing'];

export const EMPTY_PROFILE: Readonly<Profile> = {
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

/** The flags of a fresh user, as in the vendor's own samples. */
export const FRESH_FIELDS: Readonly<UserFields> = {
  ClientId: null,
  EnableTracking: true,
  EnableLogging: false,
  EnableRealTimeLocation: false,
  Enabled: true,
};

/**
 * A user as find and the filtered page show it (documented): UserFields is an array of one object when read.
 * Without `includeAccountInfo` the names in AccountInfo are null.
 */
export function asRead(user: UserRecord, includeAccountInfo: boolean, casing: TokenCasing) {
  return {
    DeviceToken: tokenOf(user, casing),
    DateCreated: dateCreated(user.createdAt),
    Status: user.status,
    ActivityStatus: 'No Data',
    UserProfile: user.profile,
    AccountInfo: {
      InstanceId: user.instanceId,
      InstanceName: includeAccountInfo ? `Sandbox ${user.instanceId}` : null,
    },
    UserFields: [user.fields],
  };
}

/** A user's token as answers write it. */
export function tokenOf(
  { deviceToken, givenToken }: Pick<UserRecord, 'deviceToken' | 'givenToken'>,
  casing: TokenCasing,
): string {
  switch (casing) {
    case 'lower':
      return deviceToken;
    case 'upper':
      return deviceToken.toUpperCase();
    case 'as-given':
      return givenToken;
  }
}

/** A user as the sandbox's own controls show it. */
export function asListed(user: UserRecord) {
  return {
    deviceToken: user.deviceToken,
    instanceId: user.instanceId,
    clientId: user.fields.ClientId,
    firstName: user.profile.FirstName,
    lastName: user.profile.LastName,
    nickname: user.profile.Nickname,
    phone: user.profile.Phone,
    email: user.profile.Email,
    status: user.status,
    createdAt: iso(user.createdAt),
    deletedAt: user.deletedAt === null ? null : iso(user.deletedAt),
  };
}

/** Epoch milliseconds as ISO 8601. */
export function iso(at: number): string {
  return new Date(at).toISOString();
}

/** Seen in live samples: no zone, seven fraction digits. */
function dateCreated(at: number): string {
  return `${iso(at).slice(0, -1)}0000`;
}
