import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/run-command.ts';
import { spawnShortLockedWorker } from '../support/spawn-worker.ts';
import { startTalkativeDamoov } from '../support/talkative-damoov.ts';
import { dumpRedis, tracesOf } from '../support/traces.ts';
import { type World, createWorld } from '../support/world.ts';

/** What every marked value bears: no id and no figure does. */
const MARKS = ['kanarie', '49172999'];

const profileOf = (word: string) => ({
  firstName: `Kanarie ${word}`,
  lastName: `Kanarië-${word} "O'Kanarie"`,
  nickname: `kanarie_${word}`,
  phone: '+49172999123',
  email: `Kanarie+${word}@example.test`,
});

const tracesInRedis = async ({ redis, prefix }: World) =>
  tracesOf(MARKS, await dumpRedis(redis, `${prefix}*`));

/** Nothing runs or will run, and nothing is left to clear away. */
async function untilQuiet(world: World) {
  await expect
    .poll(async () => ({
      ...(await world.jobs.getJobCounts('waiting', 'active', 'delayed', 'prioritized')),
    }))
    .toEqual({ waiting: 0, active: 0, delayed: 0, prioritized: 0 });
}

async function createMarkedWorld() {
  const world = await createWorld({ startsWorker: false });
  const damoov = await startTalkativeDamoov(world.sandboxUrl);
  Object.assign(world.env, { DAMOOV_BASE_URL: damoov.url, JOB_ATTEMPTS: '3', LOG_LEVEL: 'trace' });
  return { world, damoov, spawn: () => spawnShortLockedWorker(world.env) };
}

const UNREADABLE: [name: string, data: unknown][] = [
  ['create-user', { clientId: 'bad-1', 'kanarie@example.test': 1, 'Kanarie 2': 'x' }],
  ['create-user', { clientId: 'bad-2', profile: { firstName: { is: 'Kanarie' }, phone: 49172999123 } }],
  ['create-user', { clientId: { name: 'Kanarie' }, occurredAt: 'kanarie', userId: 'kanarie', profile: [] }],
  ['update-user', { clientId: 'bad-4', changes: { Email: 'kanarie@example.test' }, Phone: '+49172999123' }],
  ['update-user', { clientId: 'bad-5', encrypted: 'kanarie' }],
  ['delete-user', { clientId: 'bad-6', why: 'Kanarie moved' }],
  ['create-user', 'Kanarie'],
  ['create-user', ['Kanarie', '+49172999123']],
  ['create-user', { clientId: 'bad-9', profile: { firstName: 'kanarie '.repeat(10_000) } }],
  ['kanarie@example.test', { clientId: 'bad-10', profile: profileOf('ten') }],
  ['merge-user', { clientId: 'bad-11', email: 'kanarie@example.test' }],
  ['create-user', { clientId: 'bad-12', profile: profileOf('x'), occurredAt: '9999-01-01T00:00:00Z' }],
];

describe('marked names, emails and phone numbers', () => {
  it('are in no key, value, line or answer once their jobs are settled, and a job that failed still has its own', async () => {
    const { world, damoov, spawn } = await createMarkedWorld();
    await world.jobs.pause();
    const add = (name: string, data: object, options = {}) => world.add(name, data, options);
    const clientIds = ['c-1', 'c-2', 'c-3', 'c-4'];
    for (const clientId of clientIds) await add('create-user', { clientId, profile: profileOf(clientId) });
    await add('create-user', { profile: profileOf('nobody'), createAccessToken: true });
    for (const clientId of clientIds) {
      await add('update-user', { clientId, changes: profileOf('again') });
      await add('update-user', { clientId, changes: { ...profileOf('more'), nickname: null, phone: null } });
    }
    await add('create-user', { clientId: 'c-1', profile: profileOf('twice') });
    const older = { clientId: 'c-1', occurredAt: '2020-01-01T00:00:00Z' };
    const supersededId = await add('update-user', { ...older, changes: profileOf('late') });
    await add('update-user', { clientId: 'c-4', changes: { ...profileOf('renamed'), clientId: 'c-5' } });
    const goneId = await add('delete-user', { clientId: 'c-3', reason: 'Kanarie asked, +49172999123' });

    const failing = new Map<string, string>();
    const fails = async (code: string, name: string, data: object, options = {}) =>
      failing.set(await add(name, data, options), code);
    damoov.whims.set('Kanarie refused', 'refuse');
    damoov.whims.set('Kanarie broken', 'break');
    damoov.whims.set('Kanarie unheard', 'hang up after');
    await fails('rejected', 'create-user', { clientId: 'c-6', profile: profileOf('refused') });
    const [refusedId = ''] = failing.keys();
    await fails('rejected', 'update-user', { clientId: 'c-1', changes: profileOf('refused') });
    await fails('retries-exhausted', 'update-user', { clientId: 'c-2', changes: profileOf('broken') });
    const unheardId = await add('create-user', { clientId: 'c-8', profile: profileOf('unheard') });
    await fails('unknown-instance', 'create-user', { instance: 'mars', profile: profileOf('mars') });
    const timestamp = Date.now() - 3_600_000;
    await fails('user-not-found', 'update-user', { clientId: 'c-0', changes: profileOf('0') }, { timestamp });
    for (const [name, data] of UNREADABLE) failing.set(await world.add(name, data), 'invalid-job');
    const brokenId = await add('create-user', { clientId: 'c-9' });
    await world.redis.hset(
      `${world.prefix}:user-jobs:${brokenId}`,
      'data',
      '{"email": "kanarie@example.test"',
    );
    failing.set(brokenId, 'invalid-job');
    expect(await tracesInRedis(world)).not.toEqual([]);

    const first = spawn();
    await world.jobs.resume();
    const someUserId = (await world.eventOf(unheardId)).data.userId;
    first.child.kill('SIGKILL');
    await fails('user-mismatch', 'delete-user', { clientId: 'c-1', userId: someUserId, reason: 'Kanarie' });
    const second = spawn();
    await second.says('worker started');

    for (const [jobId, code] of failing) expect((await world.eventOf(jobId)).data).toMatchObject({ code });
    expect(await world.eventOf(supersededId)).toMatchObject({ type: 'user.superseded' });
    expect(await world.eventOf(goneId)).toMatchObject({ type: 'user.deleted' });
    expect(await world.eventOf(unheardId)).toMatchObject({ type: 'user.created' });
    await untilQuiet(world);
    // One has a name that may be a person's, and the queue keeps no such job.
    expect(await world.jobs.getFailedCount()).toBe(failing.size - 1);
    await forgetAdded(world);

    const { url } = JSON.parse(second.output.find((line) => line.includes('worker started')) ?? '') as {
      url: string;
    };
    const answers = await Promise.all(
      ['/metrics', '/readyz', '/livez'].map(async (path) => (await fetch(url + path)).text()),
    );
    const written = [...first.output, ...second.output];
    expect(written.filter((line) => line.includes('job failed')).length).toBeGreaterThanOrEqual(failing.size);
    expect(tracesOf(MARKS, [...written, ...answers])).toEqual([]);
    expect(
      tracesOf(
        MARKS,
        world.events.map((event) => JSON.stringify(event)),
      ),
    ).toEqual([]);
    expect(await tracesInRedis(world)).toEqual([]);
    const ended = { ended: expect.anything(), proof: expect.any(String), instance: 'default' };
    expect(await dataOf(world, supersededId)).toEqual({ ...older, ...ended });
    expect(await dataOf(world, goneId)).toEqual({ clientId: 'c-3', ...ended });

    // Encrypted is not gone.
    damoov.whims.clear();
    expect(await runCommand(['failed', 'retry', '--id', refusedId, '--yes'], world.env)).toMatchObject({
      status: 0,
    });
    await expect
      .poll(() => world.events.filter(({ data }) => data.jobId === refusedId).map(({ type }) => type))
      .toEqual(['user.failed', 'user.created']);
    expect((await world.users()).find(({ clientId }) => clientId === 'c-6')).toMatchObject(
      profileOf('refused'),
    );
    await untilQuiet(world);
    expect(await tracesInRedis(world)).toEqual([]);
    expect(await dataOf(world, refusedId)).toEqual({ clientId: 'c-6', ...ended });
  }, 150_000);

  it('of a user that was deleted are not even encrypted, and what had failed has nothing to say any more', async () => {
    const { world, damoov } = await createMarkedWorld();
    await world.startWorker();
    const data = { clientId: 'c-1', correlationId: 'r-1' };
    await world.run('create-user', data);
    damoov.whims.set('Kanarie refused', 'refuse');
    const failedId = await world.add('update-user', { ...data, changes: profileOf('refused') });
    expect(await world.eventOf(failedId)).toMatchObject({ data: { code: 'rejected' } });
    await expect.poll(() => world.jobs.getFailedCount()).toBe(1);
    const invalidId = await world.add('create-user', { ...data, Email: 'kanarie@example.test' });
    expect(await world.eventOf(invalidId)).toMatchObject({ data: { code: 'invalid-job' } });
    await expect.poll(() => world.jobs.getFailedCount()).toBe(2);
    expect(await dataOf(world, failedId)).toMatchObject({
      ...data,
      encrypted: expect.stringMatching(/^1\..*\../),
    });

    expect(await world.run('delete-user', { clientId: 'c-1' })).toMatchObject({ type: 'user.deleted' });
    await untilQuiet(world);
    expect(await tracesInRedis(world)).toEqual([]);
    const erased = { ...data, instance: 'default', encrypted: expect.stringMatching(/^1\.[\w-]+\.$/) };
    expect(await dataOf(world, failedId)).toEqual(erased);
    expect(await dataOf(world, invalidId)).toEqual(erased);

    damoov.whims.clear();
    const before = (await world.requests()).length;
    await (await world.jobs.getJob(failedId))?.retry();
    await expect
      .poll(() => world.events.filter((event) => event.data.jobId === failedId).at(-1))
      .toMatchObject({
        type: 'user.superseded',
        data: { ...data, operation: 'update-user', by: 'deletion' },
      });
    expect(await world.requests()).toHaveLength(before);
  });

  it('are found by this search wherever they lie, and however they are spelt', async () => {
    const { redis, prefix } = await createWorld({ startsWorker: false });
    const mark = 'ab Kanarie+1@example.test';
    const spellings = [
      mark,
      encodeURIComponent(mark).replace('K', '%4B'),
      Buffer.from(mark).toString('base64'),
      Buffer.from(`x${mark}`).toString('base64url'),
      Buffer.from(mark).toString('hex'),
    ];
    for (const [index, spelling] of spellings.entries()) {
      const key = (type: string) => `${prefix}:planted:${type}-${index}`;
      await redis.set(key('string'), spelling);
      await redis.hset(key('hash'), 'field', `{"a":"${spelling}"}`);
      await redis.hset(key('field'), spelling, '1');
      await redis.rpush(key('list'), spelling);
      await redis.sadd(key('set'), spelling);
      await redis.zadd(key('zset'), 1, spelling);
      await redis.xadd(key('stream'), '*', 'name', spelling);
      await redis.set(key(`key-${spelling}`), '1');
    }
    await redis.set(`${prefix}:planted:innocent`, 'nobody');
    const lines = await dumpRedis(redis, `${prefix}:planted:*`);
    expect(lines).toHaveLength(8 * spellings.length + 1);
    expect(tracesOf(MARKS, lines)).toHaveLength(8 * spellings.length);
  });
});

/** BullMQ writes the name of every added job to its stream: our code cannot change that. */
async function forgetAdded({ redis, prefix }: World): Promise<void> {
  const stream = `${prefix}:user-jobs:events`;
  for (const [id, fields] of await redis.xrange(stream, '-', '+')) {
    if (fields.includes('added')) await redis.xdel(stream, id);
  }
}

async function dataOf({ redis, prefix }: World, jobId: string): Promise<unknown> {
  return JSON.parse((await redis.hget(`${prefix}:user-jobs:${jobId}`, 'data')) ?? 'null');
}
