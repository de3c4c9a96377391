import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { Version } from '../../src/contract/version.ts';
import { NOW, derived } from '../operations/operation-world.ts';
import { C1, CHANGES, DONE, FINISH, USER, createPipelineWorld } from './pipeline-world.ts';

const refused = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });
const LATER = { next: 'wait', delayMs: 5000, isFault: true };

describe('a job that is settled', () => {
  it('has its event published and its data kept before its user is let go', async () => {
    const { promise: published, resolve: publish } = Promise.withResolvers<void>();
    const { promise: kept, resolve: keep } = Promise.withResolvers<void>();
    const world = createPipelineWorld({ onPublish: () => published });
    const ended = world.run('create-user', C1, { keep: () => kept });
    await vi.waitFor(() => expect(world.steps).toContain('publish'));
    keep();
    await setImmediate();
    expect(world.steps).toEqual(['settle', 'publish']);
    publish();
    expect(await ended).toMatchObject({ next: 'complete' });
    expect(world.steps).toEqual(['settle', 'publish', 'release']);
  });

  it('waits with letting its user go also for its data', async () => {
    const { promise: kept, resolve: keep } = Promise.withResolvers<void>();
    const world = createPipelineWorld();
    const ended = world.run('create-user', C1, { keep: () => kept });
    await vi.waitFor(() => expect(world.published).toHaveLength(1));
    await setImmediate();
    expect(world.released).toEqual([]);
    keep();
    await ended;
    expect(world.released).toHaveLength(1);
  });

  it('keeps no data where its lock was lost, as another job may bear its id, and leaves its end to the next run', async () => {
    const world = createPipelineWorld();
    const decision = await world.run('create-user', C1, { signal: AbortSignal.abort() });
    expect(decision).toEqual({ next: 'abandoned' });
    expect(world.steps).toEqual(['settle', 'publish', 'release']);
    // The next run has to learn that it is settled.
    expect(world.released).toMatchObject([{ user: USER, isKept: true }]);
  });

  it('and published is not published again when it comes again', async () => {
    const world = createPipelineWorld({ begins: { is: 'settled', settled: DONE } });
    const decision = await world.run('create-user', C1);
    expect(decision).toMatchObject({ event: { type: 'user.created', time: new Date(1).toISOString() } });
    expect([world.steps, world.released]).toEqual([['keep', 'release'], [DONE]]);
  });

  it('and not published is, as it was settled, when it comes again', async () => {
    const first = createPipelineWorld({ onPublish: () => Promise.reject(refused('OOM')) });
    await first.run('create-user', C1);
    const event = first.settled[0]?.settlement.event;
    expect(event).toBeDefined();
    const world = createPipelineWorld({ begins: { is: 'settled', settled: { ...DONE, event } } });
    expect(await world.run('create-user', C1, { attempt: 9 })).toMatchObject({ next: 'complete', event });
    expect([world.steps, world.published]).toEqual([FINISH, [event]]);
  });

  /** The data of a create that a worker has settled, as the queue has them. */
  async function endedData(): Promise<unknown> {
    const world = createPipelineWorld();
    await world.run('create-user', { ...C1, profile: { email: 'ada@example.test' } });
    return world.kept[0];
  }

  it('and reduced to its ids ends as its data say, with nothing left to do', async () => {
    const world = createPipelineWorld();
    expect(await world.run('create-user', await endedData())).toMatchObject({
      next: 'complete',
      outcome: { type: 'user.created', userId: derived() },
      event: { data: { clientId: 'c-1', userId: derived() } },
    });
    expect([world.begun, world.steps]).toEqual([[], ['find', 'release']]);
    expect(world.released).toMatchObject([{ user: '' }]);
  });

  it('and reduced to its ids lets the user go that the userState still knows of', async () => {
    const world = createPipelineWorld({ earlier: DONE });
    await world.run('create-user', await endedData());
    expect(world.released).toEqual([DONE]);
  });

  const OLDER: Version = `${NOW} 1 older`;
  const OWN: Version = `${NOW} 1 job`;

  it('erases what older failed jobs of its user say before that user is let go', async () => {
    const world = createPipelineWorld({ olderFailed: [OLDER] });
    await world.run('delete-user', C1);
    expect(world.erased).toEqual([[OLDER]]);
    expect(world.steps.slice(-2)).toEqual(['erase', 'release']);
  });

  it('says nothing itself where its user’s deletion is newer', async () => {
    const data = { ...C1, ...CHANGES, instance: 'nobody’s' };
    const ends = await Promise.all(
      [[OLDER], [OLDER, OWN]].map(async (olderFailed) => {
        const world = createPipelineWorld({ olderFailed });
        expect(await world.run('update-user', data)).toMatchObject({ next: 'fail' });
        return world.kept[0];
      }),
    );
    const ids = { clientId: 'c-1', instance: 'nobody’s' };
    expect(ends).toEqual([
      { ...ids, encrypted: expect.stringMatching(/^1\.[\w-]{16}\.\S{38,}$/) },
      { ...ids, encrypted: expect.stringMatching(/^1\.[\w-]{16}\.$/) },
    ]);
  });
});

describe('an outage of Redis', () => {
  it.each([
    ['that does not answer', new Error('Connection is closed.'), 'Error'],
    ['that is full', refused('OOM command not allowed'), 'ReplyError'],
  ])('is waited for, before the effect and after it: one %s', async (_title, thrown, what) => {
    const before = createPipelineWorld({ attempts: 1 });
    before.pipeline.userState.begin = () => Promise.reject(thrown);
    const after = createPipelineWorld({ attempts: 1, onSettle: () => Promise.reject(thrown) });
    const reason = `the job could not be settled: ${what}`;
    for (const world of [before, after])
      expect(await world.run('create-user', C1)).toMatchObject({ ...LATER, reason });
    expect([before.aside, after.aside]).toEqual([[], []]);
  });

  it('keeps the user of a settled job from the next one until the event is published', async () => {
    const loading = () => Promise.reject(refused('LOADING Redis is loading'));
    const world = createPipelineWorld({ onPublish: loading });
    expect(await world.run('create-user', C1)).toMatchObject(LATER);
    expect([world.settled.length, world.aside, world.released]).toEqual([1, [], []]);
  });
});

describe('a fault that would come again each time', () => {
  const fault = () => Promise.reject(new TypeError('ada@example.test'));
  const said = expect.stringMatching(/^unexpected TypeError at [\w.]+:\d+$/);

  it('before the effect spends an attempt, and the last one ends the job with its event', async () => {
    const world = createPipelineWorld({ attempts: 2 });
    world.pipeline.userState.begin = fault;
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
    const decision = await world.run('create-user', { ...C1, profile: { firstName: 'Ada' } });
    expect(decision).toMatchObject({
      next: 'fail',
      event: { type: 'user.failed', data: { clientId: 'c-1', code: 'outcome-unknown' } },
    });
    expect(world.aside).toHaveLength(1);
    expect(world.kept).toEqual([{ ...C1, encrypted: expect.stringMatching(/^1\./) }]);
    expect(JSON.stringify(decision)).not.toContain('ada@example.test');
  });

  it('also in writing down how the job failed has an end, of which the queue alone knows', async () => {
    const world = createPipelineWorld({ attempts: 2, onSettle: fault });
    world.pipeline.userState.settleWithoutUser = fault;
    const ends = [1, 2].map((attempt) => world.run('create-user', C1, { attempt }));
    expect(await Promise.all(ends)).toMatchObject([{ next: 'retry' }, { next: 'retry', isFault: true }]);
  });

  it('while the job is read is the fault of the job', async () => {
    const world = createPipelineWorld();
    world.pipeline.cipher.decrypt = () => ({ text: 'no JSON' });
    const data = { ...C1, encrypted: `1.${'a'.repeat(16)}.${'a'.repeat(40)}` };
    expect(await world.run('update-user', data)).toMatchObject({
      next: 'fail',
      outcome: { code: 'invalid-job', message: expect.stringContaining('SyntaxError') },
    });
  });
});
