import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { jobFaults, toJobData, parseStatus } from '../../../src/cli/import/row-job.ts';
import { listTime } from '../../../src/cli/import/source.ts';
import { parseListedRow } from '../../../src/cli/reconcile/listed.ts';
import { parseJob } from '../../../src/contract/job.ts';
import { FIELDS } from '../../../src/rows/row.ts';

const NO_UUID = 'must be a UUID, by which Damoov knows the user; your own id of a user is its clientId';

describe('a row', () => {
  test.prop([
    fc.dictionary(
      fc.constantFrom(...FIELDS),
      fc.oneof(fc.string(), fc.constantFrom('true', '2026-01-01T00:00:00Z', 7, null, false), fc.uuid()),
    ),
  ])('is refused exactly where its job is', (row) => {
    const data = toJobData(row);
    expect(jobFaults(1, data).length === 0).toBe(parseJob('create-user', data).ok);
  });

  it('reads the words and numbers of a spreadsheet with blanks around them and in any case, and leaves blank cells out', () => {
    const row = { clientId: 'c', gender: ' Female ', childrenCount: ' 2 ', birthday: ' 1990-01-01 ' };
    expect(toJobData(row)).toEqual({
      clientId: 'c',
      profile: { gender: 'female', childrenCount: 2, birthday: '1990-01-01' },
    });
    expect(toJobData({ clientId: 'c', birthday: ' ', childrenCount: ' ', imageUrl: ' ' })).toEqual({
      clientId: 'c',
    });
  });

  it.each([
    [true, ['true', 'TRUE', ' Yes ', '1', 1, true]],
    [false, ['false', 'False', 'NO', ' 0', 0, false]],
    [undefined, ['', ' ', null, undefined]],
  ])('has a setting of %j in many ways', (value, ways) => {
    for (const way of ways) {
      expect([way, toJobData({ clientId: 'c', tracking: way, createAccessToken: way })]).toEqual([
        way,
        {
          clientId: 'c',
          ...(value !== undefined && { createAccessToken: value, settings: { tracking: value } }),
        },
      ]);
    }
  });

  it('has all its settings beside the profile, and any other word is a fault that says what is allowed', () => {
    const row = {
      clientId: 'c',
      city: 'x',
      enabled: '1',
      tracking: 'no',
      logging: '',
      realTimeLocation: 'yes',
    };
    const settings = { enabled: true, tracking: false, realTimeLocation: true };
    expect(toJobData(row)).toEqual({ clientId: 'c', profile: { city: 'x' }, settings });
    for (const value of ['on', 'y', 2, '00']) {
      expect(jobFaults(3, toJobData({ ...row, logging: value }))).toEqual([
        { line: 3, column: 'logging', message: 'must be true, yes or 1, or false, no or 0' },
      ]);
    }
  });

  it('has a status apart from its job, in any case, and another word is a fault', () => {
    expect(toJobData({ clientId: 'c', status: 'active' })).toEqual({ clientId: 'c' });
    expect(parseStatus(3, { status: ' Deactivated ' })).toEqual({ status: 'deactivated', faults: [] });
    for (const status of ['', ' ', null, undefined])
      expect(parseStatus(3, { status })).toEqual({ faults: [] });
    for (const status of ['Inactive', 'x', 0, false]) {
      const message = 'must be active or deactivated';
      expect(parseStatus(3, { status })).toEqual({ faults: [{ line: 3, column: 'status', message }] });
    }
  });

  it('has its faults reported by column', () => {
    const faults = jobFaults(
      3,
      toJobData({ clientId: 'c'.repeat(300), email: 7, createAccessToken: 'perhaps' }),
    );
    expect(faults.map(({ line, column }) => [line, column])).toEqual([
      [3, 'clientId'],
      [3, 'email'],
      [3, 'createAccessToken'],
    ]);
  });

  it('with an id that could become another one gets all its faults by column, and the id in quotes', () => {
    const row = { clientId: ' Zoe\u0308' };
    const messages = ['has blanks at its ends: trim it', 'is not in Unicode NFC: normalize it to NFC'];
    const faults = messages.map((message) => ({
      line: 3,
      column: 'clientId',
      message: `${message}: ${String.raw`" Zoe\u0308"`}`,
    }));
    expect(jobFaults(3, toJobData(row))).toEqual(faults);
    const options = { instance: 'default', instances: ['default'], emptyClears: false };
    expect(parseListedRow({ is: 'row', line: 3, data: row }, options)).toMatchObject({
      is: 'faulty',
      faults,
    });
  });

  it.each([
    ['clientId', ' ', 'must not be blank: " "'],
    [
      'clientId',
      'c-1\u200B',
      String.raw`has control or zero-width characters: remove them, they are invisible and easily lost: "c-1\u200b"`,
    ],
    ['userId', 'abc ', `${NO_UUID}: "abc "`],
    ['userId', 'abc', NO_UUID],
    ['email', ' '.repeat(1025), 'Too big: expected string to have <=1024 characters'],
  ])('has of a faulty %s %j what cannot be seen shown, and nothing else', (column, value, message) => {
    expect(jobFaults(3, toJobData({ [column]: value }))).toEqual([{ line: 3, column, message }]);
  });

  it('that happened before the year 2000 is refused by that column', () => {
    const row = { clientId: 'c-1', occurredAt: '1970-01-21T18:51:18Z' };
    const message = 'is before the year 2000: it looks like seconds instead of milliseconds';
    expect(jobFaults(3, toJobData(row))).toEqual([{ line: 3, column: 'occurredAt', message }]);
    const options = { instance: 'default', instances: ['default'], emptyClears: false };
    const listed = parseListedRow({ is: 'row', line: 3, data: row }, options);
    expect(listed).toMatchObject({ is: 'faulty', faults: [{ column: 'occurredAt', message }] });
  });
});

describe('a list', () => {
  it('that says it is older than any job may be is refused, and told how to say better', () => {
    const now = Date.now();
    expect(() => listTime({ writtenAt: 0 }, undefined)).toThrow('with --as-of');
    expect(() => listTime({ writtenAt: now }, 0)).toThrow('--as-of: is before the year 2000');
    expect(listTime({ writtenAt: 0 }, Date.UTC(2026, 0, 1))).toBe(Date.UTC(2026, 0, 1));
  });
});
