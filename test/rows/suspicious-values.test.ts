import { describe, expect, it } from 'vitest';
import type { RowData } from '../../src/rows/row.ts';
import { createSuspiciousValues } from '../../src/rows/suspicious-values.ts';

function warningsOf(...values: unknown[]): string[] {
  const suspicious = createSuspiciousValues();
  for (const [index, phone] of values.entries()) suspicious.look(row(index + 2, { clientId: 'c', phone }));
  return suspicious.warnings();
}

const row = (line: number, data: RowData) => ({ is: 'row' as const, line, data });

const SPREADSHEET = 'a spreadsheet changed them: format the column as text and export it again';

describe('a value', () => {
  it.each([
    ['4.48E+11', `like 4.48E+11: 1 (line 2): ${SPREADSHEET}`],
    ['4,48E+11', `like 4.48E+11: 1 (line 2): ${SPREADSHEET}`],
    ['-1E-05', `like 4.48E+11: 1 (line 2): ${SPREADSHEET}`],
    [' 4.48e+11 ', `like 4.48E+11: 1 (line 2): ${SPREADSHEET}`],
    ["'+49123", `like '+1: 1 (line 2): ${SPREADSHEET}`],
    ...['#NAME?', '#REF!', '####', '#N/A'].map((value) => [
      value,
      'like #NAME?: 1 (line 2): errors of a spreadsheet',
    ]),
    ...['NULL', 'null', 'n/a', String.raw`\N`, 'undefined'].map((value) => [
      value,
      'like NULL: 1 (line 2): use --empty to treat them as empty',
    ]),
    ['[object Object]', 'like [object Object]: 1 (line 2): a program wrote an object instead of a text'],
    ['M\uFFFDller', 'with U+FFFD: 1 (line 2): it replaces a lost letter'],
  ])('%j is told as suspicious', (value, warning) => {
    expect(warningsOf(value)).toEqual([`phone ${warning}`]);
  });

  it.each([
    '448000000000',
    '+49 123',
    'E+11',
    '12E34',
    '1e5',
    'Nullmeier',
    'Nanette',
    '#1',
    '#',
    "O'Neil",
    "'tis",
    'Noname',
    '',
    'NULL NULL',
    4.48e21,
    null,
    undefined,
    true,
    { a: 'NULL' },
  ])('%j is not', (value) => {
    expect(warningsOf(value)).toEqual([]);
  });

  it('is counted by column and kind, with the first lines of each', () => {
    const suspicious = createSuspiciousValues();
    for (let line = 2; line <= 1300; line += 1) {
      suspicious.look(row(line, { clientId: '1E+9', lastName: 'Ada' }));
    }
    suspicious.look(row(1301, { clientId: 'NULL', lastName: 'NULL' }));
    suspicious.look(row(1302, { clientId: '2E+9', lastName: 'NULL' }));
    const ofIds = [
      `clientId like 4.48E+11: 1,300 (lines 2, 3, 4, …): ${SPREADSHEET}`,
      'clientId like NULL: 1 (line 1301): use --empty to treat them as empty',
    ];
    const ofNames = 'lastName like NULL: 2 (lines 1301, 1302): use --empty to treat them as empty';
    expect(suspicious.warnings()).toEqual([...ofIds, ofNames]);
    expect(suspicious.doubts()).toEqual(ofIds);
  });

  it.each([
    [['1234567890123450', '123456789012345000', 'c-1'], 2],
    [['1234567890123450', '1234567890123460', '1234567890123457'], 2],
    [['1234567890123450', '1234567890123456'], 0],
    [['123456789012340', '1234567890'], 0],
  ])('of a clientId has lost its digits behind the 15th where most of them have: %j', (clientIds, count) => {
    const suspicious = createSuspiciousValues();
    for (const [index, clientId] of clientIds.entries()) suspicious.look(row(index + 2, { clientId }));
    const warning = `clientId with only zeros after 15 digits: 2 (lines 2, 3): ${SPREADSHEET}`;
    expect(suspicious.warnings()).toEqual(count > 0 ? [warning] : []);
    expect(suspicious.doubts()).toEqual(suspicious.warnings());
  });
});

describe('a row without a value', () => {
  it('is counted, and may mean anybody', () => {
    const suspicious = createSuspiciousValues();
    for (const line of [3, 5]) suspicious.look({ is: 'empty', line });
    expect(suspicious.warnings()).toEqual([
      'rows without a value in any column that is read: 2 (lines 3, 5): ' +
        'add a clientId if the row means a user (--map names its column), else remove it',
    ]);
    expect(suspicious.doubts()).toEqual(suspicious.warnings());
  });
});
