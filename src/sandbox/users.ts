/**
 * The store: users by token, an index by ClientId, and what a lagging read still sees of the past.
 * Knows no HTTP and decides no answer.
 */
import type { UserRecord } from './user-record.ts';

/** What find looks for; everything given must match (documented). */
export interface UserFilter {
  /** In lower case. */
  readonly deviceToken: string | undefined;
  readonly clientId: string | undefined;
  readonly email: string | undefined;
  readonly phone: string | undefined;
  readonly firstName: string | undefined;
  readonly lastName: string | undefined;
  readonly fullName: string | undefined;
  readonly showInactive: boolean;
}

/** One state of a user, and the one before it while a lagging read may still see that. */
interface Version {
  readonly record: UserRecord;
  readonly visibleAt: number;
  older: Version | undefined;
}

export class Users {
  readonly #newest = new Map<string, Version>();
  /** Every token that ever had the ClientId: a superset, so a lagging read finds a user by the old one. */
  readonly #byClientId = new Map<string, string[]>();

  /** Whether the token was ever given to a user, deleted ones included. */
  isTaken(deviceToken: string): boolean {
    return this.#newest.has(deviceToken);
  }

  /** The user as last written; undefined where there is none or it is deleted. */
  get(deviceToken: string): UserRecord | undefined {
    const record = this.#newest.get(deviceToken)?.record;
    return record?.deletedAt === null ? record : undefined;
  }

  /** Writes a user; finds see it `lagMs` from now. */
  put(record: UserRecord, now: number, lagMs: number): void {
    const { deviceToken } = record;
    const current = this.#newest.get(deviceToken);
    const older = lagMs > 0 ? cutHistory(current, now) : undefined;
    this.#newest.set(deviceToken, { record, visibleAt: now + lagMs, older });
    this.#index(record, current?.record);
  }

  /** Every user in the order of creation, as last written, deleted ones included. */
  *all(): Generator<UserRecord> {
    for (const { record } of this.#newest.values()) yield record;
  }

  /** The users a lagging read sees that match: by ClientId in the order they got it, else in that of creation. */
  find(filter: UserFilter, now: number): UserRecord[] {
    const found: UserRecord[] = [];
    for (const version of this.#candidates(filter)) {
      const user = visible(version, now)?.record;
      if (user !== undefined && matches(user, filter)) found.push(user);
    }
    return found;
  }

  clear(): void {
    this.#newest.clear();
    this.#byClientId.clear();
  }

  /** A superset of what matches, by the narrowest index there is. */
  #candidates({ deviceToken, clientId }: UserFilter): Iterable<Version> {
    if (deviceToken !== undefined) return this.#versionsOf([deviceToken]);
    if (clientId !== undefined) return this.#versionsOf(this.#byClientId.get(clientId) ?? []);
    return this.#newest.values();
  }

  #versionsOf(tokens: readonly string[]): Version[] {
    return tokens.flatMap((token) => this.#newest.get(token) ?? []);
  }

  #index({ deviceToken, fields }: UserRecord, before: UserRecord | undefined): void {
    const clientId = fields.ClientId;
    if (clientId === null || clientId === before?.fields.ClientId) return;
    const tokens = this.#byClientId.get(clientId);
    if (tokens === undefined) this.#byClientId.set(clientId, [deviceToken]);
    else if (before === undefined || !tokens.includes(deviceToken)) tokens.push(deviceToken);
  }
}

function visible(version: Version | undefined, now: number): Version | undefined {
  let seen = version;
  while (seen !== undefined && seen.visibleAt > now) seen = seen.older;
  return seen;
}

/** Nobody reads what lies behind a visible version: without the cut, a lag would keep every version ever written. */
function cutHistory(version: Version | undefined, now: number): Version | undefined {
  const seen = visible(version, now);
  if (seen !== undefined) seen.older = undefined;
  return version;
}

function matches(user: UserRecord, filter: UserFilter): boolean {
  // Assumption: a deleted user is found by nothing, not even with ShowInactiveUsers: the deletion is irreversible.
  if (user.deletedAt !== null) return false;
  if (user.status === 'Inactive' && !filter.showInactive) return false;
  const { profile, fields } = user;
  // Assumption: values match exactly, with their case.
  return (
    isOrAbsent(filter.deviceToken, user.deviceToken) &&
    isOrAbsent(filter.clientId, fields.ClientId) &&
    isOrAbsent(filter.email, profile.Email) &&
    isOrAbsent(filter.phone, profile.Phone) &&
    isOrAbsent(filter.firstName, profile.FirstName) &&
    isOrAbsent(filter.lastName, profile.LastName) &&
    (filter.fullName === undefined || filter.fullName === fullName(profile))
  );
}

/** Assumption: first and last name with a space between. */
function fullName({ FirstName, LastName }: UserRecord['profile']): string {
  return [FirstName, LastName].filter((name) => name !== null).join(' ');
}

function isOrAbsent(wanted: string | undefined, value: string | null): boolean {
  return wanted === undefined || wanted === value;
}
