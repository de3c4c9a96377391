import { describe, expect, it } from 'vitest';
import {
  knownFields,
  lockArgument,
  idOfUser,
  runArgument,
  userArgument,
} from '../../../src/store/users/script-arguments.ts';
import { hashIdFor } from '../../../src/store/users/user-hash.ts';
import { instance, userId } from './user-state-world.ts';

const run = { jobId: '7', nonce: 'token-1', timestamp: 5000, hasRunBefore: true, stalls: 2 };
const hashId = hashIdFor(instance);
const CLIENT = hashId('client', 'c-1');
const USER = hashId('user', userId);
const ofJob = hashId('job', '7', 5000);

describe('the arguments of a script', () => {
  it('name the run, with a name of its own', () => {
    expect(runArgument(run)).toEqual({ jobId: '7', run: '7 token-1', stalls: 2 });
  });

  it('name the user by each id that is known, or by the job alone', () => {
    const both = { clientId: 'c-1', userId, userIdIs: 'derived' } as const;
    expect(userArgument(run, hashId, both)).toEqual({
      clientHash: CLIENT,
      userHash: USER,
      userId,
      knownAs: 'derived',
    });
    expect(userArgument(run, hashId, { clientId: 'c-1' })).toEqual({
      clientHash: CLIENT,
      userHash: '',
      userId: '',
      knownAs: 'named',
    });
    expect(userArgument(run, hashId, { userId })).toMatchObject({ clientHash: '', userHash: USER });
    expect(userArgument(run, hashId, {})).toMatchObject({ clientHash: ofJob, userHash: '' });
  });

  it('name the user of an unread job by its clientId, else by its userId', () => {
    const nameOf = (address: object) => idOfUser(run, { instance, address, version: '5000 1 7' });
    expect([nameOf({ clientId: 'c-1', userId }), nameOf({ userId }), nameOf({})]).toEqual([
      CLIENT,
      USER,
      ofJob,
    ]);
  });

  it('of a begin have the job', () => {
    const job = { name: 'create-user', version: '4000 0 7', timestamp: 5000, asksFor: userId } as const;
    const circuits = { must: ['damoov', 'admin'], may: ['deletion-limit'] } as const;
    expect(lockArgument({ run, job, hashId, address: { clientId: 'c-1' }, circuits })).toEqual({
      ...runArgument(run),
      ...userArgument(run, hashId, { clientId: 'c-1' }),
      timestamp: '5000',
      hasRunBefore: true,
      name: 'create-user',
      version: '4000 0 7',
      score: '4000',
      asksFor: userId,
    });
  });
});

it('a deletion may leave a field that its authorization writes: the end of its run drops that', () => {
  expect(knownFields({ userId }, 'delete-user')).toEqual({ userId, deletingSince: '' });
  expect(knownFields({ deletingSince: '5' }, 'delete-user')).toEqual({ deletingSince: '5' });
  expect(knownFields({ userId }, 'update-user')).toEqual({ userId });
});
