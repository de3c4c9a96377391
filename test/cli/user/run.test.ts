import { describe, expect, it, onTestFinished } from 'vitest';
import { UserJobs } from '../../../src/client/user-jobs.ts';
import { runCommand } from '../../support/run-command.ts';
import { OTHER } from '../../support/instances.ts';
import { createTwoInstances } from '../../support/two-instances.ts';
import { type World, RETRIES_LATE, createWorld } from '../../support/world.ts';
import { Caller } from '../../sandbox/caller.ts';

const shown = async ({ env }: World, ...args: string[]) => {
  const { status, stdout, stderr } = await runCommand(['user', ...args], env);
  return { status, lines: stdout.trimEnd().split('\n'), stderr };
};
const json = async (world: World, ...args: string[]): Promise<Record<string, unknown>> => {
  const { status, lines } = await shown(world, ...args, '--json');
  return { status, ...(JSON.parse(lines[0] ?? '') as object) };
};

describe('`user`', () => {
  it('says plainly that it never heard of somebody, and fails', async () => {
    const world = await createWorld();
    const { status, lines } = await shown(world, 'nobody');
    expect([status, lines]).toEqual([
      1,
      ['no job has named this user in 30 days, or no worker has begun one yet'],
    ]);
    expect(await json(world, 'nobody')).toMatchObject({ status: 1, isKnown: false, open: [], failed: [] });
    expect((await shown(world)).stderr).toContain('name the user');
    expect((await shown(world, 'a', '--client-id', 'b')).status).toBe(2);
  });

  it('shows the record, by either id, and no personal data', async () => {
    const world = await createWorld();
    const { subject = '' } = await world.run('create-user', { clientId: 'c', profile: { firstName: 'Ada' } });
    await world.run('update-user', { clientId: 'c', changes: { phone: '+44' } });
    const { status, lines } = await shown(world, 'c');
    expect([status, lines[0]]).toEqual([0, `user: ${subject}, live`]);
    expect(lines).toContainEqual(expect.stringMatching(/^phone: .*Z, job 2$/));
    expect(lines.at(-1)).toBe('jobs: none that a worker has begun is open or failed');
    expect(lines.join()).not.toMatch(/Ada|\+44/);
    const byId = await json(world, '--user-id', subject.toUpperCase());
    expect(byId).toMatchObject({
      isKnown: true,
      record: { userId: subject, written: { phone: { jobId: '2' } } },
    });
  });

  it('says what an update waits for, and forgets it once it is done', async () => {
    const world = await createWorld();
    const jobId = await world.add('update-user', { clientId: 'c', changes: { phone: '1' } });
    const waits = `waits: job ${jobId}, update-user: no such user yet, since `;
    await expect
      .poll(async () => (await shown(world, 'c')).lines)
      .toContainEqual(expect.stringContaining(waits));
    await world.run('create-user', { clientId: 'c' });
    await world.jobs.promoteJobs();
    await world.eventOf(jobId);
    expect(await json(world, 'c')).toMatchObject({ open: [] });
  });

  it('does not show a job that was removed by hand', async () => {
    const world = await createWorld();
    const jobId = await world.add('update-user', { clientId: 'c', changes: { phone: '1' } });
    await expect.poll(async () => (await json(world, 'c'))['open']).toHaveLength(1);
    await expect.poll(() => world.jobs.getJobState(jobId)).toBe('delayed');
    await world.jobs.remove(jobId);
    expect(await json(world, 'c')).toMatchObject({ open: [], failed: [] });
  });

  it('shows jobs that are tried again, held and failed, with the reason', async () => {
    const world = await createWorld({ env: RETRIES_LATE });
    await world.run('create-user', { clientId: 'c' });
    await world.run('update-user', { clientId: 'c', changes: { nickname: 'N' } });
    await world.setModes({ errorRate: 1, errorStatus: 500 });
    const late = await world.add('update-user', { clientId: 'c', changes: { phone: '1' } });
    const isShown = expect.objectContaining({
      jobId: late,
      operation: 'update-user',
      reason: expect.any(String),
    });
    await expect.poll(async () => (await json(world, 'c'))['open']).toEqual([isShown]);
    await world.setModes({ errorRate: 0 });
    const other = await world.run('create-user', { clientId: 'd' });
    const failed = await world.run('update-user', { clientId: 'd', changes: { clientId: 'c' } });
    expect(failed.data).toMatchObject({ code: 'client-id-taken' });
    expect((await shown(world, 'd')).lines).toContainEqual(
      expect.stringContaining(`failed: job ${failed.data.jobId}, update-user: client-id-taken`),
    );
    expect(other.subject).toBeDefined();
  });

  it('shows the pending deletion', async () => {
    const world = await createWorld();
    const users = new UserJobs({ redis: world.env['REDIS_URL'] ?? '', prefix: world.prefix });
    onTestFinished(() => users.close());
    const { id, dueAt } = await users.delete({ clientId: 'c' }, { in: '30d' });
    const { status, lines } = await shown(world, 'c');
    expect([status, lines]).toEqual([
      0,
      [expect.stringContaining('no job has named'), `deletion: due ${dueAt.toISOString()}, job ${id}`],
    ]);
  });

  it('asks Damoov, and says where the two differ', async () => {
    const world = await createTwoInstances();
    const { subject = '' } = await world.run('create-user', { clientId: 'c' });
    expect(await json(world, 'c', '--damoov')).toMatchObject({
      damoov: [{ userId: subject, clientId: 'c', instance: 'default', status: 'active' }],
      differences: [],
    });
    const admin = new Caller(world.sandboxUrl, 0);
    await admin.becomeAdmin();
    await admin.move({ DeviceToken: subject, ToInstanceId: OTHER.id, ToInstanceKey: OTHER.key });
    expect((await shown(world, 'c', '--damoov')).lines).toContain('differs: the user is in another instance');
    await admin.delete(subject);
    expect((await shown(world, 'c', '--damoov')).lines.slice(-2)).toEqual([
      'at Damoov: no such user is seen',
      'differs: the record says that the user lives',
    ]);
  });
});
