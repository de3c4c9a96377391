import { describe, expect, it } from 'vitest';
import { runProcess } from '../../support/run-command.ts';
import { createImportWorld, csvOf } from './import-world.ts';

/** No room for the rows, and young garbage in small portions: or V8 marks all the time, so near its limit. */
const SMALL = ['--max-old-space-size=48', '--max-semi-space-size=2'];

describe('a hundred thousand rows', { tags: ['slow'] }, () => {
  it('are imported in a heap of 48 MB', async () => {
    const world = await createImportWorld();
    const path = await world.file(csvOf(100_000));
    const { status, stdout } = await runProcess(
      ['import', path, '--max-waiting', '1000000'],
      world.env,
      SMALL,
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: '100,000 rows: 100,000 added\n' });
    expect(await world.waiting()).toBe(100_000);
  });
});

describe('a row of twenty million commas', { tags: ['slow'] }, () => {
  it.each([
    ['users.csv', 'clientId,email\n', 'line 2: longer than 4194304 bytes'],
    ['users.ndjson', '{"clientId":"c-1","email":[', 'line 1: longer than 4194304 bytes'],
  ])('of %s is a fault of its line in a heap of 48 MB', async (name, before, fault) => {
    const world = await createImportWorld();
    const path = await world.file(`${before}${','.repeat(20_000_000)}c\n`, name);
    const { status, stderr } = await runProcess(['import', path], world.env, SMALL);
    expect(status).toBe(2);
    expect(stderr).toContain(fault);
  });
});
