import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/run-command.ts';
import { type World, createWorld } from '../support/world.ts';

const LIMIT = 30;
/** More are held than are looked at in one step, which is 200. */
const DUE = LIMIT + 215;

const clientIds = Array.from({ length: DUE }, (_, n) => `c-${n}`);

/** Users who exist, and a deletion of each that is due; the deletion limit lets so many through. */
async function createLimitedWorld() {
  const world = await createWorld({ env: { DELETIONS_PER_HOUR: `${LIMIT}` }, startsWorker: false });
  await Promise.all(clientIds.map((clientId) => world.signUpElsewhere(clientId)));
  const workers = await Promise.all([world.startWorker(), world.startWorker()]);
  await world.jobs.addBulk(clientIds.map((clientId) => ({ name: 'delete-user', data: { clientId } })));
  await expect.poll(() => heldIn(world)).toBe(DUE - LIMIT);
  await expect.poll(() => world.events.length).toBe(LIMIT);
  return { world, url: workers[0]?.url ?? '' };
}

const heldIn = ({ redis, prefix }: World) => redis.zcard(`${prefix}:circuit:deletion-limit:held`);
const sentIn = async (world: World) => (await world.requests('delete')).length;
async function clientIdOf({ jobs }: World, jobId: string): Promise<string> {
  const job = await jobs.getJob(jobId);
  if (job === undefined) throw new Error('there is no such job');
  return (job.data as { clientId: string }).clientId;
}

const decide = (world: World, ...args: string[]) => runCommand(['deletions', ...args], world.env);

describe('the deletion limit', () => {
  it('lets exactly as many deletions through as are allowed, holds the rest, and raises one alert', async () => {
    const { world, url } = await createLimitedWorld();
    expect(await sentIn(world)).toBe(LIMIT);
    expect(world.logLines.filter((line) => line.includes('the deletion limit holds deletions'))).toHaveLength(
      1,
    );
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      checks: {
        'deletion-limit': { ok: true, detail: expect.stringContaining(`deletions: ${DUE - LIMIT}`) },
      },
    });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain(
      `damoov_users_circuit_held_jobs{circuit="deletion-limit"} ${DUE - LIMIT}`,
    );
    expect(await world.jobs.getFailedCount()).toBe(0);
    // Other work is not concerned.
    expect(await world.run('create-user', { clientId: 'another' })).toMatchObject({ type: 'user.created' });
    // What comes due meanwhile is held as well.
    await world.signUpElsewhere('one more');
    await world.add('delete-user', { clientId: 'one more' });
    await expect.poll(() => heldIn(world)).toBe(DUE - LIMIT + 1);

    expect(await decide(world, 'release', '--yes')).toMatchObject({
      status: 0,
      stdout: `${DUE - LIMIT + 1} released\n`,
    });
    await expect.poll(() => world.events.length).toBe(DUE + 2);
    expect(await sentIn(world)).toBe(DUE + 1);
    expect((await world.users()).filter(({ deletedAt }) => deletedAt === null)).toHaveLength(1);
    // It is open again, and its hour goes on.
    await world.signUpElsewhere('the last');
    await world.add('delete-user', { clientId: 'the last' });
    await expect.poll(() => heldIn(world)).toBe(1);
  });

  it('has what is refused end with an event each, and what is released of one user carried out', async () => {
    const { world } = await createLimitedWorld();
    const [held = ''] = await world.redis.zrange(`${world.prefix}:circuit:deletion-limit:held`, 0, '0');
    const clientId = await clientIdOf(world, held);
    expect((await decide(world, 'release')).status).toBe(2);
    expect(await heldIn(world)).toBe(DUE - LIMIT);
    expect(await decide(world, 'release', '--client-id', clientId, '--yes')).toMatchObject({
      stdout: '1 released\n',
    });
    expect(await world.eventOf(held)).toMatchObject({ type: 'user.deleted' });
    // One that is cancelled while it is held is not held any more.
    const [next = ''] = await world.redis.zrange(`${world.prefix}:circuit:deletion-limit:held`, 0, '0');
    const other = await clientIdOf(world, next);
    expect(await decide(world, 'cancel', '--client-id', other)).toMatchObject({ status: 0 });
    expect(await world.eventOf(next)).toMatchObject({
      type: 'user.superseded',
      data: { by: 'cancellation' },
    });
    expect(await decide(world, 'refuse', '--yes', '--json')).toMatchObject({
      stdout: `{"refused":${DUE - LIMIT - 2}}\n`,
    });
    await expect.poll(() => world.events.length).toBe(DUE);
    const codes = world.events.map((event) => (event.type === 'user.failed' ? event.data.code : event.type));
    expect(codes.filter((code) => code === 'deletion-refused')).toHaveLength(DUE - LIMIT - 2);
    expect(codes.filter((code) => code === 'user.deleted')).toHaveLength(LIMIT + 1);
    expect(await sentIn(world)).toBe(LIMIT + 1);
    expect(await decide(world, 'refuse', '--yes')).toMatchObject({
      stdout: 'The deletion limit holds no deletion.\n',
    });
  });
});
