/**
 * What happens to users, as jobs, and what must be left of it in the end. It knows no queue and no Damoov: this is what
 * the product is measured by.
 */
export const FIELDS = ['firstName', 'lastName', 'nickname', 'phone', 'email', 'city', 'tracking'] as const;
type Field = (typeof FIELDS)[number];

/** All that is compared of a user; `tracking` is a setting, and no create takes `city` and `status`. */
export interface Profile extends Record<Exclude<Field, 'tracking'>, string | null> {
  tracking: boolean;
  status: 'active' | 'deactivated';
}

/** The value of a field, made of a text; a setting is never cleared. */
export function valueOf(field: Field, text: string | null): string | boolean | null {
  return field === 'tracking' ? Number(text) % 2 === 1 : text;
}

/** The profile of a user of whom nothing was written. */
export const NOTHING: Profile = {
  firstName: null,
  lastName: null,
  nickname: null,
  phone: null,
  email: null,
  city: null,
  // As Damoov shows it of a new user: a sign-up that wants it so writes nothing.
  tracking: true,
  status: 'active',
};

export interface HistoryJob {
  readonly name: 'create-user' | 'update-user' | 'delete-user' | 'move-user';
  /** By which the user signed up. */
  readonly clientId: string;
  /** The id that the user is to have: every job names it then. */
  readonly userId?: string;
  /** The instance in which the job names the user; absent: the default one. */
  readonly instance?: string;
  /** The instance to which a move takes the user. */
  readonly toInstance?: string;
  /** The clientId that an update gives the user. */
  readonly newClientId?: string;
  /** When it happened at the source, in seconds. */
  readonly version: number;
  /** What a create or an update sets; null clears. */
  readonly fields: Partial<Profile>;
}

const NOBODY = {
  isLive: false,
  profile: NOTHING,
  bears: undefined as string | undefined,
};

const RANKS = { 'create-user': 0, 'update-user': 1, 'move-user': 2, 'delete-user': 3 };

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
  for (const { name, clientId, newClientId, fields } of history.toSorted(inTime)) {
    const { isLive, profile, bears = clientId } = users.get(clientId) ?? NOBODY;
    const isSignUp = name === 'create-user';
    const after = {
      isLive: isLive || isSignUp,
      profile: { ...profile, ...fields },
      bears: newClientId ?? bears,
    };
    users.set(clientId, name === 'delete-user' ? NOBODY : after);
  }
  const live = [...users].filter(([, { isLive }]) => isLive);
  return new Map(live.map(([clientId, { profile, bears = clientId }]) => [bears, profile]));
}

/** Where the users are whom jobs move, by their clientId, once all jobs are carried out. */
export function instancesAfter(history: readonly HistoryJob[]): Map<string, string> {
  const moves = history.toSorted(inTime).filter(({ name }) => name === 'move-user');
  return new Map(moves.map(({ clientId, toInstance = 'default' }) => [clientId, toInstance]));
}

/** The job's data, as a producer writes it. */
export function dataOf(job: HistoryJob) {
  const { name, clientId, userId, instance, toInstance, newClientId, version, fields } = job;
  const ids =
    userId === undefined ? { clientId } : name === 'create-user' ? { clientId, userId } : { userId };
  const place = instance === undefined ? {} : { instance };
  const common = { ...ids, ...place, occurredAt: new Date(EPOCH_MS + version * 1000).toISOString() };
  const { tracking, ...profile } = fields;
  const settings = tracking === undefined ? {} : { settings: { tracking } };
  switch (name) {
    case 'create-user':
      return { ...common, profile, ...settings };
    case 'update-user': {
      const changes = { ...profile, ...settings };
      return {
        ...common,
        changes: newClientId === undefined ? changes : { ...changes, clientId: newClientId },
      };
    }
    case 'move-user':
      return { ...common, toInstance };
    case 'delete-user':
      return common;
  }
}
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** `v=30 update c-1 {phone: "3"}` */
export function tell({
  name,
  clientId,
  instance,
  toInstance,
  newClientId,
  version,
  fields,
}: HistoryJob): string {
  const values = Object.entries(fields).map(([field, value]) => `${field}: ${JSON.stringify(value)}`);
  const what = name === 'delete-user' || name === 'move-user' ? '' : ` {${values.join(', ')}}`;
  const goal = newClientId ?? toInstance;
  const to = goal === undefined ? '' : ` to ${goal}`;
  const place = instance === undefined ? '' : ` in ${instance}`;
  return `v=${version} ${name.replace('-user', '')} ${clientId}${place}${to}${what}`;
}
