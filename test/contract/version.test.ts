import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  type Version,
  compareVersions,
  isOlder,
  msOf,
  newest,
  versionOf,
} from '../../src/contract/version.ts';

// Few different values, so that equal times and ids of every kind meet.
const version = fc
  .tuple(
    fc.constantFrom(1, 2, 1_700_000_000_000),
    fc.oneof(fc.stringMatching(/^\d{1,3}$/), fc.string({ maxLength: 3 })),
  )
  .map(([timestamp, id]) => versionOf({ id, timestamp }));

describe('the versions of jobs', () => {
  test.prop([fc.array(version, { maxLength: 8 })])('have one order, however they arrive', (versions) => {
    const sorted = versions.toSorted(compareVersions);
    expect(versions.toReversed().sort(compareVersions)).toEqual(sorted);
    for (const [index, a] of sorted.entries()) {
      for (const b of sorted.slice(index)) {
        expect(compareVersions(a, b)).toBeLessThanOrEqual(0);
        // Not what the comparison says of itself: an earlier time is older, whatever the ids are.
        expect(msOf(a)).toBeLessThanOrEqual(msOf(b));
      }
    }
  });

  test.prop([version, version])('are equal only where they are the same', (a, b) => {
    expect(compareVersions(a, b) === 0).toBe(a === b);
    expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
  });

  test.prop([version, version])('the newest of two is one of them, and older than neither', (a, b) => {
    expect([a, b]).toContain(newest(a, b));
    expect(isOlder(newest(a, b), a)).toBe(false);
    expect(isOlder(newest(a, b), b)).toBe(false);
  });

  it('count by what happened at the source, else by when the job was added', () => {
    const occurredAt = '2026-01-01T00:00:00.000+01:00';
    const version = versionOf({ id: '7', timestamp: 5, occurredAt });
    expect(version).toBe(`${Date.parse(occurredAt)} 7`);
    expect(msOf(versionOf({ id: '7', timestamp: 5 }))).toBe(5);
  });

  it('of the same moment count by the id: as numbers where the queue counted them', () => {
    const order: Version[] = [
      '1 9',
      '1 10',
      '1 99999999999999999998',
      '1 99999999999999999999',
      '1 a',
      '1 b 2',
      '2 1',
    ];
    expect(order.toReversed().sort(compareVersions)).toEqual(order);
  });

  it('are not older than themselves', () => {
    expect(isOlder('1 1', '1 1')).toBe(false);
    expect(isOlder('1 1', '1 2')).toBe(true);
  });

  it('that are not known are older than every other', () => {
    expect(isOlder(undefined, '1 1')).toBe(true);
    expect(isOlder('1 1', undefined)).toBe(false);
    expect(isOlder(undefined, undefined)).toBe(false);
    expect(newest(undefined, '1 1')).toBe('1 1');
  });
});
