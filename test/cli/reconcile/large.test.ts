import { describe, expect, it, onTestFinished } from 'vitest';
import { runProcess } from '../../support/run-command.ts';
import { startVastDamoov } from '../../support/vast-damoov.ts';
import { createReconcileWorld, told } from './reconcile-world.ts';

/** Room for about a kilobyte of each user in the list, and for none of those at Damoov. */
const SMALL = ['--max-old-space-size=96', '--max-semi-space-size=2'];

describe('fifty thousand users', { tags: ['slow'] }, () => {
  it('are compared in a heap of 96 MB', async () => {
    const count = 50_000;
    const vast = await startVastDamoov(count);
    onTestFinished(() => vast.close());
    const world = await createReconcileWorld();
    const row = (number: number) =>
      `c-${number},First-${number},Last-${number},+44 ${number},mail-${number}@example.com`;
    const rows = Array.from({ length: count - 1 }, (_, at) => row(at));
    const file = await world.write(
      ['clientId,firstName,lastName,phone,email', ...rows, row(count)].join('\n'),
    );
    const args = ['reconcile', file, '--json', '--as-of', '2025-12-01T00:00:00Z'];
    const end = await runProcess(args, { ...world.env, DAMOOV_BASE_URL: vast.url }, SMALL);
    // The one that is not in the list was created after it.
    expect(told(end)).toEqual([
      { kind: 'missing', line: count + 1, clientId: `c-${count}` },
      {
        summary: {
          listed: count,
          atDamoov: count,
          missing: 1,
          orphaned: 0,
          duplicated: 0,
          differing: 0,
          unknown: 0,
          lookalikes: 0,
          otherInstances: 0,
        },
      },
    ]);
  });
});
