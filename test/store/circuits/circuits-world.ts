/** Circuits over a user state on a real Redis: jobs that are refused, that open a circuit, and that wait before it. */
import type { Job } from 'bullmq';
import { expect } from 'vitest';
import { versionOf } from '../../../src/contract/version.ts';
import type { UserStateWorld } from '../users/user-state-world.ts';

export const REFUSED = { circuit: 'admin', reason: 'not today' } as const;
export const versionFor = ({ name, id = '', timestamp }: Job) => versionOf({ name, id, timestamp });

/** A job of a user of its own. */
export const begin = (world: UserStateWorld, job: Job) => world.begin(job, { clientId: `of job ${job.id}` });

/** A job that is refused the admin, as a run ends that was. */
export async function refuse(world: UserStateWorld, job: Job, more: { afterMs?: number } = {}) {
  const begun = await begin(world, job);
  if (begun.is !== 'locked') throw new Error(`not taken: ${begun.is}`);
  await begun.user.unlock({ record: begun.user.record });
  const is = await world.circuits.refuse(world.runOf(job), versionFor(job), { ...REFUSED, ...more });
  if (is === 'held') await world.hold(job);
  return is;
}

/** Opens the admin's circuit with a job that then waits before it. */
export async function open(world: UserStateWorld, more: { afterMs?: number } = {}): Promise<Job> {
  const job = await world.start();
  expect(await refuse(world, job, more)).toBe('held');
  return job;
}

export const waiting = async ({ jobs }: UserStateWorld) =>
  (await jobs.getJobs(['wait'], 0, -1, true)).map(({ id }) => id);
