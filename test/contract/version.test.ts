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
    fc.constantFrom('create-user', 'update-user', 'delete-user'),
    fc.constantFrom(1, 2, 1_700_000_000_000),
    fc.oneof(fc.stringMatching(/^\d{1,3}$/), fc.string({ maxLength: 3 })),
  )
  .map(([name, timestamp, id]) => versionOf({ name, id, timestamp }));

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
    const version = versionOf({ name: 'create-user', id: '7', timestamp: 5, occurredAt });
    expect(version).toBe(`${Date.parse(occurredAt)} 0 7`);
    expect(msOf(versionOf({ name: 'create-user', id: '7', timestamp: 5 }))).toBe(5);
  });

  it('of the same moment count by the id: as numbers where the queue counted them', () => {
    const order: Version[] = [
      '1 0 9',
      '1 0 10',
      '1 0 99999999999999999998',
      '1 0 99999999999999999999',
      '1 0 a',
      '1 0 b 2',
      '2 0 1',
    ];
    expect(order.toReversed().sort(compareVersions)).toEqual(order);
  });

  it('of the same moment count by what they ask for before their ids: create, update, delete', () => {
    const order = (['create-user', 'update-user', 'delete-user'] as const).map((name, index) =>
      versionOf({ name, id: String(9 - index), timestamp: 1 }),
    );
    expect(order.toReversed().sort(compareVersions)).toEqual(order);
  });

  it('count every digit of the time that the source gives', () => {
    const at = (digits: string) =>
      versionOf({ name: 'update-user', id: '1', timestamp: 5, occurredAt: `2026-01-01T00:00:00.${digits}Z` });
    const order = ['000', '0000001', '00001', '000100', '0002', '001', '0010000001'].map(at);
    expect(order.toReversed().sort(compareVersions)).toEqual(order);
    expect(at('000100')).toBe(at('0001'));
  });

  it('are not older than themselves', () => {
    expect(isOlder('1 0 1', '1 0 1')).toBe(false);
    expect(isOlder('1 0 1', '1 0 2')).toBe(true);
  });

  it('that are not known are older than every other', () => {
    expect(isOlder(undefined, '1 0 1')).toBe(true);
    expect(isOlder('1 0 1', undefined)).toBe(false);
    expect(isOlder(undefined, undefined)).toBe(false);
    expect(newest(undefined, '1 0 1')).toBe('1 0 1');
  });
});
