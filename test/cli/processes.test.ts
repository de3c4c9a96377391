import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { newKey, linesOf, receiptsOf } from '../receipts/deletions.ts';
import { runProcess } from '../support/run-command.ts';
import { createWorld } from '../support/world.ts';

const directory = mkdtempSync(join(tmpdir(), 'damoov-processes-'));
afterAll(() => rmSync(directory, { recursive: true }));
const fileOf = (name: string, content: string) => {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
};
const list = fileOf('users.csv', 'clientId\nc-1\n');
const receipts = fileOf('receipts.ndjson', linesOf(receiptsOf(1, ['default'], newKey())).join(''));

/** What else a command does is tested by calling its function. `worker` and `sandbox` have tests that stop them. */
describe('as a process', () => {
  it.each<[string, string[], number, RegExp]>([
    ['create', ['--client-id', 'c-1'], 0, /^added: \S+\n$/],
    ['update', ['--client-id', 'c-1', '--clear', 'phone'], 0, /^added: \S+\n$/],
    ['delete', ['--client-id', 'c-1', '--in', '1d'], 0, /^scheduled: /],
    [
      'deletions',
      ['cancel', '--client-id', 'c-1'],
      1,
      /^none: no deletion of this user is known to be pending\n$/,
    ],
    ['import', [list], 0, /^1 row: 1 added\n$/],
    ['reconcile', [list], 1, /^missing +1  in the list, not at Damoov$/m],
    ['status', [], 0, /^user-jobs +0 waiting/],
    ['events', [], 0, /^$/],
    ['failed', ['list'], 0, /^There is no failed job; each is kept for 14 days.\n$/],
    ['receipts', ['verify', receipts, '--allow-unsigned'], 1, /^broken at line 1: /],
    ['schema', ['create-user'], 0, /^\{\n {2}"\$schema"/],
    ['doctor', [], 0, /^ok {4}redis /],
    ['probe', ['--instance', 'x', '--yes-this-instance-is-disposable'], 2, /^$/],
  ])('`%s %j` ends with status %i, and has told its result', async (name, args, status, told) => {
    const world = await createWorld({ startsWorker: false });
    const end = await runProcess([name, ...args], world.env);
    expect(end).toMatchObject({ status, stdout: expect.stringMatching(told) });
  });
});
