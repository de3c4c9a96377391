import { describe, expect, it } from 'vitest';
import { failed } from '../../src/contract/outcome.ts';
import { remainsOf, readJob } from '../../src/worker/job-data.ts';
import { A, HOUR_MS, INSTANCE, NOW, derived } from '../operations/operation-world.ts';
import { createPipelineWorld } from './pipeline-world.ts';

const C1 = { clientId: 'c-1', instance: 'default' };
const CHANGES = { changes: { phone: '1' } };
const DONE = {
  outcome: { status: 'done', type: 'user.created', userId: A, existed: false },
  attempts: 2,
  at: 1,
} as const;

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
    const { seal } = world.pipeline;
    const sealed = seal.seal('job', '', 'default').replace(/[^.]*$/, '');
    expect(await world.run('update-user', { ...C1, sealed })).toMatchObject({
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

  it('and whose lock was lost meanwhile tells the queue nothing', async () => {
    const world = createPipelineWorld({ earlier: 'lost' });
    expect(await world.run('create-user', { profile: 1 })).toEqual({ next: 'lost' });
  });
});

describe('a job that begins', () => {
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
    ['is another run’s by now', { is: 'lost' }, { next: 'lost' }],
    ['finds its user taken', { is: 'busy' }, { next: 'parked' }],
    ['finds a gate shut', { is: 'held', gate: 'admin' }, { next: 'held', gate: 'admin' }],
    ['was settled before', { is: 'settled', settlement: DONE }, { next: 'complete', outcome: DONE.outcome }],
    ['was cancelled', { is: 'cancelled' }, { next: 'complete', outcome: { by: 'cancellation', userId: A } }],
    [
      'was refused by an operator',
      { is: 'refused' },
      {
        next: 'fail',
        outcome: { ...failed('deletion-refused', '', A), message: expect.stringContaining('operator') },
      },
    ],
  ] as const)('and %s asks nothing of Damoov', async (_title, begins, verdict) => {
    const world = createPipelineWorld({ begins });
    expect(await world.run('delete-user', { userId: A })).toMatchObject(verdict);
    expect(world.damoov.calls).toEqual([]);
  });

  it('anew after it failed is read as it was', async () => {
    const world = createPipelineWorld();
    const text = JSON.stringify({ ...C1, profile: { phone: '1' } });
    const { seal } = world.pipeline;
    const delivery = { id: 'job', name: 'create-user', text, timestamp: NOW };
    const read = readJob(delivery, seal, NOW);
    const { data } = remainsOf(failed('rejected', 'no'), read, delivery, seal);
    await world.run('create-user', data);
    expect(world.damoov.sent.create).toMatchObject([{ clientId: 'c-1', phone: '1' }]);
  });
});

describe('what is told of a run', () => {
  it('is its job, its end and how long it took', async () => {
    const world = createPipelineWorld({ damoov: { users: [{ userId: A }] } });
    // Still seen after that, the user is looked for twice more.
    world.damoov.fails('delete', 'not-found');
    const verdict = await world.run('delete-user', { userId: A }, { attempt: 3 });
    expect(world.reports).toEqual([
      { jobId: 'job', operation: 'delete-user', instance: 'default', attempt: 3, verdict, durationMs: 1250 },
    ]);
  });

  it('repeats no name that nobody configured: it may be anything', async () => {
    const world = createPipelineWorld();
    await world.run('ada@example.test', { instance: 'grace@example.test' });
    expect(world.reports).toMatchObject([{ operation: 'unknown', instance: 'unknown' }]);
  });
});

const refused = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });
const LATER = { next: 'wait', delayMs: 5000, isFault: true };

describe('an outage of Redis', () => {
  it.each([
    ['that does not answer', new Error('Connection is closed.'), 'Error'],
    ['that is full', refused('OOM command not allowed'), 'ReplyError'],
  ])('is waited for, before the effect and after it: one %s', async (_title, thrown, what) => {
    const before = createPipelineWorld({ attempts: 1 });
    before.pipeline.ledger.begin = () => Promise.reject(thrown);
    const after = createPipelineWorld({ attempts: 1, onSettle: () => Promise.reject(thrown) });
    const reason = `the job could not be settled: ${what}`;
    for (const world of [before, after])
      expect(await world.run('create-user', C1)).toMatchObject({ ...LATER, reason });
    expect([before.aside, after.aside]).toEqual([[], []]);
  });

  it('holds back a deletion whose receipt is the next to be written', async () => {
    const world = createPipelineWorld();
    world.pipeline.receipts.headOf = () => Promise.reject(refused('LOADING Redis is loading'));
    expect(await world.run('delete-user', C1)).toMatchObject(LATER);
    expect(world.settled).toEqual([]);
  });
});

describe('a fault that would come again each time', () => {
  const fault = () => Promise.reject(new TypeError('ada@example.test'));
  const said = expect.stringMatching(/^unexpected TypeError at [\w.]+:\d+$/);

  it('before the effect spends an attempt, and the last one ends the job with its event', async () => {
    const world = createPipelineWorld({ attempts: 2 });
    world.pipeline.ledger.begin = fault;
    expect(await world.run('create-user', C1)).toMatchObject({ next: 'retry', reason: said, isFault: true });
    expect(await world.run('create-user', C1, { attempt: 2 })).toMatchObject({
      next: 'fail',
      event: { type: 'user.failed', data: { code: 'retries-exhausted', message: said } },
    });
    expect(world.aside).toHaveLength(1);
    expect(world.damoov.calls).toEqual([]);
  });

  it('after the effect ends the job at once: nothing is sent a second time', async () => {
    const world = createPipelineWorld({ onSettle: fault });
    const verdict = await world.run('create-user', { ...C1, profile: { firstName: 'Ada' } });
    expect(verdict).toMatchObject({
      next: 'fail',
      event: { type: 'user.failed', data: { clientId: 'c-1', code: 'outcome-unknown' } },
    });
    expect(world.aside.map(({ settlement }) => settlement.remains.data)).toEqual([
      expect.stringMatching(/^\{"clientId":"c-1","instance":"default","sealed":"1\./),
    ]);
    expect(JSON.stringify(verdict)).not.toContain('ada@example.test');
  });

  it('also in writing down how the job failed has an end, of which the queue alone knows', async () => {
    const world = createPipelineWorld({ attempts: 2, onSettle: fault });
    world.pipeline.ledger.settleUnread = fault;
    const ends = [1, 2].map((attempt) => world.run('create-user', C1, { attempt }));
    expect(await Promise.all(ends)).toMatchObject([{ next: 'retry' }, { next: 'retry', isFault: true }]);
  });

  it('while the job is read is the fault of the job', async () => {
    const world = createPipelineWorld();
    world.pipeline.seal.open = () => ({ text: 'no JSON' });
    const data = { ...C1, sealed: `1.${'a'.repeat(16)}.${'a'.repeat(40)}` };
    expect(await world.run('update-user', data)).toMatchObject({
      next: 'fail',
      outcome: { code: 'invalid-job', message: expect.stringContaining('SyntaxError') },
    });
  });
});
