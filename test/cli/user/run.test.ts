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
    expect([status, lines]).toEqual([1, ['in 30 days no worker has begun a job of this user']]);
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

  it('shows a failed job of a user without a record', async () => {
    const world = await createWorld({ modes: { contactRequired: true } });
    const { data } = await world.run('create-user', { clientId: 'c' });
    const { status, lines } = await shown(world, 'c');
    expect([status, ...lines]).toEqual([
      0,
      'user: no UserId yet',
      expect.stringContaining(`failed: job ${data.jobId}, create-user: rejected: `),
    ]);
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

  it('says what holds a job', async () => {
    const world = await createWorld({
      env: { DELETIONS_PER_HOUR: '0', DAMOOV_INSTANCE_KEY: 'another-key' },
    });
    const signUp = await world.add('create-user', { clientId: 'c' });
    const userId = await world.signUpElsewhere('d');
    const deletion = await world.add('delete-user', { clientId: 'd', userId });
    for (const [clientId, text] of [
      ['c', `held while Damoov refuses the key of the instance default: job ${signUp}, create-user: `],
      ['d', `held by the deletion limit until an operator decides: job ${deletion}, delete-user: `],
    ] as const)
      await expect
        .poll(async () => (await shown(world, clientId)).lines)
        .toContainEqual(expect.stringContaining(text));
    expect(await json(world, 'd')).toMatchObject({ open: [{ heldBy: 'deletion-limit' }] });
  });

  it('looks in all instances unless one is named, and tells a move from a deletion', async () => {
    const world = await createTwoInstances();
    await world.run('create-user', { clientId: 'there', instance: 'other' });
    expect((await shown(world, 'there')).lines.slice(0, 2)).toEqual([
      'instance: other',
      expect.stringMatching(/^user: .*, live$/),
    ]);
    expect((await shown(world, 'there', '--instance', 'default')).status).toBe(1);
    expect((await shown(world, 'nobody')).lines.at(-1)).toBe('looked in all instances: default, other');
    const { subject = '' } = await world.run('create-user', { clientId: 'moved' });
    const { data } = await world.run('move-user', { clientId: 'moved', toInstance: 'other' });
    const { status, lines } = await shown(world, 'moved');
    const now = lines.indexOf('instance: other');
    const left = lines.slice(0, now);
    expect([status, left[0]]).toEqual([
      0,
      `user: none of this clientId any more: user ${subject} had it, and was moved to another instance`,
    ]);
    expect(left).toContainEqual(expect.stringMatching(`^moved away: .*Z, job ${data.jobId}$`));
    expect(left.join()).not.toContain('deleted');
    expect(lines[now + 1]).toBe(`user: ${subject}, live`);
    expect((await shown(world, '--user-id', subject)).lines[0]).toBe(`user: ${subject}, live`);
  });

  it('tells a clientId that was given up from a deletion', async () => {
    const world = await createWorld();
    const { subject } = await world.run('create-user', { clientId: 'old' });
    await world.run('update-user', { clientId: 'old', changes: { clientId: 'new' } });
    const { lines } = await shown(world, 'old');
    expect(lines[0]).toBe(
      `user: none of this clientId any more: user ${subject} had it, and has another clientId now`,
    );
    expect(lines[1]).toContain('clientId given up: ');
    await world.run('delete-user', { clientId: 'new' });
    expect((await shown(world, 'new')).lines).toContainEqual(expect.stringMatching(/^deleted: .*Z, job 3$/));
  });

  it('shows the pending deletion', async () => {
    const world = await createWorld();
    const users = new UserJobs({ redis: world.env['REDIS_URL'] ?? '', prefix: world.prefix });
    onTestFinished(() => users.close());
    const { id, dueAt } = await users.delete({ clientId: 'c' }, { in: '30d' });
    const { status, lines } = await shown(world, 'c');
    expect([status, lines]).toEqual([
      0,
      [expect.stringContaining('no worker has begun'), `deletion: due ${dueAt.toISOString()}, job ${id}`],
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
