/**
 * Finds the tests for a source file, the nearest first: its own test, the tests of its room, then tests elsewhere that exercise
 * the room. The last are in a table.
 */
import { existsSync, globSync } from 'node:fs';
import { join, posix } from 'node:path';

/** Tests of whole jobs. */
const JOBS = (
  'pipeline order identity deletion-guard faults rename lag retained-data deletions deletion-limit ' +
  'refused-logins bad-input waiting receipt'
)
  .split(' ')
  .map((name) => `integration/${name}`);

/** Rooms of src, and the tests elsewhere in test/ that exercise each. A folder stands for all tests in it. */
export const FROM_OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  '': ['docs/readme', 'cli/processes'],
  app: [
    'docs/readme',
    'cli/status',
    'integration/pipeline',
    'integration/rotation',
    'integration/stop',
    'ops/readiness',
  ],
  bullmq: ['cli/failed', 'cli/import', 'cli/events', 'cli/status', 'ops/dashboard', 'integration/pipeline'],
  cli: ['docs/readme', 'docs/runbook'],
  client: [
    'integration/pipeline',
    'cli/create-update',
    'cli/events',
    'cli/import',
    'integration/deletion-guard',
    'model',
  ],
  config: ['docs/readme', 'deploy/kubernetes', 'cli/doctor'],
  contract: ['lifecycle', 'client', 'receipts', ...JOBS, 'cli/schema', 'docs/readme', 'model'],
  damoov: ['integration/pipeline', 'integration/faults', 'integration/fleet-session', 'integration/rotation'],
  dev: ['docs/readme'],
  lifecycle: [...JOBS, 'store/users', 'model'],
  operations: ['lifecycle', ...JOBS, 'model'],
  ops: ['integration/canary', 'deploy/monitoring'],
  receipts: ['contract/receipt', 'integration/receipt', 'cli/receipts'],
  reconcile: ['cli/reconcile'],
  redis: [
    'integration/pipeline',
    'integration/waiting',
    'ops/readiness',
    'integration/tls',
    'integration/cluster',
  ],
  rows: ['cli/import', 'cli/reconcile'],
  sandbox: ['model/sandbox-view', 'integration/pipeline', 'cli/probe'],
  'store/circuits': [
    'integration/refused-logins',
    'integration/deletion-limit',
    'integration/faults',
    'integration/outage',
    'integration/canary',
  ],
  'store/deletions': [
    'integration/deletions',
    'integration/deletion-limit',
    'integration/deletion-guard',
    'cli/deletions',
    'model',
  ],
  'store/imports': ['bullmq/imports', 'cli/import'],
  'store/rate': ['damoov/traffic', 'integration/rate', 'integration/faults'],
  'store/receipts': ['store/users/receipts', 'integration/receipt'],
  'store/session': ['damoov/session', 'integration/fleet-session', 'integration/rotation'],
  'store/settings': ['integration/agreed-settings', 'cli/doctor'],
  'store/users': ['store/circuits', ...JOBS, 'model'],
  'tools/doctor': ['cli/doctor'],
  'tools/probe': ['cli/probe'],
};

/** The rooms of a run without a path. */
export const ROOMS: readonly string[] =
  'contract operations lifecycle damoov client rows reconcile receipts'.split(' ');

/** The room of a file in src: its first folder, under store/ and tools/ the first two. */
export function roomOf(file: string): string {
  const [, first = '', second = '', ...rest] = file.split('/');
  if (second === '') return '';
  const isNested = (first === 'store' || first === 'tools') && rest.length > 0;
  return isNested ? `${first}/${second}` : first;
}

/** Three rings of test files, any of them may be empty: the file's own test, its room, and those from the table. */
export function nearestTests(root: string, file: string): string[][] {
  const folder = posix.dirname(file).replace(/^src/, 'test');
  const room = roomOf(file);
  const own = `${folder}/${posix.basename(file).replace(/\.\w+$/, '')}.test.ts`;
  const ofRoom = room === '' ? [] : [...testsIn(root, folder, '*'), ...testsIn(root, `test/${room}`, '**/*')];
  const outside = (FROM_OUTSIDE[room] ?? []).flatMap((name) =>
    existsSync(join(root, `test/${name}.test.ts`))
      ? [`test/${name}.test.ts`, ...testsIn(root, `test/${name}`, '**/*')]
      : testsIn(root, `test/${name}`, '**/*'),
  );
  const seen = new Set<string>();
  const unseen = (test: string) => !seen.has(test) && seen.add(test);
  return [existsSync(join(root, own)) ? [own] : [], ofRoom, outside].map((ring) => ring.filter(unseen));
}

function testsIn(root: string, folder: string, pattern: string): string[] {
  return globSync(`${folder}/${pattern}.test.ts`, { cwd: root })
    .filter((test) => !test.endsWith('.slow.test.ts'))
    .sort();
}
