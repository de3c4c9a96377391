import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { expect, it } from 'vitest';
import { MaskedQueue } from '../../../src/ops/dashboard/masked-queue.ts';
import { createWorld } from '../../support/world.ts';

it('a masked queue inherits nothing of the adapter that shows and changes everything', async () => {
  const { jobs } = await createWorld({ startsWorker: false });
  expect(new MaskedQueue(jobs, 'jobs', '')).not.toBeInstanceOf(BullMQAdapter);
});

it('a masked queue shows the other jobs beside what is too large, unreadable, or one of a key of BullMQ', async () => {
  const { jobs, redis } = await createWorld({ startsWorker: false });
  await jobs.addBulk(
    ['large', 'unreadable', 'whole'].map((jobId) => ({
      name: 'create-user',
      data: { clientId: jobId },
      opts: { jobId },
    })),
  );
  await redis.hset(jobs.toKey('large'), 'data', `{"clientId":"${'x'.repeat(1_000_000)}"}`);
  await redis.hset(jobs.toKey('unreadable'), 'opts', 'no JSON');
  const masked = new MaskedQueue(jobs, 'jobs', '');
  const shown = (await masked.getJobs(['waiting'], 0, 10)).map((job) => job.toJSON());
  expect(shown).toMatchObject([
    { id: 'whole', data: { clientId: 'whole' } },
    { id: 'large', data: 'too large to be shown' },
  ]);
  for (const name of ['meta', 'events', 'nobody']) expect(await masked.getJob(name)).toBeUndefined();
});
