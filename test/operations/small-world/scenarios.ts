/**
 * From which states the small world is searched: who is there, what is remembered, and which jobs come.
 */
import type { UserJob } from '../../../src/contract/job.ts';
import { deriveUserId } from '../../../src/operations/derive-user-id.ts';
import { clientName, userName } from './names.ts';
import {
  type Entry,
  type InstanceName,
  type RemoteUser,
  type Rules,
  type State,
  HERE,
  INSTANCES,
  THERE,
  nameOfId,
} from './state.ts';

const derived = (clientId: string) => deriveUserId(INSTANCES.here, { clientId });
const X = 'aaaaaaaa-0000-4000-8000-000000000000';

type Ids = { clientId?: string; userId?: string };
const create = (ids: Ids, instance: InstanceName = 'here'): UserJob => ({
  name: 'create-user',
  data: { ...ids, instance, profile: {}, createAccessToken: false },
});
const update = (ids: Ids, instance: InstanceName = 'here'): UserJob => ({
  name: 'update-user',
  data: { ...ids, instance, changes: { phone: '1' } },
});
const rename = (ids: Ids, clientId: string | null, instance: InstanceName = 'here'): UserJob => ({
  name: 'update-user',
  data: { ...ids, instance, changes: { clientId } },
});
const remove = (ids: Ids, instance: InstanceName = 'here'): UserJob => ({
  name: 'delete-user',
  data: { ...ids, instance },
});
const move = (ids: Ids, instance: InstanceName = 'here'): UserJob => ({
  name: 'move-user',
  data: { ...ids, instance, toInstance: instance === 'here' ? 'there' : 'here' },
});

/** In the order of their versions: in the search they come in any order. */
export const JOBS: Readonly<Record<string, readonly UserJob[]>> = {
  'two sign-ups': [create({ clientId: 'a' }), create({ clientId: 'a' })],
  'a sign-up and a deletion': [create({ clientId: 'a' }), remove({ clientId: 'a' })],
  'a deletion and a return': [remove({ clientId: 'a' }), create({ clientId: 'a' })],
  'a sign-up and a deletion by userId': [create({ clientId: 'a' }), remove({ userId: derived('a') })],
  'a sign-up and a deletion by both ids': [
    create({ clientId: 'a' }),
    remove({ clientId: 'a', userId: derived('a') }),
  ],
  'a sign-up and one that names a userId': [create({ clientId: 'a' }), create({ clientId: 'a', userId: X })],
  'a sign-up with a named userId and a deletion': [
    create({ clientId: 'a', userId: X }),
    remove({ clientId: 'a' }),
  ],
  'a named user without a clientId, and its sign-up': [
    create({ userId: X }),
    create({ clientId: 'a', userId: X }),
  ],
  'a sign-up, and one of another clientId that names its UserId': [
    create({ clientId: 'a' }),
    create({ clientId: 'b', userId: derived('a') }),
  ],
  'a sign-up that names another’s UserId, and one that does not': [
    create({ clientId: 'b', userId: derived('a') }),
    create({ clientId: 'b' }),
  ],
  'a rename and a sign-up under the new clientId': [
    rename({ clientId: 'a' }, 'b'),
    create({ clientId: 'b' }),
  ],
  'a rename and a sign-up under the old clientId': [
    rename({ clientId: 'a' }, 'b'),
    create({ clientId: 'a' }),
  ],
  'a rename by userId and a sign-up': [rename({ userId: derived('a') }, 'b'), create({ clientId: 'b' })],
  'a rename and a deletion': [rename({ clientId: 'a' }, 'b'), remove({ clientId: 'a' })],
  'two renames to one clientId': [rename({ clientId: 'a' }, 'b'), rename({ userId: X }, 'b')],
  'a swap of clientIds': [rename({ clientId: 'a' }, 'b'), rename({ clientId: 'b' }, 'a')],
  'two deletions': [remove({ clientId: 'a' }), remove({ userId: derived('a') })],
};

const A = { clientId: 'a' };
const A_BY_ID = { userId: derived('a') };

/** The same with moves of users; most in both orders of version. */
export const MOVES: Readonly<Record<string, readonly UserJob[]>> = {
  'a move and an update': [move(A), update(A)],
  'an update and a move': [update(A), move(A)],
  'a move and a deletion': [move(A), remove(A)],
  'a deletion and a move': [remove(A), move(A)],
  'a move and a sign-up': [move(A), create(A)],
  'a sign-up and a move': [create(A), move(A)],
  'a move and an update in its new instance': [move(A), update(A, 'there')],
  'an update in the new instance and a move': [update(A, 'there'), move(A)],
  'a move and a deletion in its new instance': [move(A), remove(A, 'there')],
  'a deletion in the new instance and a move': [remove(A, 'there'), move(A)],
  'a move and a sign-up in its new instance': [move(A), create(A, 'there')],
  'a sign-up in the new instance and a move': [create(A, 'there'), move(A)],
  'a move there and back': [move(A), move(A, 'there')],
  'a move back and there': [move(A, 'there'), move(A)],
  'two moves to one instance': [move(A), move(A)],
  'two moves to one instance, one by userId': [move(A), move(A_BY_ID)],
  'a move and a rename': [move(A), rename(A, 'b')],
  'a rename and a move': [rename(A, 'b'), move(A)],
  'a move and a rename in its new instance': [move(A), rename(A, 'b', 'there')],
  'a rename and a move under the new clientId': [rename(A, 'b'), move({ clientId: 'b' })],
  'a move by userId and a sign-up': [move(A_BY_ID), create(A)],
  'a sign-up and a move by userId': [create(A), move(A_BY_ID)],
  'a move by userId and a deletion by userId': [move(A_BY_ID), remove(A_BY_ID)],
  'a deletion by both ids and a move': [remove({ ...A, ...A_BY_ID }), move(A)],
};

interface World {
  users: RemoteUser[];
  entries: Record<string, Entry>;
}

function known(clientId: string, userId: string): Record<string, Entry> {
  const record = { userId, generation: 0, state: 'live' as const, isInDoubt: false, fields: {} };
  const name = clientName(INSTANCES.here, clientId);
  return { [name]: { record }, [userName(userId)]: { at: name } };
}

const user = (userId: string, clientId: string | undefined, more: Partial<RemoteUser> = {}): RemoteUser => ({
  userId,
  ...(clientId !== undefined && { clientId }),
  instanceId: HERE,
  isAlive: true,
  tick: -1,
  isOurs: false,
  of: nameOfId(more.instanceId),
  ...more,
});

/** The users before the jobs. */
export const WORLDS: Readonly<Record<string, World>> = {
  nobody: { users: [], entries: {} },
  'our user of a': {
    users: [user(derived('a'), 'a', { isOurs: true })],
    entries: known('a', derived('a')),
  },
  'our user of a, of whom nothing is remembered': {
    users: [user(derived('a'), 'a', { isOurs: true })],
    entries: {},
  },
  'our user of a, moved by others': {
    users: [user(derived('a'), 'a', { isOurs: true, instanceId: THERE, of: 'here' })],
    entries: {},
  },
  'our users of a and b': {
    users: [user(derived('a'), 'a', { isOurs: true }), user(derived('b'), 'b', { isOurs: true })],
    entries: { ...known('a', derived('a')), ...known('b', derived('b')) },
  },
  'somebody without a clientId': { users: [user(X, undefined)], entries: {} },
  'somebody with the clientId a': { users: [user(X, 'a')], entries: {} },
  'somebody with the clientId b': {
    users: [user(derived('a'), 'a', { isOurs: true }), user(X, 'b')],
    entries: known('a', derived('a')),
  },
};

const MOVED_BY_OTHERS = WORLDS['our user of a, moved by others']?.users ?? [];

/** The users before the jobs of which one moves a user. */
export const WORLDS_OF_MOVES: Readonly<Record<string, World>> = {
  ...Object.fromEntries(Object.entries(WORLDS).filter(([name]) => !/a and b|without a clientId/.test(name))),
  'our user of a, remembered and moved by others': {
    users: MOVED_BY_OTHERS,
    entries: known('a', derived('a')),
  },
  'our user of a, and somebody there with the clientId a': {
    users: [user(derived('a'), 'a', { isOurs: true }), user(X, 'a', { instanceId: THERE })],
    entries: known('a', derived('a')),
  },
};

export function stateOf(world: World, jobs: readonly UserJob[], left: Partial<State['left']>): State {
  return {
    tick: 0,
    users: structuredClone(world.users),
    entries: structuredClone(world.entries),
    jobs: jobs.map((job, index) => ({ job, id: String(index + 1) })),
    left: { losses: 0, crashes: 0, moves: 0, renames: 0, ...left },
  };
}

/** If Damoov chooses the ids, a sign-up does not find a user without a record: a documented limit. */
export function isKnownLimit(world: string, { mode }: Rules): boolean {
  return mode === 'assigned' && /nothing is remembered|moved by others|with the clientId/.test(world);
}

/** Jobs that name a user by its clientId do not find it if only its id was known when it was moved, and one of them ran meanwhile. */
export function isUnnamed(jobs: string, world: string): boolean {
  return /one by userId/.test(jobs) && /a, (of whom nothing|moved by others)/.test(world);
}

/** A job cannot name a UserId of ours before its user was created: it derives from a secret. */
export function isImpossible(jobs: string, world: string): boolean {
  return /names (its|another’s) UserId/.test(jobs) && !/our users? of a/.test(world);
}
