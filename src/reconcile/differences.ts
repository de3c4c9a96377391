/**
 * Compares a list of users with Damoov's: reads all pages first, then checks each apparent difference with a look-up, since users change
 * meanwhile. Sends reads only, and only reports what it finds.
 */
import type { DamoovClient } from '../damoov/client.ts';
import type { DamoovUser } from '../damoov/wire.ts';
import { findUsers, isOfInstance } from '../operations/find-user.ts';
import { inOrder } from './in-order.ts';
import {
  type ComparedField,
  type ListedElsewhere,
  differingFields,
  unknownFields,
  valuesOf,
} from './listed-user.ts';
import { createLookalikes } from './lookalikes.ts';
import { readAllUsers } from './read-all-users.ts';
import type { ListEntry, UserList } from './user-list.ts';

export type Difference =
  /** In the list, but not at Damoov. */
  | { kind: 'missing'; line: number; clientId: string }
  /**
   * At Damoov, but not in the list. `createdAt` is ISO 8601. `looksLikeLine`: the row that may mean this user, with its clientId in
   * another spelling or instance, or with its userId.
   */
  | {
      kind: 'orphaned';
      userId: string;
      clientId?: string;
      createdAt?: string;
      looksLikeLine?: number;
    }
  /** In the list, and several times at Damoov; the oldest first, if Damoov shows when they were created. */
  | { kind: 'duplicated'; line: number; clientId: string; userIds: string[] }
  /** At Damoov with other values than in the list. */
  | OtherValues<'differing'>
  /** No difference, but not the same either: Damoov does not show these values. */
  | OtherValues<'unknown'>;

interface OtherValues<Kind> {
  kind: Kind;
  line: number;
  clientId: string;
  userId: string;
  fields: ComparedField[];
}

export interface Comparison {
  readonly client: Pick<DamoovClient, 'page' | 'findUsers'>;
  /** Damoov's InstanceId: users of other instances do not count. */
  readonly instance: { readonly id: string };
  readonly list: UserList;
  /** The rows of the list for other instances. */
  readonly elsewhere: readonly ListedElsewhere[];
  /** When the list was made, in epoch milliseconds: a user created later cannot be in it. */
  readonly listedAt: number;
  readonly pageSize: number;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface Progress {
  step: 'reading' | 'looking again';
  /** Starts at 0 in each step. */
  seen: number;
  /** As far as known. */
  total: number;
}

type Where = Pick<Comparison, 'client' | 'instance'>;

const LOOKUPS = 8;

/**
 * Every difference, and what is unknown: those of listed users in the list's order, then the orphaned. Afterwards the list has the state
 * of each user.
 */
export async function* findDifferences(comparison: Comparison): AsyncGenerator<Difference> {
  const { list, elsewhere, onProgress } = comparison;
  const unlisted = await readUsers(comparison);
  const { doubtful } = list;
  const rows = unlisted.size === 0 ? [] : [...list.all().map(({ user }) => user), ...elsewhere];
  const lineLike = createLookalikes(rows);
  let seen = 0;
  const total = doubtful.length + unlisted.size;
  onProgress?.({ step: 'looking again', seen, total });
  const found = [
    inOrder(doubtful, LOOKUPS, (entry) => lookAtListed(entry, comparison)),
    inOrder(unlisted, LOOKUPS, (userId) => lookAtUnlisted(userId, lineLike, comparison)),
  ];
  for (const looks of found) {
    for await (const differences of looks) {
      seen += 1;
      onProgress?.({ step: 'looking again', seen, total });
      yield* differences;
    }
  }
}

/** Compares all users of the instance with the list; returns the UserIds of those not in it. */
async function readUsers(comparison: Comparison): Promise<ReadonlySet<string>> {
  const { client, instance, list, listedAt, pageSize, onProgress } = comparison;
  const unlisted = new Set<string>();
  const ask = (pageNumber: number, size: number) =>
    client.page({
      pageNumber,
      pageSize: size,
      instanceIds: [instance.id],
      includeInactive: true,
      includeAccountInfo: true,
    });
  let newestAtFirst: string | undefined;
  let seen = 0;
  for await (const { users, totalUsers } of readAllUsers(ask, pageSize)) {
    if (newestAtFirst === undefined) onProgress?.({ step: 'reading', seen, total: totalUsers });
    newestAtFirst ??= newestIn(users);
    for (const user of users) {
      if (!isOfInstance(user, instance) || (hasClientId(user) && list.see(user))) continue;
      if (!isNewer(user, newestAtFirst, listedAt)) unlisted.add(user.userId);
    }
    seen += users.length;
    onProgress?.({ step: 'reading', seen: Math.min(seen, totalUsers), total: totalUsers });
  }
  return unlisted;
}

function hasClientId(user: DamoovUser): user is DamoovUser & { clientId: string } {
  return user.clientId !== undefined;
}

/** The latest creation date at the first request, by Damoov's clock; empty if there was no user: all are newer then. */
function newestIn(users: readonly DamoovUser[]): string {
  return users.map(({ dateCreated = '' }) => dateCreated).reduce((a, b) => (a > b ? a : b), '');
}

/**
 * Whether the user was created after the comparison began (by the order of Damoov's own dates, without a clock) or after the list was
 * made.
 */
function isNewer(user: DamoovUser, newestAtFirst: string, listedAt: number): boolean {
  const { dateCreated = '' } = user;
  return dateCreated > newestAtFirst || (createdAtOf(user)?.getTime() ?? 0) > listedAt;
}

/** Damoov's dates have no zone (seen in live samples): UTC is assumed. */
function createdAtOf({ dateCreated = '' }: DamoovUser): Date | undefined {
  const date = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(dateCreated) ? dateCreated : `${dateCreated}Z`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

async function lookAtListed(entry: ListEntry, comparison: Comparison): Promise<Difference[]> {
  const { user } = entry;
  const { line, clientId } = user;
  const found = await findExactly('clientId', clientId, comparison);
  const [only] = found;
  if (only === undefined) {
    entry.state = 'missing';
    // A sign-up makes an active user.
    entry.toUpdate = user.wanted.status === 'deactivated' ? ['status'] : [];
    return [{ kind: 'missing', line, clientId }];
  }
  if (found.length > 1) {
    entry.state = 'duplicated';
    return [{ kind: 'duplicated', line, clientId, userIds: oldestFirst(found).map(({ userId }) => userId) }];
  }
  const values = valuesOf(only);
  const differing = differingFields(user, values);
  entry.state = differing.length > 0 ? 'differing' : 'same';
  entry.toUpdate = differing;
  return [
    { kind: 'differing' as const, fields: differing },
    { kind: 'unknown' as const, fields: unknownFields(user, values) },
  ]
    .filter(({ fields }) => fields.length > 0)
    .map(({ kind, fields }) => ({ kind, line, clientId, userId: only.userId, fields }));
}

async function lookAtUnlisted(
  unlisted: string,
  lineLike: ReturnType<typeof createLookalikes>,
  { list, ...where }: Comparison,
): Promise<Difference[]> {
  const [user] = await findExactly('userId', unlisted, where);
  if (user === undefined) return [];
  const { userId, clientId } = user;
  if (clientId !== undefined && list.has(clientId)) return [];
  const looksLikeLine = lineLike(user);
  const createdAt = createdAtOf(user)?.toISOString();
  const shown = {
    ...(clientId !== undefined && { clientId }),
    ...(createdAt !== undefined && { createdAt }),
    ...(looksLikeLine !== undefined && { looksLikeLine }),
  };
  return [{ kind: 'orphaned', userId, ...shown }];
}

function oldestFirst(users: readonly DamoovUser[]): DamoovUser[] {
  return users.toSorted(({ dateCreated: a = '' }, { dateCreated: b = '' }) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The users of the instance with exactly this id or clientId. */
async function findExactly(by: 'userId' | 'clientId', value: string, where: Where): Promise<DamoovUser[]> {
  const users = await findUsers({ by, value }, where);
  return users.filter(
    (user) => isOfInstance(user, where.instance) && (by === 'userId' || user.clientId === value),
  );
}
