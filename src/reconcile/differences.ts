/**
 * Compares a list of users with Damoov's: reads all pages first, then checks each apparent difference with a look-up, since users change
 * meanwhile. Sends reads only, and only reports what it finds.
 */
import type { DamoovClient } from '../damoov/client.ts';
import type { DamoovUser } from '../damoov/wire.ts';
import { findUsers, isOfInstance } from '../operations/find-user.ts';
import { inOrder } from './in-order.ts';
import { type ListIndex, type ListedRow, listedRows } from './list-index.ts';
import {
  type ComparedField,
  type ListedElsewhere,
  type ListedUser,
  differingFields,
  unknownFields,
  valuesOf,
} from './listed-user.ts';
import { type Lookalikes, createLookalikes } from './lookalikes.ts';
import { readAllUsers } from './read-all-users.ts';

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
  /** All users of the list; `list` reads the rows again. */
  readonly index: ListIndex;
  readonly list: () => AsyncIterable<ListedUser>;
  /** The rows of the list for other instances. */
  readonly elsewhere?: (() => AsyncIterable<ListedElsewhere>) | undefined;
  /** When the list was made, in epoch milliseconds: a user created later cannot be in it. */
  readonly listedAt: number;
  readonly pageSize: number;
  /** Called with the progress. */
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

/** The users not in the list, before each is checked. */
interface Unlisted {
  userIds: Set<string>;
  lookalikes: Lookalikes;
}

/** Number of parallel look-ups. */
const LOOKUPS = 8;

/**
 * Every difference, and what is unknown: those of listed users in the list's order, then the orphaned. Afterwards the index has the state
 * of each user.
 */
export async function* findDifferences(comparison: Comparison): AsyncGenerator<Difference> {
  const { index, list, onProgress } = comparison;
  const unlisted = await seeAllUsers(comparison);
  let seen = 0;
  const { userIds, lookalikes } = unlisted;
  const total = index.doubtful + userIds.size;
  onProgress?.({ step: 'looking again', seen, total });
  const found = [
    inOrder(doubtful(list(), index, lookalikes), LOOKUPS, (doubt) => lookAtListed(doubt, comparison)),
    inOrder(usersBehind(unlisted, comparison), LOOKUPS, (id) => lookAtUnlisted(id, lookalikes, comparison)),
  ];
  for (const looks of found) {
    for await (const differences of looks) {
      seen += 1;
      onProgress?.({ step: 'looking again', seen, total });
      yield* differences;
    }
  }
}

/** Adds all users of the instance to the index; returns those not in the list. */
async function seeAllUsers(comparison: Comparison): Promise<Unlisted> {
  const { client, instance, index, listedAt, pageSize, onProgress } = comparison;
  const unlisted: Unlisted = { userIds: new Set(), lookalikes: createLookalikes() };
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
      if (!isOfInstance(user, instance) || (hasClientId(user) && index.see(user))) continue;
      if (isNewer(user, newestAtFirst, listedAt)) continue;
      unlisted.userIds.add(user.userId);
      unlisted.lookalikes.add(user);
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

/** The listed users that may differ; also compares every row with the users not in the list. */
async function* doubtful(
  list: AsyncIterable<ListedUser>,
  index: ListIndex,
  lookalikes: Lookalikes,
): AsyncGenerator<ListedRow> {
  for await (const listed of listedRows(list, index)) {
    lookalikes.meet(listed.user, listed.user.line);
    if (index.stateOf(listed.row) !== 'same') yield listed;
  }
}

/** The users not in the list, once the whole list was compared with them. */
async function* usersBehind(
  { userIds, lookalikes }: Unlisted,
  { elsewhere }: Comparison,
): AsyncGenerator<string> {
  if (elsewhere !== undefined && lookalikes.size > 0) {
    for await (const row of elsewhere()) lookalikes.meet(row, row.line);
  }
  yield* userIds;
}

async function lookAtListed(
  { row, user }: ListedRow,
  { index, ...where }: Comparison,
): Promise<Difference[]> {
  const { line, clientId } = user;
  const found = await usersWith('clientId', clientId, where);
  const [only] = found;
  if (only === undefined) {
    // A sign-up makes an active user.
    index.settle(row, 'missing', user.wanted.status === 'deactivated' ? ['status'] : []);
    return [{ kind: 'missing', line, clientId }];
  }
  if (found.length > 1) {
    index.settle(row, 'duplicated');
    return [{ kind: 'duplicated', line, clientId, userIds: oldestFirst(found).map(({ userId }) => userId) }];
  }
  const values = valuesOf(only);
  const differing = differingFields(user, values);
  index.settle(row, differing.length > 0 ? 'differing' : 'same', differing);
  return [
    { kind: 'differing' as const, fields: differing },
    { kind: 'unknown' as const, fields: unknownFields(user, values) },
  ]
    .filter(({ fields }) => fields.length > 0)
    .map(({ kind, fields }) => ({ kind, line, clientId, userId: only.userId, fields }));
}

async function lookAtUnlisted(
  unlisted: string,
  lookalikes: Lookalikes,
  { index, ...where }: Comparison,
): Promise<Difference[]> {
  const user = await userWith(unlisted, where);
  if (user === undefined) return [];
  const { userId, clientId } = user;
  if (clientId !== undefined && index.has(clientId)) return [];
  const looksLikeLine = lookalikes.lineOf(user);
  // The user got this clientId meanwhile, and the list was not searched for it.
  if (looksLikeLine === undefined) return [];
  const createdAt = createdAtOf(user)?.toISOString();
  const shown = {
    ...(clientId !== undefined && { clientId }),
    ...(createdAt !== undefined && { createdAt }),
    ...(looksLikeLine > 0 && { looksLikeLine }),
  };
  return [{ kind: 'orphaned', userId, ...shown }];
}

function oldestFirst(users: readonly DamoovUser[]): DamoovUser[] {
  return users.toSorted(({ dateCreated: a = '' }, { dateCreated: b = '' }) => (a < b ? -1 : a > b ? 1 : 0));
}

async function userWith(userId: string, comparison: Where): Promise<DamoovUser | undefined> {
  return (await usersWith('userId', userId, comparison))[0];
}

/** The users of the instance with exactly this id or clientId. */
async function usersWith(by: 'userId' | 'clientId', value: string, comparison: Where): Promise<DamoovUser[]> {
  const users = await findUsers({ by, value }, comparison);
  return users.filter(
    (user) => isOfInstance(user, comparison.instance) && (by === 'userId' || user.clientId === value),
  );
}
