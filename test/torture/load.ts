/**
 * Makes the jobs of a torture run: many users with a small history each. A producer adds them about in the order in which
 * they happened, and what is near in time changes places.
 */
import { FIELDS, type HistoryJob, type Profile } from '../model/history.ts';
import { MOVED_BY_OTHERS } from '../model/sandbox-view.ts';
import type { Random } from './random.ts';

export interface LoadJob extends HistoryJob {
  /** Chosen by the producer: an add whose reply was lost is repeated, and must not make a second job. */
  readonly id: string;
}

/** Every value of a profile contains this text, and nothing else does: if it is found in the end, personal data was left behind. */
export const MARK = 'kanarie';

const JOBS_PER_USER = 4;
/** How far a job strays from its place in time, in jobs. */
const DISORDER = 16;
/** How far apart the jobs of one user are on average: near enough to meet in the workers. */
const PACE = 4;

/** @returns the jobs in the order in which they are to be added. */
export function makeLoad(count: number, random: Random): LoadJob[] {
  const drafts: { job: Draft; at: number }[] = [];
  for (let user = 0; drafts.length < count; user++) {
    let at = user * JOBS_PER_USER;
    const history = (HISTORIES[user % HISTORIES.length] ?? historyOf)(user, random);
    drafts.push(...history.map((job) => ({ job, at: (at += 2 * PACE * random.next()) })));
  }
  const happened = drafts
    .toSorted((a, b) => a.at - b.at)
    .slice(0, count)
    .map(({ job }, version) => ({ ...job, version, id: `j-${version}` }));
  return happened
    .map((job) => ({ job, place: job.version + DISORDER * random.next() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ job }) => job);
}

type Draft = Omit<HistoryJob, 'version'>;

/** Of each user in turn. */
const HISTORIES = [historyOf, movedHistoryOf, historyOf, namedHistoryOf];

/**
 * A user whom jobs move to another instance, and some back. Each job names the user where it was at its time; a deletion that comes before
 * the move would find nobody there.
 */
function movedHistoryOf(user: number, random: Random): Draft[] {
  const clientId = `m-${user}`;
  const updates = (most: number, place: { instance?: string } = {}): Draft[] =>
    Array.from({ length: random.below(most + 1) }, () => ({
      name: 'update-user',
      clientId,
      ...place,
      fields: { phone: `${MARK}-${random.below(1_000_000)}`, tracking: random.next() < 0.5 },
    }));
  const there = { instance: 'other' };
  const history: Draft[] = [
    { name: 'create-user', clientId, fields: { phone: `${MARK}-${random.below(1_000_000)}` } },
    ...updates(2),
    { name: 'move-user', clientId, toInstance: 'other', fields: {} },
    ...updates(2, there),
  ];
  if (random.next() < 0.5) {
    const back: Draft = { name: 'move-user', clientId, ...there, toInstance: 'default', fields: {} };
    return [...history, back, ...updates(1)];
  }
  return history;
}

/** A user whose jobs name the UserId, who gets other clientIds, and whom others may move to another instance meanwhile. */
function namedHistoryOf(user: number, random: Random): Draft[] {
  const ids = { clientId: `n-${user}`, userId: userIdOf(user) };
  const phone = () => ({ phone: `${MARK}-${random.below(1_000_000)}` });
  const signUp: Draft = { name: 'create-user', ...ids, fields: phone() };
  // A return would not bring a status with it: these users never come back.
  const fields = (): Partial<Profile> => {
    const status = random.next() < 0.5 ? 'active' : 'deactivated';
    return random.next() < 0.5 ? { ...phone(), status } : phone();
  };
  const updates = Array.from({ length: 1 + random.below(3) }, (_, n): Draft => {
    const isRename = random.next() < 0.5;
    return {
      name: 'update-user',
      ...ids,
      fields: fields(),
      ...(isRename && { newClientId: `n-${user}-${n}` }),
    };
  });
  const end: Draft[] = random.next() < 0.3 ? [{ name: 'delete-user', ...ids, fields: {} }] : [];
  return [signUp, ...updates, ...end];
}

/** The UserId that the jobs of this user name. */
function userIdOf(user: number): string {
  return `${MOVED_BY_OTHERS}-0000-4000-8000-${String(user).padStart(12, '0')}`;
}

/** create, updates, and for some a deletion, and for some of them a return with updates. On average {@link JOBS_PER_USER}. */
function historyOf(user: number, random: Random): Draft[] {
  const clientId = `c-${user}`;
  const fields = (names: readonly string[]): Partial<Profile> =>
    Object.fromEntries(
      names.map((name) => {
        const number = random.below(1_000_000);
        return [name, name === 'tracking' ? number % 2 === 1 : `${MARK}-${number}`];
      }),
    );
  const some = () => FIELDS.filter(() => random.next() < 0.5);
  const updates = (most: number): Draft[] =>
    Array.from({ length: random.below(most + 1) }, () => ({
      name: 'update-user',
      clientId,
      fields: random.next() < 0.1 ? { nickname: null } : fields(['phone', ...some()]),
    }));

  const signUp: Draft = { name: 'create-user', clientId, fields: fields(some()) };
  const history = [signUp, ...updates(3)];
  if (random.next() < 0.5) return [...history, ...updates(2)];
  history.push({ name: 'delete-user', clientId, fields: {} });
  if (random.next() < 0.3) return history;
  // A return writes all fields: it may cancel the deletion, and then the old user with its old fields stays.
  return [...history, { name: 'create-user', clientId, fields: fields(FIELDS) }, ...updates(2)];
}
