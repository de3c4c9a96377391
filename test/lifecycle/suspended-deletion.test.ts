import { describe, expect, it } from 'vitest';
import { failed } from '../../src/contract/outcome.ts';
import { untilSuspended } from '../../src/lifecycle/suspended-deletion.ts';
import type { DeletionGuard } from '../../src/lifecycle/ports/deletion-guard.ts';
import { HOUR_MS, NOW, OURS } from '../operations/operation-world.ts';
import { type PipelineWorldOptions, createPipelineWorld } from './pipeline-world.ts';

const C1 = { clientId: 'c-1', instance: 'default' };
const dueAt = NOW + HOUR_MS;
const MINUTE_MS = 60_000;

type Checks = Partial<Awaited<ReturnType<DeletionGuard['check']>>>;
const ASKED: Checks = { suspension: { does: 'suspend', name: 'name', dueAt } };
const AWAITS: Checks = { suspension: { does: 'await', dueAt } };
const VOID: Checks = {
  is: 'cancelled',
  suspension: { does: 'resume', name: 'name', by: 'cancellation' },
};

function createWorld(checks: Checks, options: PipelineWorldOptions = {}) {
  const damoov = { users: [{ userId: OURS, clientId: 'c-1' }] };
  return createPipelineWorld({ damoov, record: { userId: OURS, state: 'live' }, checks, ...options });
}

describe('a deferred deletion that suspends its user', () => {
  it('waits until it is due, behind the circuits of an update alone', async () => {
    const world = createWorld(ASKED);
    expect(await world.run('delete-user', C1)).toMatchObject({ next: 'deferred', delayMs: HOUR_MS });
    expect(world.begun.map(({ must }) => must)).toEqual([['damoov', 'admin']]);
    expect(world.damoov.calls).toContain(`update ${OURS}`);
    expect(world.steps).toEqual([`claim ${OURS}`, 'authorize suspension', 'let go', 'note suspended']);
  });

  it('sends nothing where it has lost its user', async () => {
    const world = createWorld(ASKED, { authorizesSuspension: 'lost' });
    expect(await world.run('delete-user', C1)).toMatchObject({ next: 'abandoned' });
    expect(world.damoov.calls).not.toContain(`update ${OURS}`);
  });

  it('locks no user while there is nothing to do, and looks once a day', async () => {
    const world = createWorld({ suspension: { does: 'await', dueAt: NOW + 90 * 24 * HOUR_MS } });
    expect(await world.run('delete-user', C1)).toMatchObject({ next: 'deferred', delayMs: 24 * HOUR_MS });
    expect(world.begun).toEqual([]);
  });

  it.each([
    ['is', AWAITS, false],
    ['is not where it was cancelled', VOID, true],
    ['is not where it was moved', { suspension: { does: 'await', dueAt: dueAt + 1 } }, true],
    ['is not where its user is to be suspended once more', ASKED, true],
  ] as [string, Checks, boolean][])(
    'knows then whether that %s still so',
    async (_what, then, isOutdated) => {
      const world = createWorld(AWAITS);
      const decision = await world.run('delete-user', C1);
      world.pipeline.deletions.check = async () => ({ is: 'open', requestedAt: NOW, ...then });
      expect(decision.next === 'deferred' && (await decision.isOutdated())).toBe(isOutdated);
    },
  );

  it('is resumed and superseded where that is void', async () => {
    const world = createWorld(VOID, { record: { userId: OURS, state: 'live', suspendedBy: 'name' } });
    expect(await world.run('delete-user', C1)).toMatchObject({
      next: 'complete',
      outcome: { status: 'superseded', by: 'cancellation' },
    });
    expect(world.damoov.sent.update).toEqual([{ status: 'active' }]);
  });

  it.each(['rejected', 'server'] as const)('spends no attempt on a suspension that is %s', async (kind) => {
    const world = createWorld(ASKED, { attempts: 1 });
    world.damoov.fails('update', kind);
    expect(await world.run('delete-user', C1)).toMatchObject({
      next: 'deferred',
      outcome: { status: 'wait' },
    });
  });
});

describe('what becomes of a suspension that has failed', () => {
  const REFUSED = failed('rejected', 'no');

  it('is that it is tried again, later if Damoov has refused it', () => {
    const retry = { status: 'retry', reason: '' } as const;
    expect([REFUSED, retry, { ...retry, afterMs: 2 * MINUTE_MS }].map(untilSuspended)).toMatchObject(
      [HOUR_MS, MINUTE_MS, 2 * MINUTE_MS].map((delayMs) => ({ status: 'wait', delayMs })),
    );
  });

  it('is nothing else than before where it has not', () => {
    const wait = { status: 'wait', reason: '', delayMs: 5 } as const;
    expect(untilSuspended(wait)).toBe(wait);
    const over = { status: 'superseded', by: 'create' } as const;
    expect(untilSuspended(over)).toBe(over);
  });
});
