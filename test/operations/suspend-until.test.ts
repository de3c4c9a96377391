import { describe, expect, it } from 'vitest';
import { type Suspension, LOCK_LOST } from '../../src/operations/context.ts';
import {
  A,
  GAVE_UP,
  HOUR_MS,
  NOW,
  OURS,
  type OperationWorldOptions,
  createOperationWorld,
  version,
} from './operation-world.ts';

const C1 = { clientId: 'c-1', instance: 'default' };
const there = () => [{ userId: OURS, clientId: 'c-1' }];
const LIVE = { userId: OURS, state: 'live', fields: {} } as const;
const SUSPENDED = { ...LIVE, suspendedBy: 'its name' } as const;
const dueAt = NOW + HOUR_MS;

/** One run of a deferred deletion. */
async function run(suspension: Suspension, options: OperationWorldOptions = {}) {
  const others = { [OURS]: options.record ?? LIVE };
  const world = createOperationWorld({ users: there(), record: LIVE, others, ...options });
  world.context.suspension = suspension;
  const end = () => world.delete(C1);
  return { world, end, sent: world.sent.update };
}

const suspend = (options?: OperationWorldOptions) =>
  run({ does: 'suspend', name: 'its name', dueAt }, options);
const resume = (options?: OperationWorldOptions) =>
  run({ does: 'resume', name: 'its name', by: 'cancellation' }, options);
const awaits = (user: string) => ({ status: 'wait', until: { dueAt, user }, delayMs: HOUR_MS });
const OVER = { status: 'superseded', by: 'cancellation', userId: OURS };

describe('a deletion that suspends its user until it is due', () => {
  it('asks right before whether it is still wanted, and remembers that it did so', async () => {
    const { world, end } = await suspend();
    const { outcome, recordUpdate } = await end();
    expect(world.calls).toEqual([
      'find c-1',
      `lock ${OURS}`,
      `authorize to suspend c-1 ${OURS}`,
      `update ${OURS}`,
    ]);
    expect(world.sent.update).toEqual([{ status: 'deactivated' }]);
    expect(outcome).toMatchObject(awaits('suspended'));
    expect(recordUpdate?.record).toMatchObject({
      suspendedBy: 'its name',
      fields: { status: world.context.job.version },
    });
  });

  it.each([
    ['is nobody', { users: [], record: {} }],
    ['is shown as suspended', { users: [{ userId: OURS, clientId: 'c-1', status: 'deactivated' }] }],
    ['was suspended on request', { record: { ...LIVE, suspendedBy: 'request' } }],
    ['was suspended by another deletion', { record: { ...LIVE, suspendedBy: 'another name' } }],
    ['has a newer status', { ageMs: HOUR_MS, record: { ...LIVE, fields: { status: version(1) } } }],
  ] as [string, OperationWorldOptions][])('changes nothing where that %s', async (_what, options) => {
    const { end, sent } = await suspend(options);
    expect((await end()).outcome).toMatchObject(awaits('unchanged'));
    expect(sent).toEqual([]);
  });

  it('does it once more where an earlier run may have: a look-up need not show it', async () => {
    const { end, sent } = await suspend({
      record: SUSPENDED,
      users: [{ userId: OURS, clientId: 'c-1', status: 'deactivated' }],
    });
    expect((await end()).outcome).toMatchObject(awaits('suspended'));
    expect(sent).toHaveLength(1);
  });

  it('sends nothing where it is not wanted any more', async () => {
    const { end, sent } = await suspend({ authorizesSuspension: 'changed' });
    expect((await end()).outcome).toMatchObject({ status: 'wait', delayMs: 500 });
    expect(sent).toEqual([]);
  });

  it('locks the user whom the look-up shows', async () => {
    const { world, end } = await suspend({ users: [{ userId: A, clientId: 'c-1' }], record: {} });
    expect((await end()).outcome).toMatchObject(awaits('suspended'));
    expect(world.calls).toContain(`lock ${A}`);
    const lost = await suspend({
      users: [{ userId: A, clientId: 'c-1' }],
      record: {},
      others: { [A]: LOCK_LOST },
    });
    expect(await lost.end()).toEqual(GAVE_UP);
  });

  it('leaves it to the deletion to find out that the user is gone', async () => {
    const { world, end } = await suspend();
    world.fails('update', 'not-found');
    expect((await end()).outcome).toMatchObject(awaits('unchanged'));
  });

  it('ends at a refusal', async () => {
    const { world, end } = await suspend();
    world.fails('update', 'rejected');
    await expect(end()).rejects.toMatchObject({ kind: 'rejected' });
  });

  it('is over after a newer sign-up, which finds its user active', async () => {
    const { end, sent } = await suspend({ record: { ...SUSPENDED, created: version(1) } });
    expect((await end()).outcome).toEqual({ ...OVER, by: 'create' });
    expect(sent).toEqual([{ status: 'active' }]);
  });
});

describe('a deletion that is void', () => {
  it('resumes the user whom it has suspended', async () => {
    const { world, end, sent } = await resume({ record: SUSPENDED });
    const { outcome, recordUpdate } = await end();
    expect(outcome).toEqual(OVER);
    expect(world.calls).toEqual([`authorize to resume - ${OURS}`, `update ${OURS}`]);
    expect(sent).toEqual([{ status: 'active' }]);
    expect(recordUpdate?.record.suspendedBy).toBeUndefined();
    expect(recordUpdate?.record.fields.status).toBe(world.context.job.version);
  });

  it.each([
    ['it has not suspended', {}],
    ['was suspended on request since', { record: { ...LIVE, suspendedBy: 'request' } }],
    ['was resumed since', { record: { ...LIVE, fields: { status: version(1) } } }],
  ] as [string, OperationWorldOptions][])('sends nothing for a user who %s', async (_what, options) => {
    const { world, end } = await resume(options);
    expect((await end()).outcome).toEqual(OVER);
    expect(world.calls).toEqual([`authorize to resume - ${OURS}`]);
  });

  it('waits where it has something else to do by now, such as a new request', async () => {
    const { world, end } = await resume({ record: SUSPENDED, authorizesSuspension: 'changed' });
    expect((await end()).outcome).toMatchObject({ status: 'wait', delayMs: 500 });
    expect(world.calls).toEqual([`authorize to resume - ${OURS}`]);
  });

  it.each(['suspend', 'delete'] as const)(
    'means the user whom it has suspended when it is to %s',
    async (does) => {
      const { world, end } = await run(
        { does, name: 'its name', userId: A, dueAt },
        { record: { ...SUSPENDED, userId: A }, users: [...there(), { userId: A, clientId: 'other' }] },
      );
      await end();
      expect(world.calls[0]).toBe(`find ${A}`);
      expect(world.calls).toContain(does === 'suspend' ? `update ${A}` : `delete ${A}`);
      expect(world.calls.filter((call) => call.includes(OURS))).toEqual([]);
    },
  );

  it.each([
    ['cancelled', 'cancellation'],
    ['returned', 'create'],
  ] as const)(
    'resumes its user also where it is due, and only the last look shows that it is %s',
    async (authorize, by) => {
      const { world, end, sent } = await run(
        { does: 'delete', name: 'its name' },
        { record: SUSPENDED, authorize },
      );
      expect((await end()).outcome).toEqual({ ...OVER, by });
      expect(sent).toEqual([{ status: 'active' }]);
      expect(world.calls).toEqual([
        'find c-1',
        `authorize c-1 ${OURS} sends`,
        `authorize to resume - ${OURS}`,
        `update ${OURS}`,
      ]);
    },
  );

  it('is over where the user is gone, and fails where Damoov refuses', async () => {
    const gone = await resume({ record: SUSPENDED });
    gone.world.fails('update', 'not-found');
    expect((await gone.end()).outcome).toEqual(OVER);
    const refused = await resume({ record: SUSPENDED });
    refused.world.fails('update', 'rejected');
    await expect(refused.end()).rejects.toMatchObject({ kind: 'rejected' });
  });
});
