import { describe, expect, it } from 'vitest';
import type { RecordUpdate, UserRecord } from '../../../src/operations/context.ts';
import { changeOf } from '../../../src/store/users/record-change.ts';
import { hashIdFor } from '../../../src/store/users/user-hash.ts';
import { EMPTY, instance, userId } from './user-state-world.ts';

const hashId = hashIdFor(instance);
const elsewhere = { ...instance, id: '33333333-3333-4333-8333-333333333333' };
const OLD = hashId('client', 'old');
const NEW = hashId('client', 'new');
const USER = hashId('user', userId);
const VERSION = '5000 2 9';
const DOUBT = '1000 - - derived:0 another run';

/** The change of the record that lies under its clientId, or where it says. */
function change(
  update: Omit<Partial<RecordUpdate>, 'record'> & { record?: Partial<UserRecord> },
  { recordId = OLD, known = {} }: { recordId?: string; known?: Record<string, string> } = {},
) {
  const record = { ...EMPTY, userId, ...update.record };
  return changeOf({ ...update, record }, recordId, hashId, VERSION, known);
}

const leaves = ['generation', '0', 'state', 'deleted', 'deleted', VERSION, 'formerUserId', userId];

describe('the change of a record', () => {
  it('has the fields alone while no user is known', () => {
    expect(change({ record: { userId: undefined, generation: 2 }, renamedTo: 'new' })).toEqual({
      set: ['generation', '2'],
      drop: [],
      pointers: [],
    });
  });

  it('has the names that lead to it from now on: of its id, and of its clientId if that is known', () => {
    expect(change({}).pointers).toEqual([USER]);
    expect(change({ clientId: 'old' }).pointers).toEqual([USER, OLD]);
  });

  it('says that the user is or was suspended', () => {
    expect(change({}).wasSuspended).toBeUndefined();
    expect(change({ record: { suspendedBy: 'a request' } }).wasSuspended).toBe(true);
    expect(change({}, { known: { suspendedBy: 'a request' } }).wasSuspended).toBe(true);
  });
});

describe('a rename', () => {
  it('leads from the name of the record to that of the new clientId', () => {
    const { rename, pointers } = change({ renamedTo: 'new', record: { generation: 3 } });
    expect(pointers).toEqual([]);
    expect(rename).toEqual({
      from: OLD,
      to: NEW,
      user: USER,
      leave: ['generation', '3', ...leaves.slice(2)],
    });
  });

  it('of a record under its own id leads from the clientId that is known, or from none', () => {
    expect(change({ renamedTo: 'new', clientId: 'old' }, { recordId: USER }).rename).toMatchObject({
      from: OLD,
    });
    expect(change({ renamedTo: 'new' }, { recordId: USER }).rename).toMatchObject({ from: '', to: NEW });
  });

  it('to no clientId leads to the name of the id', () => {
    expect(change({ renamedTo: null }).rename).toMatchObject({ from: OLD, to: USER });
  });

  it('to the clientId under which the record lies is none', () => {
    expect(change({ renamedTo: 'new' }, { recordId: NEW })).toMatchObject({ pointers: [] });
    expect(change({ renamedTo: 'new' }, { recordId: NEW }).rename).toBeUndefined();
  });

  it('to the clientId that the user has already is none, and that leads to the record', () => {
    const same = change({ renamedTo: 'old', clientId: 'old' }, { recordId: USER });
    expect(same).toEqual({ set: ['userId', userId], drop: [], pointers: [USER, OLD] });
  });

  it('leaves the doubt of a create under the old name if there is some, and drops it from the record', () => {
    const record = { isInDoubt: true, doubtSince: 1000 };
    const doubt = ['createInDoubt', '1000 - - - ended'];
    expect(change({ renamedTo: 'new', record })).toMatchObject({
      set: ['userId', userId],
      drop: ['createInDoubt'],
      rename: { leave: [...leaves, ...doubt] },
    });
    const unchanged = { createInDoubt: '1000 - - - ended' };
    expect(change({ renamedTo: 'new', record }, { known: unchanged }).rename?.leave).toEqual([
      ...leaves,
      ...doubt,
    ]);
    const later = { userId, createInDoubt: DOUBT };
    expect(change({ renamedTo: 'new', record }, { known: later }).rename?.leave).toEqual([
      ...leaves,
      ...doubt,
    ]);
    const over = change({ renamedTo: 'new' }, { known: { createInDoubt: DOUBT } });
    expect([over.drop, over.rename?.leave]).toEqual([['createInDoubt'], leaves]);
  });
});

describe('a move', () => {
  it('leads to the name of the clientId in the new instance, and older jobs still mean the user', () => {
    const { rename } = change({ clientId: 'old', movedTo: elsewhere });
    expect(rename).toEqual({
      from: OLD,
      to: hashIdFor(elsewhere)('client', 'old'),
      user: USER,
      leave: [...leaves, 'movedUser', `${USER} ${VERSION}`],
    });
  });

  it('of a user whose clientId is not known leads to the name of the id', () => {
    expect(change({ movedTo: elsewhere }).rename).toMatchObject({ from: OLD, to: USER });
  });
});
