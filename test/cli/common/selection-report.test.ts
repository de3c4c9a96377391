import { describe, expect, it } from 'vitest';
import { type Report, tableOf } from '../../../src/cli/common/selection-report.ts';

interface Entry {
  failedAt: number;
  attempts: number;
  why: string;
}

const report: Report<Entry> = {
  key: 'entries',
  columns: { why: ({ why }) => why },
};
const entries: Entry[] = [
  { failedAt: 1_000_000, attempts: 15, why: 'refused' },
  { failedAt: NaN, attempts: 1, why: 'away\nfor now' },
];
const LINES = ['age  attempts  why', '1m   15        refused', '-    1         away for now'];

describe('the table of a failed set', () => {
  it('aligns its columns, shows no age where the time is unknown, and each entry on one line', () => {
    expect(tableOf(entries, report, 1_060_000)).toEqual(LINES);
  });

  it('cuts the lines that are longer than the terminal is wide, and no other', () => {
    const [, , longest = ''] = LINES;
    expect(tableOf(entries, report, 1_060_000, longest.length)).toEqual(LINES);
    expect(tableOf(entries, report, 1_060_000, longest.length - 1)).toEqual([
      ...LINES.slice(0, 2),
      '-    1         away for n…',
    ]);
  });
});
