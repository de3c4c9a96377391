/**
 * Compares a list of users with Damoov's: all pages first, then each difference that they seem to show is looked at once more by
 * itself, since users come, change and go meanwhile. Sends reads only, and decides nothing about what it finds.
 */
import type { DamoovClient } from '../damoov/client.ts';
import type { DamoovUser } from '../damoov/wire.ts';
import { findUsers, isOfInstance } from '../operations/find-user.ts';
import { inOrder } from './in-order.ts';
import { type ListIndex, type ListedRow, listedRows } from './list-index.ts';
import { type ComparedField, type ListedElsewhere, type ListedUser, differingFields } from './listed-user.ts';
import { type Lookalikes, createLookalikes } from './lookalikes.ts';
import { readAllUsers } from './read-all-users.ts';

export type Difference =
  /** In the list, and not at Damoov. */
  | { kind: 'missing'; line: number; clientId: string }
  /**
   * At Damoov, and not in the list. `createdAt` is ISO 8601. `looksLikeLine`: the list may mean it there, by its clientId in another
   * writing or for another instance, or by its userId.
   */
  | {
      kind: 'orphaned';
      userId: string;
      clientId?: string;
      createdAt?: string;
      looksLikeLine?: number;
    }
  /** In the list, and at Damoov several times; the oldest first, where Damoov says when they were created. */
  | { kind: 'duplicated'; line: number; clientId: string; userIds: string[] }
  /** At Damoov with other values than in the list. */
  | { kind: 'differing'; line: number; clientId: string; userId: string; fields: ComparedField[] };

export interface Comparison {
  readonly client: Pick<DamoovClient, 'page' | 'findUsers'>;
  /** Damoov's InstanceId: users of other instances are nobody's here. */
  readonly instance: { readonly id: string };
  /** All users of the list; `list` reads them again. */
  readonly index: ListIndex;
  readonly list: () => AsyncIterable<ListedUser>;
  /** What the list says of other instances. */
  readonly elsewhere?: (() => AsyncIterable<ListedElsewhere>) | undefined;
  /** When the list was made, in epoch milliseconds: whoever was created at Damoov later cannot be in it. */
  readonly listedAt: number;
  readonly pageSize: number;
  /** Told how far it is. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface Progress {
  step: 'reading' | 'looking again';
  /** 0 when the step begins. */
  seen: number;
  /** As far as it is known. */
  total: number;
}

type Where = Pick<Comparison, 'client' | 'instance'>;

/** The users who are not in the list, before each is looked at. */
interface Unlisted {
  userIds: Set<string>;
  lookalikes: Lookalikes;
}

/** How many look-ups are under way at once. */
const LOOKUPS = 8;

/** Every difference, those of the list in its order, then the orphaned. The index knows afterwards what became of each user. */
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
  for (const differences of found) {
    for await (const difference of differences) {
      seen += 1;
      onProgress?.({ step: 'looking again', seen, total });
      if (difference !== undefined) yield difference;
    }
  }
}

/** Shows the index all users of the instance; answers those who are not in the list. */
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

/** Damoov's own clock at the first request, as far as users tell it; empty if there was none: all that come are newer. */
function newestIn(users: readonly DamoovUser[]): string {
  return users.map(({ dateCreated = '' }) => dateCreated).reduce((a, b) => (a > b ? a : b), '');
}

/**
 * Whether the user was created after the comparison began, which the order of Damoov's own dates tells without a clock, or
 * after the list was made.
 */
function isNewer(user: DamoovUser, newestAtFirst: string, listedAt: number): boolean {
  const { dateCreated = '' } = user;
  return dateCreated > newestAtFirst || (createdAtOf(user)?.getTime() ?? 0) > listedAt;
}

/** Damoov's dates tell no zone (seen in live samples): UTC is assumed. */
function createdAtOf({ dateCreated = '' }: DamoovUser): Date | undefined {
  const date = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(dateCreated) ? dateCreated : `${dateCreated}Z`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** The users of the list who may be a difference; all are shown to those who are not in it. */
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

/** The users who are not in the list, once all of it was shown to them. */
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
): Promise<Difference | undefined> {
  const { line, clientId } = user;
  const found = await usersWith('clientId', clientId, where);
  const [only] = found;
  if (only === undefined) {
    index.settle(row, 'missing');
    return { kind: 'missing', line, clientId };
  }
  if (found.length > 1) {
    index.settle(row, 'duplicated');
    return { kind: 'duplicated', line, clientId, userIds: oldestFirst(found).map(({ userId }) => userId) };
  }
  const fields = differingFields(user, only);
  index.settle(row, fields.length > 0 ? 'differing' : 'same', fields);
  if (fields.length === 0) return undefined;
  return { kind: 'differing', line, clientId, userId: only.userId, fields };
}

async function lookAtUnlisted(
  unlisted: string,
  lookalikes: Lookalikes,
  { index, ...where }: Comparison,
): Promise<Difference | undefined> {
  const user = await userWith(unlisted, where);
  if (user === undefined) return undefined;
  const { userId, clientId } = user;
  if (clientId !== undefined && index.has(clientId)) return undefined;
  const looksLikeLine = lookalikes.lineOf(user);
  // It got this clientId meanwhile, which the list was not searched for.
  if (looksLikeLine === undefined) return undefined;
  const createdAt = createdAtOf(user)?.toISOString();
  return {
    kind: 'orphaned',
    userId,
    ...(clientId !== undefined && { clientId }),
    ...(createdAt !== undefined && { createdAt }),
    ...(looksLikeLine > 0 && { looksLikeLine }),
  };
}

function oldestFirst(users: readonly DamoovUser[]): DamoovUser[] {
  return users.toSorted(({ dateCreated: a = '' }, { dateCreated: b = '' }) => (a < b ? -1 : a > b ? 1 : 0));
}

async function userWith(userId: string, comparison: Where): Promise<DamoovUser | undefined> {
  return (await usersWith('userId', userId, comparison))[0];
}

/** The users of the instance with this very id or clientId. */
async function usersWith(by: 'userId' | 'clientId', value: string, comparison: Where): Promise<DamoovUser[]> {
  const users = await findUsers({ by, value }, comparison);
  return users.filter(
    (user) => isOfInstance(user, comparison.instance) && (by === 'userId' || user.clientId === value),
  );
}
