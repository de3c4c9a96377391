import { describe, expect, it } from 'vitest';
import { findingsIn, checkRedis } from '../../../src/tools/doctor/check-redis.ts';
import { connect } from '../../store/session/session-world.ts';

const GOOD = {
  role: 'master',
  redis_version: '7.2.4',
  maxmemory_policy: 'noeviction',
  aof_enabled: '1',
  aof_last_write_status: 'ok',
  rdb_last_bgsave_status: 'ok',
  used_memory: '1048576',
  maxmemory: '0',
};

function look(said: Partial<Record<keyof typeof GOOD, string>>, save: string | undefined = '3600 1') {
  const lines = Object.entries({ ...GOOD, ...said }).map(([name, value]) => `${name}:${value}`);
  return findingsIn(['# Server', ...lines, ''].join('\r\n'), save).filter(({ is }) => is !== 'ok');
}

describe('what a Redis says of itself', () => {
  it('is nothing to worry about where all is as it should be', () => {
    expect(look({})).toEqual([]);
    expect(look({ redis_version: '6.2.0' })).toEqual([]);
  });

  it.each([
    [{ redis_version: '6.0.16' }, 'redis version', 'fail'],
    [{ redis_version: '5.0.7' }, 'redis version', 'fail'],
    [{ maxmemory_policy: 'allkeys-lru' }, 'redis maxmemory-policy', 'fail'],
    [{ role: 'slave' }, 'redis', 'fail'],
    [{ aof_last_write_status: 'err' }, 'redis persistence', 'fail'],
    [{ rdb_last_bgsave_status: 'err' }, 'redis persistence', 'warn'],
    [{ maxmemory: '1100000' }, 'redis memory', 'warn'],
    [{ maxmemory: '1048576' }, 'redis memory', 'fail'],
    [{ aof_enabled: '0' }, 'redis persistence', 'warn'],
    [{ aof_enabled: '0', rdb_last_bgsave_status: 'err' }, 'redis persistence', 'fail'],
  ])('%j is a reason to look at the %s: %s', (said, check, is) => {
    expect(look(said)).toMatchObject([{ check, is, todo: expect.any(String) }]);
  });

  it('fails where nothing is kept at all, and warns where nobody is told', () => {
    expect(look({ aof_enabled: '0' }, '')).toMatchObject([{ is: 'fail' }]);
    const [finding] = findingsIn(
      'role:master\r\nredis_version:7.0.0\r\nmaxmemory_policy:noeviction',
      undefined,
    ).slice(3);
    expect(finding).toMatchObject({ check: 'redis persistence', is: 'warn' });
  });
});

describe('the clock of Redis', () => {
  it.each([
    [0, 'ok'],
    [-5000, 'warn'],
    [5000, 'warn'],
    [3_600_000, 'fail'],
  ])('that is %i ms away from ours is told: %s', async (awayMs, is) => {
    const findings = await checkRedis(connect(), '{look}', () => Date.now() - awayMs);
    expect(findings.at(-1)).toMatchObject({ check: 'clock against redis', is });
    expect(findings).toHaveLength(6);
  });
});
