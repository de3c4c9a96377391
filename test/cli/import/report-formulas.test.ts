import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openReport } from '../../../src/cli/import/import-report.ts';

it.each([
  [true, "'"],
  [false, ''],
])('for a spreadsheet: %s, %j before a formula', async (isForSheet, before) => {
  const dir = await mkdtemp(join(tmpdir(), 'report-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const path = join(dir, 'outcomes.csv');
  const report = await openReport(path, { isForSheet, list: undefined });
  report.of('some-1');
  await report.begin();
  const clientIds = ['=1', '+44', '-1', '@a', '\ta', 'a=1'];
  await report.add(clientIds.map((clientId, at) => ({ line: at + 2, clientId, outcome: 'created' })));
  await report.close();
  const cells = (await readFile(path, 'utf8')).trim().split('\n').slice(1);
  expect(cells.map((line) => line.split(',')[1])).toEqual(
    clientIds.map((clientId) => (clientId === 'a=1' ? clientId : `${before}${clientId}`)),
  );
  const again = await openReport(path, { isForSheet, list: undefined });
  expect(again.counts.created).toBe(6);
  await again.close();
});
