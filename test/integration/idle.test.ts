import { expect, inject, it, onTestFinished } from 'vitest';
import { type MonitoredCall, monitorRedis } from '../support/monitor.ts';
import { createWorld } from '../support/world.ts';

it('a worker with nothing to do asks Redis for a few numbers at a time, and calls none of our scripts', async () => {
  const world = await createWorld();
  await world.run('create-user', { clientId: 'c-1' });
  // The login and what it brings is over.
  await world.run('update-user', { clientId: 'c-1', changes: { phone: '1' } });
  const ours: MonitoredCall[] = [];
  const isOurs = (key = '') =>
    key.startsWith(`${world.prefix}:`) &&
    !/^(user-jobs|user-events)(:|$)/.test(key.slice(world.prefix.length + 1));
  const monitor = await monitorRedis(inject('redisUrl'), (call) => {
    if (isOurs(call.args[1]) || (call.args[0] === 'evalsha' && isOurs(call.args[3]))) ours.push(call);
  });
  onTestFinished(() => monitor.close());
  const rounds = () => ours.filter(({ args }) => args[1] === `${world.prefix}:logins`).length;
  await expect.poll(rounds).toBeGreaterThan(20);
  const calls = ours.map(
    ({ source, args: [name, key] }) => `${source === 'lua' ? 'lua ' : ''}${name} ${key}`,
  );
  const looks = calls.filter((call) => /^(zcard|zmscore) /.test(call));
  // A settings comparison, and what another round trip of the job left, may be among them.
  expect(calls.filter((call) => !looks.includes(call)).length).toBeLessThan(looks.length / 10);
  const keys = looks.map((call) => call.slice(call.indexOf(' ') + world.prefix.length + 2));
  const often = keys.filter((key) => !key.endsWith(':promoting'));
  expect(new Set(often)).toEqual(
    new Set(['logins', ...['damoov', 'admin', 'deletion-limit', 'instance-key:default'].map(heldOf)]),
  );
  // What another worker was cut off from promoting.
  expect(keys.length - often.length).toBeLessThan(often.length / 5);
});

function heldOf(circuit: string): string {
  return `circuit:${circuit}:held`;
}
