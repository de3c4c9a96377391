import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, it, onTestFinished } from 'vitest';
import { UserEvents } from '../../src/client/user-events.ts';
import { runCommand } from '../support/run-command.ts';
import { type World, createWorld } from '../support/world.ts';

/** What hides names, and the last receipt of each instance. */
const LASTING = ['deletion-salt', 'receipts:default'];
/** Or nothing was looked at. Some more end within seconds. */
const ENDING = [
  'deletion:…',
  'deletions-sent',
  'circuit:deletion-limit:all',
  'circuit:damoov:…',
  'import:…',
  'logins',
  'outcomes:…',
  'rate',
  'seen:crm:…',
  'session:…',
  'settled:…',
  'user:…',
];

it('every key of ours ends by itself, but for those that hold what must never be forgotten', async () => {
  const world = await createWorld({
    startsWorker: false,
    env: { EVENTS_QUEUES: 'user-events,crm', DELETIONS_PER_HOUR: '1', DAMOOV_MAX_RPS: '1000' },
  });
  await world.startWorker();
  await listen(world);
  await doAllThereIsToDo(world);

  const lasting: string[] = [];
  const ending: string[] = [];
  for (const key of await world.redis.keys(`${world.prefix}:*`)) {
    const name = key.slice(world.prefix.length + 1);
    // BullMQ's own.
    if (/^(user-jobs|user-events|crm):/.test(name)) continue;
    // One that has ended since it was listed answers -2, one that never ends -1.
    const isEnding = (await world.redis.pttl(key)) !== -1;
    (isEnding ? ending : lasting).push(name.replace(/:(?!deletion-limit)[\w-]{12,}.*|:\d+$/, ':…'));
  }
  expect([...new Set(lasting)].sort()).toEqual(LASTING);
  expect(ending).toEqual(expect.arrayContaining(ENDING));
});

async function listen({ prefix }: World): Promise<void> {
  const redis = { kind: 'url', url: inject('redisUrl') } as const;
  const subscriber = new UserEvents({ redis, prefix, queue: 'crm' }, () => {});
  onTestFinished(() => subscriber.close());
}

async function doAllThereIsToDo(world: World): Promise<void> {
  await world.run('create-user', { clientId: 'c-1', profile: { firstName: 'Ada' } });
  await world.run('update-user', { clientId: 'c-1', changes: { clientId: 'c-2' } });
  await world.run('create-user', { clientId: 'c-3' });
  await world.run('delete-user', { clientId: 'c-2' });
  await world.run('create-user', { clientId: '' });
  await world.add('delete-user', { clientId: 'c-3' });
  await expect.poll(() => world.logLines.some((line) => line.includes('deletion-limit'))).toBe(true);

  const directory = await mkdtemp(join(tmpdir(), 'lifetimes-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, 'users.csv');
  await writeFile(file, 'clientId\nc-4\nc-5\n');
  for (const args of [
    ['import', file],
    ['delete', '--client-id', 'c-4', '--in', '1d'],
    ['deletions', 'cancel', '--client-id', 'c-4'],
    ['failed', 'retry', '--yes'],
  ]) {
    expect((await runCommand(args, world.env)).status).toBe(0);
  }
  await world.setModes({ rateLimit: { max: 0, windowMs: 1000, retryAfter: 1 } });
  await world.add('create-user', { clientId: 'c-6' });
  await expect.poll(() => world.redis.exists(`${world.prefix}:rate`)).toBe(1);
  await world.setModes({ rateLimit: null, errorRate: 1, errorStatus: 503 });
  for (let n = 0; n < 20; n += 1) await world.add('create-user', { clientId: `c-away-${n}` });
  await expect.poll(() => world.logLines.some((line) => line.includes('Damoov is away'))).toBe(true);
}
