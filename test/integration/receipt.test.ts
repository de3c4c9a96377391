import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GENESIS, Receipt, isSignedBy } from '../../src/contract/receipt.ts';
import { watchCalls } from '../support/watch-calls.ts';
import { createWorld } from '../support/world.ts';

/** A new key, and the file that a worker reads it from. */
function keyFile() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const dir = mkdtempSync(join(tmpdir(), 'receipt-key-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'key.pem');
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return { file, publicKey };
}

const receiptOf = ({ data }: { data: object }) => Receipt.parse('receipt' in data ? data.receipt : undefined);

describe('the receipt of a deletion', () => {
  it('says what was asked, when and by which job, and is signed', async () => {
    const { file, publicKey } = keyFile();
    const world = await createWorld({ env: { RECEIPT_PRIVATE_KEY_FILE: file } });
    // Long enough that no signature reads so by chance.
    const clientId = 'customer-4711';
    const created = await world.run('create-user', { clientId });
    const requestedAt = new Date(Date.now() - 5000).toISOString();
    const jobId = await world.add(
      'delete-user',
      { clientId, occurredAt: new Date(Date.now() + 1000).toISOString(), correlationId: 'case 7' },
      { delay: 100 },
    );
    const event = await world.eventOf(jobId);
    const receipt = receiptOf(event);
    expect(receipt).toMatchObject({
      instance: 'default',
      sequence: 1,
      previous: GENESIS,
      jobId,
      correlationId: 'case 7',
      userId: created.data.userId,
      existed: true,
      verified: true,
    });
    expect(receipt.requestedAt > requestedAt).toBe(true);
    const { scheduledFor = '', executedAt = '', confirmedAt = '' } = receipt;
    expect(scheduledFor <= executedAt && executedAt <= confirmedAt).toBe(true);
    expect(isSignedBy(receipt, publicKey)).toBe(true);
    expect(JSON.stringify(receipt)).not.toContain(clientId);
    await expect.poll(async () => (await world.jobs.getJob(jobId))?.returnvalue).toEqual(event.data);
  });

  it('leaves out when it was due, where no calendar holds that', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'c-1' });
    const jobId = await world.add('delete-user', { clientId: 'c-1' }, { delay: Date.parse('9999-12-31') });
    await (await world.jobs.getJob(jobId))?.promote();
    const event = await world.eventOf(jobId);
    expect(event).toMatchObject({ type: 'user.deleted', data: { existed: true, verified: true } });
    const receipt = receiptOf(event);
    expect([receipt.sequence, Object.keys(receipt).includes('scheduledFor')]).toEqual([1, false]);
    expect(await world.requests('delete')).toHaveLength(1);
  });

  it('costs a deletion among many that end at once no more calls to Redis than one alone', async () => {
    const world = await createWorld();
    const { naming, untilNow } = await watchCalls(world);
    const alone = await world.add('delete-user', { clientId: 'alone' }, { jobId: 'alone' });
    await world.eventOf(alone);
    const jobIds = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        world.add('delete-user', { clientId: `c-${n}` }, { jobId: `among-${n}` }),
      ),
    );
    await Promise.all(jobIds.map((id) => world.eventOf(id)));
    await untilNow();
    const usual = naming(alone);
    expect(usual).toBeGreaterThan(1);
    expect(jobIds.map(naming)).toEqual(jobIds.map(() => usual));
  });

  it('is chained to the one before it, however many deletions end at once', async () => {
    const world = await createWorld({ startsWorker: false });
    await Promise.all([world.startWorker(), world.startWorker()]);
    const jobIds = await Promise.all(
      Array.from({ length: 60 }, (_, n) => world.add('delete-user', { clientId: `c-${n}` })),
    );
    const receipts = (await Promise.all(jobIds.map((id) => world.eventOf(id)))).map(receiptOf);
    const inOrder = receipts.toSorted((a, b) => a.sequence - b.sequence);
    expect(inOrder.map(({ sequence }) => sequence)).toEqual(jobIds.map((_, n) => n + 1));
    expect(inOrder.map(({ previous }) => previous)).toEqual([
      GENESIS,
      ...inOrder.slice(0, -1).map(({ hash }) => hash),
    ]);
    expect(inOrder.every(({ existed, executedAt }) => !existed && executedAt === undefined)).toBe(true);
  });
});
