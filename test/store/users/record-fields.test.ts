import { describe, expect, it } from 'vitest';
import type { UserRecord } from '../../../src/operations/context.ts';
import { fieldsOf, recordOf, versionIn } from '../../../src/store/users/record-fields.ts';
import { userId } from './user-state-world.ts';

const RUN = '7 token-1';
const OTHER = '6 token-1';

/** Everything that a record may say when no run is under way. */
const FULL: UserRecord = {
  userId,
  generation: 3,
  state: 'mismatched',
  isInDoubt: true,
  doubtSince: 1000,
  doubtAbout: ['derived:2', userId],
  deletingSince: 2000,
  movingSince: 3000,
  givenSince: 4000,
  givenUpAt: 5000,
  formerUserId: userId,
  lastSeenAt: 6000,
  suspendedBy: 'a request',
  statusAt: 7000,
  pending: '8000 0 8',
  created: '8000 0 1',
  deleted: '8000 1 2',
  moved: '8000 2 3',
  movedAt: 9000,
  fields: { phone: '8000 0 4', status: '8000 0 6' },
};

function hashOf({ set }: { set: string[] }): Record<string, string> {
  return Object.fromEntries(set.flatMap((name, at) => (at % 2 === 0 ? [[name, set[at + 1] ?? '']] : [])));
}

const read = (hash: Record<string, string>) => recordOf(hash, RUN);

describe('a record', () => {
  it('is read as it was written', () => {
    const written = fieldsOf(FULL, {});
    expect(written.drop).toEqual([]);
    expect(read(hashOf(written))).toEqual(FULL);
  });

  it('of which nothing is written is of an unknown user', () => {
    expect(read({})).toMatchObject({ generation: 0, state: 'unknown', isInDoubt: false, fields: {} });
    expect(fieldsOf(read({}), {})).toEqual({ set: [], drop: [] });
  });

  it('writes what has changed, and drops what it says no more', () => {
    const hash = hashOf(fieldsOf({ ...FULL, isInDoubt: false }, {}));
    const changed = { ...read(hash), generation: 4, suspendedBy: undefined };
    expect(fieldsOf(changed, hash)).toEqual({ set: ['generation', '4'], drop: ['suspendedBy'] });
  });

  it('drops all that is said of a user who is unknown again', () => {
    const hash = hashOf(fieldsOf(FULL, {}));
    const unknown = { generation: 0, state: 'unknown', isInDoubt: false, fields: {} } as const;
    expect(fieldsOf(unknown, hash)).toEqual({ set: [], drop: Object.keys(hash) });
  });

  it('has no version that is none', () => {
    expect(read({ created: 'yesterday', 'written:phone': '5' })).toMatchObject({ fields: {} });
    expect(read({ created: 'yesterday' }).created).toBeUndefined();
    expect([versionIn('5 0 a b'), versionIn('5 0'), versionIn(undefined)]).toEqual([
      '5 0 a b',
      undefined,
      undefined,
    ]);
  });
});

describe('what a run has begun', () => {
  it('is open for every other run, since then', () => {
    const hash = {
      createInDoubt: `1000 - - derived:0 ${OTHER}`,
      deletingSince: `2000 ${OTHER}`,
      movingSince: `3000 - ${OTHER}`,
    };
    expect(read(hash)).toMatchObject({
      isInDoubt: true,
      doubtSince: 1000,
      doubtAbout: ['derived:0'],
      deletingSince: 2000,
      movingSince: 3000,
    });
  });

  it('is not open for the run itself', () => {
    const { isInDoubt, deletingSince, movingSince } = read({
      createInDoubt: `1000 - - derived:0 ${RUN}`,
      deletingSince: `2000 ${RUN}`,
      movingSince: `3000 - ${RUN}`,
    });
    expect([isInDoubt, deletingSince, movingSince]).toEqual([false, undefined, undefined]);
  });

  it('after another run was cut off is open for the run itself since that', () => {
    const hash = { createInDoubt: `1000 500 a,b c ${RUN}`, movingSince: `3000 400 ${RUN}` };
    expect(read(hash)).toMatchObject({
      isInDoubt: true,
      doubtSince: 500,
      doubtAbout: ['a', 'b'],
      movingSince: 400,
    });
  });

  it.each([
    { doubt: `1000 500 a,b c ${OTHER}`, about: ['a', 'b', 'c'] },
    { doubt: `1000 500 a,b b ${OTHER}`, about: ['a', 'b'] },
    { doubt: '1000 - a - ended', about: ['a'] },
    { doubt: '1000 - - - ended', about: [] },
  ])('names each requested id once: $doubt', ({ doubt, about }) => {
    expect(read({ createInDoubt: doubt })).toMatchObject({ doubtSince: 1000, doubtAbout: about });
  });

  it('in doubt about no id is written so', () => {
    const record = { ...read({}), isInDoubt: true };
    expect(hashOf(fieldsOf(record, {}))).toEqual({ createInDoubt: '0 - - - ended' });
  });
});
