import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { createLineSet } from '../../../src/cli/import/line-set.ts';
import { faultsOf, jobDataOf } from '../../../src/cli/import/row-job.ts';
import { createSeen } from '../../../src/cli/import/seen.ts';
import { parseJob } from '../../../src/contract/job.ts';
import { FIELDS } from '../../../src/rows/row.ts';

describe('a row', () => {
  test.prop([
    fc.dictionary(
      fc.constantFrom(...FIELDS),
      fc.oneof(fc.string(), fc.constantFrom('true', '2026-01-01T00:00:00Z', 7, null, false), fc.uuid()),
    ),
  ])('is refused exactly where its job is', (row) => {
    const data = jobDataOf(row);
    expect(faultsOf(1, data).length === 0).toBe(parseJob('create-user', data).ok);
  });

  it('has its faults told by column', () => {
    const faults = faultsOf(3, jobDataOf({ clientId: 'c'.repeat(300), email: 7, createAccessToken: 'yes' }));
    expect(faults.map(({ line, column }) => [line, column])).toEqual([
      [3, 'clientId'],
      [3, 'email'],
      [3, 'createAccessToken'],
    ]);
  });
});

describe('what was seen', () => {
  test.prop([fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 5000 })])(
    'is met again, at the line where it was first, and nothing else is',
    (numbers) => {
      const [seen, known] = [createSeen(), new Map<number, number>()];
      for (const [index, number] of numbers.entries()) {
        expect(seen.meet(`c-${number}`, index + 1)).toBe(known.get(number));
        if (!known.has(number)) known.set(number, index + 1);
      }
    },
  );
});

describe('a set of lines', () => {
  test.prop([fc.array(fc.integer({ min: 1, max: 100_000 }))])(
    'has what was added and nothing else',
    (lines) => {
      const set = createLineSet();
      for (const line of lines) set.add(line);
      const expected = new Set(lines);
      expect(set.size).toBe(expected.size);
      for (const line of lines) {
        expect(set.has(line)).toBe(true);
        expect(set.has(line + 1)).toBe(expected.has(line + 1));
      }
    },
  );
});
