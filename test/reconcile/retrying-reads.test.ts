import { expect, test } from 'vitest';
import { DamoovError, type DamoovErrorKind } from '../../src/damoov/errors.ts';
import { retryingReads } from '../../src/reconcile/retrying-reads.ts';

/** Reads that fail in these ways, one after the other, before they succeed. */
function readsThat(...failures: { kind: DamoovErrorKind; wasSent?: boolean; retryAfterMs?: number }[]) {
  const left = [...failures];
  const pauses: number[] = [];
  const client = retryingReads(
    {
      page: () => Promise.reject(new Error('nobody asks for a page')),
      findUsers: async () => {
        const failure = left.shift();
        if (failure !== undefined) throw new DamoovError({ operation: 'find', wasSent: true, ...failure });
        return [];
      },
    },
    async (ms) => void pauses.push(ms),
  );
  return { client, pauses, left };
}

test('a read is tried again until Damoov is back, and not before it asks for that', async () => {
  const { client, pauses } = readsThat(
    { kind: 'timeout' },
    { kind: 'network' },
    { kind: 'server' },
    { kind: 'rate-limited', retryAfterMs: 5000 },
  );
  expect(await client.findUsers({ clientId: 'a' })).toEqual([]);
  expect(pauses).toHaveLength(4);
  expect(pauses[3]).toBeGreaterThanOrEqual(5000);
});

test.each([
  ['fails', { kind: 'server' }],
  ['asks for slowness', { kind: 'rate-limited' }],
  ['cannot be reached', { kind: 'network', wasSent: false }],
] as const)('a Damoov that %s again and again is told of in the end', async (_what, failure) => {
  const { client, pauses } = readsThat(...Array.from({ length: 20 }, () => failure));
  await expect(client.findUsers({ clientId: 'a' })).rejects.toMatchObject({ kind: failure.kind });
  expect(pauses).toHaveLength(7);
});

test('what the rate of the fleet holds back is waited for, however long that takes', async () => {
  const held = Array.from({ length: 50 }, () => ({ kind: 'rate-limited' as const, wasSent: false }));
  const { client, pauses } = readsThat(...held);
  expect(await client.findUsers({ clientId: 'a' })).toEqual([]);
  expect(pauses).toHaveLength(50);
});

test.each(['login-barred', 'login-refused', 'forbidden', 'malformed', 'unauthorized'] as const)(
  'a read that is answered with %s is not repeated',
  async (kind) => {
    const { client, left } = readsThat({ kind }, { kind });
    await expect(client.findUsers({ clientId: 'a' })).rejects.toMatchObject({ kind });
    expect(left).toHaveLength(1);
  },
);
