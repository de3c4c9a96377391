/**
 * The orders of the filtered page (documented): by a field, or by the field with Desc, backwards.
 */
import type { UserRecord } from './user-record.ts';

type SortValue = string | number | null | undefined;

const SORT_FIELDS: Readonly<Record<string, (user: UserRecord) => SortValue>> = {
  DeviceToken: ({ deviceToken }) => deviceToken,
  FirstName: ({ profile }) => profile.FirstName,
  LastName: ({ profile }) => profile.LastName,
  Nickname: ({ profile }) => profile.Nickname,
  Phone: ({ profile }) => profile.Phone,
  Email: ({ profile }) => profile.Email,
  Gender: ({ profile }) => profile.Gender,
  Birthday: ({ profile }) => profile.Birthday,
  MaritalStatus: ({ profile }) => profile.MaritalStatus,
  ChildrenCount: ({ profile }) => profile.ChildrenCount,
  Country: ({ profile }) => profile.Country,
  District: ({ profile }) => profile.District,
  City: ({ profile }) => profile.City,
  DateCreated: ({ createdAt }) => createdAt,
  // The same for every user of a sandbox.
  ActivityStatus: () => null,
};

export const SORTS: readonly string[] = Object.keys(SORT_FIELDS).flatMap((name) => [name, `${name}Desc`]);

/**
 * `users` are in order of creation, and users with the same value stay in it.
 * Assumption: by code units, and users without a value first, as in SQL Server.
 */
export function sorted(users: readonly UserRecord[], sort: string): UserRecord[] {
  const isDescending = sort.endsWith('Desc');
  const valueOf = SORT_FIELDS[isDescending ? sort.slice(0, -'Desc'.length) : sort];
  const ascending = valueOf === undefined ? users : users.toSorted((a, b) => order(valueOf(a), valueOf(b)));
  return isDescending ? ascending.toReversed() : [...ascending];
}

function order(a: SortValue, b: SortValue): number {
  if (a === b) return 0;
  if (a === null || a === undefined) return b === null || b === undefined ? 0 : -1;
  if (b === null || b === undefined) return 1;
  return a < b ? -1 : 1;
}
