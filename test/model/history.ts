/**
 * What happens to users, as jobs, and what must be left of it in the end. It knows no queue and no Damoov: this is what
 * the product is measured by.
 */
export const FIELDS = ['firstName', 'lastName', 'nickname', 'phone', 'email'] as const;

export type Profile = Record<(typeof FIELDS)[number], string | null>;

export interface HistoryJob {
  readonly name: 'create-user' | 'update-user' | 'delete-user';
  readonly clientId: string;
  /** When it happened at the source, in seconds. */
  readonly version: number;
  /** What a create or an update sets; null clears. */
  readonly fields: Partial<Profile>;
}

const NOBODY = {
  isLive: false,
  profile: { firstName: null, lastName: null, nickname: null, phone: null, email: null } as Profile,
};

const RANKS = { 'create-user': 0, 'update-user': 1, 'delete-user': 2 };

/** Of the same moment a create comes first and a deletion last. */
function inTime(a: HistoryJob, b: HistoryJob): number {
  return a.version - b.version || RANKS[a.name] - RANKS[b.name];
}

/**
 * The users that live once all jobs are carried out, in whatever order: as if they had been in the order of their version.
 * @param history in the order of the jobs' ids, which decides among equal versions of the same name.
 */
export function usersAfter(history: readonly HistoryJob[]): Map<string, Profile> {
  const users = new Map<string, typeof NOBODY>();
  for (const { name, clientId, fields } of history.toSorted(inTime)) {
    const { isLive, profile } = users.get(clientId) ?? NOBODY;
    const isSignUp = name === 'create-user';
    const after = { isLive: isLive || isSignUp, profile: { ...profile, ...fields } };
    users.set(clientId, name === 'delete-user' ? NOBODY : after);
  }
  const live = [...users].filter(([, { isLive }]) => isLive);
  return new Map(live.map(([clientId, { profile }]) => [clientId, profile]));
}

/** The job's data, as a producer writes it. */
export function dataOf({ name, clientId, version, fields }: HistoryJob) {
  const common = { clientId, occurredAt: new Date(EPOCH_MS + version * 1000).toISOString() };
  switch (name) {
    case 'create-user':
      return { ...common, profile: fields };
    case 'update-user':
      return { ...common, changes: fields };
    case 'delete-user':
      return common;
  }
}
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** `v=30 update c-1 {phone: "3"}` */
export function tell({ name, clientId, version, fields }: HistoryJob): string {
  const values = Object.entries(fields).map(([field, value]) => `${field}: ${JSON.stringify(value)}`);
  const what = name === 'delete-user' ? '' : ` {${values.join(', ')}}`;
  return `v=${version} ${name.replace('-user', '')} ${clientId}${what}`;
}
