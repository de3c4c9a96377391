import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { type HistoryJob, FIELDS, NOTHING, usersAfter } from './history.ts';
import { scenario } from './scenario.ts';
import { makeLoad } from '../torture/load.ts';
import { seeded } from '../torture/random.ts';

const job = (name: HistoryJob['name'], version: number, fields: HistoryJob['fields'] = {}): HistoryJob => ({
  name,
  clientId: 'c',
  version,
  fields,
});

test.each([
  [
    'a create and an update',
    [job('create-user', 1, { phone: '1', email: '1' }), job('update-user', 2, { phone: '2' })],
    { phone: '2', email: '1' },
  ],
  [
    'an update that waited for its create',
    [job('update-user', 1, { phone: '1' }), job('create-user', 2, { email: '2' })],
    { phone: '1', email: '2' },
  ],
  [
    'a deletion and a return',
    [job('create-user', 1, { phone: '1' }), job('delete-user', 2), job('create-user', 3, { email: '3' })],
    { email: '3' },
  ],
  [
    'a deletion',
    [job('create-user', 1), job('delete-user', 2), job('update-user', 3, { phone: '3' })],
    undefined,
  ],
  [
    'equal versions, where the later id is the newer',
    [job('create-user', 1, { phone: 'a' }), job('create-user', 1, { phone: 'b' })],
    { phone: 'b' },
  ],
] as const)('%s leave what the model says', (_what, history, left) => {
  const nothing = NOTHING;
  expect(usersAfter(history).get('c')).toEqual(left && { ...nothing, ...left });
});

test.prop([scenario])('a drawn create that may cancel a deletion writes every field', ({ steps }) => {
  for (const create of steps.filter(({ name }) => name === 'create-user')) {
    const mayCancel = steps.some(
      ({ name, clientId, version }) =>
        name === 'delete-user' && clientId === create.clientId && version < create.version,
    );
    if (mayCancel) expect(Object.keys(create.fields)).toEqual([...FIELDS]);
  }
});

test.prop([fc.nat(), fc.integer({ min: 1, max: 200 })])(
  'a load is that of its seed, has every id once, and every update has its create',
  (seed, count) => {
    const load = makeLoad(count, seeded(seed));
    expect(makeLoad(count, seeded(seed))).toEqual(load);
    expect(new Set(load.map(({ id }) => id)).size).toBe(count);
    const live = new Set<string>();
    for (const { name, clientId } of load.toSorted((a, b) => a.version - b.version)) {
      if (name === 'update-user') expect(live).toContain(clientId);
      if (name === 'create-user') live.add(clientId);
      if (name === 'delete-user') live.delete(clientId);
    }
  },
);
