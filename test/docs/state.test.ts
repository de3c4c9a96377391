import { readFile } from 'node:fs/promises';
import { expect, inject, it, onTestFinished } from 'vitest';
import { UserEvents } from '../../src/client/user-events.ts';
import { runCommand } from '../support/run-command.ts';
import { type OperatorWorld, createOperatorWorld } from '../ops/dashboard/actions/operator-world.ts';

interface Documented {
  pattern: RegExp;
  /** How many characters of the key are the same for all. */
  fixed: number;
  type: string;
  /** What the page calls in code: the fields of a hash are among it. */
  words: ReadonlySet<string>;
  lasts: boolean;
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** The table of keys, and the fields of a user record, which have a list of their own. */
async function readPage(): Promise<{ keys: Documented[]; recordFields: string[] }> {
  const lines = (await readFile('docs/internals/state.md', 'utf8')).split('\n');
  const rows = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const words = (text = '') => [...text.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
  const keys = rows
    .filter(([key = '']) => key.startsWith('`P:'))
    .map(([key = '', kind = '', fields]) => ({
      pattern: new RegExp(`^${escaped(words(key)[0] ?? '').replaceAll(/[A-Z]{2,}/g, '[^:]+(?::[^:]+)?')}$`),
      fixed: key.replaceAll(/[A-Z]{2,}/g, '').length,
      // A type, and how long the key lasts.
      type: kind.split(';')[0] ?? '',
      words: new Set(words(fields)),
      lasts: kind.includes('; none'),
    }))
    // The one that says most first: `held` beside a circuit is no fingerprint.
    .toSorted((a, b) => b.fixed - a.fixed);
  const from = lines.findIndex((line) => line.startsWith('## A user record'));
  const until = lines.findIndex((line, index) => index > from && line.startsWith('## A circuit'));
  const recordFields = lines.slice(from, until).flatMap((line) => words(line));
  return { keys, recordFields };
}

/** Whether the page names this field of a hash; a name in capitals matches any. */
function isNamed(field: string, words: Iterable<string>): boolean {
  return [...words].some((word) =>
    new RegExp(`^${escaped(word).replaceAll(/[A-Z]{2,}/g, '[^:]*')}$`).test(field),
  );
}

async function doAllThereIsToDo(world: OperatorWorld): Promise<void> {
  const subscriber = new UserEvents(
    { redis: { kind: 'url', url: inject('redisUrl') }, prefix: world.prefix, queue: 'crm' },
    () => {},
  );
  onTestFinished(() => subscriber.close());
  await world.run('create-user', { clientId: 'c-1', profile: { firstName: 'Ada' }, createAccessToken: true });
  await world.run('update-user', { clientId: 'c-1', changes: { clientId: 'c-2', phone: '1' } });
  await world.run('create-user', { clientId: 'c-3' });
  await world.run('create-user', { clientId: 'c-4' });
  await world.run('delete-user', { clientId: 'c-2' });
  await world.run('create-user', { clientId: '' });
  await world.run('update-user', { clientId: 'c-3', changes: { clientId: 'c-4' } });
  // The limit holds the next one.
  await world.add('delete-user', { clientId: 'c-4' });
  await expect.poll(() => world.redis.exists(`${world.prefix}:circuit:deletion-limit:all`)).toBe(1);
  await world.press('releaseDeletions');
  await world.act('dropFailed', { code: ['client-id-taken'] });
  const later = ['--client-id', 'c-3', '--in', '30d'];
  await runCommand(['delete', ...later], world.env);
  await runCommand(['deletions', 'cancel', '--client-id', 'c-3', '--yes'], world.env);
  await runCommand(['delete', ...later], world.env);
  await world.setModes({ errorRate: 1, errorStatus: 503 });
  // So many that it is no fault of one job.
  for (let n = 5; n < 20; n += 1) await world.add('create-user', { clientId: `c-${n}` });
  await expect.poll(() => world.redis.zcard(`${world.prefix}:circuit:damoov:held`)).toBeGreaterThan(0);
}

it('what a busy run leaves in Redis is what docs/internals/state.md says', async () => {
  const { keys, recordFields } = await readPage();
  expect(keys.length).toBeGreaterThan(20);
  const world = await createOperatorWorld({
    env: { EVENTS_QUEUES: 'user-events,crm', DELETIONS_PER_HOUR: '1', DAMOOV_MAX_RPS: '1000' },
  });
  await doAllThereIsToDo(world);
  const { redis, prefix } = world;
  const faults: string[] = [];
  const seen = new Set<string>();
  for (const key of await redis.keys(`${prefix}:*`)) {
    const name = `P${key.slice(prefix.length)}`;
    // BullMQ's own.
    if (/^P:(user-jobs|user-events|crm):/.test(name)) continue;
    const documented = keys.find(({ pattern }) => pattern.test(name));
    if (documented === undefined) {
      faults.push(`${name}: not on the page`);
      continue;
    }
    seen.add(String(documented.pattern));
    const [type, ttl] = await Promise.all([redis.type(key), redis.pttl(key)]);
    // It has just ended.
    if (type === 'none') continue;
    if (!documented.type.includes({ zset: 'sorted set' }[type] ?? type)) faults.push(`${name}: a ${type}`);
    if (ttl > 0 === documented.lasts) faults.push(`${name}: ends in ${ttl} ms`);
    if (type !== 'hash') continue;
    const words = /^P:user:[^:]+$/.test(name) ? [...recordFields, ...documented.words] : documented.words;
    for (const field of await redis.hkeys(key))
      if (!isNamed(field, words)) faults.push(`${name}: field ${field}`);
  }
  expect(faults).toEqual([]);
  expect(seen.size).toBeGreaterThan(15);
});
