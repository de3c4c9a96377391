/**
 * The store: users by token, an index by ClientId, and the past states that a lagging read still sees.
 */
import type { UserRecord } from './user-record.ts';

export interface UserFilter {
  /** In lower case. */
  readonly deviceToken?: string | undefined;
  readonly clientId?: string | undefined;
  readonly showInactive: boolean;
  readonly isMeant: (user: UserRecord) => boolean;
}

interface Version {
  readonly record: UserRecord;
  readonly visibleAt: number;
}

export class Users {
  /** The newest last; before it, the states that a lagging read may still see. */
  readonly #versions = new Map<string, readonly Version[]>();
  /** Every token that ever had the ClientId: a superset, because a lagging read finds a user by its old one. */
  readonly #byClientId = new Map<string, Set<string>>();

  /** Whether the token was ever given to a user, deleted ones included. */
  isTaken(deviceToken: string): boolean {
    return this.#versions.has(deviceToken);
  }

  /** The user as last written; undefined if there is none or it is deleted. */
  get(deviceToken: string): UserRecord | undefined {
    const record = this.#versions.get(deviceToken)?.at(-1)?.record;
    return record?.deletedAt === null ? record : undefined;
  }

  /** Writes a user; reads see it `lagMs` from now. */
  put(record: UserRecord, now: number, lagMs: number): void {
    const { deviceToken, fields } = record;
    const past = lagMs > 0 ? (this.#versions.get(deviceToken) ?? []) : [];
    // No read sees versions before a visible one.
    const kept = past.slice(Math.max(0, indexOfVisible(past, now)));
    this.#versions.set(deviceToken, [...kept, { record, visibleAt: now + lagMs }]);
    const { ClientId: clientId = null } = fields;
    if (clientId === null) return;
    const tokens = this.#byClientId.get(clientId);
    if (tokens === undefined) this.#byClientId.set(clientId, new Set([deviceToken]));
    else tokens.add(deviceToken);
  }

  /** Every user in the order of creation, as last written, deleted ones included. */
  all(): UserRecord[] {
    return [...this.#versions.values()].flatMap((versions) => versions.at(-1)?.record ?? []);
  }

  /** The matching users that a lagging read sees: by ClientId in the order they got it, else in order of creation. */
  find({ deviceToken, clientId, showInactive, isMeant }: UserFilter, now: number): UserRecord[] {
    const tokens =
      deviceToken !== undefined
        ? [deviceToken]
        : clientId !== undefined
          ? (this.#byClientId.get(clientId) ?? [])
          : this.#versions.keys();
    return [...tokens].flatMap((token) => {
      const versions = this.#versions.get(token) ?? [];
      const user = versions[indexOfVisible(versions, now)]?.record;
      // Assumption: no read finds a deleted user, not even with ShowInactiveUsers: the deletion is irreversible.
      if (user === undefined || user.deletedAt !== null) return [];
      if (user.status === 'Inactive' && !showInactive) return [];
      if (clientId !== undefined && user.fields.ClientId !== clientId) return [];
      return isMeant(user) ? [user] : [];
    });
  }

  clear(): void {
    this.#versions.clear();
    this.#byClientId.clear();
  }
}

function indexOfVisible(versions: readonly Version[], now: number): number {
  return versions.findLastIndex(({ visibleAt }) => visibleAt <= now);
}
