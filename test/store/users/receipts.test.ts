import type { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { keyedJobId } from '../../../src/contract/job-options.ts';
import type { Settled } from '../../../src/contract/outcome.ts';
import { linesOf } from '../../receipts/deletions.ts';
import { verdictOn } from '../../receipts/verdict.ts';
import { type UserStateWorld, createUserStateWorld, instance, userId } from './user-state-world.ts';

const DELETED: Settled = { status: 'done', type: 'user.deleted', userId, existed: true, verified: true };

/** A deletion that is settled, and no more. */
async function settle(world: UserStateWorld, job: Job, clientId: string, of = world.userState) {
  const user = await world.take(job, { clientId }, { of });
  const statement = {
    version: 1 as const,
    instance: 'default',
    instanceId: instance.id,
    jobId: job.id ?? '',
    userId,
    requestedAt: '2026-01-02T03:04:05.678Z',
    existed: true,
    verified: true,
  };
  const settlement = { ...world.settlementOf(job, DELETED), statement };
  const settled = await user.onlySettle(settlement, { record: user.record });
  if (settled === 'lost') throw new Error('the job was lost');
  return settled;
}

const receiptsOf = ({ kept, event }: Awaited<ReturnType<typeof settle>>) => ({
  kept: 'receipt' in kept.outcome ? kept.outcome.receipt : undefined,
  told: event?.type === 'user.deleted' ? event.data.receipt : undefined,
});

describe('the receipt of a deletion', () => {
  it('gets its place in the chain of its instance, also beside others', async () => {
    const world = await createUserStateWorld();
    const clients = ['c-1', 'c-2', 'c-3', 'c-4'];
    await Promise.all(clients.map(() => world.add('delete-user')));
    const taken: [Job, string][] = [];
    for (const client of clients) taken.push([await world.fetch(), client]);
    const all = await Promise.all(taken.map(([job, client]) => settle(world, job, client)));
    for (const settled of all) expect(receiptsOf(settled).kept).toEqual(receiptsOf(settled).told);
    const events = all
      .flatMap(({ event }) => event ?? [])
      .toSorted((a, b) => sequenceOf(a.data) - sequenceOf(b.data));
    expect(await verdictOn(linesOf(events), { allowsUnsigned: true, isComplete: true })).toMatchObject({
      receipts: clients.length,
      chains: [{ instance: 'default', first: 1, last: clients.length }],
    });
  });

  it('follows on those of other processes', async () => {
    const world = await createUserStateWorld();
    const processes = [world.createUserState(), world.createUserState()];
    const sequences: unknown[] = [];
    for (const at of [0, 1, 0, 0]) {
      const clientId = `c-${sequences.length}`;
      const settled = await settle(world, await world.start('delete-user'), clientId, processes[at]);
      sequences.push(receiptsOf(settled).told?.sequence);
    }
    expect(sequences).toEqual([1, 2, 3, 4]);
  });

  it('is the same for a run that comes again, before its event is published and after it', async () => {
    const world = await createUserStateWorld();
    // A later delivery may need it again.
    const job = await world.start('delete-user', { jobId: keyedJobId('a'.repeat(27)) });
    const settled = await settle(world, job, 'c-1');
    const receipt = receiptsOf(settled).told;
    expect(receipt).toMatchObject({ sequence: 1, jobId: job.id });
    const again = await world.userState.find(job.id ?? '');
    expect(again && receiptsOf(again)).toEqual({ kept: receipt, told: receipt });
    await world.finish(job, settled);
    const later = await world.userState.find(job.id ?? '');
    expect(later && receiptsOf(later)).toEqual({ kept: receipt, told: undefined });
  });

  it('is the same in the event that the next job of its user publishes, as its own run was cut off', async () => {
    const world = await createUserStateWorld();
    const job = await world.start('delete-user');
    const receipt = receiptsOf(await settle(world, job, 'c-1')).told;
    await world.loseLock(job);
    await world.take(await world.start('create-user'), { clientId: 'c-1' });
    const [events = []] = await Promise.all(world.events.map((queue) => queue.getJobs(['wait'])));
    expect(events).toMatchObject([{ data: { type: 'user.deleted', data: { receipt } } }]);
    expect(receipt).toBeDefined();
    const later = await world.userState.find(job.id ?? '');
    expect(later && receiptsOf(later)).toEqual({ kept: receipt, told: undefined });
  });
});

function sequenceOf(data: object): number {
  return 'receipt' in data ? (data.receipt as { sequence: number }).sequence : Number.NaN;
}
