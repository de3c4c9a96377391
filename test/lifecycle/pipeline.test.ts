import { describe, expect, it } from 'vitest';
import { failed } from '../../src/contract/outcome.ts';
import { readJob, retainedDataOf } from '../../src/lifecycle/job-data.ts';
import { A, HOUR_MS, INSTANCE, NOW, derived } from '../operations/operation-world.ts';
import { C1, CHANGES, DONE, type PipelineWorldOptions, createPipelineWorld } from './pipeline-world.ts';

const BLOCKED = { is: 'blocked', recordId: 'a user', score: '1', patienceMs: 1000 } as const;

/** The time that a run has its job for is over after the first look. */
function onceFresh() {
  let looks = 0;
  return () => (looks += 1) === 1;
}

describe('a job that cannot be carried out', () => {
  it('because it is none fails, and says why', async () => {
    const world = createPipelineWorld();
    expect(await world.run('update-user', C1)).toMatchObject({
      next: 'fail',
      outcome: { code: 'invalid-job', message: expect.stringContaining('changes') },
      event: { type: 'user.failed', data: { clientId: 'c-1', operation: 'update-user' } },
    });
    expect([world.begun, world.damoov.calls]).toEqual([[], []]);
  });

  it('because its instance is not configured fails, and names those that are', async () => {
    const world = createPipelineWorld({ instances: { one: INSTANCE, two: INSTANCE } });
    expect(await world.run('create-user', { ...C1, instance: 'three' })).toMatchObject({
      next: 'fail',
      outcome: { code: 'unknown-instance', message: expect.stringContaining('one, two') },
    });
    expect(world.begun).toEqual([]);
  });

  const inBounds = [Date.UTC(2000, 0, 1), NOW + HOUR_MS];
  it.each(inBounds)('is not one whose time is just within its bounds (%i)', async (ms) => {
    const world = createPipelineWorld();
    const occurredAt = new Date(ms).toISOString();
    await world.run('create-user', { ...C1, occurredAt });
    await world.run('create-user', C1, { timestamp: ms });
    expect(world.begun.map(({ version }) => version)).toEqual([`${ms} 0 job`, `${ms} 0 job`]);
  });

  it.each([
    [NOW + HOUR_MS + 1, 'more than an hour ahead'],
    [Date.UTC(2000, 0, 1) - 1, 'before the year 2000'],
    [Math.floor(NOW / 1000), 'seconds instead of milliseconds'],
    [NOW * 1000, 'microseconds instead of milliseconds'],
    [0, 'before the year 2000'],
  ])('because its time is out of bounds fails and says why (%i: %s)', async (ms, hint) => {
    const world = createPipelineWorld();
    const refused = {
      next: 'fail',
      outcome: { code: 'invalid-job', message: expect.stringContaining(hint) },
    };
    expect(await world.run('create-user', C1, { timestamp: ms })).toMatchObject(refused);
    // No occurredAt can name a year with more than four digits.
    const occurredAt = new Date(ms).toISOString();
    if (/^\d{4}-/.test(occurredAt)) {
      expect(await world.run('create-user', { ...C1, occurredAt })).toMatchObject(refused);
    }
    expect(world.begun).toEqual([]);
  });

  it('and whose time nobody believes is erased with its user as one of now', async () => {
    const world = createPipelineWorld();
    await world.run('update-user', { ...C1, ...CHANGES, occurredAt: '9999-01-01T00:00:00Z' });
    await world.run('update-user', { ...C1, ...CHANGES }, { timestamp: NOW + 2 * HOUR_MS });
    expect(world.aside.map(({ whose }) => whose?.version)).toEqual([`${NOW} 1 job`, `${NOW} 1 job`]);
  });

  it('because its user’s deletion has erased it is superseded', async () => {
    const world = createPipelineWorld();
    const { cipher } = world.pipeline;
    const encrypted = cipher.encrypt('job', '', 'default').replace(/[^.]*$/, '');
    expect(await world.run('update-user', { ...C1, encrypted })).toMatchObject({
      next: 'complete',
      outcome: { status: 'superseded', by: 'deletion' },
    });
    expect(world.begun).toEqual([]);
  });

  it('is erased with the user whom it names, from when it happened', async () => {
    const world = createPipelineWorld();
    const occurredAt = '2027-01-31T11:00:00Z';
    await world.run('update-user', { clientId: 'c-1' });
    await world.run('update-user', { userId: A, occurredAt });
    await world.run('update-user', { changes: {} });
    await world.run('update-user', { ...C1, instance: 'nobody’s' });
    expect(world.aside.map(({ whose }) => whose)).toEqual([
      { instance: INSTANCE, address: { clientId: 'c-1' }, version: `${NOW} 1 job` },
      { instance: INSTANCE, address: { userId: A }, version: `${NOW - HOUR_MS} 1 job` },
      undefined,
      undefined,
    ]);
  });

  it('and was settled before says the same again', async () => {
    const world = createPipelineWorld({ earlier: DONE });
    expect(await world.run('create-user', { userId: A, profile: 1 }, { attempt: 7 })).toMatchObject({
      next: 'complete',
      event: { type: 'user.created', time: new Date(1).toISOString() },
    });
  });

  it('and that another run may have begun meanwhile changes nothing in the queue', async () => {
    const world = createPipelineWorld();
    expect(await world.run('create-user', { profile: 1 }, { isFresh: () => false })).toEqual({
      next: 'abandoned',
    });
    expect([world.aside, world.published]).toEqual([[], []]);
  });

  it('and that another run may have completed before it was settled publishes nothing', async () => {
    const world = createPipelineWorld();
    expect(await world.run('create-user', { profile: 1 }, { isFresh: onceFresh() })).toEqual({
      next: 'abandoned',
    });
    expect(world.aside).toHaveLength(1);
    expect([world.published, world.released]).toEqual([[], []]);
  });
});

describe('a job that begins', () => {
  it('only when another run may have completed it sends nothing, and leaves the user as it was', async () => {
    const world = createPipelineWorld();
    const { next } = await world.run('delete-user', C1, { isFresh: onceFresh() });
    expect(next).toBe('wait');
    expect(world.steps).toEqual(['let go']);
    expect(world.unlock).toMatchObject([{ record: { deletingSince: undefined } }]);
  });

  it('says when it happened: when it was added, unless its sender knows better', async () => {
    const world = createPipelineWorld();
    await world.run('create-user', C1);
    await world.run('create-user', { ...C1, occurredAt: '2027-01-31T11:00:00Z' });
    expect(world.begun.map(({ version }) => version)).toEqual([`${NOW} 0 job`, `${NOW - HOUR_MS} 0 job`]);
  });

  it.each([
    [
      'a sign-up by the id that it is going to get',
      'create-user',
      { clientId: 'c-1' },
      {
        clientId: 'c-1',
        userId: derived(),
        userIdIs: 'derived',
      },
    ],
    [
      'a sign-up that names an id by its clientId, as others of it do',
      'create-user',
      { clientId: 'c-1', userId: A },
      { clientId: 'c-1' },
    ],
    ['a sign-up without ids by none', 'create-user', {}, {}],
    [
      'an update by the ids that it names',
      'update-user',
      { clientId: 'c-1', ...CHANGES },
      { clientId: 'c-1' },
    ],
    ['a deletion by the ids that it names', 'delete-user', { clientId: 'c-1' }, { clientId: 'c-1' }],
  ])('waits in one line with all others of its user: %s', async (_title, name, data, address) => {
    const world = createPipelineWorld();
    await world.run(name, data);
    expect(world.begun.map(({ address }) => address)).toEqual([address]);
  });

  it('by its clientId alone if Damoov assigns the ids', async () => {
    const world = createPipelineWorld({ damoov: { mode: 'assigned' } });
    await world.run('create-user', C1);
    expect(world.begun.map(({ address }) => address)).toEqual([{ clientId: 'c-1' }]);
  });

  it.each([
    ['is another run’s by now', { is: 'lost' }, { next: 'abandoned' }],
    ['finds its user taken', BLOCKED, { next: 'blocked', blocked: BLOCKED }],
    ['finds a circuit open', { is: 'held', circuit: 'admin' }, { next: 'held', circuit: 'admin' }],
    [
      'was settled before',
      { is: 'settled', settled: DONE },
      { next: 'complete', outcome: DONE.kept.outcome },
    ],
  ] satisfies [string, PipelineWorldOptions['begins'], object][])(
    'and %s asks nothing of Damoov',
    async (_title, begins, decision) => {
      const world = createPipelineWorld({ begins });
      expect(await world.run('delete-user', { userId: A })).toMatchObject(decision);
      expect(world.damoov.calls).toEqual([]);
    },
  );

  it.each([
    ['cancelled', { next: 'complete', outcome: { by: 'cancellation', userId: A } }],
    [
      'refused',
      {
        next: 'fail',
        outcome: { ...failed('deletion-refused', '', A), message: expect.stringContaining('operator') },
      },
    ],
  ] as const)('and is a deletion that was %s waits for no user', async (is, decision) => {
    const world = createPipelineWorld({ checks: { is } });
    expect(await world.run('delete-user', { userId: A })).toMatchObject(decision);
    expect(world.begun).toEqual([]);
    expect(world.aside.map(({ settlement }) => settlement.deletions)).toMatchObject([{ is: 'unsent' }]);
  });

  it.each([
    ['open', ['damoov', 'admin', 'deletion-limit']],
    ['released', ['damoov', 'admin']],
  ] as const)('and is a deletion that is %s passes %j', async (is, circuits) => {
    const world = createPipelineWorld({ checks: { is } });
    await world.run('delete-user', { userId: A });
    expect(world.begun.map(({ must }) => must)).toEqual([circuits]);
  });

  it('and is a deletion counts from when it was asked for last', async () => {
    const world = createPipelineWorld({ checks: { requestedAt: NOW + 5 } });
    await world.run('delete-user', { userId: A });
    expect(world.begun.map(({ version }) => version)).toEqual([`${NOW + 5} 3 job`]);
  });

  it('anew after it failed is read as it was', async () => {
    const world = createPipelineWorld();
    const text = JSON.stringify({ ...C1, profile: { phone: '1' } });
    const { cipher } = world.pipeline;
    const delivery = { id: 'job', name: 'create-user', text, timestamp: NOW };
    const read = readJob(delivery, cipher, NOW);
    const kept = { outcome: failed('rejected', 'no'), attempts: 1, at: NOW };
    await world.run('create-user', retainedDataOf(kept, read, delivery, cipher));
    expect(world.damoov.sent.create).toMatchObject([{ clientId: 'c-1', phone: '1' }]);
  });
});

describe('what is told of a run', () => {
  it('is its job, its end and how long it took', async () => {
    const world = createPipelineWorld({ damoov: { users: [{ userId: A }] } });
    // Still seen after that, the user is looked for twice more.
    world.damoov.fails('delete', 'not-found');
    const decision = await world.run('delete-user', { userId: A }, { attempt: 3 });
    expect(world.reports).toEqual([
      {
        jobId: 'job',
        operation: 'delete-user',
        instance: 'default',
        attempt: 3,
        decision,
        durationMs: 1250,
        sinceDueMs: 1250,
      },
    ]);
    const { pipeline, run, reports } = createPipelineWorld();
    pipeline.deletions.check = async () => ({ is: 'cancelled', requestedAt: NOW, dueAt: NOW + HOUR_MS });
    await run('delete-user', C1, { delayMs: HOUR_MS });
    await run('create-user', C1, { timestamp: NOW - HOUR_MS, delayMs: 60_000 });
    expect(reports.map(({ sinceDueMs }) => sinceDueMs)).toEqual([0, HOUR_MS - 60_000]);
  });

  it('repeats no name that nobody configured: it may be anything', async () => {
    const world = createPipelineWorld();
    await world.run('ada@example.test', { instance: 'grace@example.test' });
    expect(world.reports).toMatchObject([{ operation: 'unknown', instance: 'unknown' }]);
  });
});
