import { describe, expect, it, onTestFinished } from 'vitest';
import { UserJobs } from '../../src/client/user-jobs.ts';
import { dumpRedis } from '../support/traces.ts';
import { type World, createWorld, subscribe } from '../support/world.ts';

const SIGN_UP = { clientId: 'c-1', createAccessToken: true };

async function createTokensWorld() {
  // No subscriber takes the events of the second queue until a test does.
  const world = await createWorld({ env: { EVENTS_QUEUES: 'user-events,crm' } });
  const producer = new UserJobs({ redis: world.env['REDIS_URL'] ?? '', prefix: world.prefix });
  onTestFinished(() => producer.close());
  return { ...world, producer };
}

function tokensIn({ data }: { data: object }): string[] {
  const { accessToken, refreshToken } = data as Record<string, unknown>;
  return [accessToken, refreshToken].map((token) => {
    if (typeof token !== 'string') throw new Error('there is no token');
    return token;
  });
}

/** In which keys one of the tokens lies, by what follows the prefix. */
async function placesOf(tokens: string[], { redis, prefix }: World): Promise<string[]> {
  const lines = await dumpRedis(redis, `${prefix}*`);
  const bearing = lines.filter((line) => tokens.some((token) => line.includes(token)));
  return bearing.map((line) => line.slice(prefix.length + 1, line.indexOf(' '))).sort();
}

const KEPT = expect.stringMatching(/^tokens:[\w-]{22}$/);

describe('the tokens of a user that has signed up', () => {
  it('lie in an event until it is taken, and an hour for those who wait for the result; nowhere else', async () => {
    const world = await createTokensWorld();
    const event = await world.run('create-user', SIGN_UP);
    const { jobId } = event.data;
    const tokens = tokensIn(event);
    await expect.poll(() => world.jobs.getJobState(jobId)).toBe('completed');
    const waiting = expect.stringMatching(/^crm:[\w-]{22}$/);
    await expect.poll(() => placesOf(tokens, world)).toEqual([waiting, KEPT]);
    const { accessToken: _a, refreshToken: _r, ...data } = event.data as Record<string, unknown>;
    expect((await world.jobs.getJob(jobId))?.returnvalue).toEqual(data);

    const crm = await subscribe(world.env['REDIS_URL'] ?? '', world.prefix, 'crm');
    expect(tokensIn(await crm.eventOf(jobId))).toEqual(tokens);
    await expect.poll(() => placesOf(tokens, world)).toEqual([KEPT]);
    const [place] = await placesOf(tokens, world);
    const seconds = await world.redis.ttl(`${world.prefix}:${place}`);
    expect(seconds).toBeGreaterThan(3500);
    expect(seconds).toBeLessThanOrEqual(3600);
  });

  it('are in the result, however often it is asked for, and gone with the user', async () => {
    const world = await createTokensWorld();
    const job = await world.producer.create(SIGN_UP);
    const result = await job.result();
    expect(result).toEqual(await job.result());
    const event = await world.eventOf(job.id);
    expect(result).toEqual({ type: event.type, data: event.data });
    const crm = await subscribe(world.env['REDIS_URL'] ?? '', world.prefix, 'crm');
    await crm.eventOf(job.id);
    await world.run('delete-user', { clientId: 'c-1' });
    await expect.poll(() => placesOf(tokensIn(event), world)).toEqual([]);
    expect(await job.result()).toMatchObject({ type: 'user.created', data: { clientId: 'c-1' } });
    expect(Object.keys((await job.result()).data)).not.toContain('accessToken');
  });

  it('are no part of the result of another job of the user', async () => {
    const world = await createTokensWorld();
    await (await world.producer.create(SIGN_UP)).result();
    const { data } = await (await world.producer.create(SIGN_UP)).result();
    expect(data).toMatchObject({ existed: true });
    expect(Object.keys(data)).not.toContain('accessToken');
  });

  it('are left out of a result for whoever has no right to read them', async () => {
    const world = await createTokensWorld();
    const name = `reader-${world.prefix.replace(/\W/g, '')}`;
    const url = new URL(world.env['REDIS_URL'] ?? '');
    Object.assign(url, { username: name, password: 'secret' });
    await world.redis.call('ACL', 'SETUSER', name, 'on', '>secret', `~${world.prefix}:user-jobs:*`, '+@all');
    onTestFinished(async () => void (await world.redis.call('ACL', 'DELUSER', name)));
    const producer = new UserJobs({ redis: url.href, prefix: world.prefix });
    onTestFinished(() => producer.close());
    const { data } = await (await producer.create(SIGN_UP)).result();
    expect(data).toMatchObject({ clientId: 'c-1' });
    expect(Object.keys(data)).not.toContain('accessToken');
  });
});
