/** @module-tag slow */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RedisTarget } from '../../src/redis/connection.ts';
import { expectService } from '../support/expect-service.ts';
import { startRedisNode } from '../support/redis-node.ts';
import { runCommand } from '../support/run-command.ts';

/** The documented rules, for the queues and the prefix of a test. */
async function documentedRules(prefix: string): Promise<string[]> {
  const text = await readFile('deploy/redis/users.acl', 'utf8');
  return [...text.matchAll(/^user damoov-.*$/gm)].map(([rule]) =>
    rule
      .replaceAll('{damoov}', prefix)
      .replace('>a-password', `>${PASSWORD}`)
      .replaceAll(':user-events:', ':crm:'),
  );
}

const PREFIX = '{acl}';
/** The documented one is a placeholder, which the worker refuses. */
const PASSWORD = 'of-this-test';

async function startGuardedRedis() {
  const dir = await mkdtemp(join(tmpdir(), 'acl-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const node = await startRedisNode({ dir, lines: await documentedRules(PREFIX) });
  onTestFinished(() => node.close());
  const urlOf = (role: string) => `redis://damoov-${role}:${PASSWORD}@127.0.0.1:${node.port}`;
  const targetOf = (role: string): RedisTarget => ({ kind: 'url', url: urlOf(role) });
  /** The refused commands by user. */
  const refused = async () => JSON.stringify(await node.asked.call('ACL', 'LOG'));
  return { node, urlOf, targetOf, refused };
}

describe('the access that the documentation gives', () => {
  it('is enough for the worker, a producer, a subscriber and the commands', async () => {
    const { urlOf, targetOf, refused } = await startGuardedRedis();
    const world = await expectService(
      { target: targetOf('worker'), env: { REDIS_URL: urlOf('worker') } },
      {
        prefix: PREFIX,
        producer: targetOf('producer'),
        subscriber: targetOf('subscriber'),
        commands: { REDIS_URL: urlOf('operator') },
      },
    );
    await world.run('update-user', { clientId: 'c-2', changes: { phone: '+44' } });
    expect((await runCommand(['doctor'], { ...world.env, REDIS_URL: urlOf('operator') })).status).toBe(0);
    expect(await refused()).toBe('[]');
  });

  it('reaches no other key and no other command', async () => {
    const { urlOf } = await startGuardedRedis();
    const asked = async (role: string, command: string, ...args: string[]) => {
      const redis = new Redis(urlOf(role));
      onTestFinished(() => redis.disconnect());
      return redis.call(command, ...args).catch((error: Error) => error.message.split(' ')[0]);
    };
    for (const role of ['worker', 'producer', 'subscriber', 'operator']) {
      expect(await asked(role, 'GET', 'another:key'), role).toBe('NOPERM');
      expect(await asked(role, 'EVAL', `return redis.call('GET', 'another:key')`, '0'), role).toMatch(
        /^(ERR|NOPERM)$/,
      );
      for (const command of [
        ['FLUSHALL'],
        ['KEYS', '*'],
        ['SCAN', '0'],
        ['ACL', 'LIST'],
        ['CONFIG', 'SET', 'save', ''],
      ])
        expect(await asked(role, ...(command as [string])), `${role}: ${command.join(' ')}`).toBe('NOPERM');
    }
    // The session of the admin is the workers' alone, and who listens can ask for nothing.
    expect(await asked('producer', 'GET', `${PREFIX}:session:some`)).toBe('NOPERM');
    expect(await asked('subscriber', 'LRANGE', `${PREFIX}:user-jobs:wait`, '0', '-1')).toBe('NOPERM');
  });
});
