/**
 * A Damoov user, and its PascalCase form on the wire. A reader returns undefined for a value that the API does not promise.
 */
import { field, isObject, readNumber, readText } from './envelope.ts';
import {
  type CreatedFields,
  type ReadFields,
  type UserChanges,
  fieldsFromWire,
  fieldsToWire,
  pascalCase,
} from './user-fields.ts';

const queryFields = [
  'deviceToken',
  'email',
  'phone',
  'clientId',
  'firstName',
  'lastName',
  'fullName',
  'country',
  'osType',
] as const;

/** A user to create. Everything is optional (documented); undefined fields are not sent. */
export type NewUser = CreatedFields & {
  /** A UUID that becomes the user's id (documented). Damoov's reaction to a repeated one is unknown. */
  readonly customToken?: string | undefined;
  /** Requests the user's own token pair. Always sent, false by default: the API's own default is disputed. */
  readonly createAccessToken?: boolean | undefined;
};

const FILTERS = [
  'companyIds',
  'applicationIds',
  'searchTerm',
  'dateCreatedFrom',
  'dateCreatedTo',
  'country',
  'city',
  'rtdEnabled',
] as const satisfies (keyof UserFilter)[];

/** Criteria of a find, combined with AND (documented). At least one; none may be blank. */
export type UserQuery = { readonly [field in (typeof queryFields)[number]]?: string | undefined } & {
  /** Also find inactive users (`ShowInactiveUsers`; the API's default is false, documented). */
  readonly includeInactive?: boolean | undefined;
  /** Also return the users' instances (`IncludeAccountInfo`; the API's default is false, documented). */
  readonly includeAccountInfo?: boolean | undefined;
};

/** Selects users, combined with AND (documented). Default: all that the admin may see. */
export interface UserFilter {
  readonly instanceIds?: readonly string[] | undefined;
  readonly companyIds?: readonly string[] | undefined;
  readonly applicationIds?: readonly string[] | undefined;
  readonly searchTerm?: string | undefined;
  readonly dateCreatedFrom?: Date | undefined;
  readonly dateCreatedTo?: Date | undefined;
  readonly country?: string | undefined;
  readonly city?: string | undefined;
  readonly rtdEnabled?: boolean | undefined;
  /** Also show inactive users (`ShowInactiveUsers`). Always sent, false by default. */
  readonly includeInactive?: boolean | undefined;
}

/** Selects a page of users. */
export interface PageQuery extends UserFilter {
  /** From 1 (documented). */
  readonly pageNumber: number;
  /** Number of users per page. The allowed sizes are unknown. */
  readonly pageSize: number;
  /** Also return the users' instances (`IncludeAccountInfo`). Always sent, false by default. */
  readonly includeAccountInfo?: boolean | undefined;
}

/** The users on a page, the newest first, as they were at that moment. */
export interface UserPage {
  readonly users: readonly DamoovUser[];
  readonly hasNextPage: boolean;
  /** Of all pages together. */
  readonly totalUsers: number;
}

/** A user's own access token, as given to the mobile SDK. */
interface AccessToken {
  readonly token: string;
  /** Seconds; 432000 for a user (documented). Absent if Damoov gave none. */
  readonly expiresInS?: number;
}

/** The answer to a create. */
export interface CreatedUser {
  /** Lower-case. */
  readonly userId: string;
  readonly status: number;
  readonly accessToken?: AccessToken;
  readonly refreshToken?: string;
}

/** The answer to an update or a deletion. */
export interface Acknowledgement {
  readonly status: number;
  /** The envelope said `Result: null` (a normal success has no Result): this may mean that there was no such user. */
  readonly hadResultNull: boolean;
}

/** A user as read. Null and missing values are absent. */
export type DamoovUser = ReadFields & {
  /** Lower-case. */
  readonly userId: string;
  /** As Damoov writes it: no zone, 6 or 7 digits of fraction. */
  readonly dateCreated?: string;
  /** The InstanceId, lower-case (`AccountInfo`, seen in the vendor's samples). */
  readonly instanceId?: string;
};

/** Whether two user ids are the same: Damoov's casing of a UUID is unknown, so case and blanks do not count. */
export function sameUserId(a: string, b: string): boolean {
  return normalUserId(a) === normalUserId(b);
}

/** The form of user ids that this client returns. */
function normalUserId(userId: string): string {
  return userId.trim().toLowerCase();
}

/** The body of `POST /v1/Registration/create` (documented). */
export function createBody({ customToken, createAccessToken = false, ...fields }: NewUser): object {
  return {
    ...toWire({ customToken }, ['customToken']),
    CreateAccessToken: createAccessToken,
    ...fieldsToWire(fields),
  };
}

/** The body of `PUT /v1/Management/users`: a plain partial merge in spite of its documented content type. */
export function updateBody(changes: UserChanges): object {
  return fieldsToWire(changes);
}

/** The query of `GET /v1/Management/users/find`, with no leading question mark; the values in it are percent-encoded. */
export function findQuery(query: UserQuery): string {
  const criteria = Object.entries(toWire(query, queryFields)).map(([name, value]) => {
    if (typeof value !== 'string' || value.trim() === '')
      throw new TypeError(`find: ${name} must not be blank`);
    return `${name}=${encodeURIComponent(value.toWellFormed())}`;
  });
  if (criteria.length === 0) throw new TypeError('find: at least one criterion is needed');
  if (query.includeInactive === true) criteria.push('ShowInactiveUsers=true');
  if (query.includeAccountInfo === true) criteria.push('IncludeAccountInfo=true');
  return criteria.join('&');
}

/** The body of `POST /v1/Management/users/GetFilteredPage` (documented); the order is the only one that is documented. */
export function pageBody({
  pageNumber,
  pageSize,
  instanceIds = [],
  includeInactive = false,
  includeAccountInfo = false,
  ...filters
}: PageQuery): object {
  for (const [name, value] of Object.entries({ pageNumber, pageSize })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`page: ${name} must be 1 or more`);
  }
  return {
    InstanceIds: instanceIds,
    ...toWire(filters, FILTERS),
    PageNumber: pageNumber,
    PageSize: pageSize,
    IncludeAccountInfo: includeAccountInfo,
    Sort: 'DateCreatedDesc',
    ActivityStatuses: [],
    ShowInactiveUsers: includeInactive,
  };
}

/** The body of `POST /v1/Auth/Login` for an admin: LoginFields is JSON within JSON (documented). */
export function loginBody(email: string, password: string): object {
  return { LoginFields: JSON.stringify({ email }), Password: password };
}

/** The body of `POST /v1/Auth/Login` for a user, with this spelling of the key (documented). */
export function userLoginBody(userId: string, instanceKey: string): object {
  return { LoginFields: JSON.stringify({ Devicetoken: userId }), Password: instanceKey };
}

/** The body of `POST /v1/Auth/RefreshToken` (documented); the access token may have expired. */
export function refreshBody(accessToken: string, refreshToken: string): object {
  return { AccessToken: accessToken, RefreshToken: refreshToken };
}

/** The token pair in the Result of a login, a refresh, or a create that requested one. */
export interface ReceivedTokens {
  readonly accessToken: AccessToken;
  readonly refreshToken?: string;
}

/** The characters and length of an HTTP header: any other token could never be used. */
const TOKEN = /^[\x21-\x7e]{1,8000}$/;
/** Longest plausible life of a token, in seconds; the end of a longer one may be no valid date. */
const LONGEST_LIFE_S = 10 * 365 * 24 * 3600;

/** Undefined if there is no access token. RefreshToken is a string (seen in shipped code); `{Token}` is read as well. */
export function readTokens(result: unknown): ReceivedTokens | undefined {
  const access = field(result, 'AccessToken');
  const token = readText(isObject(access) ? field(access, 'Token') : access);
  if (token === undefined || !TOKEN.test(token)) return undefined;
  const expiresInS = readNumber(field(access, 'ExpiresIn'));
  const refresh = field(result, 'RefreshToken');
  const refreshToken = readText(isObject(refresh) ? field(refresh, 'Token') : refresh);
  return {
    accessToken: { token, ...(expiresInS > 0 && expiresInS <= LONGEST_LIFE_S ? { expiresInS } : {}) },
    ...(refreshToken === undefined ? {} : { refreshToken }),
  };
}

/** Undefined without a DeviceToken that is a UUID (documented). */
export function readCreatedUser(status: number, result: unknown): CreatedUser | undefined {
  const userId = readUserId(result);
  if (userId === undefined) return undefined;
  return { userId, status, ...readTokens(result) };
}

/** Undefined if the Result is not an array of users: an unreadable user must not look like a missing one. */
export function readUsers(result: unknown): DamoovUser[] | undefined {
  if (!Array.isArray(result)) return undefined;
  const users = result.map(readUser);
  return users.every((user) => user !== undefined) ? users : undefined;
}

/** Undefined if anything is unreadable: such a page must not look like the last one, or like a shorter one. */
export function readPage(result: unknown): UserPage | undefined {
  const users = readUsers(field(result, 'Users'));
  const hasNextPage = field(result, 'HasNextPage');
  const totalUsers = readNumber(field(result, 'TotalUsers'));
  if (users === undefined || typeof hasNextPage !== 'boolean') return undefined;
  return Number.isSafeInteger(totalUsers) && totalUsers >= 0 ? { users, hasNextPage, totalUsers } : undefined;
}

function readUser(value: unknown): DamoovUser | undefined {
  const userId = readUserId(value);
  if (userId === undefined) return undefined;
  const instanceId = readText(field(field(value, 'AccountInfo'), 'InstanceId'));
  return {
    userId,
    ...fromWire(value, ['dateCreated']),
    ...fieldsFromWire(value),
    ...(instanceId === undefined ? {} : { instanceId: instanceId.toLowerCase() }),
  };
}

function readUserId(value: unknown): string | undefined {
  const deviceToken = readText(field(value, 'DeviceToken'));
  const userId = deviceToken === undefined ? '' : normalUserId(deviceToken);
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(userId) ? userId : undefined;
}

function toWire<Name extends string>(
  source: { readonly [name in Name]?: unknown },
  names: readonly Name[],
): Record<string, unknown> {
  const present = names.filter((name) => source[name] !== undefined);
  return Object.fromEntries(present.map((name) => [pascalCase(name), source[name]]));
}

function fromWire<Name extends string>(source: unknown, names: readonly Name[]): { [name in Name]?: string } {
  const found: { [name in Name]?: string } = {};
  for (const name of names) {
    const value = readText(field(source, pascalCase(name)));
    if (value !== undefined) found[name] = value;
  }
  return found;
}
