import { describe, expect, it, onTestFinished } from 'vitest';
import { UserEvents, UserJobs } from '../../src/index.ts';
import { runCommand } from '../support/run-command.ts';
import { createWorld, subscribe } from '../support/world.ts';

const ACCESS = { DASHBOARD_USER: 'ops', DASHBOARD_PASSWORD: 'a password that is long' };

async function panelsOf(url: string): Promise<Record<string, string>> {
  const authorization = `Basic ${btoa(`${ACCESS.DASHBOARD_USER}:${ACCESS.DASHBOARD_PASSWORD}`)}`;
  return (await fetch(`${url}/dashboard/panels.json`, { headers: { authorization } })).json() as Promise<
    Record<string, string>
  >;
}

describe('with EVENTS_QUEUES=none', () => {
  it('jobs are carried out, and their results told, and no event is published', async () => {
    const world = await createWorld({ startsWorker: false, env: { EVENTS_QUEUES: 'none', ...ACCESS } });
    const { url } = await world.startWorker();
    const users = new UserJobs({ redis: world.env['REDIS_URL'] ?? '', prefix: world.prefix });
    onTestFinished(() => users.close());
    const created = await (await users.create({ clientId: 'c-1', createAccessToken: true })).result();
    expect(created).toMatchObject({ type: 'user.created', data: { accessToken: expect.any(String) } });
    const failed = await users.job(await world.add('create-user', { clientId: '' })).result();
    expect(failed).toMatchObject({ type: 'user.failed', data: { code: 'invalid-job' } });
    const { status } = await runCommand(['delete', '--client-id', 'c-1', '--wait'], world.env);
    expect(status).toBe(0);
    expect(await world.redis.keys(`${world.prefix}:user-events*`)).toEqual([]);
    expect(await world.redis.keys(`${world.prefix}:none:[0-9]*`)).toEqual([]);
    expect(await (await fetch(`${url}/metrics`)).text()).not.toMatch(/^damoov_users_events_queue_jobs/m);
    expect((await panelsOf(url))['events']).toContain('No events are published (EVENTS_QUEUES=none).');
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it('the commands say so', async () => {
    const world = await createWorld({ startsWorker: false, env: { EVENTS_QUEUES: 'none' } });
    expect((await runCommand(['status'], world.env)).stdout).toMatch(
      /^events +none are published \(EVENTS_/m,
    );
    expect(JSON.parse((await runCommand(['status', '--json'], world.env)).stdout)).toMatchObject({
      events: [],
    });
    const doctor = await runCommand(['doctor'], world.env);
    expect(doctor.stdout).toMatch(/^ok {4}events +none are published \(EVENTS_QUEUES=none\)$/m);
    const events = await runCommand(['events'], world.env);
    expect(events).toMatchObject({ status: 2, stderr: expect.stringContaining('no events are published') });
    const named = await runCommand(['events', '--queue', 'crm'], world.env);
    expect(named.stderr).toContain('(configured: none)');
  });

  it('no subscriber is made of it', () => {
    expect(() => new UserEvents({ redis: 'redis://127.0.0.1:1', queue: 'none' }, () => {})).toThrow(
      TypeError,
    );
  });
});

describe('an events queue that nobody reads', () => {
  it('is named by status, doctor and the dashboard, until somebody does', async () => {
    const env = { EVENTS_QUEUES: 'user-events,unread', ...ACCESS };
    const world = await createWorld({ startsWorker: false, env });
    const { url } = await world.startWorker();
    await world.run('create-user', { clientId: 'c-1' });
    const status = async () => (await runCommand(['status'], world.env)).stdout;
    const doctor = async () => (await runCommand(['doctor'], world.env)).stdout;
    expect(await status()).toMatch(/^unread +1 waiting · no worker reads it: they pile up$/m);
    expect(await status()).toMatch(/^user-events +0 waiting$/m);
    expect(await doctor()).toMatch(
      /^warn {2}events +unread: no worker reads it, and 1 event waits\n +→ start its/m,
    );
    expect(await doctor()).toMatch(/^ok {4}events +user-events: is read$/m);
    expect((await panelsOf(url))['decision']).toContain('where 1 event waits.');
    const subscription = await subscribe(world.env['REDIS_URL'] ?? '', world.prefix, 'unread');
    await expect.poll(() => subscription.events.length).toBe(1);
    await expect.poll(status).toMatch(/^unread +0 waiting$/m);
  });
});
