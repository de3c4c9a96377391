import { describe, expect, it } from 'vitest';
import { A, B, NOW, derived } from '../operations/operation-world.ts';
import { FINISH, createPipelineWorld } from './pipeline-world.ts';

const C1 = { clientId: 'c-1', instance: 'default' };
const PHONE = { ...C1, changes: { phone: '1' } };
const OURS = derived();
const there = () => [{ userId: A, clientId: 'c-1' }];
const BLOCKED = { is: 'blocked', recordId: 'a user', score: '1', patienceMs: 1000 } as const;
const live = { state: 'live', userId: A } as const;

describe('a job that ends well', () => {
  it('is settled with what was recordUpdate, says who has signed up, and only then so to others', async () => {
    const world = createPipelineWorld();
    const decision = await world.run('create-user', C1);
    const event = { type: 'user.created', data: { userId: OURS, clientId: 'c-1', jobId: 'job' } };
    expect(decision).toMatchObject({ next: 'complete', outcome: { type: 'user.created' }, event });
    expect(world.settled).toMatchObject([
      {
        settlement: {
          event,
          attempts: 1,
          deletions: { is: 'sign-up', instance: 'default', clientId: 'c-1', userId: OURS },
        },
        recordUpdate: {
          record: { userId: OURS, state: 'live', created: `${NOW} 0 job`, pending: undefined },
        },
      },
    ]);
    expect(world.published).toEqual([world.settled[0]?.settlement.event]);
    expect(world.steps).toEqual(['settle', ...FINISH]);
  });

  it('happened when its sender says so', async () => {
    const world = createPipelineWorld();
    await world.run('create-user', { ...C1, occurredAt: '2027-01-31T11:00:00Z' });
    expect(world.settled[0]?.recordUpdate.record.created).toBe(`${NOW - 3_600_000} 0 job`);
  });

  it('says what it means for the deletions of its user', async () => {
    const world = createPipelineWorld({ record: live, damoov: { users: there() } });
    await world.run('update-user', PHONE);
    await world.run('delete-user', C1);
    await world.run('create-user', { ...C1, userId: B });
    const ends = world.settled.map(({ settlement }) => [settlement.outcome.status, settlement.deletions?.is]);
    expect(ends).toEqual([
      ['done', undefined],
      ['done', 'done'],
      ['failed', undefined],
    ]);
  });

  it('whose lock was lost meanwhile changes nothing in the queue', async () => {
    const world = createPipelineWorld({ settles: 'lost' });
    expect(await world.run('create-user', C1)).toEqual({ next: 'abandoned' });
    expect([world.steps, world.published]).toEqual([['settle'], []]);
  });
});

it('a request is sent only while the user whom it is about is this run’s for as long as it takes', async () => {
  const world = createPipelineWorld({ damoov: { users: there() }, maySend: (userId) => userId === A });
  const { client } = world.pipeline.ports;
  const asked: unknown[] = [];
  world.pipeline.ports.client = {
    ...client,
    findUsers: async (query, options) => {
      asked.push(['find', options?.maySend?.()]);
      return client.findUsers(query, options);
    },
    updateUser: async (userId, changes, options) => {
      asked.push(['update', options?.maySend?.()]);
      return client.updateUser(userId, changes, options);
    },
  };
  await world.run('update-user', PHONE);
  expect(asked).toEqual([
    ['find', false],
    ['update', true],
  ]);
});

describe('a run that is over', () => {
  const known = { record: { ...live, lastSeenAt: NOW - 1 } };
  it.each([
    ['done', {}, 'complete'],
    ['lost', { authorizations: 'lost' }, 'abandoned'],
    ['held', { authorizations: 'held' }, 'held'],
    ['not settled', { settles: 'lost' }, 'abandoned'],
  ] as const)('has its user locked no longer than a lease: one that is %s', async (_title, answers, next) => {
    const world = createPipelineWorld({ ...known, ...answers, damoov: { users: there() } });
    expect(await world.run('delete-user', C1)).toMatchObject({ next });
    expect(world.ended).toEqual([A]);
  });

  it('by a fault has that user locked no longer whom it has taken last', async () => {
    const world = createPipelineWorld({ damoov: { users: there() } });
    world.pipeline.deletions.authorizeDelete = () => Promise.reject(new TypeError('no'));
    await world.run('delete-user', C1);
    expect(world.steps).toContain(`claim ${A}`);
    expect(world.ended).toEqual([A]);
  });
});

describe('a job that fails', () => {
  it('is settled with its event, and gives the queue the reason', async () => {
    const world = createPipelineWorld({ record: live });
    const decision = await world.run('create-user', { ...C1, userId: B });
    expect(decision).toMatchObject({
      next: 'fail',
      reason: expect.stringMatching(/^unexpected-user-id: /),
      event: { type: 'user.failed', data: { code: 'unexpected-user-id', attempts: 1 } },
    });
    expect(world.steps).toEqual(['settle', ...FINISH]);
  });

  it('with retries-exhausted has spent its last attempt, not the one before', async () => {
    const world = createPipelineWorld({ record: live, attempts: 3 });
    const decisions = [2, 3].map((attempt) => {
      world.damoov.fails('update', 'rejected', { status: 408 });
      return world.run('update-user', PHONE, { attempt });
    });
    expect(await Promise.all(decisions)).toMatchObject([
      { next: 'retry', outcome: { status: 'retry' } },
      {
        next: 'fail',
        outcome: { code: 'retries-exhausted' },
        reason: expect.stringContaining('status 408'),
      },
    ]);
    expect(world.settled).toHaveLength(1);
  });
});

describe('a job that goes on later', () => {
  it('lets its user go with what it leaves open, and is not settled', async () => {
    const world = createPipelineWorld();
    world.damoov.fails('create', 'aborted', { isApplied: true });
    expect(await world.run('create-user', C1)).toMatchObject({ next: 'wait', delayMs: 0 });
    expect(world.unlock).toMatchObject([{ record: { isInDoubt: true, pending: `${NOW} 0 job` } }]);
    expect(world.steps).toEqual(['let go']);
  });

  it('waits as often as it has to: that spends no attempt', async () => {
    const world = createPipelineWorld({ attempts: 3 });
    world.damoov.fails('create', 'aborted');
    expect(await world.run('create-user', C1, { attempt: 3 })).toMatchObject({ next: 'wait' });
  });

  it('whose lock was lost meanwhile touches no circuit and changes nothing in the queue', async () => {
    const world = createPipelineWorld({ letsGo: 'lost' });
    world.damoov.fails('create', 'unauthorized', { status: 401 });
    expect(await world.run('create-user', C1)).toEqual({ next: 'abandoned' });
    expect(world.refusals).toEqual([]);
  });

  it('is charged with a fault that Damoov words and that it alone meets again', async () => {
    const world = createPipelineWorld({ record: live, damoov: { users: there() } });
    const ends: string[] = [];
    for (let run = 0; run < 2; run += 1) {
      world.damoov.fails('update', 'server', { status: 500 });
      ends.push((await world.run('update-user', PHONE)).next);
    }
    expect(ends).toEqual(['wait', 'retry']);
  });
});

describe('a job that was refused at a circuit', () => {
  it('waits before it, and says why it is open', async () => {
    const world = createPipelineWorld({ refuses: 'held' });
    world.damoov.fails('create', 'unauthorized', { status: 401 });
    const decision = await world.run('create-user', C1);
    const circuit = 'instance-key:default';
    expect(decision).toMatchObject({ next: 'held', circuit, outcome: { status: 'held' } });
    expect(world.refusals).toMatchObject([
      { version: `${NOW} 0 job`, refusal: { circuit, reason: expect.stringContaining('not authorized') } },
    ]);
    expect(world.steps).toEqual(['let go', 'refuse']);
  });

  it('comes again in about a second if others have just passed', async () => {
    const world = createPipelineWorld({ refuses: 'closed' });
    world.damoov.fails('create', 'unauthorized', { status: 401 });
    const decision = await world.run('create-user', C1);
    expect(decision).toMatchObject({ next: 'wait', outcome: { delayMs: 1000 } });
    expect('delayMs' in decision && Math.floor(decision.delayMs / 1000)).toBe(1);
  });
});

describe('a job that tries open circuits for all', () => {
  const CIRCUITS = ['damoov', 'instance-key:default'] as const;

  it('says that they are open, and completes only after that', async () => {
    const world = createPipelineWorld({ passage: { probes: CIRCUITS } });
    expect(await world.run('create-user', C1)).toMatchObject({ next: 'complete' });
    expect(world.steps).toEqual(['settle', ...FINISH, 'probed damoov', 'probed instance-key:default']);
    expect(world.probed).toEqual([
      ['damoov', true],
      ['instance-key:default', true],
    ]);
  });

  it('leaves the one that refuses it open, and opens the one that it came through', async () => {
    const world = createPipelineWorld({ passage: { probes: CIRCUITS } });
    world.damoov.fails('create', 'unauthorized', { status: 401 });
    expect(await world.run('create-user', C1)).toMatchObject({ next: 'held', circuit: CIRCUITS[1] });
    expect(world.probed).toEqual([['damoov', true]]);
  });

  it('and meets another one says what it saw of its own', async () => {
    const world = createPipelineWorld({ record: live, passage: { probes: ['damoov'] } });
    world.damoov.fails('update', 'unauthorized', { status: 401 });
    expect(await world.run('update-user', PHONE)).toMatchObject({ next: 'held', circuit: 'admin' });
    expect(world.probed).toEqual([['damoov', true]]);
  });

  it('has another one try if it came to none of them', async () => {
    const world = createPipelineWorld({
      passage: { probes: ['damoov'] },
      record: { deleted: `${NOW + 1} 0 other` },
    });
    expect(await world.run('create-user', C1)).toMatchObject({
      next: 'complete',
      outcome: { by: 'deletion' },
    });
    expect(world.probed).toEqual([['damoov', false]]);
  });
});

it('a job that may do without the admin does not ask it while it is open', async () => {
  const world = createPipelineWorld({
    record: { isInDoubt: true },
    damoov: { users: [{ userId: OURS, clientId: 'c-1' }] },
    passage: { open: ['admin'] },
  });
  expect(await world.run('create-user', C1)).toMatchObject({ next: 'held', circuit: 'admin' });
  expect(world.damoov.calls).toEqual([]);
});

describe('a job whose user a look-up finds', () => {
  it('goes on with that user, and settles it in place of the first', async () => {
    const world = createPipelineWorld({ damoov: { users: there() } });
    expect(await world.run('update-user', PHONE)).toMatchObject({ next: 'complete', outcome: { userId: A } });
    expect(world.steps).toEqual([`claim ${A}`, 'settle', ...FINISH]);
    expect(world.settled).toMatchObject([{ user: A }]);
  });

  it.each([
    ['is parked while another job has that user', BLOCKED, { next: 'blocked', blocked: BLOCKED }],
    ['tells the queue nothing if its lock was lost meanwhile', { is: 'lost' }, { next: 'abandoned' }],
  ] as const)('%s', async (_title, claims, decision) => {
    const world = createPipelineWorld({ claims, damoov: { users: there() } });
    expect(await world.run('update-user', PHONE)).toEqual(decision);
    expect(world.steps).toEqual([`claim ${A}`]);
    expect(world.damoov.calls).not.toContain(`update ${A}`);
  });
});

describe('a deletion', () => {
  const SETTLED = ['settle', ...FINISH];
  const known = { record: { ...live, lastSeenAt: NOW - 1 }, damoov: { users: there() } };

  it('asks whether it is still wanted, by all ids that are known', async () => {
    const world = createPipelineWorld({ ...known, damoov: { users: there() } });
    await world.run('delete-user', C1);
    const found = { clientId: 'c-1', userId: A };
    expect(world.authorizations).toEqual([
      { instance: 'default', clientId: 'c-1', also: found, kind: 'sends' },
    ]);
    expect(world.settled[0]?.settlement.deletions).toMatchObject({
      is: 'done',
      clientId: 'c-1',
      also: found,
    });
  });

  it.each([
    ['another run has taken over is not sent', 'lost', { next: 'abandoned' }, []],
    [
      'the deletion limit holds waits before it',
      'held',
      { next: 'held', circuit: 'deletion-limit' },
      ['let go', 'refuse'],
    ],
    ['was cancelled ends so', 'cancelled', { next: 'complete', outcome: { by: 'cancellation' } }, SETTLED],
  ] as const)('that %s', async (_title, authorizations, decision, steps) => {
    const world = createPipelineWorld({ ...known, authorizations, damoov: { users: there() } });
    expect(await world.run('delete-user', C1)).toMatchObject(decision);
    expect(world.steps).toEqual(['authorize', ...steps]);
    expect(world.damoov.calls).not.toContain(`delete ${A}`);
    expect(world.settled.map(({ settlement }) => settlement.statement)).not.toContainEqual(expect.anything());
  });

  it('that was let go and not answered may be out; one that was held cannot be', async () => {
    const sent = createPipelineWorld({ ...known, damoov: { users: there() } });
    sent.damoov.fails('delete', 'timeout');
    await sent.run('delete-user', C1);
    expect(sent.unlock).toMatchObject([{ record: { deletingSince: NOW, lastSeenAt: NOW - 1 } }]);
    const held = createPipelineWorld({ ...known, authorizations: 'held', damoov: { users: there() } });
    await held.run('delete-user', C1);
    expect(held.unlock).toMatchObject([{ record: { deletingSince: undefined, lastSeenAt: NOW - 1 } }]);
  });

  it('that is done says so with a receipt, the next one of its instance', async () => {
    const world = createPipelineWorld({ ...known, damoov: { users: there() } });
    world.addReceipt('a'.repeat(64));
    const decision = await world.run('delete-user', C1);
    const receipt = { sequence: 2, previous: 'a'.repeat(64), jobId: 'job', userId: A };
    expect(decision).toMatchObject({
      event: { type: 'user.deleted', data: { userId: A, existed: true, receipt } },
    });
    expect(world.settled).toMatchObject([{ settlement: { statement: { jobId: 'job', userId: A } } }]);
    expect(world.published).toMatchObject([{ data: { receipt } }]);
  });

  it.each([
    ['of what it says', new RangeError('c-1'), 'RangeError'],
    ['of its key', Object.assign(new Error('c-1'), { code: 'ERR_OSSL_UNSUPPORTED' }), 'Error'],
  ])(
    'whose receipt cannot be written because %s is reported without, as a fault',
    async (_why, error, name) => {
      const world = createPipelineWorld({ ...known, damoov: { users: there() } });
      world.pipeline.proveReceipt = () => {
        throw error;
      };
      const decision = await world.run('delete-user', C1);
      expect(decision).toMatchObject({
        next: 'complete',
        event: { type: 'user.deleted', data: { userId: A, existed: true, verified: true } },
        fault: expect.stringContaining(`no receipt could be written: ${name} at `),
      });
      expect(JSON.stringify(decision)).not.toContain('written: c-1');
      expect(world.settled.map(({ settlement }) => settlement.statement)).toEqual([undefined]);
      expect(world.published.map(({ data }) => Object.keys(data))).not.toContainEqual(
        expect.arrayContaining(['receipt']),
      );
    },
  );

  it('whose receipt cannot be written is left to the next run where its lock was lost', async () => {
    const world = createPipelineWorld({ ...known, damoov: { users: there() } });
    world.pipeline.proveReceipt = () => {
      throw new RangeError();
    };
    const decision = await world.run('delete-user', C1, { signal: AbortSignal.abort() });
    expect(decision).toEqual({ next: 'abandoned' });
  });
});
