import { expect, it } from 'vitest';
import { createDeletionsWorld } from './deletions-world.ts';

type World = Awaited<ReturnType<typeof createDeletionsWorld>>;

/** Deletions that workers have begun, each of a user of its own. */
async function begin(world: World, count: number) {
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      await world.schedule({ clientId: `c-${n}` }, Date.now());
      return world.fetch();
    }),
  );
}

it('a cancellation and a DELETE at the same moment: one of them comes first, and both are told so', async () => {
  const world = await createDeletionsWorld({ deletionsPerHour: 1000 });
  const jobs = await begin(world, 100);
  const ends = await Promise.all(
    jobs.map(async (job, n) => {
      const of = job.data as { clientId: string };
      const cancel = async () => {
        // Some come so many round trips later.
        for (let late = 0; late < n % 5; late++) await world.redis.ping();
        return world.deletions.cancel(of);
      };
      const answers = await Promise.all([cancel(), world.authorize(job), ...(n % 3 === 0 ? [cancel()] : [])]);
      return [...new Set(answers)].toSorted().join(' and ');
    }),
  );
  expect(new Set(ends)).toEqual(new Set(['cancelled', 'go and too-late']));
});

it('of many that are due at once exactly as many are sent as the limit allows', async () => {
  const world = await createDeletionsWorld({ deletionsPerHour: 7 });
  const jobs = await begin(world, 40);
  const answers = await Promise.all([...jobs, ...jobs].map(async (job) => world.authorize(job)));
  const sent = jobs.filter((_, n) => answers[n] === 'go' || answers[n + jobs.length] === 'go');
  expect(sent).toHaveLength(7);
  expect(new Set(answers)).toEqual(new Set(['go', 'held']));
  expect(await world.redis.zcard(`${world.prefix}:deletions-sent`)).toBe(7);
});

it('twenty who ask for the deletion of a user, or cancel it, leave one that is pending or none', async () => {
  const world = await createDeletionsWorld();
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, n) =>
      n % 2 === 0 ? world.schedule({ clientId: 'c-1' }) : world.deletions.cancel({ clientId: 'c-1' }),
    ),
  );
  expect(answers).toHaveLength(20);
  expect((await world.pending()).length).toBeLessThanOrEqual(1);
  const { jobId } = await world.schedule({ clientId: 'c-1' });
  expect(await world.pending()).toEqual([jobId]);
  expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
  expect(await world.pending()).toEqual([]);
});
