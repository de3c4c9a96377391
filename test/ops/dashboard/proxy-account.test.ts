import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/config.ts';
import { proxyAccount } from '../../../src/ops/dashboard/proxy-account.ts';

const ENV = {
  DASHBOARD_PROXY_ADDRESSES: '10.1.2.3, 192.168.0.0/16, 2001:db8::/32',
  DASHBOARD_PROXY_USER_HEADER: 'Remote-User',
  DASHBOARD_PROXY_GROUPS_HEADER: 'Remote-Groups',
  DASHBOARD_PROXY_OPERATOR_GROUP: 'ops',
};

function accountOf(headers: Record<string, string>, from: string, env: Record<string, string> = ENV) {
  const proxy = loadConfig(env).dashboard?.proxy;
  if (proxy === undefined) throw new Error('no proxy is configured');
  return proxyAccount(proxy, (name) => headers[name], from);
}

describe('the account that a proxy names', () => {
  const anna = { 'remote-user': 'anna', 'remote-groups': 'all, ops' };

  it.each(['10.1.2.3', '::ffff:10.1.2.3', '192.168.7.7', '2001:db8::1', '2001:db8::1%eth0'])(
    'is believed from %s',
    (from) => {
      expect(accountOf(anna, from)).toEqual({ name: 'anna', role: 'operator' });
    },
  );

  it.each(['10.1.2.4', '::ffff:10.1.2.4', '193.168.7.7', '2001:db9::1', '::1', '127.0.0.1', '', 'anna'])(
    'is nobody from %s',
    (from) => {
      expect(accountOf(anna, from)).toBeUndefined();
    },
  );

  it('only looks if it is not in the group of operators, or there is none', () => {
    const viewer = { name: 'anna', role: 'viewer' };
    for (const groups of ['', 'all', 'ops2', 'OPS', 'o,ps', 'all;ops'])
      expect(accountOf({ ...anna, 'remote-groups': groups }, '10.1.2.3')).toEqual(viewer);
    const { DASHBOARD_PROXY_OPERATOR_GROUP: _group, ...withoutGroup } = ENV;
    expect(accountOf(anna, '10.1.2.3', withoutGroup)).toEqual(viewer);
    expect(accountOf({ ...anna, 'remote-groups': '' }, '10.1.2.3', withoutGroup)).toEqual(viewer);
  });

  it.each(['', ' ', 'anna, bob', 'an\u0000na', 'a\u200bb', 'x'.repeat(201)])(
    'is nobody by the name %j',
    (name) => {
      expect(accountOf({ ...anna, 'remote-user': name }, '10.1.2.3')).toBeUndefined();
    },
  );

  it('is read from other headers where none are named', () => {
    const env = { DASHBOARD_PROXY_ADDRESSES: '10.1.2.3' };
    expect(accountOf(anna, '10.1.2.3', env)).toBeUndefined();
    expect(accountOf({ 'x-forwarded-user': 'bob' }, '10.1.2.3', env)).toEqual({
      name: 'bob',
      role: 'viewer',
    });
  });
});
