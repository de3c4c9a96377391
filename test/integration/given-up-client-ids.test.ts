/** A user is who it is: after a rename, while deletions and look-ups still know it by the clientId that it has given up. */
import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/world.ts';
import { live } from './client-ids-world.ts';

describe('a deletion that was asked for before its user got another clientId', () => {
  it('deletes that user, and nobody who bears the old one', async () => {
    const world = await createWorld();
    const { subject: userId } = await world.run('create-user', { clientId: 'a' });
    const past = { occurredAt: new Date(Date.now() - 60_000).toISOString() };
    await world.run('update-user', { clientId: 'a', changes: { clientId: 'b' } });
    const other = await world.run('create-user', { clientId: 'a' });
    const gone = await world.run('delete-user', { clientId: 'a', ...past }, hourOld());
    expect([gone.type, gone.subject]).not.toEqual(['user.deleted', other.subject]);
    const early = await createWorld();
    const first = await early.run('create-user', { clientId: 'a', ...past });
    const asked = { occurredAt: new Date(Date.now() - 30_000).toISOString() };
    await early.run('update-user', { clientId: 'a', changes: { clientId: 'b' } });
    const deleted = await early.run('delete-user', { clientId: 'a', ...asked }, hourOld());
    expect(deleted).toMatchObject({ type: 'user.deleted', subject: first.subject, data: { existed: true } });
    expect(await live(early)).toEqual([]);
    expect(userId).not.toBe(other.subject);
  });
});

describe('a deletion that was asked for before a rename, and is held', () => {
  it('leaves the old clientId to the next user', async () => {
    const world = await createWorld({ env: { DELETIONS_PER_HOUR: '1' } });
    await world.run('create-user', { clientId: 'z' });
    await world.run('delete-user', { clientId: 'z' });
    const past = { occurredAt: new Date(Date.now() - 60_000).toISOString() };
    const { subject: userId } = await world.run('create-user', { clientId: 'a', ...past });
    const asked = { occurredAt: new Date(Date.now() - 30_000).toISOString() };
    await world.run('update-user', { clientId: 'a', changes: { clientId: 'b' } });
    await world.add('delete-user', { clientId: 'a', ...asked }, hourOld());
    await expect.poll(() => world.redis.zcard(`${world.prefix}:circuit:deletion-limit:held`)).toBe(1);
    const next = await world.run('create-user', { clientId: 'a' });
    expect(next.subject).not.toBe(userId);
    expect((await live(world)).map(({ clientId }) => clientId)).toEqual(['b', 'a']);
  });
});

describe('a look-up that lags behind a rename', () => {
  it('has nobody deleted under the clientId that the user has given up', async () => {
    let laterMs = 0;
    const now = () => Date.now() + laterMs;
    const world = await createWorld({ sandbox: { clock: now }, timings: { now, lagMs: 600_000 } });
    await world.run('create-user', { clientId: 'a' });
    await world.setModes({ findLagMs: 500_000 });
    await world.run('update-user', { clientId: 'a', changes: { clientId: 'b' } });
    const deletion = await world.add('delete-user', { clientId: 'a' });
    await expect.poll(() => world.jobs.getJobState(deletion)).toBe('delayed');
    laterMs = 600_000;
    await (await world.jobs.getJob(deletion))?.promote();
    expect(await world.eventOf(deletion)).toMatchObject({ type: 'user.deleted', data: { existed: false } });
    expect(await live(world)).toMatchObject([{ clientId: 'b' }]);
    expect(await world.requests('delete')).toEqual([]);
  });

  it('keeps nobody from getting that clientId', async () => {
    const world = await createWorld({ timings: { lagMs: 60_000 } });
    await world.run('create-user', { clientId: 'a' });
    await world.run('create-user', { clientId: 'c' });
    await world.setModes({ findLagMs: 60_000 });
    await world.run('update-user', { clientId: 'a', changes: { clientId: 'b' } });
    const renamed = await world.run('update-user', { clientId: 'c', changes: { clientId: 'a' } });
    expect(renamed).toMatchObject({ type: 'user.updated' });
    expect((await live(world)).map(({ clientId }) => clientId)).toEqual(['b', 'a']);
  });
});

/** Waits for nothing that may still come. */
function hourOld() {
  return { timestamp: Date.now() - 3_600_000 };
}
